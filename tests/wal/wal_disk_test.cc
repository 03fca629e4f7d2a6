// The log on a real disk, through io_uring and O_DIRECT.
#include <linux/magic.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "reactor/uring_backend.h"
#include "tests/wal/wal_test_util.h"

namespace kvorum::wal::test {
namespace {

// A node on the machine's own disk, in a directory of its own beside the test program.
class DiskNode {
 public:
    DiskNode() {
        auto created = reactor::UringBackend::create({});
        KVORUM_ASSERT(created.ok(), "{}", std::string(created.status().message()));
        backend = std::move(*created);
        reactor = std::make_unique<reactor::Reactor>(*backend, reactor::ReactorConfig{});
    }
    ~DiskNode() {
        if (wal != nullptr) close();
    }

    absl::Status open(WalConfig config) {
        auto opened = reactor::run_until_done(*reactor, Wal::open(*reactor, std::move(config)));
        if (!opened.ok()) return opened.status();
        wal = std::move(*opened);
        return absl::OkStatus();
    }
    void close() {
        reactor::run_until_done(*reactor, wal->close());
        wal.reset();
    }
    void wait_durable(uint64_t unit) {
        while (wal->durable_unit() < unit)
            reactor->turn(backend->monotonic_ns() + 10 * kMillisecondNs);
    }
    std::vector<raft::EntryId> read_all() {
        std::vector<raft::EntryId> ids;
        for (LogIndex next = wal->first_index(); next <= wal->last_index();
             next = LogIndex{ids.back().index.value() + 1}) {
            auto entries = reactor::run_until_done(*reactor, wal->read(next, wal->last_index(), 256 * kKiB));
            KVORUM_ASSERT(entries.ok(), "{}", std::string(entries.status().message()));
            for (const raft::EntryPtr& entry : *entries)
                ids.push_back(entry->id());
        }
        return ids;
    }

    std::unique_ptr<reactor::UringBackend> backend;
    std::unique_ptr<reactor::Reactor> reactor;
    std::unique_ptr<Wal> wal;
};

class WalDiskTest : public testing::Test {
 protected:
    void SetUp() override {
        const auto program = std::filesystem::read_symlink("/proc/self/exe");
        const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
        directory = program.parent_path() / fmt::format("wal-test-{}-{}", name, ::getpid());
        std::filesystem::remove_all(directory);
        std::filesystem::create_directories(directory);
        struct statfs facts{};
        ASSERT_EQ(::statfs(directory.c_str(), &facts), 0);
        ASSERT_NE(facts.f_type, TMPFS_MAGIC) << "a log on tmpfs proves nothing: build on a real disk";
    }
    void TearDown() override { std::filesystem::remove_all(directory); }

    WalConfig config() const {
        WalConfig config = small_config(directory);
        config.segment_size_bytes = 1 * kMiB;
        config.group_bytes_max = 256 * kKiB;
        return config;
    }

    QuietLog log;
    std::filesystem::path directory;
    EntryMaker maker;
};

TEST_F(WalDiskTest, KeepsWhatItReportsAcrossRestarts) {
    const raft::HardState voted{Term{4}, kNode};
    for (int restart = 0; restart < 3; ++restart) {
        DiskNode node;
        ASSERT_TRUE(node.open(config()).ok());
        EXPECT_EQ(node.wal->recovered().last.index, maker.last_index());
        EXPECT_EQ(node.read_all(), maker.ids());
        uint64_t unit = node.wal->append(voted, {});
        for (int i = 0; i < 100; ++i) {
            unit = node.wal->append({}, maker.next_batch(3, 3000));
            node.reactor->turn(0);
        }
        node.wait_durable(unit);
        EXPECT_EQ(node.read_all(), maker.ids());
        EXPECT_TRUE(node.wal->stats().registered_buffers);
    }
    DiskNode node;
    ASSERT_TRUE(node.open(config()).ok());
    EXPECT_EQ(node.wal->recovered().hard_state, voted);
    EXPECT_EQ(node.read_all(), maker.ids());
}

TEST_F(WalDiskTest, RecyclesInsteadOfGrowing) {
    DiskNode node;
    ASSERT_TRUE(node.open(config()).ok());
    for (int i = 0; i < 60; ++i) {
        const uint64_t unit = node.wal->append({}, maker.next_batch(2, 100 * kKiB));
        node.wait_durable(unit);
        node.wal->release_prefix(maker.last_index());
    }
    EXPECT_GT(node.wal->stats().segments_recycled, 3U);
    EXPECT_LE(node.wal->stats().segments + node.wal->stats().spares, 8U);
}

TEST_F(WalDiskTest, BothSyncMethodsAndTheCalibrationWork) {
    for (const SyncMethod method : {SyncMethod::kDataSyncPerGroup, SyncMethod::kDsyncWrite, SyncMethod::kCalibrate}) {
        DiskNode node;
        WalConfig own = config();
        own.sync = method;
        own.calibration_ns = 20 * kMillisecondNs;
        ASSERT_TRUE(node.open(own).ok());
        node.wait_durable(node.wal->append({}, maker.next_batch(5)));
        EXPECT_EQ(node.read_all(), maker.ids());
    }
}

TEST_F(WalDiskTest, AnEntryOfTheLargestSizeIsKept) {
    WalConfig own = config();
    own.segment_size_bytes = 16 * kMiB;
    {
        DiskNode node;
        ASSERT_TRUE(node.open(own).ok());
        raft::EntryBuilder builder(raft::EntryType::kCommands);
        builder.buffer().append(raft::kEntryBodySizeMax, 'x');
        node.wait_durable(
            node.wal->append({}, {std::move(builder).seal(kCluster, kFirstGroup, LogIndex{1}, Term{1}, 0)}));
    }
    DiskNode node;
    ASSERT_TRUE(node.open(own).ok());
    EXPECT_EQ(node.wal->last_index(), LogIndex{1});
    EXPECT_EQ(node.read_all().size(), 1U);
}

TEST_F(WalDiskTest, ASecondProcessIsRefused) {
    DiskNode node;
    ASSERT_TRUE(node.open(config()).ok());
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        auto backend = reactor::UringBackend::create({});
        const absl::Status status = (*backend)->lock_directory(directory);
        ::_exit(status.code() == absl::StatusCode::kFailedPrecondition ? 0 : 1);
    }
    int result = -1;
    ASSERT_EQ(::waitpid(child, &result, 0), child);
    EXPECT_TRUE(WIFEXITED(result));
    EXPECT_EQ(WEXITSTATUS(result), 0);
}

TEST_F(WalDiskTest, ATruncatedSegmentFileIsRefused) {
    {
        DiskNode node;
        ASSERT_TRUE(node.open(config()).ok());
    }
    std::filesystem::resize_file(directory / segment_file_name(2), 512 * kKiB);
    DiskNode node;
    EXPECT_EQ(node.open(config()).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace kvorum::wal::test
