#include "wal/storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kvorum::wal {
namespace {

using reactor::DirectIo;
using ::testing::AllOf;
using ::testing::HasSubstr;

reactor::DeviceFacts facts(DirectIo direct_io, const std::string& volatile_because = "") {
    reactor::DeviceFacts out;
    out.filesystem = "somefs";
    out.direct_io = direct_io;
    out.volatile_because = volatile_because;
    return out;
}

TEST(Storage, ADiskIsFineBufferedOrNot) {
    for (const DirectIo direct_io : {DirectIo::kYes, DirectIo::kBuffered, DirectIo::kUnknown})
        EXPECT_TRUE(check_storage(facts(direct_io), "/data", false).ok());
}

TEST(Storage, WhatKeepsNothingIsRefusedWithTheWayOut) {
    const absl::Status refused = check_storage(facts(DirectIo::kBuffered, "it is memory"), "/data", false);
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(refused.message()),
                AllOf(HasSubstr("/data is on somefs"), HasSubstr("it is memory"), HasSubstr("allow-volatile-storage")));
}

TEST(Storage, WhatKeepsNothingMayBeAllowedWithoutDirectIoToo) {
    EXPECT_TRUE(check_storage(facts(DirectIo::kBuffered, "it is memory"), "/data", true).ok());
    EXPECT_TRUE(check_storage(facts(DirectIo::kRefused, "it is memory"), "/data", true).ok());
}

TEST(Storage, ADiskWithoutDirectIoIsRefused) {
    const absl::Status refused = check_storage(facts(DirectIo::kRefused), "/data", true);
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(refused.message()), HasSubstr("O_DIRECT"));
}

}  // namespace
}  // namespace kvorum::wal
