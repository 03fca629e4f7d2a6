#include "ops/operation_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>
#include <utility>

namespace kvorum::ops {
namespace {

TEST(OperationTable, HasNoCodeTwice) {
    std::set<OperationCode> codes;
    for (const Operation& operation : kOperations)
        EXPECT_TRUE(codes.insert(operation.code).second) << operation.name;
}

// Codes are in logs on disks: these numbers may grow in number, never change.
TEST(OperationTable, KeepsTheCodesOfTheLogFormat) {
    const std::pair<std::string_view, uint16_t> logged[] = {
        {"set", 1},       {"getdel", 6},  {"getex", 7},        {"mset", 8},     {"append", 10},
        {"setrange", 11}, {"incrby", 14}, {"incrbyfloat", 16}, {"del", 17},     {"expire", 19},
        {"persist", 23},  {"rename", 24}, {"copy", 26},        {"flushall", 28}};
    for (const auto& [name, code] : logged)
        EXPECT_EQ(operation_of(OperationCode{code}).name, name);
}

TEST(OperationTable, LetsOnlyWritesGrowTheState) {
    for (const Operation& operation : kOperations)
        EXPECT_TRUE(operation.kind == OperationKind::kWrite || !operation.may_grow()) << operation.name;
}

TEST(OperandCount, IsExactOrALowerBound) {
    const Operation& get = operation_of(OperationCode::kGet);
    EXPECT_FALSE(get.takes(1));
    EXPECT_TRUE(get.takes(2));
    EXPECT_FALSE(get.takes(3));
    const Operation& del = operation_of(OperationCode::kDel);
    EXPECT_FALSE(del.takes(1));
    EXPECT_TRUE(del.takes(2));
    EXPECT_TRUE(del.takes(1'000'000));
    EXPECT_TRUE(operation_of(OperationCode::kDbsize).takes(1));
    EXPECT_FALSE(operation_of(OperationCode::kDbsize).takes(0));
}

}  // namespace
}  // namespace kvorum::ops
