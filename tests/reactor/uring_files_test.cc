#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/log.h"
#include "tests/reactor/uring_fixture.h"

namespace kvorum::reactor {
namespace {

using ::testing::HasSubstr;

constexpr size_t kBlockBytes = 4 * kKiB;

struct FreeAligned {
    void operator()(std::byte* memory) const { std::free(memory); }
};
using AlignedMemory = std::unique_ptr<std::byte, FreeAligned>;

AlignedMemory aligned(size_t size_bytes) {
    return AlignedMemory(static_cast<std::byte*>(std::aligned_alloc(kBlockBytes, size_bytes)));
}

class UringFilesTest : public UringTest {
 protected:
    UringFilesTest() {
        std::string name = "kvorum-files-XXXXXX";
        directory = ::mkdtemp(name.data());
    }
    ~UringFilesTest() override { std::filesystem::remove_all(directory); }

    std::string directory;
};

Task<> write_and_read_back(Reactor& reactor, std::string path, MutableBytes memory, uint8_t write_flags) {
    const MutableBytes written = memory.first(2 * kBlockBytes);
    const MutableBytes read_back = memory.subspan(2 * kBlockBytes, 2 * kBlockBytes);
    std::memset(written.data(), 'k', written.size());
    std::memset(read_back.data(), 0, read_back.size());
    const int32_t file = co_await reactor.open(path, O_RDWR | O_CREAT | O_DIRECT, 0644);
    EXPECT_GE(file, 0);
    const int32_t allocated = co_await reactor.allocate(file, 0, 4 * kBlockBytes);
    EXPECT_EQ(allocated, 0);
    const int32_t write_result = co_await reactor.write(file, written, kBlockBytes, write_flags);
    EXPECT_EQ(write_result, 2 * kBlockBytes);
    const int32_t synced = co_await reactor.data_sync(file);
    EXPECT_EQ(synced, 0);
    const int32_t read_result = co_await reactor.read(file, read_back, kBlockBytes, write_flags & kIoRegisteredBuffer);
    EXPECT_EQ(read_result, 2 * kBlockBytes);
    EXPECT_EQ(std::memcmp(written.data(), read_back.data(), written.size()), 0);
    co_await close_handle(reactor, file);
}

TEST_F(UringFilesTest, WhatWasWrittenDirectlyIsReadBack) {
    const AlignedMemory memory = aligned(4 * kBlockBytes);
    run_until_done(reactor, write_and_read_back(reactor, directory + "/a", {memory.get(), 4 * kBlockBytes}, 0));
}

TEST_F(UringFilesTest, AWriteMayBeMadeDurableByItself) {
    const AlignedMemory memory = aligned(4 * kBlockBytes);
    run_until_done(reactor,
                   write_and_read_back(reactor, directory + "/a", {memory.get(), 4 * kBlockBytes}, kIoDataSync));
}

TEST_F(UringFilesTest, ARegisteredRegionServesWritesAndReads) {
    const AlignedMemory memory = aligned(4 * kBlockBytes);
    const MutableBytes region(memory.get(), 4 * kBlockBytes);
    ASSERT_TRUE(backend->register_buffer(region));
    run_until_done(reactor, write_and_read_back(reactor, directory + "/a", region, kIoRegisteredBuffer | kIoDataSync));
}

TEST_F(UringFilesTest, MemoryOutsideOfTheRegisteredRegionIsRefused) {
    const AlignedMemory memory = aligned(2 * kBlockBytes);
    ASSERT_TRUE(backend->register_buffer({memory.get(), kBlockBytes}));
    auto write_outside = [](Reactor& r, std::string path, Bytes outside) -> Task<int32_t> {
        const int32_t file = co_await r.open(path, O_RDWR | O_CREAT | O_DIRECT, 0644);
        const int32_t result = co_await r.write(file, outside, 0, kIoRegisteredBuffer);
        co_await close_handle(r, file);
        co_return result;
    };
    const Bytes outside(memory.get() + kBlockBytes, kBlockBytes);
    EXPECT_EQ(run_until_done(reactor, write_outside(reactor, directory + "/a", outside)), -EFAULT);
}

TEST_F(UringFilesTest, ARegionThatTheKernelRefusesIsWrittenFromAllTheSame) {
    void* forbidden = ::mmap(nullptr, kBlockBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(forbidden, MAP_FAILED);
    EXPECT_FALSE(backend->register_buffer({static_cast<std::byte*>(forbidden), kBlockBytes}));
    const AlignedMemory memory = aligned(4 * kBlockBytes);
    run_until_done(
        reactor, write_and_read_back(reactor, directory + "/a", {memory.get(), 4 * kBlockBytes}, kIoRegisteredBuffer));
    ::munmap(forbidden, kBlockBytes);
}

Task<> rename_and_unlink(Reactor& reactor, std::string directory) {
    const int32_t file = co_await reactor.open(directory + "/a", O_WRONLY | O_CREAT, 0644);
    EXPECT_GE(file, 0);
    co_await close_handle(reactor, file);
    const int32_t renamed = co_await reactor.rename(directory + "/a", directory + "/b");
    EXPECT_EQ(renamed, 0);
    const int32_t parent = co_await reactor.open(directory, O_RDONLY | O_DIRECTORY, 0);
    EXPECT_GE(parent, 0);
    const int32_t synced = co_await reactor.file_sync(parent);
    EXPECT_EQ(synced, 0);
    co_await close_handle(reactor, parent);
    EXPECT_TRUE(std::filesystem::exists(directory + "/b"));
    const int32_t unlinked = co_await reactor.unlink(directory + "/b");
    EXPECT_EQ(unlinked, 0);
    const int32_t again = co_await reactor.unlink(directory + "/b");
    EXPECT_EQ(again, -ENOENT);
}

TEST_F(UringFilesTest, FilesAreRenamedAndUnlinked) { run_until_done(reactor, rename_and_unlink(reactor, directory)); }

TEST_F(UringFilesTest, DirectoriesAreMadeWithTheirParents) {
    const std::string deep = directory + "/one/two/three/";
    EXPECT_TRUE(backend->make_directory(deep).ok());
    EXPECT_TRUE(std::filesystem::is_directory(deep));
    EXPECT_TRUE(backend->make_directory(deep).ok()) << "it may exist already";
}

TEST_F(UringFilesTest, AFileInTheWayOfADirectoryIsAnError) {
    std::ofstream(directory + "/file") << "x";
    EXPECT_FALSE(backend->make_directory(directory + "/file").ok());
    EXPECT_FALSE(backend->make_directory(directory + "/file/below").ok());
}

TEST_F(UringFilesTest, DirectoriesAreListedByName) {
    std::ofstream(directory + "/b") << "12345";
    std::ofstream(directory + "/a");
    const absl::StatusOr<std::vector<DirectoryEntry>> entries = backend->list_directory(directory);
    ASSERT_TRUE(entries.ok());
    ASSERT_EQ(entries->size(), 2);
    EXPECT_EQ((*entries)[0].name, "a");
    EXPECT_EQ((*entries)[1].name, "b");
    EXPECT_EQ((*entries)[1].size_bytes, 5);
    EXPECT_EQ(backend->list_directory(directory + "/nothing").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(UringFilesTest, ALockedDirectoryNamesItsHolderToOthers) {
    ASSERT_TRUE(backend->lock_directory(directory).ok());
    const std::unique_ptr<UringBackend> other = make_backend();
    const absl::Status refused = other->lock_directory(directory);
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(refused.message()), HasSubstr(std::to_string(::getpid())));
}

TEST_F(UringFilesTest, TheLockGoesWithItsBackend) {
    std::unique_ptr<UringBackend> first = make_backend();
    ASSERT_TRUE(first->lock_directory(directory).ok());
    first.reset();
    EXPECT_TRUE(backend->lock_directory(directory).ok());
}

TEST_F(UringTest, HaltLogsItsReasonAndEndsTheProcessWithItsOwnCode) {
    ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_EXIT(backend->halt("the disk said no"), ::testing::ExitedWithCode(70), "halting: the disk said no");
}

}  // namespace
}  // namespace kvorum::reactor
