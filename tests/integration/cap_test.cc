// What a connection chose with CLIENT CONSISTENCY, at a real node with a majority and without one: the transcript of
// docs/cap.md, and reads at followers beside writes at the leader.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"

namespace kvorum::integration {
namespace {

constexpr auto kDeadline = Milliseconds(30'000);

std::vector<std::string> transcript() {
    std::ifstream file("docs/cap.md");
    std::vector<std::string> lines;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line == "```" && inside) break;
        if (inside) lines.push_back(line);
        inside = inside || line == "```transcript";
    }
    return lines;
}

std::vector<std::string> words_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> words;
    for (std::string word; stream >> word;)
        words.push_back(word);
    return words;
}

class CapTest : public ::testing::Test {
 protected:
    CapTest() {
        cluster_.start_all();
        node_ = cluster_.wait_for_follower();
    }

    void cut_off() {
        for_others([&](uint32_t other) { cluster_.pause(other); });
        ASSERT_TRUE(wait_until(kDeadline, [&] {
            const auto status = cluster_.status(node_);
            return status.has_value() && status->leader_id == 0;
        }));
    }
    void reconnect() {
        for_others([&](uint32_t other) { cluster_.resume(other); });
        ASSERT_TRUE(wait_until(kDeadline, [&] {
            const auto status = cluster_.status(node_);
            return status.has_value() && status->leader_id != 0;
        }));
    }
    std::string say(const std::string& name, const std::string& command) {
        auto& client = clients_[name];
        if (client == nullptr) client = std::make_unique<Client>(cluster_.endpoint(node_));
        const Answer answer = client->command(words_of(command));
        return (answer.is_error() ? "(error) " : "") + answer.to_string();
    }

    Cluster cluster_{{}};
    uint32_t node_ = 0;  // a follower

 private:
    void for_others(const std::function<void(uint32_t)>& act) {
        for (uint32_t other = 1; other <= cluster_.size(); ++other)
            if (other != node_) act(other);
    }

    std::map<std::string, std::unique_ptr<Client>> clients_;
};

TEST_F(CapTest, TheTranscriptOfTheDocumentIsWhatHappens) {
    const std::vector<std::string> lines = transcript();
    ASSERT_FALSE(lines.empty());
    for (size_t i = 0; i < lines.size(); ++i) {
        SCOPED_TRACE(lines[i]);
        if (lines[i].starts_with("-- ")) {
            lines[i].ends_with("out of reach") ? cut_off() : reconnect();
            continue;
        }
        const size_t prompt = lines[i].find("> ");
        ASSERT_NE(prompt, std::string::npos);
        ASSERT_LT(i + 1, lines.size());
        const std::string reply = say(lines[i].substr(0, prompt), lines[i].substr(prompt + 2));
        EXPECT_EQ(reply, lines[++i]);
    }
}

TEST_F(CapTest, AFollowerShowsWhatTheLeaderAcknowledgedAndAsksForItInsteadOfForwarding) {
    Client writer(cluster_.endpoint(cluster_.wait_for_leader()));
    Client reader(cluster_.endpoint(node_));
    const auto forwarded = [&]() -> std::string { return cluster_.status(node_)->field("commands_forwarded_out"); };
    const std::string forwarded_before = forwarded();
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(writer.command({"SET", "k", std::to_string(i)}).to_string(), "OK");
        ASSERT_EQ(reader.command({"GET", "k"}).to_string(), std::to_string(i));
    }
    EXPECT_EQ(forwarded(), forwarded_before);
    EXPECT_GE(std::stoul(cluster_.status(node_)->field("raft_read_questions")), 100U);
}

// Write, then read, in one pipeline and across it.
TEST_F(CapTest, AWeakConnectionSeesItsOwnWritesAtAFollower) {
    Client client(cluster_.endpoint(node_));
    ASSERT_EQ(client.command({"CLIENT", "CONSISTENCY", "stale"}).to_string(), "OK");
    for (int i = 0; i < 100; ++i) {
        const std::string value = std::to_string(i);
        ASSERT_EQ(client.command({"SET", "k", value}).to_string(), "OK");
        ASSERT_EQ(client.command({"GET", "k"}).to_string(), value);
        const auto answers = client.pipeline({{"INCR", "n"}, {"GET", "n"}, {"GET", "k"}});
        ASSERT_EQ(answers[1].to_string(), std::to_string(i + 1));
        ASSERT_EQ(answers[2].to_string(), value);
    }
}

}  // namespace
}  // namespace kvorum::integration
