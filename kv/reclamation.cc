#include "kv/reclamation.h"

#include <algorithm>

#include "base/assert.h"

namespace kvorum::kv {

Reclamation::Reader::~Reader() {
    if (slot_ == nullptr) return;
    go_offline();
    slot_->taken.store(false, std::memory_order_release);
}

void Reclamation::Reader::go_online() {
    slot_->seen_epoch.store(epoch_->load(std::memory_order_acquire), std::memory_order_seq_cst);
    // Either collect() sees the store above and waits for this reader, or this load sees the epoch that collect()
    // published before it looked, and with it all that had been taken out of reach.
    static_cast<void>(epoch_->load(std::memory_order_seq_cst));
}

Reclamation::~Reclamation() {
    collect();
    KVORUM_ASSERT(closed_.empty(), "a reader outlives what it reads");
}

Reclamation::Reader Reclamation::add_reader() {
    for (size_t i = 0; i < kReadersMax; ++i) {
        bool taken = false;
        if (!slots_[i].taken.compare_exchange_strong(taken, true, std::memory_order_acq_rel)) continue;
        size_t used = slots_used_.load();
        while (used < i + 1 && !slots_used_.compare_exchange_weak(used, i + 1)) {
        }
        Reader reader(epoch_, slots_[i]);
        reader.go_online();
        return reader;
    }
    KVORUM_ASSERT(false, "more than {} readers", kReadersMax);
}

void Reclamation::collect() {
    if (open_.empty() && closed_.empty()) return;
    const uint64_t ended = epoch_.load(std::memory_order_relaxed);
    epoch_.store(ended + 1, std::memory_order_seq_cst);
    const uint64_t oldest = oldest_seen_epoch();
    while (!closed_.empty() && closed_.front().epoch < oldest) {
        release_all(closed_.front().items);
        closed_count_ -= closed_.front().items.size();
        closed_.pop_front();
    }
    if (open_.empty()) return;
    if (ended < oldest) {
        release_all(open_);
        open_.clear();
        return;
    }
    closed_count_ += open_.size();
    closed_.push_back({ended, std::exchange(open_, {})});
}

void Reclamation::release_all(const std::vector<Retired>& items) {
    for (const Retired& item : items)
        item.release(item.owner, item.object);
}

uint64_t Reclamation::oldest_seen_epoch() const {
    uint64_t oldest = kOffline;
    const size_t used = slots_used_.load(std::memory_order_seq_cst);
    for (size_t i = 0; i < used; ++i)
        oldest = std::min(oldest, slots_[i].seen_epoch.load(std::memory_order_seq_cst));
    return oldest;
}

}  // namespace kvorum::kv
