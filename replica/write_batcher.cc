#include "replica/write_batcher.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace kvorum::replica {

bool WriteBatcher::add(const ops::Operation& operation, ops::Arguments arguments, int64_t now_ms, WriteWaiter waiter,
                       ReplySink& error) {
    const bool opens = waiters_.empty();
    if (opens) {
        builder_.buffer().reserve(room_bytes_);
        ops::begin_batch(head_, builder_.buffer());
    }
    if (!ops::encode_write(operation, arguments, now_ms, builder_.buffer(), error)) {
        if (opens) restart_builder();
        return false;
    }
    batch_bytes_ = builder_.buffer().size();
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
    room_bytes_ = std::min(std::max(batch_bytes_, room_bytes_ - room_bytes_ / 64), kRoomBytesMax);
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
        if (spare_waiters_.size() < kSparesMax) {
            waiters.clear();
            spare_waiters_.push_back(std::move(waiters));
        }
    }
}

void WriteBatcher::forget_up_to(LogIndex index) {
    while (!in_flight_.empty() && in_flight_.front().index <= index)
        in_flight_.pop_front();
}

void WriteBatcher::check() const {
    KVORUM_ASSERT(builder_.type() == raft::EntryType::kCommands);
    KVORUM_ASSERT(builder_.command_count() == waiters_.size(), "{} commands, {} waiters", builder_.command_count(),
                  waiters_.size());
    if (waiters_.empty()) KVORUM_ASSERT(builder_.body_size_bytes() == 0, "{} bytes of no command", size_bytes());
    KVORUM_ASSERT(spare_waiters_.size() <= kSparesMax);
    for (size_t i = 0; i < in_flight_.size(); ++i) {
        const ProposedBatch& batch = in_flight_[i];
        KVORUM_ASSERT(!batch.waiters.empty(), "nobody waits for index {}", batch.index);
        KVORUM_ASSERT(!batch.index.is_none() && !batch.term.is_none());
        if (i == 0) continue;
        // Of an earlier term there may be some at higher indices: they are lost.
        const ProposedBatch& before = in_flight_[i - 1];
        KVORUM_ASSERT(batch.term >= before.term, "term {} behind {}", batch.term, before.term);
        if (batch.term == before.term)
            KVORUM_ASSERT(batch.index > before.index, "index {} behind {}", batch.index, before.index);
    }
}

}  // namespace kvorum::replica
