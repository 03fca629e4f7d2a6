#include "gateway/request_queue.h"

#include <gtest/gtest.h>

namespace kvorum::gateway {
namespace {

TEST(RequestQueue, KeepsOrderWhileItGrowsAndWraps) {
    RequestQueue queue;
    uint64_t next_in = 0;
    uint64_t next_out = 0;
    for (int round = 0; round < 200; ++round) {
        for (int i = 0; i < round % 17; ++i)
            queue.push_back().token = next_in++;
        for (int i = 0; i < round % 13 && !queue.empty(); ++i) {
            EXPECT_EQ(queue.front().token, next_out++);
            queue.pop_front();
        }
    }
    while (!queue.empty()) {
        EXPECT_EQ(queue.front().token, next_out++);
        queue.pop_front();
    }
    EXPECT_EQ(next_in, next_out);
}

TEST(RequestQueue, ARequestIsFoundByItsSequenceUntilItIsAnswered) {
    RequestQueue queue;
    queue.push_back().token = 1;
    const uint64_t first = queue.head_sequence();
    queue.push_back().token = 2;
    ASSERT_NE(queue.find(first + 1), nullptr);
    EXPECT_EQ(queue.find(first + 1)->token, 2u);
    queue.pop_front();
    EXPECT_EQ(queue.find(first), nullptr) << "a late completion for an answered request must find nothing";
    EXPECT_EQ(queue.find(first + 2), nullptr);
}

TEST(RequestQueue, AReusedSlotShowsNothingOfItsLastUser) {
    RequestQueue queue;
    for (int i = 0; i < 8; ++i) {
        Request& request = queue.push_back();
        EXPECT_TRUE(request.text().empty());
        EXPECT_EQ(request.origin_id, 0u);
        EXPECT_FALSE(request.is_barrier);
        queue.set_text(request, "SET k v");
        request.origin_id = 9;
        request.is_barrier = true;
        queue.pop_front();
    }
}

TEST(RequestQueue, KnowsTheMemoryThatItsTextsTake) {
    RequestQueue queue;
    const uint64_t empty_bytes = queue.memory_bytes();
    queue.set_text(queue.push_back(), std::string(100'000, 'x'));
    EXPECT_GE(queue.memory_bytes(), 100'000u);
    queue.pop_front();
    EXPECT_EQ(queue.memory_bytes(), empty_bytes) << "a large text is given back with its request";
    for (int i = 0; i < 8; ++i) {  // each slot twice
        queue.set_text(queue.push_back(), std::string(100'000, 'x'));
        queue.pop_front();
    }
    EXPECT_EQ(queue.memory_bytes(), empty_bytes);
}

TEST(RequestQueue, KnowsHowLongTheTextsOfItsRequestsAre) {
    RequestQueue queue;
    queue.set_text(queue.push_back(), std::string(1000, 'x'));
    Request& second = queue.push_back();
    queue.keep_arguments(second, std::vector<std::string_view>{"GET", "key"});
    EXPECT_EQ(queue.text_bytes(), 1000 + second.text().size());
    queue.set_text(second, "ten bytes.");
    EXPECT_EQ(queue.text_bytes(), 1010);
    queue.pop_front();
    EXPECT_EQ(queue.text_bytes(), 10);
    queue.pop_front();
    queue.push_back();
    EXPECT_EQ(queue.text_bytes(), 0);
}

TEST(RequestQueue, ALongQueueIsShortAgainOnceItIsEmpty) {
    RequestQueue queue;
    for (int i = 0; i < 10'000; ++i)
        queue.set_text(queue.push_back(), std::string(1000, 'x'));
    EXPECT_GE(queue.memory_bytes(), 10'000'000u);
    while (!queue.empty())
        queue.pop_front();
    EXPECT_LE(queue.memory_bytes(), 64u * 1024);
}

TEST(PackArguments, GivesBackWhatWentInBytesAndAll) {
    const std::string binary("\0\r\n\xff", 4);
    const std::vector<std::string_view> arguments{"SET", "", binary};
    std::string packed;
    pack_arguments(arguments, packed);
    std::vector<std::string_view> out;
    unpack_arguments(packed, out);
    EXPECT_EQ(out, arguments);
}

}  // namespace
}  // namespace kvorum::gateway
