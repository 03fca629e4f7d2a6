// Handles to sessions that outlive them: a handle of a session that is gone resolves to null. Thread: the owning core.
#pragma once

#include <cstdint>
#include <vector>

#include "gateway/session.h"

namespace kvorum::gateway {

class SessionTable {
 public:
    // Sets session.handle.
    void add(Session& session) {
        uint32_t slot = 0;
        if (free_.empty()) {
            slot = static_cast<uint32_t>(slots_.size());
            slots_.emplace_back();
        } else {
            slot = free_.back();
            free_.pop_back();
        }
        slots_[slot].session = &session;
        session.handle = {slot, slots_[slot].generation};
        ++count_;
    }

    void remove(Session& session) {
        Slot& slot = slots_[session.handle.slot];
        KVORUM_ASSERT(slot.session == &session);
        slot.session = nullptr;
        if (++slot.generation == 0) slot.generation = 1;
        free_.push_back(session.handle.slot);
        session.handle = {};
        --count_;
    }

    [[nodiscard]] Session* find(SessionHandle handle) const {
        if (handle.slot >= slots_.size()) return nullptr;
        const Slot& slot = slots_[handle.slot];
        return slot.generation == handle.generation ? slot.session : nullptr;
    }

    [[nodiscard]] size_t size() const { return count_; }

    template <typename Visit>
    void for_each(Visit&& visit) const {
        for (size_t i = 0; i < slots_.size(); ++i) {
            if (slots_[i].session != nullptr) visit(*slots_[i].session);
        }
    }

 private:
    struct Slot {
        Session* session = nullptr;
        uint32_t generation = 1;
    };
    std::vector<Slot> slots_;
    std::vector<uint32_t> free_;
    size_t count_ = 0;
};

}  // namespace kvorum::gateway
