#include "redis/command_table.h"

#include <gtest/gtest.h>

#include <cctype>
#include <string>

namespace kvorum::redis {
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

TEST(CommandTable, TellsOfDataCommandsWhatTheirOperationsAre) {
    for (const CommandSpec& command : data_commands()) {
        SCOPED_TRACE(command.name);
        const ops::Operation& operation = *command.operation;
        EXPECT_EQ(command.name, operation.name);
        EXPECT_EQ((command.flags & kFlagWrite) != 0, operation.kind == ops::OperationKind::kWrite);
        EXPECT_EQ((command.flags & kFlagDenyOom) != 0, operation.may_grow());
        for (const size_t count : {1, 2, 3, 4, 5, 6, 1000})
            EXPECT_EQ(command.takes(count), operation.takes(count)) << count;
    }
}

TEST(CommandTable, HasACommandForEveryOperation) { EXPECT_EQ(data_commands().size(), ops::kOperations.size()); }

TEST(CommandTable, NamesEveryCommandOnce) {
    for (const CommandSpec& command : server_commands()) {
        EXPECT_EQ(command.operation, nullptr) << command.name;
        EXPECT_EQ(find_command(command.name), &command);
        EXPECT_EQ(&server_commands()[server_code_of(command) - 1], &command);
    }
}

TEST(Arity, IsExactOrALowerBound) {
    const CommandSpec& get = *find_data_command("get");
    EXPECT_FALSE(get.takes(1));
    EXPECT_TRUE(get.takes(2));
    EXPECT_FALSE(get.takes(3));
    const CommandSpec& del = *find_data_command("del");
    EXPECT_FALSE(del.takes(1));
    EXPECT_TRUE(del.takes(2));
    EXPECT_TRUE(del.takes(1000));
}

}  // namespace
}  // namespace kvorum::redis
