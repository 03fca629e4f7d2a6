#include "base/machine_memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/units.h"

namespace kvorum {
namespace {

class MachineMemoryTest : public ::testing::Test {
 protected:
    void SetUp() override {
        root_ = std::filesystem::path(::testing::TempDir()) /
                ("machine_memory_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
        std::filesystem::remove_all(root_);
    }
    void TearDown() override { std::filesystem::remove_all(root_); }
    void write(const std::string& path, const std::string& text) const {
        const std::filesystem::path whole = root_.string() + path;
        std::filesystem::create_directories(whole.parent_path());
        std::ofstream(whole) << text;
    }
    [[nodiscard]] uint64_t usable() const { return usable_memory_bytes(root_.string()); }

    std::filesystem::path root_;
};

const std::string kMemInfo = "MemTotal:        4096 kB\nMemFree:         1024 kB\n";

TEST_F(MachineMemoryTest, IsThatOfTheMachineWithoutAGroup) {
    write("/proc/meminfo", kMemInfo);
    EXPECT_EQ(usable(), 4 * kMiB);
}

TEST_F(MachineMemoryTest, IsTheLimitOfTheGroupWhenThatIsLess) {
    write("/proc/meminfo", kMemInfo);
    write("/proc/self/cgroup", "0::/system/kvorum\n");
    write("/sys/fs/cgroup/system/kvorum/memory.max", "2097152\n");
    EXPECT_EQ(usable(), 2 * kMiB);
}

TEST_F(MachineMemoryTest, IsTheLeastLimitOfTheGroupsAbove) {
    write("/proc/meminfo", kMemInfo);
    write("/proc/self/cgroup", "0::/system/kvorum\n");
    write("/sys/fs/cgroup/system/kvorum/memory.max", "max\n");
    write("/sys/fs/cgroup/system/memory.max", "1048576\n");
    EXPECT_EQ(usable(), 1 * kMiB);
}

TEST_F(MachineMemoryTest, IsTheRootsLimitWhereAContainerSeesOnlyThat) {
    write("/proc/meminfo", kMemInfo);
    write("/proc/self/cgroup", "0::/docker/0123\n");
    write("/sys/fs/cgroup/memory.max", "3145728\n");
    EXPECT_EQ(usable(), 3 * kMiB);
}

TEST_F(MachineMemoryTest, KnowsTheFirstVersionOfGroups) {
    write("/proc/meminfo", kMemInfo);
    write("/proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/x\n0::/\n");
    write("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1048576\n");
    EXPECT_EQ(usable(), 1 * kMiB);
}

TEST_F(MachineMemoryTest, IsTheMachinesWhenTheGroupMayHaveMore) {
    write("/proc/meminfo", kMemInfo);
    write("/proc/self/cgroup", "4:memory:/\n");
    write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    EXPECT_EQ(usable(), 4 * kMiB);
}

TEST_F(MachineMemoryTest, IsUnknownWhereNothingTells) { EXPECT_EQ(usable(), 0u); }

TEST(MachineMemory, OfThisMachineIsFound) { EXPECT_GT(usable_memory_bytes(), 16 * kMiB); }

}  // namespace
}  // namespace kvorum
