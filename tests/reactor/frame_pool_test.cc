#include "reactor/frame_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace kvorum::reactor {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KVORUM_TEST_FRAMES_FROM_HEAP
#endif
#endif

TEST(FramePool, CountsWhatIsAlive) {
    const uint64_t before = frame_pool_stats().live_frames;
    void* frame = allocate_frame(200);
    EXPECT_EQ(frame_pool_stats().live_frames, before + 1);
    free_frame(frame, 200);
    EXPECT_EQ(frame_pool_stats().live_frames, before);
}

TEST(FramePool, FramesOfAllSizesAreWritableAndDoNotOverlap) {
    std::vector<std::pair<std::byte*, size_t>> frames;
    for (size_t size = 1; size <= kPooledFrameBytesMax + 200; size += 37) {
        frames.emplace_back(static_cast<std::byte*>(allocate_frame(size)), size);
        std::memset(frames.back().first, static_cast<int>(frames.size() % 251), size);
    }
    for (size_t i = 0; i < frames.size(); ++i) {
        const auto [frame, size] = frames[i];
        const std::byte expected{static_cast<unsigned char>((i + 1) % 251)};
        EXPECT_EQ(frame[0], expected);
        EXPECT_EQ(frame[size - 1], expected);
        free_frame(frame, size);
    }
}

#if !defined(KVORUM_TEST_FRAMES_FROM_HEAP)
TEST(FramePool, AfterWarmUpNothingComesFromTheHeap) {
    free_frame(allocate_frame(300), 300);
    const uint64_t before = frame_pool_stats().heap_allocations;
    for (int i = 0; i < 1000; ++i)
        free_frame(allocate_frame(300), 300);
    EXPECT_EQ(frame_pool_stats().heap_allocations, before);
}
#endif

TEST(FramePool, EachThreadHasItsOwn) {
    const uint64_t before = frame_pool_stats().live_frames;
    std::thread([] {
        EXPECT_EQ(frame_pool_stats().live_frames, 0);
        void* frame = allocate_frame(64);
        EXPECT_EQ(frame_pool_stats().live_frames, 1);
        free_frame(frame, 64);
    }).join();
    EXPECT_EQ(frame_pool_stats().live_frames, before);
}

#if defined(KVORUM_VERIFY_ENABLED)
TEST(FramePool, FreeingTheFrameOfAnotherThreadEndsTheProcess) {
    ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
    void* frame = allocate_frame(64);
    EXPECT_DEATH(std::thread([frame] { free_frame(frame, 64); }).join(), "freed by another thread");
    free_frame(frame, 64);
}
#endif

}  // namespace
}  // namespace kvorum::reactor
