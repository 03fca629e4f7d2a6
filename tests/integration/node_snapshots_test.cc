// Snapshots of real nodes: the log stays small, a node that was away catches up by one, also in two pieces, and what
// operators are told of them is true.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/units.h"
#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tests/integration/ledger.h"

namespace kvorum::integration {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kDeadline = Milliseconds(30'000);
constexpr uint64_t kSegmentBytes = 1 * kMiB;
constexpr uint64_t kSpareSegments = 2;
constexpr uint64_t kLogBytes = 4 * kMiB;
constexpr uint64_t kKeptLogBytes = 1 * kMiB;

std::vector<std::string> small_log() {
    return {"--wal-segment-size",           std::to_string(kSegmentBytes), "--wal-spare-segments",
            std::to_string(kSpareSegments), "--snapshot-log-size",         std::to_string(kLogBytes),
            "--snapshot-keep-log-size",     std::to_string(kKeptLogBytes)};
}

// Keys that a client writes in turn, with values that no packing makes smaller, and what must be read for each.
class RandomKeys {
 public:
    RandomKeys(uint32_t count, uint32_t value_bytes) : versions_(count), value_bytes_(value_bytes) {}

    [[nodiscard]] uint64_t count() const { return versions_.size(); }
    [[nodiscard]] uint64_t state_bytes() const { return count() * value_bytes_; }

    // Writes so many bytes of values. False: one was not acknowledged.
    [[nodiscard]] bool write(const reactor::Endpoint& node, uint64_t bytes) {
        Client client(node);
        for (uint64_t left = bytes / value_bytes_; left > 0;) {
            std::vector<std::vector<std::string>> commands;
            for (; left > 0 && commands.size() < kPipelined; --left, ++next_) {
                const uint64_t key = next_ % count();
                ++versions_[key];
                commands.push_back({"SET", name(key), value(key)});
            }
            const std::vector<Answer> answers = client.pipeline(commands);
            const bool all_taken =
                std::all_of(answers.begin(), answers.end(), [](const Answer& a) { return a.to_string() == "OK"; });
            if (!all_taken) return false;
        }
        return true;
    }

    // The keys of which `node` does not say what was written last.
    [[nodiscard]] std::vector<std::string> wrong_keys(const reactor::Endpoint& node) const {
        Client client(node);
        std::vector<std::string> wrong;
        for (uint64_t key = 0; key < count(); ++key) {
            const Answer answer = client.command({"GET", name(key)});
            if (answer.text != value(key)) wrong.push_back(name(key));
        }
        return wrong;
    }

 private:
    static constexpr size_t kPipelined = 64;

    [[nodiscard]] static std::string name(uint64_t key) { return fmt::format("key-{}", key); }
    [[nodiscard]] std::string value(uint64_t key) const {
        Prng prng(key << 32 | versions_[key]);
        std::string bytes;
        while (bytes.size() < value_bytes_) {
            const uint64_t word = prng.next();
            bytes.append(reinterpret_cast<const char*>(&word), sizeof(word));
        }
        bytes.resize(value_bytes_);
        return bytes;
    }

    std::vector<uint64_t> versions_;  // how often each was written
    uint64_t value_bytes_;
    uint64_t next_ = 0;
};

// A number of INFO; 0 while the node does not answer.
uint64_t fact(const Cluster& cluster, uint32_t node, const std::string& name) {
    const auto status = cluster.status(node);
    return status.has_value() ? std::strtoull(status->field(name).c_str(), nullptr, 10) : 0;
}

bool wait_for_fact(const Cluster& cluster, uint32_t node, const std::string& name,
                   const std::function<bool(uint64_t)>& condition) {
    return wait_until(kDeadline,
                      [&] { return cluster.status(node).has_value() && condition(fact(cluster, node, name)); });
}

bool wait_until_saved(const Cluster& cluster, uint32_t node) {
    return wait_for_fact(cluster, node, "rdb_bgsave_in_progress", [](uint64_t saving) { return saving == 0; });
}

// What the files of a node take on its disk.
uint64_t disk_bytes(const Cluster& cluster, uint32_t node) {
    uint64_t bytes = 0;
    std::error_code error;
    for (auto entry = fs::directory_iterator(cluster.data_directory(node), error); !error && entry != end(entry);
         entry.increment(error)) {
        std::error_code gone;
        const uint64_t size = entry->file_size(gone);
        if (!gone) bytes += size;
    }
    return bytes;
}

std::string newest_snapshot(const Cluster& cluster, uint32_t node) {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(cluster.data_directory(node)))
        if (entry.path().extension() == ".kvs") files.push_back(entry.path());
    return files.empty() ? std::string() : *std::max_element(files.begin(), files.end());
}

// Kills a follower and writes until the log behind what it has is gone at the others.
uint32_t leave_behind(Cluster& cluster, RandomKeys& keys) {
    const uint32_t away = cluster.wait_for_follower();
    const uint64_t missed = fact(cluster, away, "raft_last_index") + 1;
    cluster.kill(away);
    const uint32_t leader = cluster.wait_for_leader();
    const uint64_t saves = fact(cluster, leader, "rdb_saves");
    const bool gone = wait_until(kDeadline, [&] {
        EXPECT_TRUE(keys.write(cluster.endpoint(leader), 2 * kMiB));
        return fact(cluster, leader, "log_first_index") > missed && fact(cluster, leader, "rdb_saves") >= saves + 3;
    });
    EXPECT_TRUE(gone) << "the log of the leader never lets go of what node " << away << " lacks";
    EXPECT_TRUE(wait_until_saved(cluster, leader));
    return away;
}

bool wait_until_installed(const Cluster& cluster, uint32_t node) {
    return wait_for_fact(cluster, node, "snapshots_installed", [](uint64_t count) { return count > 0; });
}

TEST(NodeSnapshotsTest, TheDiskHoldsABoundedLogHoweverMuchIsWritten) {
    constexpr uint64_t kWrittenBytes = 60 * kMiB;
    Cluster cluster({.flags = small_log()});
    cluster.start_all();
    RandomKeys keys(2000, 2048);
    // Two snapshots and the one that is being written, each with an eighth for keys and chunks. Of log what is kept,
    // what calls for the next snapshot, and as much again while that is written and verified.
    const uint64_t snapshot_bytes = keys.state_bytes() + keys.state_bytes() / 8;
    const uint64_t bound = 3 * snapshot_bytes + kKeptLogBytes + 2 * std::max(kLogBytes, snapshot_bytes) +
                           (kSpareSegments + 2) * kSegmentBytes;
    ASSERT_LT(bound, kWrittenBytes / 2) << "the test would show nothing";

    const uint32_t leader = cluster.wait_for_leader();
    uint64_t most = 0;
    for (uint64_t written = 0; written < kWrittenBytes; written += kMiB) {
        ASSERT_TRUE(keys.write(cluster.endpoint(leader), kMiB)) << "after " << written << " bytes";
        for (uint32_t node = 1; node <= cluster.size(); ++node)
            most = std::max(most, disk_bytes(cluster, node));
    }
    fmt::print("{} MiB written, {} KiB on a disk at most, of {} allowed\n", kWrittenBytes / kMiB, most / kKiB,
               bound / kKiB);
    EXPECT_LT(most, bound);
    for (uint32_t node = 1; node <= cluster.size(); ++node)
        EXPECT_GT(fact(cluster, node, "log_first_index"), 1U) << "node " << node;

    cluster.kill_all();
    cluster.start_all();
    EXPECT_THAT(keys.wrong_keys(cluster.endpoint(cluster.wait_for_leader())), IsEmpty());
    EXPECT_TRUE(cluster.wait_until_equal(kDeadline));
}

TEST(NodeSnapshotsTest, ANodeThatWasAwayCatchesUpByASnapshotAndNoClientNotices) {
    Cluster cluster({.flags = small_log()});
    cluster.start_all();
    RandomKeys keys(1000, 2048);
    ASSERT_TRUE(keys.write(cluster.endpoint(cluster.wait_for_leader()), keys.state_bytes()));
    const uint32_t away = leave_behind(cluster, keys);
    std::vector<reactor::Endpoint> others;
    for (uint32_t node = 1; node <= cluster.size(); ++node)
        if (node != away) others.push_back(cluster.endpoint(node));
    Ledger ledger(others, {1, 4});

    cluster.start(away);
    EXPECT_TRUE(wait_until_installed(cluster, away));
    EXPECT_TRUE(cluster.wait_until_caught_up(away, kDeadline));
    ledger.stop();
    EXPECT_GT(ledger.acknowledged(), 0U);
    EXPECT_EQ(ledger.unknown(), 0U);
    EXPECT_EQ(ledger.not_executed(), 0U);
    EXPECT_THAT(ledger.strange_replies(), IsEmpty());
    EXPECT_TRUE(cluster.wait_until_equal(kDeadline)) << "the nodes hold different states";
    EXPECT_THAT(ledger.check(cluster.endpoint(away)), IsEmpty());
    EXPECT_THAT(keys.wrong_keys(cluster.endpoint(away)), IsEmpty());
}

TEST(NodeSnapshotsTest, AFetchThatAKillBrokeOffGoesOnWhereItWas) {
    constexpr uint64_t kFetchedBeforeKill = 2 * kMiB;
    std::vector<std::string> flags = small_log();
    flags.insert(flags.end(), {"--snapshot-rate-mib", "1"});
    Cluster cluster({.flags = flags});
    cluster.start_all();
    RandomKeys keys(1280, 4096);
    ASSERT_TRUE(keys.write(cluster.endpoint(cluster.wait_for_leader()), keys.state_bytes()));
    const uint32_t away = leave_behind(cluster, keys);

    cluster.start(away);
    ASSERT_TRUE(wait_for_fact(cluster, away, "snapshot_fetched_bytes",
                              [](uint64_t bytes) { return bytes >= kFetchedBeforeKill; }));
    cluster.kill(away);
    ASSERT_THAT(read_file(cluster.log_path(away)), testing::Not(HasSubstr("goes on behind byte")));

    cluster.start(away);
    EXPECT_TRUE(wait_until_installed(cluster, away));
    const std::string log = read_file(cluster.log_path(away));
    const size_t at = log.find("goes on behind byte ");
    ASSERT_NE(at, std::string::npos) << "it began anew";
    // All that was durable, but for the chunk that was cut off.
    EXPECT_GE(std::strtoull(log.c_str() + log.find("byte ", at) + 5, nullptr, 10), kFetchedBeforeKill - 5 * kMiB / 4);
    EXPECT_TRUE(cluster.wait_until_equal(kDeadline)) << "the nodes hold different states";
    EXPECT_THAT(keys.wrong_keys(cluster.endpoint(away)), IsEmpty());
}

TEST(NodeSnapshotsTest, ASecondSaveAtATimeIsRefused) {
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    RandomKeys keys(4000, 4096);
    ASSERT_TRUE(keys.write(cluster.endpoint(cluster.wait_for_leader()), keys.state_bytes()));
    Client client(cluster.endpoint(1));
    const std::vector<Answer> answers = client.pipeline({{"BGSAVE"}, {"BGSAVE"}, {"BGSAVE", "SCHEDULE"}});
    EXPECT_EQ(answers[0].to_string(), "Background saving started");
    EXPECT_EQ(answers[1].to_string(), "ERR Background save already in progress");
    EXPECT_EQ(answers[2].to_string(), "ERR Background save already in progress");
    EXPECT_TRUE(wait_for_fact(cluster, 1, "rdb_saves", [](uint64_t saves) { return saves == 1; }));
    EXPECT_EQ(client.command({"BGSAVE"}).to_string(), "Background saving started");
}

TEST(NodeSnapshotsTest, WhatIsSaidOfTheLastSaveIsTrue) {
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    RandomKeys keys(4000, 4096);
    ASSERT_TRUE(keys.write(cluster.endpoint(cluster.wait_for_leader()), keys.state_bytes()));
    EXPECT_EQ(fact(cluster, 1, "rdb_changes_since_last_save"), keys.count());

    Client client(cluster.endpoint(1));
    const time_t before_s = std::time(nullptr);
    const std::vector<Answer> answers = client.pipeline({{"BGSAVE"}, {"PING"}});
    ASSERT_EQ(answers[0].to_string(), "Background saving started");
    EXPECT_TRUE(wait_for_fact(cluster, 1, "rdb_saves", [](uint64_t saves) { return saves == 1; }));
    EXPECT_EQ(fact(cluster, 1, "rdb_bgsave_in_progress"), 0U);
    EXPECT_EQ(fact(cluster, 1, "rdb_changes_since_last_save"), 0U);
    EXPECT_EQ(fact(cluster, 1, "snapshot_saved_keys"), keys.count());
    const int64_t saved_s = client.command({"LASTSAVE"}).integer;
    EXPECT_GE(saved_s, before_s);
    EXPECT_LE(saved_s, std::time(nullptr));
    EXPECT_EQ(fact(cluster, 1, "rdb_last_save_time"), static_cast<uint64_t>(saved_s));
    EXPECT_EQ(cluster.status(1)->field("rdb_last_bgsave_status"), "ok");

    for (int i = 0; i < 7; ++i)
        EXPECT_EQ(client.command({"SET", "more", std::to_string(i)}).to_string(), "OK");
    EXPECT_EQ(fact(cluster, 1, "rdb_changes_since_last_save"), 7U);
}

// A node of 500 keys with a snapshot of them.
class SavedNode {
 public:
    SavedNode() : cluster_({.nodes = 1}) {
        cluster_.start_all();
        RandomKeys keys(500, 1024);
        EXPECT_TRUE(keys.write(cluster_.endpoint(cluster_.wait_for_leader()), keys.state_bytes()));
        EXPECT_EQ(Client(cluster_.endpoint(1)).command({"BGSAVE"}).to_string(), "Background saving started");
        EXPECT_TRUE(wait_for_fact(cluster_, 1, "rdb_saves", [](uint64_t saves) { return saves == 1; }));
    }

    Cluster& cluster() { return cluster_; }

 private:
    Cluster cluster_;
};

ProgramResult run_snapshot(const std::string& what, const std::string& path) {
    return run(fmt::format("{} snapshot {} {}", program_path("kvorum"), what, path));
}

TEST(SnapshotCommandTest, FindsTheSnapshotsOfARunningNodeWhole) {
    SavedNode node;
    const ProgramResult result = run_snapshot("verify", node.cluster().data_directory(1));
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_THAT(result.output, AllOf(HasSubstr(newest_snapshot(node.cluster(), 1)), HasSubstr("whole, 500 keys")));
}

TEST(SnapshotCommandTest, SaysHowManyKeysASnapshotHolds) {
    SavedNode node;
    const ProgramResult result = run_snapshot("inspect", newest_snapshot(node.cluster(), 1));
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_THAT(result.output, ContainsRegex("keys +500\n"));
}

TEST(SnapshotCommandTest, NamesTheFileAndTheByteOfADamage) {
    SavedNode node;
    ASSERT_TRUE(node.cluster().stop(1));
    const std::string path = newest_snapshot(node.cluster(), 1);
    std::string bytes = read_file(path);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    std::ofstream(path, std::ios::binary) << bytes;
    const ProgramResult result = run_snapshot("verify", node.cluster().data_directory(1));
    EXPECT_EQ(result.exit_code, 3) << result.output;
    EXPECT_THAT(result.output, AllOf(HasSubstr(path), ContainsRegex("byte [0-9]+: ")));
}

}  // namespace
}  // namespace kvorum::integration
