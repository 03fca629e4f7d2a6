// Wrong flags, wrong directories, full and damaged disks: a node that cannot be right says why and does not start, or
// goes on in safety.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"

namespace kvorum::integration {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

constexpr auto kDeadline = Milliseconds(30'000);

std::string join(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& word : words)
        all += " " + word;
    return all;
}

// Runs kvorumd in the foreground; a node that starts although it should not is ended after a while, with exit code 124.
ProgramResult run_kvorumd(const std::string& flags) { return run(program_path("kvorumd") + " " + flags, 15); }

TEST(WrongFlagsTest, AreNamedWithWhatWouldBeRight) {
    const TestDirectory directory;
    const std::string data = fmt::format("--data-dir {}/data ", directory.path());
    const auto expect_refusal = [](const std::string& flags, const std::string& word) {
        const ProgramResult result = run_kvorumd(flags);
        EXPECT_EQ(result.exit_code, 2) << flags << "\n" << result.output;
        EXPECT_THAT(result.output, AllOf(HasSubstr("kvorumd:"), HasSubstr(word))) << flags;
    };
    expect_refusal(data + "--no-such-flag 1", "no-such-flag");
    expect_refusal(data + "--id none", "whole number");
    expect_refusal(data + "--id 4 --member 1=127.0.0.1:1/127.0.0.1:2", "4");
    expect_refusal(data + "--member 1=127.0.0.1:1/127.0.0.1:2", "id");
    expect_refusal(data + "--id 1 --member 1=nonsense", "nonsense");
    expect_refusal(data + "--id 1 --member 1=127.0.0.1:1/127.0.0.1:2 --member 1=127.0.0.1:3/127.0.0.1:4", "1");
    expect_refusal(data + "--election-timeout-ms 100 --heartbeat-interval-ms 100", "heartbeat");
    expect_refusal(data + "--wal-segment-size 5000", "16KiB");
    expect_refusal(data + "--follower-mode sideways", "forward");
    expect_refusal("--id 1", "data-dir");
}

TEST(WrongFlagsTest, HelpAndVersionAreFine) {
    EXPECT_EQ(run_kvorumd("--help").exit_code, 0);
    EXPECT_THAT(run_kvorumd("--version").output, ContainsRegex("kvorumd [0-9]+\\.[0-9]+\\.[0-9]+"));
}

// A one-node cluster that has run, holds a few thousand keys and has been stopped in order.
class UsedNode {
 public:
    explicit UsedNode(std::vector<std::string> flags = {}) : cluster_({.nodes = 1, .flags = std::move(flags)}) {
        cluster_.start_all();
        (void)cluster_.wait_for_leader();
        Client client(cluster_.endpoint(1));
        for (int i = 0; i < 500; ++i)
            EXPECT_EQ(client.command({"SET", fmt::format("key-{}", i), std::string(200, 'v')}).to_string(), "OK");
        EXPECT_TRUE(cluster_.stop(1));
    }

    Cluster& cluster() { return cluster_; }
    // Runs its program in the foreground with `replaced` instead of `original` among its flags.
    ProgramResult run_with(const std::string& original, const std::string& replaced) {
        std::string flags = join(cluster_.arguments(1));
        const size_t at = flags.find(original);
        EXPECT_NE(at, std::string::npos);
        return run_kvorumd(flags.replace(at, original.size(), replaced));
    }
    ProgramResult run_unchanged() { return run_kvorumd(join(cluster_.arguments(1))); }

 private:
    Cluster cluster_;
};

TEST(WrongDirectoryTest, OfAnotherClusterIsRefused) {
    UsedNode node;
    const ProgramResult result = node.run_with("--cluster test", "--cluster other");
    EXPECT_EQ(result.exit_code, 1) << result.output;
    EXPECT_THAT(result.output, AllOf(HasSubstr("wrong cluster"), HasSubstr(node.cluster().data_directory(1))));
}

// Its quorums need not overlap with those of the members that decided what is in the log.
TEST(WrongDirectoryTest, OfOtherMembersIsRefused) {
    UsedNode node;
    const ProgramResult result = node.run_with("--member ", "--member 9=127.0.0.1:17999/127.0.0.1:7999 --member ");
    EXPECT_EQ(result.exit_code, 1) << result.output;
    EXPECT_THAT(result.output, AllOf(HasSubstr("says that the members are 1 ("), HasSubstr("the options say 1, 9")));
}

TEST(WrongDirectoryTest, OfAnotherNodeIsRefused) {
    Cluster cluster({});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    cluster.kill_all();
    std::string flags = join(cluster.arguments(2));
    const std::string own = cluster.data_directory(2);
    flags.replace(flags.find(own), own.size(), cluster.data_directory(1));
    const ProgramResult result = run_kvorumd(flags);
    EXPECT_EQ(result.exit_code, 1) << result.output;
    EXPECT_THAT(result.output, AllOf(HasSubstr("wrong node"), HasSubstr(cluster.data_directory(1))));
}

TEST(WrongDirectoryTest, InUseByAnotherProcessIsRefused) {
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    const Ports other(2);
    const ProgramResult second =
        run_kvorumd(fmt::format("--id 1 --cluster test --data-dir {} --member 1=127.0.0.1:{}/127.0.0.1:{}",
                                cluster.data_directory(1), other[0], other[1]));
    EXPECT_EQ(second.exit_code, 1) << second.output;
    EXPECT_THAT(second.output, ContainsRegex("[Ll]ock|in use"));
    EXPECT_EQ(Client(cluster.endpoint(1)).command({"SET", "still", "here"}).to_string(), "OK");
}

TEST(WrongDirectoryTest, APortInUseIsNamed) {
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    const TestDirectory directory;
    const ProgramResult second =
        run_kvorumd(fmt::format("--id 1 --data-dir {}/data --member 1=127.0.0.1:{}/127.0.0.1:{}", directory.path(),
                                cluster.peer_port(1), cluster.client_port(1)));
    EXPECT_EQ(second.exit_code, 1) << second.output;
    EXPECT_THAT(second.output, testing::AnyOf(HasSubstr(std::to_string(cluster.client_port(1))),
                                              HasSubstr(std::to_string(cluster.peer_port(1)))));
}

// The files of the log, the largest first among those that hold something.
std::vector<fs::path> files_of(const std::string& directory) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        if (entry.is_regular_file() && entry.file_size() >= 4096) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

// Inverts one byte of the file that contains `text` at its `nth` occurrence. Returns the path, empty when it was not
// found.
std::string flip_byte_at(const std::string& directory, const std::string& text, size_t nth) {
    for (const fs::path& path : files_of(directory)) {
        const std::string bytes = read_file(path.string());
        size_t at = bytes.find(text);
        for (size_t i = 0; i < nth && at != std::string::npos; ++i)
            at = bytes.find(text, at + 1);
        if (at == std::string::npos) continue;
        const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
        const char inverted = static_cast<char>(~bytes[at]);
        EXPECT_EQ(pwrite(file, &inverted, 1, static_cast<off_t>(at)), 1);
        fsync(file);
        close(file);
        return path.string();
    }
    return {};
}

TEST(DamagedLogTest, WithoutAnotherNodeAFlippedByteIsRefusedWithItsPlace) {
    UsedNode node;
    const std::string damaged = flip_byte_at(node.cluster().data_directory(1), "key-250", 0);
    ASSERT_FALSE(damaged.empty()) << "the values are not in the log as they were sent";
    const std::string before = read_file(damaged);
    const ProgramResult result = node.run_unchanged();
    EXPECT_EQ(result.exit_code, 1) << result.output;
    EXPECT_THAT(result.output, HasSubstr(fs::path(damaged).filename().string()));
    EXPECT_THAT(result.output, ContainsRegex("offset [0-9]+"));
    EXPECT_THAT(result.output, ContainsRegex("index [0-9]+"));
    EXPECT_THAT(result.output, HasSubstr("there is no other node"));
    EXPECT_EQ(read_file(damaged), before) << "the bytes are kept as they are, for whoever looks into it";
}

TEST(DamagedLogTest, TheDumpOfTheFileSaysWhereItEndsAndWhy) {
    UsedNode node;
    const std::string damaged = flip_byte_at(node.cluster().data_directory(1), "key-250", 0);
    ASSERT_FALSE(damaged.empty());
    const ProgramResult dump = run(fmt::format("{} wal dump {}", program_path("kvorum"), damaged));
    EXPECT_EQ(dump.exit_code, 0) << dump.output.substr(0, 500);
    EXPECT_THAT(dump.output, AllOf(HasSubstr("index"), ContainsRegex("checksum|damaged|not sound")));
    EXPECT_EQ(run(program_path("kvorum") + " wal dump /no/such/file").exit_code, 1);
}

// Three nodes that hold the same acknowledged keys, all down.
class DamagedClusterTest : public testing::Test {
 protected:
    static constexpr int kKeys = 400;

    void write_and_kill_all() {
        cluster_.start_all();
        {
            Client client(cluster_.endpoint(cluster_.wait_for_leader()));
            for (int i = 0; i < kKeys; ++i)
                ASSERT_EQ(client.command({"SET", key(i), value(i)}).to_string(), "OK");
        }
        for (uint32_t node = 1; node <= cluster_.size(); ++node)
            ASSERT_TRUE(cluster_.wait_until_caught_up(node, kDeadline));
        cluster_.kill_all();
    }
    void damage(uint32_t node, int of_key) {
        ASSERT_FALSE(flip_byte_at(cluster_.data_directory(node), key(of_key), 0).empty());
    }
    void expect_everything_is_served() {
        const uint32_t leader = cluster_.wait_for_leader();
        for (uint32_t node = 1; node <= cluster_.size(); ++node)
            EXPECT_TRUE(cluster_.wait_until_caught_up(node, kDeadline)) << "node " << node;
        EXPECT_TRUE(cluster_.wait_until_equal(kDeadline));
        Client client(cluster_.endpoint(leader));
        int found = 0;
        for (int i = 0; i < kKeys; ++i)
            found += client.command({"GET", key(i)}).to_string() == value(i) ? 1 : 0;
        EXPECT_EQ(found, kKeys);
        std::printf("%d of %d acknowledged writes are read back\n", found, kKeys);
        EXPECT_EQ(client.command({"SET", "goes", "on"}).to_string(), "OK");
    }
    [[nodiscard]] std::string log_of(uint32_t node) const { return read_file(cluster_.log_path(node)); }
    static std::string key(int i) { return fmt::format("key-{:04}", i); }
    static std::string value(int i) { return fmt::format("value-{}", i); }

    Cluster cluster_{{}};
};

TEST_F(DamagedClusterTest, ANodeRepairsItsLogFromTheOthersAndServesAgain) {
    write_and_kill_all();
    damage(2, 100);
    cluster_.start_all();
    expect_everything_is_served();
    EXPECT_THAT(log_of(2), ContainsRegex("the log is damaged: .*wal-[0-9a-f]+\\.seg offset [0-9]+"));
    EXPECT_THAT(log_of(2),
                ContainsRegex("repair: the log is whole up to entry [0-9]+, [1-9][0-9]* entries were fetched"));
}

TEST_F(DamagedClusterTest, DifferentBitsOnAllNodesAreRepairedWithoutALeader) {
    write_and_kill_all();
    for (uint32_t node = 1; node <= 3; ++node)
        damage(node, static_cast<int>(100 * node));
    cluster_.start_all();
    expect_everything_is_served();
    for (uint32_t node = 1; node <= 3; ++node)
        EXPECT_THAT(log_of(node), HasSubstr("repair: the log is whole")) << "node " << node;
}

TEST_F(DamagedClusterTest, TheSameRecordOnAllNodesEndsThemAllWithTheReason) {
    write_and_kill_all();
    for (uint32_t node = 1; node <= 3; ++node)
        damage(node, 100);
    cluster_.start_all();
    for (uint32_t node = 1; node <= 3; ++node) {
        EXPECT_TRUE(wait_until(kDeadline, [&] { return !cluster_.is_running(node); })) << "node " << node << " goes on";
        EXPECT_THAT(log_of(node), ContainsRegex("cannot start: .*offset [0-9]+.*entry [0-9]+ .* is lost"));
    }
}

TEST_F(DamagedClusterTest, ARepairThatWaitsForAPeerCanBeStopped) {
    write_and_kill_all();
    damage(1, 100);
    cluster_.start(1);
    EXPECT_TRUE(wait_until(kDeadline, [&] { return log_of(1).find("the log is damaged") != std::string::npos; }));
    EXPECT_TRUE(cluster_.stop(1));
}

TEST(DamagedLogTest, AMissingFileIsRefused) {
    // Small segments, so that there is a middle.
    UsedNode node({"--wal-segment-size", "64KiB", "--batch-size", "16KiB"});
    std::vector<fs::path> holding;
    for (const fs::path& path : files_of(node.cluster().data_directory(1))) {
        if (read_file(path.string()).find("key-") != std::string::npos) holding.push_back(path);
    }
    ASSERT_GE(holding.size(), 3U) << "500 writes of a block each fill several segments of 64 KiB";
    fs::remove(holding[holding.size() / 2]);
    const ProgramResult result = node.run_unchanged();
    EXPECT_EQ(result.exit_code, 1) << result.output;
    EXPECT_THAT(result.output, ContainsRegex("missing|gap"));
}

// A small file system of its own, in a file. Needs root and loop devices.
class SmallDisk {
 public:
    explicit SmallDisk(uint32_t size_mib) {
        const std::string image = directory_.path() + "/image";
        const ProgramResult made =
            run(fmt::format("mkdir {0} && truncate -s {2}M {1} && mkfs.ext4 -q -m 0 {1} && mount -o loop {1} {0}",
                            path(), image, size_mib));
        mounted_ = made.exit_code == 0;
        why_not_ = made.output;
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() {
        if (!mounted_) return;
        // The kernel lets go of the files of a killed process's io_uring a moment after the process is gone.
        EXPECT_TRUE(wait_until(kDeadline, [this] { return run("umount " + path()).exit_code == 0; }))
            << path() << " stays mounted";
    }

    [[nodiscard]] bool is_mounted() const { return mounted_; }
    [[nodiscard]] const std::string& why_not() const { return why_not_; }
    [[nodiscard]] std::string path() const { return directory_.path() + "/disk"; }

 private:
    TestDirectory directory_;
    bool mounted_ = false;
    std::string why_not_;
};

TEST(FullDiskTest, WritesAreRefusedReadsGoOnAndTheNodeRestarts) {
    const SmallDisk disk(24);
    if (!disk.is_mounted()) GTEST_SKIP() << "no loop device can be mounted here (needs root): " << disk.why_not();
    Cluster cluster(
        {.nodes = 1, .flags = {"--wal-segment-size", "1MiB", "--batch-size", "256KiB"}, .directory = disk.path()});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    Client client(cluster.endpoint(1));
    const std::string value(32 * 1024, 'v');
    uint32_t acknowledged = 0;
    Answer answer;
    for (uint32_t i = 0; i < 2000; ++i) {
        answer = client.command({"SET", fmt::format("key-{}", i), value});
        if (answer.to_string() != "OK") break;
        ++acknowledged;
    }
    ASSERT_LT(acknowledged, 2000U) << "the disk never became full";
    ASSERT_GT(acknowledged, 100U);
    EXPECT_EQ(answer.outcome, Outcome::kNotExecuted) << answer.to_string();
    EXPECT_THAT(answer.text, ContainsRegex("MISCONF|disk|space"));
    const std::string last = fmt::format("key-{}", acknowledged - 1);
    EXPECT_EQ(client.command({"GET", last}).text, value) << "reads go on";
    EXPECT_EQ(client.command({"GET", fmt::format("key-{}", acknowledged)}).to_string(), "(nil)")
        << "what was refused is not there";

    cluster.kill(1);
    cluster.start(1);
    (void)cluster.wait_for_leader();
    Client again(cluster.endpoint(1));
    EXPECT_EQ(again.command({"GET", last}).text, value) << "a node with a full disk restarts with what it acknowledged";
    EXPECT_EQ(again.command({"STRLEN", "key-0"}).to_string(), std::to_string(value.size()));
}

TEST(FullDiskTest, AFollowerPassesTheRefusalOfItsLeaderOn) {
    const SmallDisk disk(16);
    if (!disk.is_mounted()) GTEST_SKIP() << "no loop device can be mounted here (needs root): " << disk.why_not();
    const TestDirectory directory;
    fs::create_directory(disk.path() + "/node-1");
    fs::create_directory_symlink(disk.path() + "/node-1", directory.path() + "/node-1");
    Cluster cluster(
        {.nodes = 3, .flags = {"--wal-segment-size", "1MiB", "--batch-size", "256KiB"}, .directory = directory.path()});
    cluster.start_all();
    while (cluster.wait_for_leader() != 1) {
        const uint32_t other = cluster.wait_for_leader();
        cluster.kill(other);
        (void)cluster.wait_for_leader();
        cluster.start(other);
        ASSERT_TRUE(cluster.wait_until_caught_up(other, kDeadline));
    }
    Client through_follower(cluster.endpoint(2));
    const std::string value(32 * 1024, 'v');
    Answer answer;
    for (uint32_t i = 0; i < 2000; ++i) {
        answer = through_follower.command({"SET", fmt::format("key-{}", i), value});
        if (answer.to_string() != "OK") break;
    }
    EXPECT_THAT(answer.text, ContainsRegex("MISCONF")) << "not sent to the same leader until the time is up";
}

}  // namespace
}  // namespace kvorum::integration
