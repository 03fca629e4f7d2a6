// Handles to lanes that outlive them: one of a lane that is gone resolves to null. Thread: the owning core.
#pragma once

#include <cstdint>
#include <vector>

#include "gateway/lane.h"

namespace kvorum::gateway {

class LaneTable {
 public:
    // Sets lane.handle.
    void add(Lane& lane) {
        uint32_t slot = 0;
        if (free_.empty()) {
            slot = static_cast<uint32_t>(slots_.size());
            slots_.emplace_back();
        } else {
            slot = free_.back();
            free_.pop_back();
        }
        slots_[slot].lane = &lane;
        lane.handle = {slot, slots_[slot].generation};
        ++count_;
    }

    void remove(Lane& lane) {
        Slot& slot = slots_[lane.handle.slot];
        KVORUM_ASSERT(slot.lane == &lane);
        slot.lane = nullptr;
        if (++slot.generation == 0) slot.generation = 1;
        free_.push_back(lane.handle.slot);
        lane.handle = {};
        --count_;
    }

    [[nodiscard]] Lane* find(LaneHandle handle) const {
        if (handle.slot >= slots_.size()) return nullptr;
        const Slot& slot = slots_[handle.slot];
        return slot.generation == handle.generation ? slot.lane : nullptr;
    }

    [[nodiscard]] size_t size() const { return count_; }

    template <typename Visit>
    void for_each(Visit&& visit) const {
        for (size_t i = 0; i < slots_.size(); ++i) {
            if (slots_[i].lane != nullptr) visit(*slots_[i].lane);
        }
    }

    // Each lane is where its handle says, and as many are free as are not there.
    void check() const {
        size_t there = 0;
        for (size_t i = 0; i < slots_.size(); ++i) {
            if (slots_[i].lane == nullptr) continue;
            ++there;
            const LaneHandle& handle = slots_[i].lane->handle;
            KVORUM_ASSERT(handle.slot == i && handle.generation == slots_[i].generation, "lane {} is lost", i);
        }
        KVORUM_ASSERT(there == count_ && free_.size() == slots_.size() - count_, "{} lanes instead of {}", there,
                      count_);
    }

 private:
    struct Slot {
        Lane* lane = nullptr;
        uint32_t generation = 1;
    };
    std::vector<Slot> slots_;
    std::vector<uint32_t> free_;
    size_t count_ = 0;
};

}  // namespace kvorum::gateway
