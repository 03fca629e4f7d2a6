// One group's driver by itself: node 1 of three (or of one), with a log, peers and a gateway that a test plays.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "reactor/reactor.h"
#include "reactor/sync_wait.h"
#include "replica/raft_driver.h"
#include "tests/reactor/fake_backend.h"
#include "tests/replica/fake_log.h"

namespace kvorum::replica {

class FakePeers final : public peers::RaftSender, public peers::ReadIndexSender {
 public:
    void send(const raft::Message& message) override { sent.push_back(message); }
    bool send(NodeId peer, const peers::ReadIndexRequest& request) override {
        if (connected) questions.push_back({peer, request});
        return connected;
    }
    bool send(NodeId peer, const peers::ReadIndexReply& reply) override {
        if (connected) answers.push_back({peer, reply});
        return connected;
    }

    template <typename Body>
    [[nodiscard]] std::vector<Body> sent_to(NodeId peer) const {
        std::vector<Body> out;
        for (const raft::Message& message : sent) {
            if (message.to == peer && std::holds_alternative<Body>(message.body))
                out.push_back(std::get<Body>(message.body));
        }
        return out;
    }

    bool connected = true;
    std::vector<raft::Message> sent;
    std::vector<std::pair<NodeId, peers::ReadIndexRequest>> questions;
    std::vector<std::pair<NodeId, peers::ReadIndexReply>> answers;
};

// Writes down what it is told, in order.
class RecordedOutcomes final : public CommandOutcomes {
 public:
    void begin_entry(LogIndex index) override { note(fmt::format("entry {}", index)); }
    void before_long_write(WriteWaiter waiter) override { note(fmt::format("long {}", waiter.waiter.slot)); }
    ReplySink& begin_write_reply(WriteWaiter waiter) override {
        note(fmt::format("executed {}", waiter.waiter.slot));
        return reply_;
    }
    void end_write_reply() override {}
    void pause_write_reply() override { note("paused"); }
    ReplySink& resume_write_reply(WriteWaiter) override { return reply_; }
    [[nodiscard]] bool holds_state() const override { return holds; }
    void write_not_executed(WriteWaiter waiter) override { note(fmt::format("not executed {}", waiter.waiter.slot)); }
    void reads_ready(uint64_t served_id, const std::vector<WaiterId>& waiters) override {
        for (const WaiterId waiter : waiters)
            note(fmt::format("read {} of round {}", waiter.slot, served_id));
    }
    void reads_dropped(const std::vector<WaiterId>& waiters) override {
        for (const WaiterId waiter : waiters)
            note(fmt::format("dropped {}", waiter.slot));
    }
    void leadership_changed() override {
        if (on_leadership_changed) on_leadership_changed();
    }
    std::vector<std::string> take() { return std::exchange(events_, {}); }

    bool holds = false;
    std::function<void()> on_leadership_changed;

 private:
    void note(std::string event) { events_.push_back(std::move(event)); }

    std::vector<std::string> events_;
    DiscardingReplySink reply_;
};

class DriverTest : public ::testing::Test, private reactor::TurnHook {
 protected:
    static constexpr NodeId kSelf{1};
    static constexpr NodeId kPeer{2};
    static constexpr NodeId kOther{3};
    static constexpr ClusterId kCluster{77};  // of the log; the options would found another one

    explicit DriverTest(uint64_t work_budget = kTurnWorkBudget) : reactor_(backend_, {.work_budget = work_budget}) {
        set_log_level(LogLevel::kOff);
        backend_.advance_to_deadline = false;
        config_.id = kSelf;
        for (const uint64_t id : {1, 2, 3})
            config_.members.push_back({NodeId{id}, {"fake", static_cast<uint16_t>(id)}, {"fake", 100}});
        config_.election_timeout_ms = 100;
        config_.heartbeat_interval_ms = 10;
        config_.spin_us = 0;
        reactor_.add_turn_hook(*this, reactor::TurnStage::kDrive);
    }
    ~DriverTest() override {
        reactor_.remove_turn_hook(*this);
        log_.may_read.set();
        if (driver_) reactor::run_until_done(reactor_, driver_->stop());
        set_log_level(LogLevel::kInfo);
    }

    // --- time ---
    RaftDriver& driver() {
        if (!driver_) restart_with({.cluster = kCluster});
        return *driver_;
    }
    void restart_with(const raft::RecoveredLog& recovered) {
        driver_ = std::make_unique<RaftDriver>(reactor_, config_, log_, store_, peers_, peers_, counters_, latency_,
                                               recovered);
    }
    void turn() { reactor_.turn(0); }
    void turn_after(uint64_t duration_ns) {
        backend_.time_ns += duration_ns;
        turn();
    }

    // --- the others ---
    void receive(NodeId from, raft::MessageBody body) { driver().on_raft_message({from, kSelf, std::move(body)}); }
    // Node 2 answers everything that it was sent, as a follower that has it on its disk.
    void answer_as_peer() {
        for (const raft::Message& message : std::exchange(peers_.sent, {})) {
            if (message.to != kPeer) continue;
            if (const auto* vote = std::get_if<raft::RequestVote>(&message.body)) {
                receive(kPeer, raft::RequestVoteReply{.term = vote->term, .pre_vote = vote->pre_vote, .granted = true});
            } else if (const auto* append = std::get_if<raft::AppendEntries>(&message.body)) {
                raft::AppendEntriesReply reply{.term = append->term, .success = true};
                reply.match_index = append->prev_log_index + append->entries.size();
                reply.read_round = append->read_round;
                reply.silence_ns = 100 * kMillisecondNs;
                receive(kPeer, reply);
            }
        }
    }
    // The log finishes what it has and node 2 answers, until nothing is under way.
    void settle(int turns = 20) {
        for (int i = 0; i < turns; ++i) {
            log_.finish_all();
            turn();
            answer_as_peer();
        }
    }
    // This node wins an election and commits its first entry.
    void lead() {
        for (int i = 0; i < 100 && !driver().is_leader(); ++i) {
            log_.finish_all();
            turn_after(5 * kMillisecondNs);
            answer_as_peer();
        }
        ASSERT_TRUE(driver().is_leader());
        settle();
        ASSERT_EQ(driver().last_applied(), driver().raft().last_index());
        outcomes_.take();
    }
    // Node 3 leads in the next term, and says so with these entries.
    void follow_other(raft::EntryList entries, LogIndex commit_index) {
        raft::AppendEntries append{.term = driver().current_term() + 1, .leader_commit = commit_index};
        if (!entries.empty()) {
            append.prev_log_index = entries.front()->index() - 1;
            append.prev_log_term = driver().raft().term_at(append.prev_log_index);
        } else {
            append.prev_log_index = driver().raft().last_index();
            append.prev_log_term = driver().raft().term_at(append.prev_log_index);
        }
        append.entries = std::move(entries);
        receive(kOther, append);
    }

    // --- the gateway ---
    static WriteWaiter waiter(uint32_t slot) { return {{slot, 1}, slot}; }
    WriteAdmission set(uint32_t slot, std::string_view key = "k", std::string_view value = "v") {
        const std::vector<std::string_view> arguments{"set", key, value};
        return driver().add_write(ops::operation_of(ops::OperationCode::kSet), arguments, waiter(slot), error_);
    }
    uint64_t read(uint32_t slot) { return driver().add_read({slot, 1}); }

    // --- entries of others ---
    raft::EntryPtr entry(LogIndex index, Term term, uint64_t prev_checksum, std::string_view key = {}) {
        raft::EntryBuilder builder(key.empty() ? raft::EntryType::kNoop : raft::EntryType::kCommands);
        if (!key.empty()) {
            ops::begin_batch({.hash_seed = 1}, builder.buffer());
            const std::vector<std::string_view> arguments{"set", key, "v"};
            EXPECT_TRUE(
                ops::encode_write(ops::operation_of(ops::OperationCode::kSet), arguments, 0, builder.buffer(), error_));
            builder.add_command_count(1);
        }
        return std::move(builder).seal(kCluster, kFirstGroup, index, term, prev_checksum);
    }
    // Of term 1, which sets one key to so much.
    raft::EntryPtr large_entry(LogIndex index, uint64_t prev_checksum, uint64_t value_bytes) {
        raft::EntryBuilder builder(raft::EntryType::kCommands);
        ops::begin_batch({.hash_seed = 1}, builder.buffer());
        const std::string value(value_bytes, 'v');
        const std::vector<std::string_view> arguments{"set", "large", value};
        EXPECT_TRUE(
            ops::encode_write(ops::operation_of(ops::OperationCode::kSet), arguments, 0, builder.buffer(), error_));
        builder.add_command_count(1);
        return std::move(builder).seal(kCluster, kFirstGroup, index, Term{1}, prev_checksum);
    }
    // Entries of term 1 up to `last`, which set k1, k2...; on the disk from an earlier life, not in memory.
    raft::RecoveredLog recover_entries(uint64_t last) {
        raft::RecoveredLog recovered{.cluster = kCluster};
        for (uint64_t i = 1; i <= last; ++i) {
            const raft::EntryPtr held = entry(LogIndex{i}, Term{1}, recovered.last.checksum, fmt::format("k{}", i));
            log_.hold(held);
            recovered.last = held->id();
        }
        recovered.hard_state.current_term = Term{1};
        recovered.terms = {{Term{1}, LogIndex{1}}};
        return recovered;
    }

    reactor::FakeBackend backend_;
    reactor::Reactor reactor_;
    NodeConfig config_;
    FakeLog log_{reactor_};
    FakePeers peers_;
    RecordedOutcomes outcomes_;
    kv::Store store_;
    NodeCounters counters_;
    LatencyMonitor latency_;
    DiscardingReplySink error_;

 private:
    void on_turn_end() override {
        if (driver_) driver_->run_turn(outcomes_);
    }

    std::unique_ptr<RaftDriver> driver_;
};

}  // namespace kvorum::replica
