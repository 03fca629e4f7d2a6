// A group without log, Raft and peers: the test says who leads, what is committed, lost or served, and in which order.
//
// What is carried out goes through ops::EntryApply into the test's store, as the driver does it
// (replica/raft_driver.cc); each write is an entry of its own.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/turn_work.h"
#include "kv/store.h"
#include "ops/commands.h"
#include "replica/group.h"
#include "replica/raft_driver.h"

namespace kvorum::gateway {

class FakeGroup final : public replica::Group {
 public:
    static constexpr int64_t kClockMs = 1'700'000'000'000;

    FakeGroup(NodeId self, kv::Store& store) : self_(self), store_(store) {}
    void attach(replica::CommandOutcomes& outcomes) { outcomes_ = &outcomes; }

    // --- what the test sets ---
    replica::WriteAdmission admission = replica::WriteAdmission::kAccepted;  // of all writes
    bool has_lease = false;
    bool takes_large = true;
    bool has_unapplied = false;
    bool can_ask = true;           // who leads
    uint64_t age_ns = UINT64_MAX;  // of the state, as far as is known
    uint32_t replicas = 0;

    // --- what happens ---

    // The leader of `term`: none, this node or another. The reads that wait are dropped. What was in the open batch is
    // lost with the leadership, what is in the log stays there.
    void elect(NodeId leader, Term term) {
        const bool led = is_leader();
        leader_ = leader;
        term_ = term;
        drop_reads();
        if (led) {
            while (!open_.empty()) {
                outcomes_->write_not_executed(open_.front().waiter);
                open_.pop_front();
            }
        }
        outcomes_->leadership_changed();
    }
    void propose() {
        std::move(open_.begin(), open_.end(), std::back_inserter(log_));
        open_.clear();
    }
    // Commits and applies all writes, or the first of them; what a read holds up stays.
    void apply(size_t count_max = SIZE_MAX) {
        propose();
        while (count_max > 0 && !log_.empty() && !outcomes_->holds_state())
            if (apply_step()) --count_max;
    }
    // Does `work_max` of the first write. True: it is applied.
    bool apply_step(uint64_t work_max = kTurnWorkBudget) {
        propose();
        KVORUM_ASSERT(!outcomes_->holds_state() && !log_.empty());
        if (!apply_.has_value()) begin_entry();
        const auto progress = apply_->run(work_max, replies_);
        KVORUM_ASSERT(progress != ops::ApplyProgress::kMalformed);
        if (reply_open_ && apply_->is_replying()) {
            reply_open_ = false;
            outcomes_->pause_write_reply();
        }
        end_open_reply();
        if (progress == ops::ApplyProgress::kMore) return false;
        apply_.reset();
        log_.pop_front();
        return true;
    }
    // Another leader's entries stand where they were.
    void lose_log() {
        KVORUM_ASSERT(!mid_entry());
        for (; !log_.empty(); log_.pop_front())
            outcomes_->write_not_executed(log_.front().waiter);
    }
    // The round is confirmed. The driver says so between two entries only.
    void serve_reads() {
        if (readers_.empty() || mid_entry()) return;
        const std::vector<replica::WaiterId> ready = std::exchange(readers_, {});
        outcomes_->reads_ready(open_round_++, ready);
    }
    void drop_reads() {
        if (readers_.empty()) return;
        const std::vector<replica::WaiterId> dropped = std::exchange(readers_, {});
        ++open_round_;
        outcomes_->reads_dropped(dropped);
    }
    [[nodiscard]] size_t writes() const { return open_.size() + log_.size(); }
    [[nodiscard]] size_t reads() const { return readers_.size(); }

    // --- replica::Group ---
    [[nodiscard]] Term current_term() const override { return term_; }
    [[nodiscard]] NodeId leader() const override { return leader_; }
    [[nodiscard]] bool is_leader() const override { return leader_ == self_; }
    [[nodiscard]] LogIndex commit_index() const override { return store_.applied_index(); }
    [[nodiscard]] uint32_t replicas_holding(LogIndex /*index*/) const override { return replicas; }
    [[nodiscard]] replica::WriteAdmission add_write(const ops::Operation& operation, ops::Arguments arguments,
                                                    replica::WriteWaiter waiter, ReplySink& error) override {
        const auto said = admit(operation);
        if (said != replica::WriteAdmission::kAccepted) return said;
        LogBuffer body;
        ops::begin_batch({}, body);
        if (!ops::encode_write(operation, arguments, turn_clock_ms(), body, error))
            return replica::WriteAdmission::kRefused;
        open_.push_back({waiter, std::move(body)});
        return said;
    }
    [[nodiscard]] size_t open_writes() const override { return open_.size(); }
    [[nodiscard]] replica::WriteAdmission admit(const ops::Operation& /*operation*/) override {
        return is_leader() ? admission : replica::WriteAdmission::kNotLeader;
    }
    [[nodiscard]] bool takes_large_write() const override { return takes_large; }
    [[nodiscard]] replica::WriteAdmission add_large_write(raft::EntryBuilder& builder,
                                                          replica::WriteWaiter waiter) override {
        if (!is_leader()) return replica::WriteAdmission::kNotLeader;
        if (admission != replica::WriteAdmission::kAccepted) return admission;
        propose();
        log_.push_back({waiter, LogBuffer(builder.buffer().text().substr(raft::EntryHeader::kEncodedSize))});
        return admission;
    }
    [[nodiscard]] ops::BatchHead batch_head() const override { return {}; }
    [[nodiscard]] uint64_t add_read(replica::WaiterId waiter) override {
        readers_.push_back(waiter);
        return open_round_;
    }
    [[nodiscard]] bool takes_reads() const override { return is_leader() || (!leader_.is_none() && can_ask); }
    [[nodiscard]] bool is_at_most_old(uint64_t at_most_ns) const override { return age_ns <= at_most_ns; }
    [[nodiscard]] bool may_read_now() const override { return is_leader() && has_lease && !mid_entry(); }
    [[nodiscard]] bool mid_entry() const override { return apply_.has_value(); }
    [[nodiscard]] bool apply_waits() const override { return has_unapplied; }
    [[nodiscard]] int64_t turn_clock_ms() override { return std::max(kClockMs, store_.log_time_ms()); }

 private:
    struct Write {
        replica::WriteWaiter waiter;
        LogBuffer body;
    };

    void begin_entry() {
        const LogIndex index = store_.applied_index() + 1;
        (void)store_.advance(index, turn_clock_ms());
        apply_.emplace(store_, 1, as_bytes(log_.front().body));
        outcomes_->begin_entry(index);
    }
    void end_open_reply() {
        if (std::exchange(reply_open_, false)) outcomes_->end_write_reply();
    }

    const NodeId self_;
    kv::Store& store_;
    replica::CommandOutcomes* outcomes_ = nullptr;
    NodeId leader_;
    Term term_{1};
    std::deque<Write> open_;
    std::deque<Write> log_;
    std::optional<ops::EntryApply> apply_;  // of the first in the log
    bool reply_open_ = false;
    const ops::ApplyReplies replies_{[this](uint32_t) -> ReplySink& {
                                         reply_open_ = true;
                                         return outcomes_->begin_write_reply(log_.front().waiter);
                                     },
                                     [this](uint32_t) { outcomes_->before_long_write(log_.front().waiter); },
                                     [this](uint32_t) -> ReplySink& {
                                         reply_open_ = true;
                                         return outcomes_->resume_write_reply(log_.front().waiter);
                                     }};
    uint64_t open_round_ = 1;
    std::vector<replica::WaiterId> readers_;
};

}  // namespace kvorum::gateway
