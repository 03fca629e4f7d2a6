#include "replica/raft_driver.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/mutants.h"
#include "base/probes.h"
#include "config/version.h"
#include "replica/log_membership.h"

namespace kvorum::replica {
namespace {

// How late a deadline of Raft that moved closer may be noticed.
constexpr uint64_t kTimerNapNsMax = 20 * kMillisecondNs;

raft::RaftConfig raft_config(const NodeConfig& config, uint64_t seed) {
    raft::RaftConfig out;
    out.self = config.id;
    out.configuration = founding_configuration(config);
    out.voters = out.configuration.voter_ids();
    out.program_version = kKvorumVersion;
    out.election_timeout_ns = config.election_timeout_ms * kMillisecondNs;
    out.heartbeat_interval_ns = config.heartbeat_interval_ms * kMillisecondNs;
    out.clock_drift_percent = config.clock_drift_percent;
    out.message_bytes_max = config.batch_bytes_max;
    out.cache_bytes_max = config.entry_cache_bytes;
    out.seed = seed;
    return out;
}

}  // namespace

RaftDriver::RaftDriver(reactor::Reactor& reactor, const NodeConfig& config, LogPort& log, kv::Store& store,
                       peers::RaftSender& peers, peers::ReadIndexSender& read_peers, NodeCounters& counters,
                       LatencyMonitor& latency, const raft::RecoveredLog& recovered)
    : reactor_(reactor),
      config_(config),
      log_(log),
      store_(store),
      peers_(peers),
      read_peers_(read_peers),
      counters_(counters),
      latency_(latency),
      raft_(raft_config(config, reactor.backend().random_seed()), recovered, reactor.now_ns()),
      log_readers_(reactor),
      drawn_hash_seed_(reactor.backend().random_seed()),
      reads_((reactor.backend().random_seed() >> 2) + 1),
      applier_(reactor, config, log, store, raft_, writes_, counters, latency, recovered.applied) {}

void RaftDriver::on_raft_message(raft::Message message) { raft_.step(message, reactor_.now_ns()); }

void RaftDriver::on_unreachable(NodeId peer) { raft_.on_peer_unreachable(peer); }

void RaftDriver::on_connected(NodeId peer) {
    if (peer == unconnected_leader_) unconnected_leader_ = NodeId{};
    raft_.on_peer_connected(peer);
}

void RaftDriver::run_turn(CommandOutcomes& outcomes) {
    take_durable(log_.durable_unit());
    take_memory_limit();
    tick_if_due();
    // Writes before reads: a read that follows a write of its own session is registered with the write already in the
    // log.
    hand_on_open_batch(outcomes);
    propose_expiry_tick();
    register_open_reads(outcomes);
    carry_out_output(outcomes);
    apply_committed(outcomes);
    release_ready_reads(outcomes);
    look_at_transfer();
    reactor_.set_spin_ns(gathering_.spin_ns(config_.spin_us * kMicrosecondNs, reactor_.now_ns()));
    if (is_mutant(Mutant::kCachedLeaseClock)) last_turn_ns_ = reactor_.now_ns();
#if defined(KVORUM_VERIFY_ENABLED)
    check();
#endif
}

bool RaftDriver::has_work(const CommandOutcomes& outcomes) const {
    const bool can_propose = !writes_.empty() && !overloaded_ && log_takes_open_batch();
    const bool ticks = takes_proposals() && ticks_.more_are_needed(tick_facts());
    return raft_.has_output() || can_propose || reads_.can_register() || ticks || applier_.can_run(outcomes);
}

void RaftDriver::tick_if_due() {
    const uint64_t now_ns = reactor_.now_ns();
    // A disk that does not answer must look like a dead node: heartbeats alone would keep a useless leader in office.
    if (!is_mutant(Mutant::kHeartbeatsIndependentOfDisk))
        raft_.set_disk_stalled(log_.oldest_unsynced_ns(now_ns) > config_.disk_stall_ms * kMillisecondNs);
    if (now_ns >= raft_.next_deadline_ns()) raft_.tick(now_ns);
}

bool RaftDriver::log_takes_open_batch() const {
    return takes_proposals() &&
           gathering_.takes_batch({log_.busy(), log_.groups_in_flight(), log_.last_sync_ns()},
                                  raft_.commit_index() == raft_.last_index(), writes_.size_bytes(), reactor_.now_ns());
}

void RaftDriver::hand_on_open_batch(CommandOutcomes& outcomes) {
    if (writes_.empty()) return;
    if (raft_.is_leader()) {
        if (log_takes_open_batch()) propose_open_batch();
        return;
    }
    overloaded_ = false;
    for (const WriteWaiter waiter : writes_.discard_open())
        outcomes.write_not_executed(waiter);
}

void RaftDriver::propose_open_batch() {
    if (writes_.empty()) return;
    writes_.builder().set_log_time_ms(log_clock_ms());
    const raft::ProposeResult result = raft_.propose(writes_.builder());
    KVORUM_ASSERT(result.status != raft::ProposeStatus::kNotLeader, "a batch is open at a {}",
                  raft::role_name(raft_.role()));
    overloaded_ = result.status == raft::ProposeStatus::kOverloaded;
    if (overloaded_) return;
    note_proposed(result.index, writes_.open_count(), open_since_ns_);
    writes_.proposed(result.index, result.term);
}

void RaftDriver::note_proposed(LogIndex index, size_t commands, uint64_t since_ns) {
    ++counters_.batches_proposed;
    KVORUM_PROBE2(appended, index.value(), commands);
    latency_.entry_proposed(index, static_cast<uint32_t>(commands), since_ns, reactor_.backend().monotonic_ns());
}

TickFacts RaftDriver::tick_facts() const {
    return {.due_remain = store_.due_remain(),
            .mid_entry = applier_.mid_entry(),
            .entries_on_the_way = raft_.last_index().value() - applier_.last_applied().value()};
}

void RaftDriver::propose_expiry_tick() {
    const std::optional<int64_t> due_ms = store_.next_expiry_ms();
    if (!due_ms.has_value() || !takes_proposals()) return;
    const int64_t now_ms = log_clock_ms();
    if (!ticks_.is_due(*due_ms, now_ms, raft_.last_log_time_ms(), tick_facts())) return;
    raft::EntryBuilder tick(raft::EntryType::kTick);
    tick.set_log_time_ms(now_ms);
    ticks_.proposed(raft_.propose(tick).status == raft::ProposeStatus::kAccepted);
}

void RaftDriver::carry_out_output(CommandOutcomes& outcomes) {
    while (raft_.has_output()) {
        raft::Output output = raft_.take_output();
        // 1. The log first: the write starts while the messages below are on their way (thesis 10.2.1), and nothing
        //    that depends on it leaves before take_durable() sees that it is on the disk.
        persist(output);
        // 2. What depends on nothing new: AppendEntries, requests, acknowledgements of what is durable already.
        send_all(output.messages_now);
        // 3. Reads that were asked of another leader, or in another term, go back to their sessions before anything of
        //    a new leader is applied.
        if (output.leadership_changed || !output.dropped_reads.empty()) drop_reads_of_leader(outcomes);
        // 4. Confirmed reads wait for the state machine; see release_ready_reads().
        for (const raft::ReadState& read : output.read_states)
            confirm_read(read);
        // 5. Committed entries are applied after this loop, in order.
        if (!output.committed.last_index.is_none()) commit_to(output.committed.last_index);
        // 6. What a lagging peer needs from the disk.
        for (const raft::LogRead& request : output.log_reads)
            log_readers_.spawn(read_for_peer(request));
        // 7. What a peer that lags behind the log needs. Who takes it sends a snapshot.
        snapshot_needs_.insert(snapshot_needs_.end(), output.snapshot_sends.begin(), output.snapshot_sends.end());
        // 8. A newer program is needed here.
        if (!output.unreadable.empty()) reactor_.backend().halt(output.unreadable);
        // 9. Last, because routing by the new leader may write to the batch and to sessions.
        if (output.leadership_changed) leadership_changed(outcomes);
    }
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
        gathering_.batch_appended(output.entries.back()->header().command_count, reactor_.now_ns());
    }
    if (output.entries.empty() && output.begin_at.has_value()) {
        unit.term = output.begin_at->last.term;
        unit.index = output.begin_at->last.index;
    }
    unit.messages = std::move(output.messages_after_persist);
    unit.log_unit = append_to_log(output);
    const uint64_t log_unit = unit.log_unit;
    unpersisted_.push_back(std::move(unit));
    if (is_mutant(Mutant::kAckBeforeDurable)) take_durable(log_unit);
}

// The hard state first, then where the log begins, then what follows.
uint64_t RaftDriver::append_to_log(raft::Output& output) {
    if (!output.begin_at.has_value()) return log_.append(output.hard_state, std::move(output.entries));
    if (output.hard_state.has_value()) maybe(log_.append(output.hard_state, {}) == 0);
    const uint64_t begun = log_.begin_at(*output.begin_at);
    return output.entries.empty() ? begun : log_.append({}, std::move(output.entries));
}

void RaftDriver::send_all(const raft::MessageList& messages) {
    for (const raft::Message& message : messages) {
        if (message.to == config_.id) {
            raft_.step(message, reactor_.now_ns());
        } else {
            peers_.send(message);
        }
    }
}

void RaftDriver::take_durable(uint64_t log_unit) {
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

void RaftDriver::commit_to(LogIndex index) {
    applier_.commit_to(index);
    KVORUM_PROBE1(committed, index.value());
    if (raft_.is_leader()) latency_.entries_committed(index, reactor_.backend().monotonic_ns());
}

// What was open is refused already (hand_on_open_batch), and nothing is taken since.
void RaftDriver::leadership_changed(CommandOutcomes& outcomes) {
    log_leadership();
    if (!raft_.is_leader()) latency_.leadership_lost();
    outcomes.leadership_changed();
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

void RaftDriver::apply_committed(CommandOutcomes& outcomes) {
    if (!applier_.run(outcomes)) return;
    overloaded_ = false;
    ticks_.entry_applied();
}

reactor::Task<void> RaftDriver::read_for_peer(raft::LogRead request) {
    const uint64_t bytes_max = std::min(request.bytes_max, kLogReadBytes);
    absl::StatusOr<raft::EntryList> entries = co_await log_.read(request.first_index, request.last_index, bytes_max);
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
    co_await applier_.stop();
}

void RaftDriver::check() const {
    writes_.check();
    reads_.check();
    applier_.check();
    KVORUM_ASSERT(writes_.empty() || raft_.is_leader(), "a batch is open at a {}", raft::role_name(raft_.role()));
    KVORUM_ASSERT(!overloaded_ || !writes_.empty(), "no batch that was refused");
    KVORUM_ASSERT(logged_term_ <= raft_.current_term(), "term {} after {}", raft_.current_term(), logged_term_);
    uint64_t last_unit = log_.durable_unit();
    for (const PersistUnit& unit : unpersisted_) {
        KVORUM_ASSERT(unit.log_unit > last_unit, "unit {} waits behind {}", unit.log_unit, last_unit);
        KVORUM_ASSERT(unit.index.is_none() == unit.term.is_none(), "index {} of term {}", unit.index, unit.term);
        KVORUM_ASSERT(unit.term <= raft_.current_term(), "an entry of term {} in term {}", unit.term,
                      raft_.current_term());
        last_unit = unit.log_unit;
    }
}

}  // namespace kvorum::replica
