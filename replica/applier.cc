#include "replica/applier.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/mutants.h"
#include "base/probes.h"

namespace kvorum::replica {

Applier::Applier(reactor::Reactor& reactor, const NodeConfig& config, LogPort& log, kv::Store& store, raft::Raft& raft,
                 WriteBatcher& writes, NodeCounters& counters, LatencyMonitor& latency, raft::EntryId applied)
    : reactor_(reactor),
      config_(config),
      log_(log),
      store_(store),
      raft_(raft),
      writes_(writes),
      counters_(counters),
      latency_(latency),
      readers_(reactor),
      last_applied_(applied),
      apply_target_(applied.index) {}

void Applier::commit_to(LogIndex index) {
    KVORUM_ASSERT(index >= apply_target_, "index {} after {}", index, apply_target_);
    apply_target_ = index;
}

void Applier::restore(raft::EntryId last, kv::Store state) {
    KVORUM_ASSERT(last.index > last_applied() && state.applied_index() == last.index, "index {} after {}", last.index,
                  last_applied());
    KVORUM_ASSERT(!restored_.has_value() || restored_->last.index < last.index, "index {} after another", last.index);
    commit_to(std::max(last.index, apply_target_));
    restored_.emplace(last, std::move(state));
}

// Who reads the state has done so; what it holds of single values is pinned.
void Applier::take_restored() {
    RestoredState restored = *std::exchange(restored_, std::nullopt);
    replaced_.push_back(std::exchange(store_, std::move(restored.state)));
    replaced_.back().clear();
    last_applied_ = restored.last;
    limit_bytes_ = 0;
    read_ahead_.clear();
    read_ahead_bytes_ = 0;
    writes_.forget_up_to(last_applied());
    raft_.on_applied(last_applied());
}

// Slice by slice: a state of gigabytes takes its time.
void Applier::release_replaced() {
    std::erase_if(replaced_, [](kv::Store& store) { return !store.end_turn() && !store.is_pinned(); });
}

bool Applier::can_run(const CommandOutcomes& outcomes) const {
    if (mid_entry()) return true;
    if (restored_.has_value()) return !outcomes.holds_state() && !store_.has_snapshot_cursor();
    const bool is_at_hand = !reading_back_ || !read_ahead_.empty();
    return waits() && is_at_hand && !outcomes.holds_state();
}

// Stops when the turn has done enough, so that heartbeats, votes and clients get their turn again.
bool Applier::run(CommandOutcomes& outcomes) {
    KVORUM_ASSERT(outcomes_ == nullptr, "a turn of the applier within another");
    outcomes_ = &outcomes;
    release_replaced();
    const LogIndex before = last_applied();
    for (bool first = true; can_run(outcomes) && (first || !reactor_.work().used_up()); first = false) {
        if (!mid_entry() && restored_.has_value()) {
            take_restored();
            continue;
        }
        if (!mid_entry() && !begin_next_entry()) break;
        go_on_with_entry();
    }
    keep_reading_back();
    outcomes_ = nullptr;
    return last_applied() > before;
}

bool Applier::begin_next_entry() {
    raft::EntryPtr entry = take_next_entry();
    if (entry == nullptr) return false;
    begin_entry(std::move(entry));
    return true;
}

raft::EntryPtr Applier::take_next_entry() {
    if (read_ahead_.empty()) return raft_.cached_entry(last_applied() + 1);
    raft::EntryPtr entry = std::move(read_ahead_.front());
    read_ahead_.pop_front();
    read_ahead_bytes_ -= entry->encoded().size();
    return entry;
}

// What is committed and not in memory, before it is its turn.
void Applier::keep_reading_back() {
    if (reading_back_ || restored_.has_value() || read_ahead_bytes_ >= kReadAheadBytes) return;
    const LogIndex begun = mid_entry() ? applying_->index() : last_applied();
    const LogIndex next = (read_ahead_.empty() ? begun : read_ahead_.back()->index()) + 1;
    if (next > apply_target_ || raft_.cached_entry(next) != nullptr) return;
    reading_back_ = true;
    readers_.spawn(read_back(next, apply_target_));
}

void Applier::begin_entry(raft::EntryPtr entry) {
    KVORUM_ASSERT(entry->index() == last_applied() + 1, "index {} after {}", entry->index(), last_applied());
    KVORUM_ASSERT(entry->index() <= apply_target_, "index {} is not committed", entry->index());
    KVORUM_ASSERT(entry->term() == raft_.term_at(entry->index()), "term {} at index {}", entry->term(), entry->index());
    hash_before_entry_ = store_.state_hash();
    applying_ = std::move(entry);
    resolve_waiters();

    const raft::EntryHeader& header = applying_->header();
    int64_t log_time_ms = header.log_time_ms;
    if (is_mutant(Mutant::kTtlByLocalClock)) log_time_ms = std::max(log_time_ms, reactor_.backend().wall_clock_ms());
    const uint64_t work_before = store_.work();
    (void)store_.advance(applying_->index(), log_time_ms);
    reactor_.work().add(TurnPart::kExpire, store_.work() - work_before);
    if (header.type != raft::EntryType::kCommands) return;
    KVORUM_ASSERT(executed_waiters_.empty() || executed_waiters_.size() == header.command_count,
                  "{} waiters, {} commands", executed_waiters_.size(), header.command_count);
    apply_.emplace(store_, header.command_count, applying_->body());
    if (is_mutant(Mutant::kOwnMemoryLimit)) apply_->judge_by(config_.memory_bytes_max.value_or(0));
    limit_bytes_ = apply_->memory_limit_bytes();
    if (!executed_waiters_.empty()) outcomes_->begin_entry(applying_->index());
}

void Applier::resolve_waiters() {
    lost_waiters_.clear();
    writes_.resolve(applying_->index(), applying_->term(), executed_waiters_, lost_waiters_);
    for (const WriteWaiter waiter : lost_waiters_)
        outcomes_->write_not_executed(waiter);
}

ops::ApplyReplies Applier::apply_replies() {
    return {[this](uint32_t command) -> ReplySink& { return reply_for(command); },
            [this](uint32_t command) {
                end_open_reply();
                if (!executed_waiters_.empty()) outcomes_->before_long_write(executed_waiters_[command]);
            },
            [this](uint32_t command) -> ReplySink& { return resume_reply(command); }};
}

ReplySink& Applier::reply_for(uint32_t command) {
    if (executed_waiters_.empty()) return discard_;
    end_open_reply();
    reply_open_ = true;
    return outcomes_->begin_write_reply(executed_waiters_[command]);
}

ReplySink& Applier::resume_reply(uint32_t command) {
    if (executed_waiters_.empty()) return discard_;
    KVORUM_ASSERT(!reply_open_, "the reply to command {} goes on within another", command);
    reply_open_ = true;
    return outcomes_->resume_write_reply(executed_waiters_[command]);
}

void Applier::end_open_reply() {
    if (std::exchange(reply_open_, false)) outcomes_->end_write_reply();
}

void Applier::go_on_with_entry() {
    switch (apply_.has_value() ? apply_slice() : ops::ApplyProgress::kDone) {
        case ops::ApplyProgress::kDone: end_entry(); return;
        case ops::ApplyProgress::kMore: return;
        case ops::ApplyProgress::kMalformed: give_up_entry("commands that this version cannot read"); return;
        case ops::ApplyProgress::kUnknownOperation:
            give_up_entry(fmt::format("operation {}, which this version does not know: a newer version wrote it",
                                      apply_->unknown_operation()));
            return;
    }
}

ops::ApplyProgress Applier::apply_slice() {
    const uint64_t work_before = store_.work();
    const ops::ApplyProgress progress = apply_->run(reactor_.work().slice(), apply_replies_);
    // A key that was looked up for others counts where they asked.
    const ops::KeyLookups lookups = apply_->take_lookups();
    if (!executed_waiters_.empty()) {
        counters_.keyspace_hits += lookups.hits;
        counters_.keyspace_misses += lookups.misses;
    }
    reactor_.work().add(TurnPart::kApply, store_.work() - work_before);
    if (reply_open_ && apply_->is_replying()) {
        reply_open_ = false;
        outcomes_->pause_write_reply();
    }
    end_open_reply();
    return progress;
}

void Applier::end_entry() {
    const raft::EntryPtr entry = std::exchange(applying_, nullptr);
    apply_.reset();
    last_applied_ = entry->id();
    applied_bytes_ += entry->encoded().size();
    KVORUM_ASSERT(store_.applied_index() == last_applied(), "the state is that of index {}", store_.applied_index());
    if (!executed_waiters_.empty()) latency_.entry_applied(entry->index(), reactor_.backend().monotonic_ns());
    KVORUM_PROBE2(applied, last_applied().value(), entry->header().command_count);
    ++counters_.entries_applied;
    raft_.on_applied(last_applied());
}

void Applier::give_up_entry(const std::string& why) {
    reactor_.backend().halt(fmt::format("log entry {} of feature level {} holds {}", applying_->index(),
                                        applying_->header().feature_level, why));
    apply_.reset();
    applying_ = nullptr;
    apply_target_ = last_applied();
    readers_.request_stop();
    read_ahead_.clear();
    read_ahead_bytes_ = 0;
}

reactor::Task<void> Applier::read_back(LogIndex first, LogIndex last) {
    absl::StatusOr<raft::EntryList> entries = co_await log_.read(first, last, kLogReadBytes);
    reading_back_ = false;
    if (readers_.stop_token().stop_requested()) co_return;
    // A snapshot stands for it by now.
    if (first <= last_applied() || (restored_.has_value() && first <= restored_->last.index)) co_return;
    if (!entries.ok()) {
        reactor_.backend().halt(
            fmt::format("cannot read back log entry {}: {}", first, std::string(entries.status().message())));
        co_return;
    }
    for (raft::EntryPtr& entry : *entries) {
        read_ahead_bytes_ += entry->encoded().size();
        read_ahead_.push_back(std::move(entry));
    }
}

reactor::Task<void> Applier::stop() {
    readers_.request_stop();
    co_await readers_.join();
}

void Applier::check() const {
    KVORUM_ASSERT(outcomes_ == nullptr, "outcomes are told outside of a turn");
    KVORUM_ASSERT(last_applied() <= apply_target_, "applied {}, committed {}", last_applied(), apply_target_);
    KVORUM_ASSERT(apply_target_ <= raft_.commit_index(), "{} is to be applied, {} is committed", apply_target_,
                  raft_.commit_index());
    KVORUM_ASSERT(!reply_open_, "a reply is neither ended nor paused");
    if (mid_entry()) {
        KVORUM_ASSERT(apply_.has_value(), "an entry without commands takes one step");
        KVORUM_ASSERT(applying_->index() == last_applied() + 1, "index {} after {}", applying_->index(),
                      last_applied());
        KVORUM_ASSERT(store_.applied_index() == applying_->index(), "the state is that of index {}",
                      store_.applied_index());
    } else {
        KVORUM_ASSERT(!apply_.has_value(), "commands of no entry");
    }
    const LogIndex begun = mid_entry() ? applying_->index() : last_applied();
    if (!read_ahead_.empty())
        KVORUM_ASSERT(read_ahead_.front()->index() == begun + 1, "index {} was read ahead behind {}",
                      read_ahead_.front()->index(), begun);
    for (size_t i = 1; i < read_ahead_.size(); ++i)
        KVORUM_ASSERT(read_ahead_[i]->index() == read_ahead_[i - 1]->index() + 1, "index {} after {}",
                      read_ahead_[i]->index(), read_ahead_[i - 1]->index());
}

}  // namespace kvorum::replica
