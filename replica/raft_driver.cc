#include "replica/raft_driver.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/mutants.h"
#include "base/probes.h"

namespace kvorum::replica {
namespace {

// Reading the log back, at start or for a peer that lags, goes in pieces of this size.
constexpr uint64_t kLogReadBytes = 2 * kMiB;
// While so much is in the log and not applied, the next large write waits: everything else would wait behind it.
constexpr uint64_t kLargeWritesBytes = 2 * kMiB;
// While keys are due, so many entries are on their way that will remove some.
constexpr uint64_t kTicksInFlightMax = 4;
// Batches of more commands than this mean load: then the next one is gathered while the node sleeps, and the core time
// is better spent on it.
constexpr uint32_t kSpinCommandsMax = 4;
// After so long without a batch the load is over.
constexpr uint64_t kLoadEndsNs = 10 * kMillisecondNs;
// A batch costs every node a sync, however few bytes it has, so writes gather while an earlier batch waits for
// its quorum; one of this size is worth its syncs beside the others.
constexpr size_t kPipelinedBatchBytes = 64 * kKiB;
// A quorum that takes so many times as long as this node's own sync is waiting for the network, not for disks: then
// batches follow each other without waiting for it.
constexpr uint64_t kSyncsPerQuorumMax = 2;
// How late a deadline of Raft that moved closer may be noticed.
constexpr uint64_t kTimerNapNsMax = 20 * kMillisecondNs;

raft::RaftConfig raft_config(const NodeConfig& config, uint64_t seed) {
    raft::RaftConfig out;
    out.self = config.id;
    out.cluster = config.cluster_id();
    for (const Member& member : config.members)
        out.voters.push_back(member.id);
    out.election_timeout_ns = config.election_timeout_ms * kMillisecondNs;
    out.heartbeat_interval_ns = config.heartbeat_interval_ms * kMillisecondNs;
    out.clock_drift_percent = config.clock_drift_percent;
    out.message_bytes_max = config.batch_bytes_max;
    out.cache_bytes_max = config.entry_cache_bytes;
    out.seed = seed;
    return out;
}

}  // namespace

RaftDriver::RaftDriver(reactor::Reactor& reactor, const NodeConfig& config, wal::Wal& log, kv::Store& store,
                       peers::RaftSender& peers, NodeCounters& counters, LatencyMonitor& latency,
                       const raft::RecoveredLog& recovered)
    : reactor_(reactor),
      config_(config),
      log_(log),
      store_(store),
      peers_(peers),
      counters_(counters),
      latency_(latency),
      raft_(raft_config(config, reactor.backend().random_seed()), recovered, reactor.now_ns()),
      log_readers_(reactor) {
    log_.set_durable_callback([this](uint64_t log_unit) { on_log_durable(log_unit); });
}

void RaftDriver::step(const raft::Message& message) { raft_.step(message, reactor_.now_ns()); }

void RaftDriver::peer_unreachable(NodeId peer) { raft_.on_peer_unreachable(peer); }

void RaftDriver::peer_connected(NodeId peer) { raft_.on_peer_connected(peer); }

int64_t RaftDriver::log_clock_ms() const {
    return std::max(reactor_.backend().wall_clock_ms(), raft_.last_log_time_ms());
}

int64_t RaftDriver::turn_clock_ms() {
    if (wall_clock_turn_ns_ != reactor_.now_ns()) {
        wall_clock_turn_ns_ = reactor_.now_ns();
        turn_wall_clock_ms_ = reactor_.backend().wall_clock_ms();
    }
    return std::max(turn_wall_clock_ms_, raft_.last_log_time_ms());
}

WriteAdmission RaftDriver::add_write(const ops::Operation& operation, ops::Arguments arguments, WriteWaiter waiter,
                                     ReplySink& error) {
    if (const WriteAdmission admission = admit(operation); admission != WriteAdmission::kAccepted) return admission;
    if (writes_.size_bytes() >= config_.batch_bytes_max) {
        propose_open_batch();
        if (writes_.size_bytes() >= config_.batch_bytes_max) return WriteAdmission::kOverloaded;
    }
    if (writes_.empty()) open_since_ns_ = reactor_.now_ns();
    return writes_.add(operation, arguments, turn_clock_ms(), waiter, error) ? WriteAdmission::kAccepted
                                                                             : WriteAdmission::kRefused;
}

WriteAdmission RaftDriver::admit(const ops::Operation& operation) {
    if (!raft_.is_leader()) return WriteAdmission::kNotLeader;
    if (log_.low_on_space()) return WriteAdmission::kDiskFull;
    // Once a turn, not for each write; and CONFIG SET may have come earlier in this turn.
    if (limit_as_of_ns_ != reactor_.now_ns() || limit_of_own_bytes_ != config_.memory_bytes_max) take_memory_limit();
    return operation.may_grow() && is_out_of_memory() ? WriteAdmission::kOutOfMemory : WriteAdmission::kAccepted;
}

void RaftDriver::take_memory_limit() {
    limit_as_of_ns_ = reactor_.now_ns();
    limit_of_own_bytes_ = config_.memory_bytes_max;
    raft_.set_memory_limit(config_.memory_bytes_max.value_or(0));
    limit_bytes_ = raft_.least_memory_limit();
    writes_.set_memory_limit(limit_bytes_);
}

// Saves a command that would be refused when it is applied its way there; what decides is kv/memory_limit.h.
bool RaftDriver::is_out_of_memory() const { return limit_bytes_ != 0 && store_.counted_bytes() > limit_bytes_; }

uint64_t RaftDriver::memory_limit_bytes() const {
    return raft_.is_leader() ? raft_.least_memory_limit() : applied_limit_bytes_;
}

bool RaftDriver::takes_large_write() const {
    return !raft_.is_leader() || raft_.bytes_above(last_applied_) < kLargeWritesBytes;
}

WriteAdmission RaftDriver::add_large_write(raft::EntryBuilder& builder, WriteWaiter waiter) {
    if (!raft_.is_leader()) return WriteAdmission::kNotLeader;
    if (log_.low_on_space()) return WriteAdmission::kDiskFull;
    // Its session may have written before.
    propose_open_batch();
    if (!writes_.empty()) return WriteAdmission::kOverloaded;
    builder.set_log_time_ms(log_clock_ms());
    const raft::ProposeResult result = raft_.propose(builder);
    if (result.status == raft::ProposeStatus::kOverloaded) return WriteAdmission::kOverloaded;
    KVORUM_ASSERT(result.status == raft::ProposeStatus::kAccepted);
    note_proposed(result.index, 1, reactor_.now_ns());
    writes_.proposed_alone(result.index, result.term, waiter);
    return WriteAdmission::kAccepted;
}

uint32_t RaftDriver::replicas_holding(LogIndex index) const {
    uint32_t count = 0;
    for (const raft::PeerStatus& peer : raft_.status().peers)
        count += peer.match_index >= index ? 1 : 0;
    return count;
}

void RaftDriver::run_turn() {
    take_memory_limit();
    tick_if_due();
    // Writes before reads: a read that follows a write of its own session is registered with the write already in the
    // log.
    if (log_takes_open_batch()) propose_open_batch();
    propose_expiry_tick();
    register_open_reads();
    carry_out_output();
    apply_committed();
    release_ready_reads();
    reactor_.set_spin_ns(is_under_load() ? 0 : config_.spin_us * kMicrosecondNs);
    if (is_mutant(Mutant::kCachedLeaseClock)) last_turn_ns_ = reactor_.now_ns();
}

// Never the turn's own time, which may be from before a pause of the process.
uint64_t RaftDriver::lease_clock_ns() const {
    return is_mutant(Mutant::kCachedLeaseClock) ? last_turn_ns_ : reactor_.backend().monotonic_ns();
}

bool RaftDriver::may_read_now() const {
    return last_applied_ >= raft_.commit_index() && raft_.has_lease(lease_clock_ns());
}

bool RaftDriver::has_work() const {
    const bool can_propose = !writes_.empty() && !overloaded_ && log_takes_open_batch();
    return raft_.has_output() || can_propose || reads_.can_register() || due_keys_need_tick() || can_apply();
}

void RaftDriver::tick_if_due() {
    const uint64_t now_ns = reactor_.now_ns();
    // A disk that does not answer must look like a dead node: heartbeats alone would keep a useless leader in office.
    if (!is_mutant(Mutant::kHeartbeatsIndependentOfDisk))
        raft_.set_disk_stalled(log_.oldest_unsynced_ns(now_ns) > config_.disk_stall_ms * kMillisecondNs);
    if (now_ns >= raft_.next_deadline_ns()) raft_.tick(now_ns);
}

bool RaftDriver::log_takes_open_batch() const {
    if (log_.busy()) return false;
    if (raft_.commit_index() == raft_.last_index() || writes_.size_bytes() >= kPipelinedBatchBytes) return true;
    return log_.groups_in_flight() == 0 &&
           reactor_.now_ns() - last_batch_ns_ >= kSyncsPerQuorumMax * log_.last_sync_ns();
}

void RaftDriver::propose_open_batch() {
    if (writes_.empty()) return;
    writes_.builder().set_log_time_ms(log_clock_ms());
    const raft::ProposeResult result = raft_.propose(writes_.builder());
    switch (result.status) {
        case raft::ProposeStatus::kAccepted:
            note_proposed(result.index, writes_.open_count(), open_since_ns_);
            writes_.proposed(result.index, result.term);
            return;
        case raft::ProposeStatus::kOverloaded: overloaded_ = true; return;
        case raft::ProposeStatus::kNotLeader:
            for (const WriteWaiter waiter : writes_.discard_open())
                outcomes_->write_not_executed(waiter);
            return;
    }
}

void RaftDriver::note_proposed(LogIndex index, size_t commands, uint64_t since_ns) {
    ++counters_.batches_proposed;
    KVORUM_PROBE2(appended, index.value(), commands);
    latency_.entry_proposed(index, static_cast<uint32_t>(commands), since_ns, reactor_.backend().monotonic_ns());
}

// Each entry removes some of them, and more of them need more entries.
bool RaftDriver::due_keys_need_tick() const {
    return store_.due_remain() && raft_.is_leader() && !tick_refused_ && !mid_entry() &&
           raft_.last_index().value() - last_applied_.value() < kTicksInFlightMax;
}

void RaftDriver::propose_expiry_tick() {
    const std::optional<int64_t> due_ms = store_.next_expiry_ms();
    if (!due_ms.has_value() || !raft_.is_leader()) return;
    const int64_t now_ms = log_clock_ms();
    if (*due_ms > now_ms) return;
    // An entry that is already in the log with a later time will expire the key; a second tick would say nothing new.
    if (raft_.last_log_time_ms() >= *due_ms && !due_keys_need_tick()) return;
    raft::EntryBuilder tick(raft::EntryType::kTick);
    tick.set_log_time_ms(now_ms);
    // Refused under overload: then batches carry the time forward.
    tick_refused_ = raft_.propose(tick).status != raft::ProposeStatus::kAccepted;
}

void RaftDriver::register_open_reads() {
    if (!reads_.can_register()) return;
    const uint64_t clock_ns = lease_clock_ns();
    if (raft_.read_index(reads_.open_id(), clock_ns) == raft::ReadStatus::kAccepted) {
        ++(raft_.has_lease(clock_ns) ? counters_.lease_reads : counters_.read_rounds);
        reads_.registered();
    } else {
        drop_reads();
    }
}

void RaftDriver::drop_reads() {
    std::vector<WaiterId> sessions;
    reads_.drop_all(sessions);
    if (!sessions.empty()) outcomes_->reads_dropped(sessions);
}

void RaftDriver::carry_out_output() {
    while (raft_.has_output()) {
        raft::Output output = raft_.take_output();
        // 1. The log first: the write starts while the messages below are on their way (thesis 10.2.1), and nothing
        // that depends on it
        //    leaves before on_log_durable() says that it is on the disk.
        persist(output);
        // 2. What depends on nothing new: AppendEntries, requests, acknowledgements of what is durable already.
        send_all(output.messages_now);
        // 3. Reads lost with the leadership go back to their sessions before anything of a new leader is applied.
        if (!output.dropped_reads.empty()) drop_reads();
        // 4. Confirmed reads wait for the state machine; see release_ready_reads().
        for (const raft::ReadState& read : output.read_states)
            reads_.confirmed(read.id, read.read_index);
        // 5. Committed entries are applied after this loop, in order, from apply_target_.
        if (!output.committed.last_index.is_none()) {
            apply_target_ = output.committed.last_index;
            KVORUM_PROBE1(committed, apply_target_.value());
            if (raft_.is_leader()) latency_.entries_committed(apply_target_, reactor_.backend().monotonic_ns());
        }
        // 6. What a lagging peer needs from the disk.
        for (const raft::LogRead& request : output.log_reads)
            log_readers_.spawn(read_for_peer(request));
        // 7. Last, because routing by the new leader may write to the batch and to sessions.
        if (output.leadership_changed) {
            log_leadership();
            if (!raft_.is_leader()) {
                latency_.leadership_lost();
                for (const WriteWaiter waiter : writes_.discard_open())
                    outcomes_->write_not_executed(waiter);
            }
            outcomes_->leadership_changed();
        }
    }
}

void RaftDriver::log_leadership() {
    if (raft_.current_term() > logged_term_) ++counters_.elections_seen;
    logged_term_ = raft_.current_term();
    if (raft_.leader().is_none()) {
        KVORUM_LOG(kInfo, "term {}: {}, no leader known", raft_.current_term(), raft::role_name(raft_.role()));
    } else {
        KVORUM_LOG(kInfo, "term {}: {}, the leader is node {}", raft_.current_term(), raft::role_name(raft_.role()),
                   raft_.leader());
    }
}

// Under load a small batch may stand between large ones.
void RaftDriver::note_batch(uint32_t commands) {
    const uint32_t before = is_under_load() ? recent_commands_ - recent_commands_ / 4 : 0;
    recent_commands_ = std::max(commands, before);
    last_batch_ns_ = reactor_.now_ns();
}

bool RaftDriver::is_under_load() const {
    return recent_commands_ > kSpinCommandsMax && reactor_.now_ns() - last_batch_ns_ < kLoadEndsNs;
}

void RaftDriver::persist(raft::Output& output) {
    if (!output.needs_persist()) {
        if (output.messages_after_persist.empty()) return;
        if (unpersisted_.empty()) {
            send_all(output.messages_after_persist);
        } else {
            auto& waiting = unpersisted_.back().messages;
            waiting.insert(waiting.end(), output.messages_after_persist.begin(), output.messages_after_persist.end());
        }
        return;
    }
    PersistUnit unit;
    if (!output.entries.empty()) {
        unit.term = output.entries.back()->term();
        unit.index = output.entries.back()->index();
        note_batch(output.entries.back()->header().command_count);
    }
    unit.messages = std::move(output.messages_after_persist);
    unit.log_unit = log_.append(output.hard_state, std::move(output.entries));
    const uint64_t log_unit = unit.log_unit;
    unpersisted_.push_back(std::move(unit));
    if (is_mutant(Mutant::kAckBeforeDurable)) on_log_durable(log_unit);
}

void RaftDriver::send_all(const std::vector<raft::Message>& messages) {
    for (const raft::Message& message : messages) {
        if (message.to == config_.id) {
            raft_.step(message, reactor_.now_ns());
        } else {
            peers_.send(message);
        }
    }
}

void RaftDriver::on_log_durable(uint64_t log_unit) {
    while (!unpersisted_.empty() && unpersisted_.front().log_unit <= log_unit) {
        PersistUnit unit = std::move(unpersisted_.front());
        unpersisted_.pop_front();
        if (!unit.index.is_none()) {
            KVORUM_PROBE1(synced, unit.index.value());
            if (raft_.is_leader()) latency_.entries_durable(unit.index, reactor_.backend().monotonic_ns());
        }
        raft_.on_persisted(unit.term, unit.index);
        send_all(unit.messages);
    }
}

raft::EntryPtr RaftDriver::next_entry_to_apply() {
    const LogIndex next = last_applied_ + 1;
    while (!read_ahead_.empty() && read_ahead_.front()->index() < next)
        read_ahead_.pop_front();
    if (!read_ahead_.empty() && read_ahead_.front()->index() == next) {
        raft::EntryPtr entry = std::move(read_ahead_.front());
        read_ahead_.pop_front();
        return entry;
    }
    return raft_.cached_entry(next);
}

bool RaftDriver::can_apply() const {
    if (mid_entry()) return true;
    return last_applied_ < apply_target_ && !reading_for_apply_ && !outcomes_->holds_state();
}

// Stops when the turn has done enough, so that heartbeats, votes and clients get their turn again.
void RaftDriver::apply_committed() {
    for (bool first = true; can_apply() && (first || !reactor_.work().used_up()); first = false) {
        if (!mid_entry()) {
            raft::EntryPtr entry = next_entry_to_apply();
            if (entry == nullptr) {
                reading_for_apply_ = true;
                log_readers_.spawn(read_for_apply(last_applied_ + 1, apply_target_));
                return;
            }
            begin_entry(std::move(entry));
        }
        go_on_with_entry();
    }
}

void RaftDriver::begin_entry(raft::EntryPtr entry) {
    KVORUM_ASSERT(entry->index() == last_applied_ + 1, "index {} after {}", entry->index(), last_applied_);
    KVORUM_ASSERT(entry->term() == raft_.term_at(entry->index()), "term {} at index {}", entry->term(), entry->index());
    lost_waiters_.clear();
    writes_.resolve(entry->index(), entry->term(), executed_waiters_, lost_waiters_);
    for (const WriteWaiter waiter : lost_waiters_)
        outcomes_->write_not_executed(waiter);

    hash_before_entry_ = store_.state_hash();
    applying_ = std::move(entry);
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
    applied_limit_bytes_ = apply_->memory_limit_bytes();
    if (!executed_waiters_.empty()) outcomes_->begin_entry(applying_->index());
}

ops::ApplyReplies RaftDriver::apply_replies() {
    return {[this](uint32_t command) -> ReplySink& { return reply_for(command); },
            [this](uint32_t command) {
                end_open_reply();
                if (!executed_waiters_.empty()) outcomes_->before_long_write(executed_waiters_[command]);
            },
            [this](uint32_t command) -> ReplySink& { return resume_reply(command); }};
}

ReplySink& RaftDriver::reply_for(uint32_t command) {
    if (executed_waiters_.empty()) return discard_;
    end_open_reply();
    reply_open_ = true;
    return outcomes_->begin_write_reply(executed_waiters_[command]);
}

ReplySink& RaftDriver::resume_reply(uint32_t command) {
    if (executed_waiters_.empty()) return discard_;
    reply_open_ = true;
    return outcomes_->resume_write_reply(executed_waiters_[command]);
}

void RaftDriver::end_open_reply() {
    if (std::exchange(reply_open_, false)) outcomes_->end_write_reply();
}

void RaftDriver::go_on_with_entry() {
    ops::ApplyProgress progress = ops::ApplyProgress::kDone;
    if (apply_.has_value()) {
        const uint64_t work_before = store_.work();
        progress = apply_->run(reactor_.work().slice(), apply_replies_);
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
    }
    switch (progress) {
        case ops::ApplyProgress::kDone: end_entry(); return;
        case ops::ApplyProgress::kMore: return;
        case ops::ApplyProgress::kMalformed:
            reactor_.backend().halt(
                fmt::format("log entry {} holds commands that this version cannot read", applying_->index()));
            apply_.reset();
            applying_ = nullptr;
            apply_target_ = last_applied_;
            return;
    }
}

void RaftDriver::end_entry() {
    const raft::EntryPtr entry = std::exchange(applying_, nullptr);
    apply_.reset();
    last_applied_ = entry->index();
    if (!executed_waiters_.empty()) latency_.entry_applied(entry->index(), reactor_.backend().monotonic_ns());
    KVORUM_PROBE2(applied, last_applied_.value(), entry->header().command_count);
    ++counters_.entries_applied;
    overloaded_ = false;
    tick_refused_ = false;
    raft_.on_applied(last_applied_);
}

void RaftDriver::release_ready_reads() {
    if (mid_entry()) return;
    ready_sessions_.clear();
    const uint64_t served_id = reads_.take_ready(last_applied_, ready_sessions_);
    if (!ready_sessions_.empty()) outcomes_->reads_ready(served_id, ready_sessions_);
}

reactor::Task<void> RaftDriver::read_for_apply(LogIndex first, LogIndex last) {
    absl::StatusOr<std::vector<raft::EntryPtr>> entries = co_await log_.read(first, last, kLogReadBytes);
    reading_for_apply_ = false;
    if (log_readers_.stop_token().stop_requested()) co_return;
    if (!entries.ok()) {
        reactor_.backend().halt(
            fmt::format("cannot read back log entry {}: {}", first, std::string(entries.status().message())));
        co_return;
    }
    for (raft::EntryPtr& entry : *entries)
        read_ahead_.push_back(std::move(entry));
}

reactor::Task<void> RaftDriver::read_for_peer(raft::LogRead request) {
    const uint64_t bytes_max = std::min(request.bytes_max, kLogReadBytes);
    absl::StatusOr<std::vector<raft::EntryPtr>> entries =
        co_await log_.read(request.first_index, request.last_index, bytes_max);
    if (log_readers_.stop_token().stop_requested()) co_return;
    if (absl::IsDataLoss(entries.status())) {
        // The next start repairs it.
        reactor_.backend().halt(fmt::format("cannot read back log entry {}: {}", request.first_index,
                                            std::string(entries.status().message())));
        co_return;
    }
    if (!entries.ok()) {
        KVORUM_LOG(kWarn, "cannot read log entries from {} for node {}: {}", request.first_index, request.peer,
                   std::string(entries.status().message()));
        raft_.on_log_read(request.peer, request.first_index, {});
        co_return;
    }
    raft_.on_log_read(request.peer, request.first_index, std::move(*entries));
}

reactor::Task<void> RaftDriver::run_timers(reactor::StopToken stop) {
    // run_turn() does what is due; this loop only makes sure that there is a turn. A deadline may move closer while it
    // sleeps (a new leader's heartbeats, a voter that asks for more of them), hence the bound.
    const uint64_t nap_ns_max = std::min(config_.heartbeat_interval_ms * kMillisecondNs / 2, kTimerNapNsMax);
    while (!stop.stop_requested()) {
        const uint64_t now_ns = reactor_.now_ns();
        const uint64_t wake_ns = std::clamp(raft_.next_deadline_ns(), now_ns + kMillisecondNs, now_ns + nap_ns_max);
        const bool slept = co_await reactor_.sleep_until(wake_ns, stop);
        if (!slept) co_return;
    }
}

reactor::Task<void> RaftDriver::stop() {
    log_readers_.request_stop();
    co_await log_readers_.join();
}

}  // namespace kvorum::replica
