// A node on each kind of storage that users have: it keeps what it acknowledged, and says what it stands on. Loop
// devices and mounts live in a namespace of the test's own.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tests/integration/namespace.h"

namespace kvorum::integration {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kSmallLog{"--wal-segment-size", "256KiB", "--wal-spare-segments", "1"};

bool kernel_knows(const std::string& filesystem) {
    (void)run(fmt::format("modprobe -q {}", filesystem));
    return run(fmt::format("grep -qw {} /proc/filesystems", filesystem)).exit_code == 0;
}

class StorageTest : public testing::Test {
 protected:
    void SetUp() override {
        const std::string problem = enter_own_namespace();
        if (!problem.empty()) GTEST_SKIP() << "LEFT OUT: storage of all kinds: " << problem;
    }
    ~StorageTest() override { (void)run(fmt::format("umount -l {}/*/mnt", parent_.path())); }

    [[nodiscard]] std::string mount_point(const std::string& name) const {
        const std::string path = fmt::format("{}/{}/mnt", parent_.path(), name);
        std::filesystem::create_directories(path);
        return path;
    }

    void must(const std::string& command) const {
        const ProgramResult result = run("PATH=$PATH:/usr/sbin:/sbin; " + command);
        ASSERT_EQ(result.exit_code, 0) << command << "\n" << result.output;
    }

    // A directory on a file system of that kind on a loop device; empty, and said so, where the kernel has none.
    std::string on_loop_device(const std::string& filesystem, const std::string& make) {
        if (!kernel_knows(filesystem)) {
            fmt::print("LEFT OUT: {}: this kernel does not have it\n", filesystem);
            return {};
        }
        const std::string path = mount_point(filesystem);
        const std::string image = fmt::format("{}/{}/image", parent_.path(), filesystem);
        must(fmt::format("truncate -s 320M {0} && {1} {0} && mount -o loop {0} {2}", image, make, path));
        return path;
    }

    std::string on_tmpfs() {
        const std::string path = mount_point("tmpfs");
        must(fmt::format("mount -t tmpfs -o size=64m kvorum-test {}", path));
        return path;
    }

    std::string overlay_over(const std::string& upper) {
        std::string path = mount_point("overlay");
        must(
            fmt::format("mkdir {0}/lower {0}/upper {0}/work && mount -t overlay overlay -o "
                        "lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work {1}",
                        upper, path));
        return path;
    }

    // What was acknowledged before a kill is there after it. Returns the log of both starts.
    static std::string keeps_what_it_acknowledged(const std::string& directory, std::vector<std::string> flags = {}) {
        flags.insert(flags.end(), kSmallLog.begin(), kSmallLog.end());
        Cluster cluster({.nodes = 1, .flags = flags, .directory = directory});
        cluster.start(1);
        (void)cluster.wait_for_leader();
        EXPECT_EQ(Client(cluster.endpoint(1)).command({"SET", "kept", "yes"}).to_string(), "OK");
        cluster.kill(1);
        cluster.start(1);
        (void)cluster.wait_for_leader();
        EXPECT_EQ(Client(cluster.endpoint(1)).command({"GET", "kept"}).to_string(), "yes");
        EXPECT_TRUE(cluster.stop(1));
        return read_file(cluster.log_path(1));
    }

    TestDirectory parent_;
};

// "... wal: DIR: device loop3 (xfs on loop device on ext4), write_cache ..., direct I/O yes (says statx); write + ..."
auto names_device_and_method(const std::string& filesystem, const std::string& direct_io) {
    return ContainsRegex(fmt::format(
        "wal: .*: device loop[0-9]+ \\({}.*direct I/O {} .*; (write \\+ fdatasync|RWF_DSYNC)", filesystem, direct_io));
}

TEST_F(StorageTest, OnExt4) {
    const std::string directory = on_loop_device("ext4", "mkfs.ext4 -q");
    if (directory.empty()) return;
    EXPECT_THAT(keeps_what_it_acknowledged(directory), names_device_and_method("ext4 on loop device", "yes"));
}

TEST_F(StorageTest, OnXfs) {
    const std::string directory = on_loop_device("xfs", "mkfs.xfs -q");
    if (directory.empty()) return;
    EXPECT_THAT(keeps_what_it_acknowledged(directory), names_device_and_method("xfs on loop device", "yes"));
}

TEST_F(StorageTest, OnBtrfsWithoutCopyOnWrite) {
    const std::string directory = on_loop_device("btrfs", "mkfs.btrfs -q");
    if (directory.empty()) return;
    const std::string log = keeps_what_it_acknowledged(directory);
    EXPECT_THAT(log, HasSubstr("written in place (FS_NOCOW_FL)"));
    EXPECT_THAT(log, names_device_and_method("btrfs on loop device", "(yes|buffered)"));
    const ProgramResult flags = run(fmt::format("lsattr {}/node-1/*.seg", directory));
    EXPECT_THAT(flags.output, ContainsRegex("C-* ")) << "the segments themselves";
}

TEST_F(StorageTest, OnAnOverlayTheDeviceIsThatOfItsUpperLayer) {
    const std::string disk = on_loop_device("ext4", "mkfs.ext4 -q");
    if (disk.empty()) return;
    EXPECT_THAT(keeps_what_it_acknowledged(overlay_over(disk)),
                names_device_and_method("overlay on ext4 on loop device", "yes"));
}

std::string refusal_on(const std::string& directory) {
    return run(fmt::format("{} --data-dir {}/data", program_path("kvorumd"), directory), 20).output;
}

TEST_F(StorageTest, MemoryIsRefusedAlsoUnderAnOverlay) {
    const std::string tmpfs = on_tmpfs();
    const auto refuses = AllOf(HasSubstr("cannot start"), HasSubstr("keeps nothing: tmpfs keeps files in memory only"),
                               HasSubstr("allow-volatile-storage"));
    EXPECT_THAT(refusal_on(tmpfs), refuses);
    EXPECT_THAT(refusal_on(overlay_over(tmpfs)), AllOf(refuses, HasSubstr("overlay on tmpfs")));
}

TEST_F(StorageTest, MemoryThatIsAllowedIsNamedByTheLogByInfoAndByTheTools) {
    const std::string directory = on_tmpfs();
    const std::string log = keeps_what_it_acknowledged(directory, {"--allow-volatile-storage"});
    EXPECT_THAT(log, HasSubstr("VOLATILE STORAGE is allowed: tmpfs keeps files in memory only"));

    const Ports ports(1);
    const std::string local = fmt::format("{} local {{}} --dir {}/local", program_path("kvorum"), directory);
    const ProgramResult started =
        run(fmt::format(fmt::runtime(local), fmt::format("start --nodes 1 --base-port {}", ports[0])) +
            " -- --allow-volatile-storage --wal-segment-size 256KiB");
    EXPECT_THAT(started.output, HasSubstr("node 1: VOLATILE STORAGE: tmpfs keeps files in memory only"));
    EXPECT_THAT(run(fmt::format(fmt::runtime(local), "status")).output, HasSubstr("node 1: VOLATILE STORAGE"));
    EXPECT_THAT(Client({"127.0.0.1", ports[0]}).command({"INFO", "wal"}).to_string(),
                HasSubstr("wal_storage_volatile:1"));
    EXPECT_EQ(run(fmt::format(fmt::runtime(local), "stop")).exit_code, 0);
}

}  // namespace
}  // namespace kvorum::integration
