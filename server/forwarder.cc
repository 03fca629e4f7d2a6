#include "server/forwarder.h"

#include <utility>

namespace kvorum::server {

uint64_t Forwarder::forward(const Target& target, ForwardWaiter waiter, uint64_t session_id, net::RespVersion protocol,
                            kv::Arguments arguments) {
    const uint64_t id = first_id_ + slots_.size();
    if (!sender_.send_forward_request(target.leader, target.term, id, session_id, protocol, arguments)) return 0;
    waiter.request_id = id;
    slots_.push_back({target.leader, waiter});
    return id;
}

void Forwarder::on_reply(NodeId from, uint64_t request_id, Outcome outcome, std::string_view reply) {
    if (request_id < first_id_ || request_id >= first_id_ + slots_.size()) return;
    Slot& slot = slots_[request_id - first_id_];
    if (slot.leader != from) return;
    finish(slot, outcome, reply);
    drop_answered();
}

void Forwarder::on_link_lost(NodeId leader, uint64_t first_unsent_id) {
    for (size_t i = 0; i < slots_.size(); ++i) {
        if (slots_[i].leader != leader) continue;
        finish(slots_[i], first_id_ + i >= first_unsent_id ? Outcome::kNotExecuted : Outcome::kUnknown, {});
    }
    drop_answered();
}

void Forwarder::on_answers_lost(NodeId leader) { on_link_lost(leader, UINT64_MAX); }

void Forwarder::finish(Slot& slot, Outcome outcome, std::string_view reply) {
    slot.leader = NodeId{};
    const ForwardWaiter waiter = slot.waiter;
    switch (outcome) {
        case Outcome::kExecuted: outcomes_->forward_executed(waiter, reply); return;
        case Outcome::kNotExecuted: outcomes_->forward_not_executed(waiter); return;
        case Outcome::kUnknown: outcomes_->forward_outcome_unknown(waiter); return;
    }
}

void Forwarder::drop_answered() {
    while (!slots_.empty() && slots_.front().leader.is_none()) {
        slots_.pop_front();
        ++first_id_;
    }
}

}  // namespace kvorum::server
