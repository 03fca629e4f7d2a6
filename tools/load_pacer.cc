#include "tools/load_pacer.h"

#include "tools/load_client.h"

namespace kvorum::tools::load {

Pacer::Pacer(reactor::Reactor& reactor, const ScheduleShape& shape)
    : Timer([](Timer& self) { static_cast<Pacer&>(self).dispatch(); }), reactor_(reactor), shape_(shape) {}

void Pacer::begin(uint64_t start_ns, uint64_t end_ns) {
    end_ns_ = end_ns;
    schedule_.emplace(shape_, start_ns);
    dispatch();
}

void Pacer::on_room(Client& client) {
    if (!client.in_pacer_queue()) {
        client.set_in_pacer_queue(true);
        free_clients_.push_back(&client);
    }
    dispatch();
}

void Pacer::dispatch() {
    if (!schedule_.has_value()) return;
    const uint64_t now_ns = reactor_.backend().monotonic_ns();
    const auto is_due = [&] { return schedule_->next_ns() <= now_ns && schedule_->next_ns() < end_ns_; };
    while (is_due() && !free_clients_.empty()) {
        Client& client = *free_clients_.front();
        free_clients_.pop_front();
        if (!client.can_start()) {
            client.set_in_pacer_queue(false);
            continue;
        }
        client.start(schedule_->next_ns(), now_ns);
        schedule_->advance();
        free_clients_.push_back(&client);
    }
    // Nothing to wait for while all are busy: the next free client calls.
    if (free_clients_.empty() || schedule_->next_ns() >= end_ns_) {
        reactor_.cancel(*this);
    } else {
        reactor_.arm(*this, schedule_->next_ns());
    }
}

uint64_t Pacer::take_missed(uint64_t end_ns) {
    uint64_t missed = 0;
    for (; schedule_.has_value() && schedule_->next_ns() < end_ns; schedule_->advance())
        ++missed;
    schedule_.reset();
    reactor_.cancel(*this);
    return missed;
}

}  // namespace kvorum::tools::load
