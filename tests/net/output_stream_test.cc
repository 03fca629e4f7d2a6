#include "net/output_stream.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <optional>
#include <string>

#include "base/prng.h"
#include "reactor/scope.h"
#include "reactor/streams.h"
#include "reactor/sync_wait.h"
#include "tests/peers/fake_network.h"
#include "tests/peers/peer_messages.h"

namespace kvorum::net {
namespace {

using reactor::run_until_done;
using reactor::Task;

constexpr uint16_t kPort = 1;

Task<void> read_to_end(reactor::ReceiveStream& stream, std::string& received) {
    while (true) {
        reactor::Chunk chunk = co_await stream.next();
        if (chunk.result <= 0) break;
        received += as_text(chunk.bytes);
        stream.release(chunk);
    }
    co_await stream.close();
}

Task<int32_t> connect(reactor::Reactor& reactor) {
    const int32_t socket = co_await reactor.connect({"fake", kPort});
    co_return socket;
}

Task<int32_t> accept_one(reactor::Reactor& reactor, reactor::Handle listener) {
    reactor::AcceptStream accepts(reactor, listener);
    const int32_t socket = co_await accepts.next();
    co_await accepts.close();
    co_return socket;
}

Task<void> close_handle(reactor::Reactor& reactor, reactor::Handle handle) {
    const int32_t closed = co_await reactor.close(handle);
    EXPECT_EQ(closed, 0);
}

// A connected pair: the stream under test writes to `near`, `received` is what came out at the other end.
class OutputStreamTest : public ::testing::Test {
 protected:
    OutputStreamTest() {
        const reactor::Handle listener = network_.listen({"fake", kPort}).value();
        near_ = run_until_done(reactor_, connect(reactor_));
        far_ = run_until_done(reactor_, accept_one(reactor_, listener));
        receive_.emplace(reactor_, far_);
        stream_.emplace(reactor_, flusher_, near_, &progress_);
        scope_.spawn(read_to_end(*receive_, received_));
    }

    ~OutputStreamTest() override {
        network_.receivers_sleep = false;
        run_until_done(reactor_, stream_->close());
        stream_.reset();
        run_until_done(reactor_, close_handle(reactor_, near_));
        run_until_done(reactor_, scope_.join());
        EXPECT_EQ(network_.operations_in_flight(), 0u);
    }

    void turns(int count) {
        for (int i = 0; i < count; ++i)
            reactor_.turn(reactor_.now_ns());
    }
    bool drain() { return run_until_done(reactor_, stream_->drain({})); }
    // Everything sent has also arrived.
    void settle() {
        while (reactor_.turn(reactor_.now_ns()) || received_.size() < stream_->sent_bytes()) {
        }
    }

    peers::test::FakeNetwork network_;
    reactor::Reactor reactor_{network_, {}};
    OutputFlusher flusher_{reactor_};
    reactor::TaskScope scope_{reactor_};
    int progress_count_ = 0;
    struct Progress : reactor::Runnable {
        explicit Progress(int& counter)
            : Runnable([](Runnable& self) { ++static_cast<Progress&>(self).count; }), count(counter) {}
        int& count;
    } progress_{progress_count_};
    reactor::Handle near_ = reactor::kNoHandle;
    reactor::Handle far_ = reactor::kNoHandle;
    std::string received_;
    std::optional<reactor::ReceiveStream> receive_;
    std::optional<OutputStream> stream_;
};

TEST_F(OutputStreamTest, WhatGathersInATurnLeavesInOneSend) {
    stream_->tail() += "one ";
    stream_->tail() += "two ";
    stream_->buffer().append_entry(peers::test::make_entry(1, 1, std::string(1000, 'e')));
    EXPECT_TRUE(drain());
    settle();
    EXPECT_EQ(network_.sends(), 1u);
    EXPECT_TRUE(received_.starts_with("one two "));
    EXPECT_EQ(received_.size(), 8 + raft::EntryHeader::kEncodedSize + 1000);
    EXPECT_EQ(progress_count_, 1);
}

TEST_F(OutputStreamTest, OneSendIsInFlightAndTheRestGathers) {
    network_.socket_buffer_bytes = 10;
    network_.receivers_sleep = true;
    stream_->tail() += "0123456789";
    turns(3);
    stream_->tail() += "abc";
    turns(3);
    stream_->tail() += "def";
    turns(3);
    EXPECT_EQ(network_.sends(), 1u);
    EXPECT_EQ(stream_->queued_bytes(), 6u);
    network_.receivers_sleep = false;
    EXPECT_TRUE(drain());
    settle();
    EXPECT_EQ(received_, "0123456789abcdef");
}

TEST_F(OutputStreamTest, ShortSendsGoOnWhereTheyStopped) {
    network_.send_bytes_max = 7;
    std::string expected;
    for (uint64_t i = 1; i <= 5; ++i) {
        const raft::EntryPtr entry = peers::test::make_entry(i, 1, std::string(600, static_cast<char>('a' + i)));
        stream_->tail() += "head";
        stream_->buffer().append_entry(entry);
        expected += "head" + std::string(as_text(entry->encoded()));
    }
    EXPECT_TRUE(drain());
    settle();
    EXPECT_EQ(received_, expected);
    EXPECT_EQ(stream_->sent_bytes(), expected.size());
}

TEST_F(OutputStreamTest, AnyMixOfAppendsAndShortSendsArrivesWhole) {
    Prng prng(5);
    std::string expected;
    for (int round = 0; round < 300; ++round) {
        network_.send_bytes_max = 1 + prng.below(3000);
        network_.socket_buffer_bytes = 1 + prng.below(4000);
        for (uint64_t n = prng.below(4); n > 0; --n) {
            if (prng.chance(1, 3)) {
                const raft::EntryPtr entry = peers::test::make_entry(1, 1, std::string(prng.below(2000), 'e'));
                stream_->buffer().append_entry(entry);
                expected += as_text(entry->encoded());
            } else {
                const std::string text(prng.below(300), static_cast<char>('a' + prng.below(26)));
                stream_->tail() += text;
                expected += text;
            }
        }
        turns(static_cast<int>(prng.below(4)));
    }
    EXPECT_TRUE(drain());
    settle();
    EXPECT_EQ(received_, expected);
}

TEST_F(OutputStreamTest, MorePiecesThanOneSendTakesFollowInOrder) {
    std::string expected;
    for (uint64_t i = 1; i <= 300; ++i) {
        const raft::EntryPtr entry = peers::test::make_entry(i, 1, std::string(600, 'x'));
        stream_->tail() += std::to_string(i);
        stream_->buffer().append_entry(entry);
        expected += std::to_string(i) + std::string(as_text(entry->encoded()));
    }
    network_.socket_buffer_bytes = 1 << 20;
    EXPECT_TRUE(drain());
    settle();
    EXPECT_EQ(received_, expected);
    EXPECT_LE(network_.most_pieces(), 128u);
    EXPECT_EQ(network_.sends(), 5u);
}

TEST_F(OutputStreamTest, EntriesAreHeldUntilTheyWereSent) {
    raft::EntryPtr entry = peers::test::make_entry(1, 1, std::string(1000, 'e'));
    const std::weak_ptr<const raft::Entry> watch = entry;
    stream_->buffer().append_entry(entry);
    entry.reset();
    EXPECT_FALSE(watch.expired());
    EXPECT_TRUE(drain());
    EXPECT_TRUE(watch.expired());
}

TEST_F(OutputStreamTest, AFailedSendEndsTheStreamAndTellsTheOwner) {
    network_.send_fails = true;
    stream_->tail() += "lost";
    EXPECT_FALSE(drain());
    turns(1);
    EXPECT_TRUE(stream_->failed());
    EXPECT_EQ(stream_->error(), -ECONNRESET);
    EXPECT_EQ(progress_count_, 1);
    stream_->tail() += "dropped";
    turns(2);
    EXPECT_EQ(stream_->queued_bytes(), 0u);
}

TEST_F(OutputStreamTest, CountsWhatTheKernelWasGiven) {
    network_.socket_buffer_bytes = 10;
    network_.receivers_sleep = true;
    stream_->tail() += "0123456789";
    turns(3);
    stream_->tail() += "in flight ";
    turns(3);
    stream_->tail() += "gathering";
    EXPECT_EQ(stream_->appended_bytes(), 29u);
    EXPECT_EQ(stream_->handed_bytes(), 20u);
    EXPECT_EQ(stream_->sent_bytes(), 10u);
}

TEST_F(OutputStreamTest, CloseCancelsTheSendInFlightAndWaitsForIt) {
    network_.socket_buffer_bytes = 0;
    stream_->tail() += "never";
    turns(3);
    ASSERT_EQ(network_.operations_in_flight(), 2u);
    run_until_done(reactor_, stream_->close());
    EXPECT_EQ(network_.operations_in_flight(), 1u);
    EXPECT_TRUE(stream_->failed());
}

TEST_F(OutputStreamTest, DrainEndsWhenStopped) {
    network_.socket_buffer_bytes = 0;
    stream_->tail() += "never";
    reactor::StopSource stop;
    stop.request_stop();
    EXPECT_FALSE(run_until_done(reactor_, stream_->drain(stop.token())));
    EXPECT_FALSE(stream_->failed());
}

}  // namespace
}  // namespace kvorum::net
