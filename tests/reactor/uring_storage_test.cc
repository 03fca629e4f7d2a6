// What lies under a directory.
#include <sys/resource.h>

#include <filesystem>

#include "reactor/uring_mounts.h"
#include "tests/reactor/uring_fixture.h"

namespace kvorum::reactor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(Mounts, ALineOfMountinfoIsReadWithItsEscapes) {
    const std::optional<Mount> mount = parse_mount(
        R"(72 43 0:44 / /mnt/with\040space rw,relatime shared:1 master:2 - overlay over\134lay rw,lowerdir=/l,upperdir=/u,workdir=/w)");
    ASSERT_TRUE(mount.has_value());
    EXPECT_EQ(mount->id, 72);
    EXPECT_EQ(mount->device_number, "0:44");
    EXPECT_EQ(mount->mount_point, "/mnt/with space");
    EXPECT_EQ(mount->filesystem, "overlay");
    EXPECT_EQ(mount->source, "over\\lay");
    EXPECT_EQ(mount->option("upperdir"), "/u");
    EXPECT_EQ(mount->option("dir"), "") << "a whole name only";
    EXPECT_TRUE(mount->has_option("rw"));
    EXPECT_FALSE(mount->has_option("volatile"));
}

TEST(Mounts, WhatIsNoSuchLineIsNothing) {
    EXPECT_EQ(parse_mount(""), std::nullopt);
    EXPECT_EQ(parse_mount("x 43 0:44 / / rw - ext4 /dev/vda rw"), std::nullopt);
    EXPECT_EQ(parse_mount("64 43 7:0 / /m rw,relatime"), std::nullopt);
}

class StorageTest : public UringTest {
 protected:
    StorageTest() {
        std::string name = "kvorum-storage-XXXXXX";
        directory = ::mkdtemp(name.data());
    }
    ~StorageTest() override { std::filesystem::remove_all(directory); }

    std::string directory;
};

TEST_F(StorageTest, TheFactsOfADiskComeFromItsQueueAndAProbeThatLeavesNothing) {
    const absl::StatusOr<DeviceFacts> facts = backend->device_facts(directory);
    ASSERT_TRUE(facts.ok());
    EXPECT_GE(facts->logical_block_bytes, 512);
    EXPECT_GE(facts->physical_block_bytes, facts->logical_block_bytes);
    EXPECT_THAT(facts->write_cache, Not(IsEmpty()));
    EXPECT_THAT(facts->volatile_because, IsEmpty());
    EXPECT_EQ(facts->direct_io, DirectIo::kYes) << facts->to_string();
    EXPECT_TRUE(std::filesystem::is_empty(directory));
}

TEST_F(StorageTest, FilesInMemoryAreVolatileAndNeverDirect) {
    if (!std::filesystem::exists("/dev/shm")) GTEST_SKIP() << "there is no /dev/shm here";
    const std::string in_memory = "/dev/shm/kvorum-storage-" + std::to_string(::getpid());
    std::filesystem::create_directory(in_memory);
    const absl::StatusOr<DeviceFacts> facts = backend->device_facts(in_memory);
    std::filesystem::remove_all(in_memory);
    ASSERT_TRUE(facts.ok());
    EXPECT_THAT(facts->volatile_because, HasSubstr("memory"));
    EXPECT_NE(facts->direct_io, DirectIo::kYes) << "although O_DIRECT may be taken: " << facts->to_string();
}

TEST_F(StorageTest, WithoutADiskTheFactsAreUnknown) {
    const absl::StatusOr<DeviceFacts> facts = backend->device_facts("/proc");
    ASSERT_TRUE(facts.ok());
    EXPECT_EQ(facts->write_cache, "unknown");
    EXPECT_EQ(facts->filesystem, "proc");
    EXPECT_EQ(facts->direct_io, DirectIo::kUnknown);
    EXPECT_FALSE(backend->device_facts("/nowhere").ok());
}

TEST_F(StorageTest, TheLimitOfDescriptorsIsRaisedAsFarAsItMay) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit low = before;
    low.rlim_cur = 64;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    EXPECT_EQ(backend->allow_descriptors(10), 64) << "it is not lowered";
    EXPECT_EQ(backend->allow_descriptors(100), 100);
    EXPECT_EQ(backend->allow_descriptors(UINT64_MAX), before.rlim_max);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace kvorum::reactor
