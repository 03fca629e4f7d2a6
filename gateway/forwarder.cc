#include "gateway/forwarder.h"

#include <utility>

namespace kvorum::gateway {

uint64_t Forwarder::forward(const Target& target, ForwardWaiter waiter, uint64_t session_id, ReplyFormat format,
                            std::span<const std::string_view> arguments) {
    const uint64_t id = next_id();
    if (!sender_.send_forward_request(target.node, target.term, id, session_id, format, arguments)) return 0;
    add_slot(target, waiter);
    return id;
}

void Forwarder::add_slot(const Target& target, ForwardWaiter waiter) {
    waiter.request_id = next_id();
    slots_.push_back({target.node, waiter});
}

uint64_t Forwarder::forward_large(const Target& target, ForwardWaiter waiter, uint64_t session_id, ReplyFormat format,
                                  std::string_view command, LargeForward& progress, TurnWork& work) {
    if (progress.leader != target.node || progress.term != target.term) progress = {target.node, target.term};
    progress.waits = false;
    const uint64_t work_end = work.total() + work.slice();
    while (progress.sent_bytes < command.size()) {
        if (work.total() >= work_end) return 0;
        const std::string_view bytes = command.substr(progress.sent_bytes, peers::kForwardPieceBytes);
        const auto status = sender_.send_forward_piece(target.node, {session_id, progress.sent_bytes, bytes});
        progress.waits = status != peers::PieceStatus::kSent;
        if (status == peers::PieceStatus::kBeginAgain) progress.sent_bytes = 0;
        if (progress.waits) return 0;
        progress.sent_bytes += bytes.size();
        work.add(TurnPart::kReplicate, bytes.size() / kBytesPerWork);
    }
    const uint64_t id = next_id();
    if (!sender_.send_large_request(target.node, target.term, id, session_id, format, command.size())) {
        progress.sent_bytes = 0;
        progress.waits = true;
        return 0;
    }
    add_slot(target, waiter);
    return id;
}

void Forwarder::on_reply(NodeId from, const peers::ForwardReply& reply, ForwardOutcomes& outcomes) {
    if (reply.request_id < first_id_ || reply.request_id >= first_id_ + slots_.size()) return;
    Slot& slot = slots_[reply.request_id - first_id_];
    if (slot.leader != from) return;
    if (reply.outcome == peers::ForwardOutcome::kPart) {
        outcomes.forward_part(slot.waiter, reply.reply);
        return;
    }
    finish(slot, reply, outcomes);
    drop_answered();
}

void Forwarder::on_link_lost(NodeId leader, uint64_t first_unsent_id, ForwardOutcomes& outcomes) {
    using enum peers::ForwardOutcome;
    for (size_t i = 0; i < slots_.size(); ++i) {
        if (slots_[i].leader != leader) continue;
        const uint64_t id = first_id_ + i;
        finish(slots_[i], {id, id >= first_unsent_id ? kNotExecuted : kUnknown, {}}, outcomes);
    }
    drop_answered();
}

void Forwarder::on_answers_lost(NodeId leader, ForwardOutcomes& outcomes) {
    on_link_lost(leader, UINT64_MAX, outcomes);
}

void Forwarder::finish(Slot& slot, const peers::ForwardReply& reply, ForwardOutcomes& outcomes) {
    slot.leader = NodeId{};
    const ForwardWaiter waiter = slot.waiter;
    switch (reply.outcome) {
        case peers::ForwardOutcome::kExecuted: outcomes.forward_executed(waiter, reply.reply, reply.seen); return;
        case peers::ForwardOutcome::kNotExecuted: outcomes.forward_not_executed(waiter); return;
        case peers::ForwardOutcome::kUnknown: outcomes.forward_outcome_unknown(waiter); return;
        case peers::ForwardOutcome::kPart: return;
    }
}

void Forwarder::check() const {
    KVORUM_ASSERT(slots_.empty() || !slots_.front().leader.is_none(), "an answered request is kept");
    for (size_t i = 0; i < slots_.size(); ++i)
        KVORUM_ASSERT(slots_[i].waiter.request_id == first_id_ + i, "{} at the place of {}",
                      slots_[i].waiter.request_id, first_id_ + i);
}

void Forwarder::drop_answered() {
    while (!slots_.empty() && slots_.front().leader.is_none()) {
        slots_.pop_front();
        ++first_id_;
    }
}

}  // namespace kvorum::gateway
