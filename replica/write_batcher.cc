#include "replica/write_batcher.h"

#include <algorithm>
#include <utility>

namespace kvorum::replica {

bool WriteBatcher::add(const ops::Operation& operation, ops::Arguments arguments, int64_t now_ms, WriteWaiter waiter,
                       ReplySink& error) {
    const bool opens = waiters_.empty();
    if (opens) {
        builder_.buffer().reserve(std::min(last_bytes_, kRoomBytesMax));
        ops::begin_batch(memory_limit_bytes_, builder_.buffer());
    }
    if (!ops::encode_write(operation, arguments, now_ms, builder_.buffer(), error)) {
        if (opens) restart_builder();
        return false;
    }
    last_bytes_ = builder_.buffer().size();
    builder_.add_command_count(1);
    waiters_.push_back(waiter);
    return true;
}

void WriteBatcher::restart_builder() {
    builder_ = raft::EntryBuilder(raft::EntryType::kCommands);
    waiters_.clear();
    if (!spare_waiters_.empty()) {
        waiters_ = std::move(spare_waiters_.back());
        spare_waiters_.pop_back();
    }
}

void WriteBatcher::proposed(LogIndex index, Term term) {
    in_flight_.push_back({index, term, std::move(waiters_)});
    restart_builder();
}

void WriteBatcher::proposed_alone(LogIndex index, Term term, WriteWaiter waiter) {
    in_flight_.push_back({index, term, {waiter}});
}

std::vector<WriteWaiter> WriteBatcher::discard_open() {
    std::vector<WriteWaiter> waiters = std::move(waiters_);
    restart_builder();
    return waiters;
}

void WriteBatcher::resolve(LogIndex index, Term term, std::vector<WriteWaiter>& executed,
                           std::vector<WriteWaiter>& lost) {
    executed.clear();
    while (!in_flight_.empty()) {
        ProposedBatch& front = in_flight_.front();
        const bool is_this = front.index == index && front.term == term;
        // Terms never fall along a log, so an entry of a later term at or before `front.index` has taken its place for
        // good.
        const bool is_lost = front.index <= index || front.term < term;
        if (!is_this && !is_lost) return;
        std::vector<WriteWaiter> waiters = std::move(front.waiters);
        in_flight_.pop_front();
        std::vector<WriteWaiter>& to = is_this ? executed : lost;
        to.insert(to.end(), waiters.begin(), waiters.end());
        if (spare_waiters_.size() < 16) {
            waiters.clear();
            spare_waiters_.push_back(std::move(waiters));
        }
    }
}

}  // namespace kvorum::replica
