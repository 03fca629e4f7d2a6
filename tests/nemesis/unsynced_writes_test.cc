// The books that a power cut needs: what is durable stays, what is not goes.
#include "tests/nemesis/unsynced_writes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/integration/world.h"

namespace kvorum::nemesis {
namespace {

constexpr uint64_t kBlock = UnsyncedWrites::kBlockBytes;

class UnsyncedWritesTest : public testing::Test {
 protected:
    UnsyncedWritesTest() {
        descriptor_ = open((directory_.path() + "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        writes_.open(descriptor_);
    }
    ~UnsyncedWritesTest() override { close(descriptor_); }

    UnsyncedWrites::Span begin_write(uint64_t block, char fill) {
        const auto span = writes_.begin_write(descriptor_, block * kBlock, kBlock);
        const std::string bytes(kBlock, fill);
        EXPECT_EQ(pwrite(descriptor_, bytes.data(), kBlock, static_cast<off_t>(block * kBlock)),
                  static_cast<ssize_t>(kBlock));
        return *span;
    }
    void write(uint64_t block, char fill, bool durable = false) {
        writes_.end_write(begin_write(block, fill), durable);
    }
    void sync() { writes_.end_sync(*writes_.begin_sync(descriptor_)); }

    // Cuts until all that is not durable was lost at once (every cut does so by chance).
    void cut_power() {
        Prng random(1);
        for (int i = 0; i < 64; ++i)
            (void)writes_.cut(random);
    }
    // The byte that the block is full of; '?' when it is torn.
    char content(uint64_t block) const {
        std::string bytes(kBlock, '\0');
        EXPECT_GE(pread(descriptor_, bytes.data(), kBlock, static_cast<off_t>(block * kBlock)), 0);
        return bytes == std::string(kBlock, bytes[0]) ? bytes[0] : '?';
    }

    integration::TestDirectory directory_;
    int descriptor_ = -1;
    UnsyncedWrites writes_;
};

TEST_F(UnsyncedWritesTest, AWriteWithoutASyncIsLost) {
    write(0, 'a');
    sync();
    write(0, 'b');
    write(1, 'c');
    cut_power();
    EXPECT_EQ(content(0), 'a');
    EXPECT_EQ(content(1), '\0');
}

TEST_F(UnsyncedWritesTest, ASyncedWriteStays) {
    write(0, 'a');
    write(1, 'b');
    sync();
    EXPECT_EQ(writes_.block_count(), 0U);
    cut_power();
    EXPECT_EQ(content(0), 'a');
    EXPECT_EQ(content(1), 'b');
}

TEST_F(UnsyncedWritesTest, ADataSyncWriteMakesItsOwnBlocksDurable) {
    write(0, 'a');
    write(1, 'b', true);
    cut_power();
    EXPECT_EQ(content(0), '\0');
    EXPECT_EQ(content(1), 'b');
}

TEST_F(UnsyncedWritesTest, ASyncDoesNotCoverAWriteThatEndsAfterItBegan) {
    const auto late = begin_write(0, 'a');
    const auto sync = writes_.begin_sync(descriptor_);
    writes_.end_write(late, false);
    writes_.end_sync(*sync);
    cut_power();
    EXPECT_EQ(content(0), '\0');
}

TEST_F(UnsyncedWritesTest, ASyncKeepsWhatItFoundWhenTheBlockIsWrittenAgainMeanwhile) {
    write(0, 'a');
    const auto sync = writes_.begin_sync(descriptor_);
    write(0, 'b');
    writes_.end_sync(*sync);
    cut_power();
    EXPECT_EQ(content(0), 'a');
}

TEST_F(UnsyncedWritesTest, AClosedFileLosesItsWritesToo) {
    write(0, 'a');
    writes_.close(descriptor_);
    EXPECT_FALSE(writes_.begin_write(descriptor_, 0, kBlock).has_value());
    cut_power();
    EXPECT_EQ(content(0), '\0');
}

TEST_F(UnsyncedWritesTest, SomeCutsKeepSomeSectors) {
    bool torn = false;
    for (uint64_t seed = 0; seed < 64 && !torn; ++seed) {
        write(0, 'a', true);
        write(0, 'b');
        Prng random(seed);
        (void)writes_.cut(random);
        torn = content(0) == '?';
        sync();
    }
    EXPECT_TRUE(torn);
}

}  // namespace
}  // namespace kvorum::nemesis
