// The same commands to redis-server 7.0.15 and to a one-node kvorumd over real sockets: the same bytes come back, in
// RESP2 and RESP3. The commands, and the few that differ with their reasons, stand in redis_commands.txt. What
// kv_redis_equality_test does for the state machine with many more commands, this does for the whole way: parser,
// dispatcher, log, apply, writer.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/assert.h"
#include "redis/inline_command.h"
#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tests/integration/redis_server.h"

namespace kvorum::integration {
namespace {

constexpr auto kTimeout = Milliseconds(15'000);

struct Line {
    uint32_t number = 0;
    std::string text;
    std::vector<std::string> words;
    std::string reason;  // why the replies differ; empty: they are equal
};

std::vector<Line> read_lines() {
    std::vector<Line> lines;
    std::ifstream file("tests/integration/redis_commands.txt");
    KVORUM_ASSERT(file.good(), "run from the root of the tree");
    std::string text;
    std::string reason;
    for (uint32_t number = 1; std::getline(file, text); ++number) {
        if (text.empty() || text.starts_with('#')) continue;
        if (text.starts_with("differs: ")) {
            reason = text.substr(9);
            continue;
        }
        std::string storage;
        std::vector<redis::ByteSpan> spans;
        KVORUM_ASSERT(redis::split_inline_command(text, storage, spans), "redis_commands.txt:{}: quotes", number);
        Line line{.number = number, .text = text, .words = {}, .reason = std::exchange(reason, {})};
        for (const redis::ByteSpan span : spans)
            line.words.push_back(storage.substr(span.offset, span.size));
        lines.push_back(std::move(line));
    }
    return lines;
}

// The exact bytes that a server answers, found by what it answers to a PING behind the command.
class WireClient {
 public:
    WireClient(const reactor::Endpoint& node, int protocol) : connection_(node, kTimeout), protocol_(protocol) {
        if (protocol == 3) (void)ask({"HELLO", "3"});
    }

    std::string ask(const std::vector<std::string>& words) {
        const std::string mark = fmt::format("mark-{}", ++marks_);
        const std::string ending = fmt::format("${}\r\n{}\r\n", mark.size(), mark);
        connection_.send(encode(words) + encode({"PING", mark}));
        std::string reply = connection_.receive_until(ending);
        if (!reply.ends_with(ending)) return fmt::format("(no end of the reply) {}", reply);
        reply.resize(reply.size() - ending.size());
        // These two change what the connection speaks.
        if (protocol_ == 3 && (words[0] == "RESET" || words[0] == "HELLO")) {
            const int protocol = std::exchange(protocol_, 2);
            (void)ask({"HELLO", std::to_string(protocol)});
            protocol_ = protocol;
        }
        return reply;
    }

 private:
    RawConnection connection_;
    int protocol_;
    uint64_t marks_ = 0;
};

class RedisEqualityTest : public testing::TestWithParam<int> {};

TEST_P(RedisEqualityTest, TheSameBytesForTheSameCommands) {
    RedisServer redis;
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    WireClient theirs(redis.endpoint(), GetParam());
    WireClient ours(cluster.endpoint(1), GetParam());
    for (const Line& line : read_lines()) {
        const std::string expected = theirs.ask(line.words);
        const std::string found = ours.ask(line.words);
        if (line.reason.empty()) {
            EXPECT_EQ(found, expected) << "redis_commands.txt:" << line.number << ": " << line.text;
        } else {
            EXPECT_NE(found, expected) << "redis_commands.txt:" << line.number << ": " << line.text
                                       << " does not differ any more (" << line.reason << ")";
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Protocols, RedisEqualityTest, testing::Values(2, 3),
                         [](const auto& info) { return fmt::format("Resp{}", info.param); });

}  // namespace
}  // namespace kvorum::integration
