#include "ops/command_table.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>
#include <utility>

namespace kvorum::ops {
namespace {

TEST(CommandTable, FindsEveryCommandInAnyCase) {
    for (const CommandSpec& spec : data_commands()) {
        std::string upper(spec.name);
        for (char& c : upper)
            c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        EXPECT_EQ(find_data_command(spec.name), &spec);
        EXPECT_EQ(find_data_command(upper), &spec);
    }
}

TEST(CommandTable, FindsNothingElse) {
    for (const char* name : {"", "ge", "gets", "ping", "get ", "hset", "averyveryverylongcommandname"}) {
        EXPECT_EQ(find_data_command(name), nullptr) << name;
    }
}

TEST(CommandTable, HasNoCodeTwice) {
    std::set<uint16_t> codes;
    for (const CommandSpec& spec : data_commands())
        EXPECT_TRUE(codes.insert(spec.code).second) << spec.name;
}

// Codes are in logs on disks: these numbers may grow in number, never change.
TEST(CommandTable, KeepsTheCodesOfTheLogFormat) {
    const std::pair<const char*, uint16_t> logged[] = {
        {"set", 1},       {"getdel", 6},  {"getex", 7},        {"mset", 8},     {"append", 10},
        {"setrange", 11}, {"incrby", 14}, {"incrbyfloat", 16}, {"del", 17},     {"expire", 19},
        {"persist", 23},  {"rename", 24}, {"copy", 26},        {"flushall", 28}};
    for (const auto& [name, code] : logged)
        EXPECT_EQ(find_data_command(name)->code, code) << name;
}

TEST(CommandTable, TellsWritesByTheirFlag) {
    for (const CommandSpec& spec : data_commands()) {
        EXPECT_EQ(spec.kind == CommandKind::kWrite, (spec.flags & kFlagWrite) != 0) << spec.name;
    }
}

TEST(Arity, IsExactOrALowerBound) {
    const CommandSpec& get = *find_data_command("get");
    EXPECT_FALSE(arity_fits(get, 1));
    EXPECT_TRUE(arity_fits(get, 2));
    EXPECT_FALSE(arity_fits(get, 3));
    const CommandSpec& del = *find_data_command("del");
    EXPECT_FALSE(arity_fits(del, 1));
    EXPECT_TRUE(arity_fits(del, 2));
    EXPECT_TRUE(arity_fits(del, 1000));
}

}  // namespace
}  // namespace kvorum::ops
