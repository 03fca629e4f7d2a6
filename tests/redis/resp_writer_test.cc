#include "redis/resp_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

namespace kvorum::redis {
namespace {

std::string written(RespVersion version, const std::function<void(RespWriter&)>& write) {
    std::string out;
    RespWriter writer(out, version);
    write(writer);
    return out;
}

std::string resp2(const std::function<void(RespWriter&)>& write) { return written(RespVersion::kResp2, write); }
std::string resp3(const std::function<void(RespWriter&)>& write) { return written(RespVersion::kResp3, write); }
std::string both(const std::function<void(RespWriter&)>& write) {
    EXPECT_EQ(resp2(write), resp3(write));
    return resp2(write);
}

TEST(RespWriter, WritesTheTypesThatBothVersionsShare) {
    EXPECT_EQ(both([](RespWriter& w) { w.done(); }), "+OK\r\n");
    EXPECT_EQ(both([](RespWriter& w) { w.error("ERR syntax error"); }), "-ERR syntax error\r\n");
    EXPECT_EQ(both([](RespWriter& w) { w.bytes("hello"); }), "$5\r\nhello\r\n");
    EXPECT_EQ(both([](RespWriter& w) { w.bytes(""); }), "$0\r\n\r\n");
    EXPECT_EQ(both([](RespWriter& w) { w.bytes(std::string_view("\0\r\n", 3)); }), std::string("$3\r\n\0\r\n\r\n", 9));
    EXPECT_EQ(both([](RespWriter& w) { w.list(3); }), "*3\r\n");
    EXPECT_EQ(both([](RespWriter& w) { w.list(0); }), "*0\r\n");
}

TEST(RespWriter, WritesIntegersOfAllSizes) {
    EXPECT_EQ(both([](RespWriter& w) { w.integer(0); }), ":0\r\n");
    EXPECT_EQ(both([](RespWriter& w) { w.integer(-42); }), ":-42\r\n");
    EXPECT_EQ(both([](RespWriter& w) { w.integer(std::numeric_limits<int64_t>::max()); }), ":9223372036854775807\r\n");
    EXPECT_EQ(both([](RespWriter& w) { w.integer(std::numeric_limits<int64_t>::min()); }), ":-9223372036854775808\r\n");
}

// Redis 8.6.1: text of a client with a line break was echoed into an error, and split the reply.
TEST(RespWriter, AnErrorStaysOnOneLine) {
    EXPECT_EQ(both([](RespWriter& w) { w.error("ERR got '\r\n'"); }), "-ERR got '  '\r\n");
}

TEST(RespWriter, Resp2HasFewerTypes) {
    EXPECT_EQ(resp2([](RespWriter& w) { w.nothing(); }), "$-1\r\n");
    EXPECT_EQ(resp2([](RespWriter& w) { w.no_list(); }), "*-1\r\n");
    EXPECT_EQ(resp2([](RespWriter& w) { w.truth(true); }), ":1\r\n");
    EXPECT_EQ(resp2([](RespWriter& w) { w.truth(false); }), ":0\r\n");
    EXPECT_EQ(resp2([](RespWriter& w) { w.number(1.5); }), "$3\r\n1.5\r\n");
    EXPECT_EQ(resp2([](RespWriter& w) { w.text("abc"); }), "$3\r\nabc\r\n");
    EXPECT_EQ(resp2([](RespWriter& w) { w.map(7); }), "*14\r\n");
    EXPECT_EQ(resp2([](RespWriter& w) { w.set(7); }), "*7\r\n");
    EXPECT_EQ(resp2([](RespWriter& w) { w.push(2); }), "*2\r\n");
}

TEST(RespWriter, Resp3HasATypeForEach) {
    EXPECT_EQ(resp3([](RespWriter& w) { w.nothing(); }), "_\r\n");
    EXPECT_EQ(resp3([](RespWriter& w) { w.no_list(); }), "_\r\n");
    EXPECT_EQ(resp3([](RespWriter& w) { w.truth(true); }), "#t\r\n");
    EXPECT_EQ(resp3([](RespWriter& w) { w.truth(false); }), "#f\r\n");
    EXPECT_EQ(resp3([](RespWriter& w) { w.number(1.5); }), ",1.5\r\n");
    EXPECT_EQ(resp3([](RespWriter& w) { w.text("abc"); }), "=7\r\ntxt:abc\r\n");
    EXPECT_EQ(resp3([](RespWriter& w) { w.map(7); }), "%7\r\n");
    EXPECT_EQ(resp3([](RespWriter& w) { w.set(7); }), "~7\r\n");
    EXPECT_EQ(resp3([](RespWriter& w) { w.push(2); }), ">2\r\n");
}

// The texts of redis-server 7.0.15.
TEST(RespWriter, DoublesReadAsInRedis) {
    const auto text = [](double value) { return resp3([value](RespWriter& w) { w.number(value); }); };
    EXPECT_EQ(text(0.1), ",0.10000000000000001\r\n");
    EXPECT_EQ(text(3), ",3\r\n");
    EXPECT_EQ(text(-0.0), ",-0\r\n");
    EXPECT_EQ(text(1e21), ",1e+21\r\n");
    EXPECT_EQ(text(1e-7), ",9.9999999999999995e-08\r\n");
    EXPECT_EQ(text(std::numeric_limits<double>::infinity()), ",inf\r\n");
    EXPECT_EQ(text(-std::numeric_limits<double>::infinity()), ",-inf\r\n");
    EXPECT_EQ(text(std::nan("")), ",nan\r\n");
    EXPECT_EQ(text(std::numeric_limits<double>::denorm_min()), ",4.9406564584124654e-324\r\n");
    EXPECT_EQ(text(std::numeric_limits<double>::max()), ",1.7976931348623157e+308\r\n");
}

TEST(RespWriter, AppendsAndFollowsItsSettings) {
    std::string first = "x";
    std::string second;
    RespWriter writer(first);
    writer.nothing();
    writer.set_version(RespVersion::kResp3);
    writer.set_output(second);
    writer.nothing();
    EXPECT_EQ(first, "x$-1\r\n");
    EXPECT_EQ(second, "_\r\n");
}

TEST(RespWriter, WritesCommandsAsClientsSendThem) {
    std::string out;
    write_command(std::vector<std::string>{"SET", "k", ""}, out);
    EXPECT_EQ(out, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
}

}  // namespace
}  // namespace kvorum::redis
