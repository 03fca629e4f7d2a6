// The reply of a read that takes several turns, while it is made and while it is handed to its session.
//
// RESP wants the number of elements in front of them, and it is known last, so the reply gathers here. It lies in
// pieces: one string of tens of megabytes would be copied whenever it grows. Thread: the owning core.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "kv/long_read.h"
#include "net/resp_writer.h"

namespace kvorum::server {

class LongReply {
 public:
    LongReply(std::unique_ptr<kv::LongRead> read, net::RespVersion version);

    // Makes more of it: about `work_max` units of base/turn_work.h. Returns what it did of them.
    uint64_t make(const kv::Store& store, uint64_t work_max);
    [[nodiscard]] bool made() const { return made_; }
    [[nodiscard]] bool needs_one_state() const { return !made_ && read_->needs_one_state(); }
    [[nodiscard]] const kv::KeyLookups& lookups() const { return read_->lookups(); }

    // Once it is made: what to write next, and whether that is the last of it.
    [[nodiscard]] std::string_view next_part() const { return parts_.front(); }
    [[nodiscard]] bool is_last_part() const { return parts_.size() == 1; }
    void part_written() {
        memory_bytes_ -= parts_.front().size();
        parts_.pop_front();
    }
    [[nodiscard]] uint64_t memory_bytes() const { return memory_bytes_; }

 private:
    std::unique_ptr<kv::LongRead> read_;
    const net::RespVersion version_;
    std::deque<std::string> parts_;
    uint64_t memory_bytes_ = 0;
    bool made_ = false;
};

}  // namespace kvorum::server
