// A rolling change of --election-timeout-ms, followers first, and the leader's cable is pulled before its turn comes:
// the followers elect another long before the old leader's own timeout ends, and its lease must have ended by then.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tests/integration/network_lab.h"

namespace kvorum::integration {
namespace {

namespace fs = std::filesystem;

constexpr auto kDeadline = Milliseconds(30'000);
constexpr auto kPatience = Milliseconds(25);  // of a read; a node that has no lease takes longer
constexpr uint32_t kLongMs = 3000;
constexpr uint32_t kShortMs = 600;
constexpr int kReadsOfAStaleLeaderMin = 20;

// Node N runs in host N. Clients speak to it from inside, over loopback, so that its cable is not theirs.
class RollingTimeoutTest : public testing::Test {
 protected:
    // Its peers are not on loopback, so they need a secret.
    RollingTimeoutTest() : cluster_(options()) {
        std::ofstream(secret_file()) << "the secret of a test\n";
        fs::permissions(secret_file(), fs::perms::owner_read | fs::perms::owner_write);
    }
    [[nodiscard]] std::string secret_file() const { return cluster_.directory() + "/secret"; }

    ClusterOptions options() {
        ClusterOptions options;
        options.command = [this](uint32_t node) {
            std::vector<std::string> command = lab_.prefix(node);
            command.push_back(program_path("kvorumd"));
            return command;
        };
        options.node_flags = [this](uint32_t node) {
            return std::vector<std::string>{"--election-timeout-ms",
                                            std::to_string(timeout_ms_[node]),
                                            "--listen",
                                            fmt::format("127.0.0.1:{}", cluster_.client_port(node)),
                                            "--cluster-secret-file",
                                            secret_file()};
        };
        options.address = [this](uint32_t node) { return lab_.address(node); };
        return options;
    }

    [[nodiscard]] std::optional<tools::NodeStatus> status(uint32_t node) {
        std::optional<tools::NodeStatus> status;
        lab_.in(node, [&] { status = cluster_.status(node); });
        return status;
    }
    [[nodiscard]] bool leads(uint32_t node) {
        const auto seen = status(node);
        return seen.has_value() && seen->is_leader() && seen->commit_index > 0;
    }
    [[nodiscard]] uint32_t wait_for_leader() {
        uint32_t leader = 0;
        EXPECT_TRUE(wait_until(kDeadline, [&] {
            for (uint32_t node = 1; node <= 3; ++node) {
                if (cluster_.is_running(node) && leads(node)) leader = node;
            }
            return leader != 0;
        }));
        return leader;
    }
    // Until nothing is left of what it promised by its earlier options, or its silence would outlast the old leader.
    [[nodiscard]] bool wait_until_settled(uint32_t node) {
        const std::string dump = fmt::format("{} wal dump {}/wal-0000000000000001.seg | grep 'hard state' | tail -1",
                                             program_path("kvorum"), cluster_.data_directory(node));
        const std::string wanted = fmt::format("longest silence {} ms", timeout_ms_[node]);
        return wait_until(kDeadline, [&] { return run(dump).output.find(wanted) != std::string::npos; });
    }
    void change(uint32_t node, uint32_t timeout_ms) {
        ASSERT_TRUE(cluster_.stop(node));
        timeout_ms_[node] = timeout_ms;
        cluster_.start(node);
        ASSERT_TRUE(wait_until_settled(node));
    }

    NetworkLab lab_{3};
    std::array<uint32_t, 4> timeout_ms_{0, kLongMs, kLongMs, kLongMs};
    Cluster cluster_;
};

// Rising numbers under one key. What a read must see is the last number that was acknowledged before it was sent, or
// one whose writer was never told what became of it: that may take effect at any later time.
class Counter {
 public:
    Counter(const NetworkLab& lab, const Cluster& cluster) : lab_(lab), cluster_(cluster) {}

    // Writes the next number through one of these nodes, as a client that goes from one to the next would.
    void write(const std::vector<uint32_t>& nodes) {
        const int number = ++last_;
        for (const uint32_t node : nodes) {
            Outcome outcome = Outcome::kUnknown;
            lab_.in(node, [&] {
                Client client(cluster_.endpoint(node), Milliseconds(1000));
                outcome = client.command({"SET", "counter", std::to_string(number)}).outcome;
            });
            if (outcome == Outcome::kDone) {
                acknowledged_ = number;
                return;
            }
            if (outcome == Outcome::kUnknown) open_.insert(number);
        }
    }
    [[nodiscard]] int acknowledged() const { return acknowledged_; }
    [[nodiscard]] bool may_be(int number) const { return number == acknowledged_ || open_.contains(number); }

 private:
    const NetworkLab& lab_;
    const Cluster& cluster_;
    int last_ = 0;
    std::set<int> open_;
    std::atomic<int> acknowledged_ = 0;
};

// Asks one node for the number again and again, until it is told to stop.
class Reader {
 public:
    Reader(const NetworkLab& lab, const Cluster& cluster, uint32_t node, const Counter& counter)
        : thread_([this, &lab, &cluster, &counter, node] {
              lab.in(node, [&] {
                  while (!stop_)
                      ask(cluster.endpoint(node), counter);
              });
          }) {}
    ~Reader() { stop(); }

    void stop() {
        stop_ = true;
        if (thread_.joinable()) thread_.join();
    }
    // From now on the node is cut off, and the others have acknowledged more than it can know.
    void note_cut(int known) { known_ = known; }

    int asked = 0;
    int served = 0;
    int served_after_cut = 0;
    int asked_while_stale = 0;
    int stale = 0;

 private:
    void ask(const reactor::Endpoint& endpoint, const Counter& counter) {
        Client client(endpoint, kPatience);
        Answer answer;
        do {
            const int expected = counter.acknowledged();
            const int known = known_;
            ++asked;
            if (known > 0 && expected > known) ++asked_while_stale;
            answer = client.command({"GET", "counter"});
            if (answer.outcome != Outcome::kDone) continue;
            ++served;
            if (known > 0) ++served_after_cut;
            if (answer.is_null || std::stoi(answer.text) < expected) ++stale;
        } while (!answer.lost && !stop_);
    }

    std::atomic<bool> stop_ = false;
    std::atomic<int> known_ = 0;
    std::thread thread_;
};

TEST_F(RollingTimeoutTest, AnOldLeaderWithTheOldTimeoutServesNothingStale) {
    cluster_.start_all();
    const uint32_t leader = wait_for_leader();
    std::vector<uint32_t> others{1, 2, 3};
    std::erase(others, leader);
    for (const uint32_t node : others)
        change(node, kShortMs);
    ASSERT_TRUE(leads(leader)) << "it was to outlast the change of the others";

    Counter counter(lab_, cluster_);
    counter.write({leader});
    ASSERT_EQ(counter.acknowledged(), 1);
    Reader reader(lab_, cluster_, leader, counter);
    lab_.pull_cable(leader);
    reader.note_cut(counter.acknowledged());
    // Until the old leader knows that it is none, and then once more.
    EXPECT_TRUE(wait_until(kDeadline, [&] {
        counter.write(others);
        return !leads(leader) && counter.acknowledged() > 1;
    }));
    reader.stop();
    fmt::print(
        "the old leader was asked {} times, {} of them after others had acknowledged more, and served {} ({} "
        "after its cable was pulled), {} of them stale; {} writes\n",
        reader.asked, reader.asked_while_stale, reader.served, reader.served_after_cut, reader.stale,
        counter.acknowledged());
    EXPECT_EQ(reader.stale, 0);
    EXPECT_GT(reader.served_after_cut, 0) << "it had a lease, and was asked under it";
    EXPECT_GE(reader.asked_while_stale, kReadsOfAStaleLeaderMin) << "a stale read would have been seen";

    lab_.plug_cable(leader);
    lab_.in(leader, [&] {
        Answer read;
        ASSERT_TRUE(wait_until(kDeadline, [&] {
            read = Client(cluster_.endpoint(leader)).command({"GET", "counter"});
            return read.outcome == Outcome::kDone;
        })) << read.to_string();
        EXPECT_TRUE(counter.may_be(std::stoi(read.text)))
            << "it read " << read.text << " after " << counter.acknowledged() << " was acknowledged";
    });
}

}  // namespace
}  // namespace kvorum::integration
