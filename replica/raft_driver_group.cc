// RaftDriver as a Group: what the gateway asks of it and brings to it.
#include <algorithm>

#include "base/assert.h"
#include "base/log.h"
#include "replica/raft_driver.h"

namespace kvorum::replica {
namespace {

// While so much is in the log and not applied, the next large write waits: everything else would wait behind it.
constexpr uint64_t kLargeWritesBytes = 2 * kMiB;

}  // namespace

int64_t RaftDriver::log_clock_ms() const {
    return std::max(reactor_.backend().wall_clock_ms(), raft_.last_log_time_ms());
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
    if (!takes_proposals()) return WriteAdmission::kHandingOver;
    if (log_.low_on_space()) return WriteAdmission::kDiskFull;
    if (!memory_limit_.is_of(config_.memory_bytes_max, reactor_.now_ns())) take_memory_limit();
    return operation.may_grow() && memory_limit_.is_exceeded_by(store_.counted_bytes()) ? WriteAdmission::kOutOfMemory
                                                                                        : WriteAdmission::kAccepted;
}

void RaftDriver::take_memory_limit() {
    memory_limit_.take(raft_, config_.memory_bytes_max, reactor_.now_ns());
    writes_.set_head(batch_head());
}

ops::BatchHead RaftDriver::batch_head() const {
    ops::BatchHead head{.memory_limit_bytes = memory_limit_.bytes()};
    // An entry that has one may be on its way; the second one does no harm.
    if (!store_.settings().hash_seed.has_value()) head.hash_seed = drawn_hash_seed_;
    return head;
}

uint64_t RaftDriver::memory_limit_bytes() const {
    return raft_.is_leader() ? raft_.least_memory_limit() : applier_.memory_limit_bytes();
}

bool RaftDriver::takes_large_write() const {
    return !raft_.is_leader() || raft_.bytes_above(applier_.last_applied()) < kLargeWritesBytes;
}

WriteAdmission RaftDriver::add_large_write(raft::EntryBuilder& builder, WriteWaiter waiter) {
    if (!raft_.is_leader()) return WriteAdmission::kNotLeader;
    if (!takes_proposals()) return WriteAdmission::kHandingOver;
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

raft::TransferStart RaftDriver::transfer_leadership(NodeId target) {
    look_at_transfer();  // one that has just failed
    // What was taken before goes along; what the log has no room for waits here for the end of the transfer.
    if (takes_proposals() && !overloaded_) propose_open_batch();
    const raft::TransferStart start = raft_.transfer_leadership(target, reactor_.now_ns());
    if (start.status != raft::TransferStatus::kStarted) return start;
    KVORUM_LOG(kInfo, "term {}: handing over to node {}", raft_.current_term(), start.target);
    transfer_.begin(start.target, raft_.current_term(), reactor_.now_ns());
    return start;
}

void RaftDriver::look_at_transfer() {
    const std::optional<TransferEnd> end = transfer_.look(raft_, reactor_.now_ns());
    if (!end.has_value()) return;
    const uint64_t lasted_ms = end->lasted_ns / kMillisecondNs;
    if (end->leader == config_.id) {
        ++counters_.transfers_failed;
        KVORUM_LOG(kWarn, "term {}: node {} did not take over within {} ms; this node leads on", raft_.current_term(),
                   end->target, lasted_ms);
    } else {
        ++counters_.transfers_done;
        KVORUM_LOG(kInfo, "term {}: handed over to node {} in {} ms", raft_.current_term(), end->leader, lasted_ms);
    }
}

void RaftDriver::install_snapshot(const raft::LogBase& base, kv::Store state) {
    const raft::InstallResult result = raft_.install_snapshot(base);
    if (result != raft::InstallResult::kInstalled) return;
    KVORUM_LOG(kInfo, "term {}: a snapshot takes the place of the log up to index {}", raft_.current_term(),
               base.last.index);
    applier_.restore(base.last, std::move(state));
}

uint32_t RaftDriver::replicas_holding(LogIndex index) const {
    uint32_t count = 0;
    for (const raft::PeerStatus& peer : raft_.status().peers)
        count += peer.match_index >= index ? 1 : 0;
    return count;
}

}  // namespace kvorum::replica
