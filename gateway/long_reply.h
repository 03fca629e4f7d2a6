// The reply of a read that takes several turns, while it is made and while it is handed to its session.
//
// Its number of elements stands in front of them and is known last, so the reply gathers here. It lies in
// pieces: one string of tens of megabytes would be copied whenever it grows. Thread: the owning core.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "gateway/reply_port.h"
#include "ops/long_read.h"

namespace kvorum::gateway {

class LongReply {
 public:
    // `holds_state`: nothing may be applied before it is made.
    LongReply(std::unique_ptr<ops::LongRead> read, bool holds_state)
        : read_(std::move(read)), holds_state_(holds_state) {}

    // Makes more of it, in the form of `port`: about `work_max` units of base/turn_work.h. Returns what it did of them.
    uint64_t make(ReplyPort& port, uint64_t work_max);
    [[nodiscard]] bool made() const { return read_ == nullptr; }
    [[nodiscard]] bool holds_state() const { return !made() && holds_state_; }
    [[nodiscard]] const ops::KeyLookups& lookups() const { return lookups_; }

    // Once it is made: what to write next, and whether anything is left then.
    [[nodiscard]] std::string take_part() {
        std::string part = std::move(parts_.front());
        memory_bytes_ -= part.size();
        parts_.pop_front();
        return part;
    }
    [[nodiscard]] bool all_taken() const { return parts_.empty(); }
    [[nodiscard]] uint64_t memory_bytes() const { return memory_bytes_; }

 private:
    std::unique_ptr<ops::LongRead> read_;  // until it is made
    ops::KeyLookups lookups_;
    const bool holds_state_;
    std::deque<std::string> parts_;
    uint64_t memory_bytes_ = 0;
};

}  // namespace kvorum::gateway
