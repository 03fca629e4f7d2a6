#include "reactor/io_backend.h"

#include <gtest/gtest.h>

namespace kvorum::reactor {
namespace {

TEST(Endpoint, IsHostAndPort) {
    EXPECT_EQ(Endpoint::parse("127.0.0.1:7001"), (Endpoint{.host = "127.0.0.1", .port = 7001}));
    EXPECT_EQ(Endpoint::parse("localhost:1"), (Endpoint{.host = "localhost", .port = 1}));
}

TEST(Endpoint, AnIpv6AddressStandsInBrackets) {
    const Endpoint endpoint{.host = "::1", .port = 7001};
    EXPECT_EQ(Endpoint::parse("[::1]:7001"), endpoint);
    EXPECT_EQ(endpoint.to_string(), "[::1]:7001");
}

TEST(Endpoint, WhatIsNoEndpointIsRefused) {
    for (const char* text : {"", ":", ":1", "host", "host:", "host:x", "host:1x", "host:65536", "host:-1", "::1:7",
                             "[]:7", "[::1:7", "[::1]7"}) {
        EXPECT_FALSE(Endpoint::parse(text).has_value()) << text;
    }
}

TEST(Endpoint, ParsesWhatItPrints) {
    const Endpoint endpoint{.host = "node-1.example", .port = 65535};
    EXPECT_EQ(Endpoint::parse(endpoint.to_string()), endpoint);
}

TEST(DeviceFacts, SayWhatMattersForSyncs) {
    DeviceFacts facts;
    facts.device = "vda";
    facts.write_cache = "write back";
    facts.fua = "0";
    facts.filesystem = "ext4";
    facts.direct_io = DirectIo::kYes;
    facts.direct_io_reason = "says statx";
    EXPECT_EQ(facts.to_string(),
              "device vda (ext4), write_cache write back, fua 0, logical block 512 bytes, physical block 4096 bytes, "
              "direct I/O yes (says statx)");
}

}  // namespace
}  // namespace kvorum::reactor
