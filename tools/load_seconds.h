// What one kind of request did in each second of a run: memtier_benchmark's Time-Serie.
//
// Percentiles are known to 6 %, from counts of 16 steps an octave of microseconds: a second costs 2 KiB. Thread: one
// owner; merge() joins those of several.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.h"

namespace kvorum::tools::load {

class CommandSeconds {
 public:
    // What comes later is counted in the last one.
    static constexpr size_t kSecondsMax = 7200;

    class Second {
     public:
        uint64_t bytes_sent = 0;
        uint64_t bytes_received = 0;

        void record(uint64_t latency_ns);
        void merge(const Second& other);

        [[nodiscard]] uint64_t count() const { return count_; }
        [[nodiscard]] uint64_t sum_ns() const { return sum_ns_; }
        [[nodiscard]] uint64_t min_ns() const { return count_ == 0 ? 0 : min_ns_; }
        [[nodiscard]] uint64_t max_ns() const { return max_ns_; }
        [[nodiscard]] uint64_t value_at(double quantile) const;

     private:
        uint64_t count_ = 0;
        uint64_t sum_ns_ = 0;
        uint64_t min_ns_ = UINT64_MAX;
        uint64_t max_ns_ = 0;
        std::vector<uint32_t> steps_;  // none before the first latency
    };

    // Valid until the next call. `since_start_ns` may go back.
    [[nodiscard]] Second& at(uint64_t since_start_ns) {
        const size_t index = since_start_ns / kSecondNs < kSecondsMax ? since_start_ns / kSecondNs : kSecondsMax - 1;
        if (index >= seconds_.size()) seconds_.resize(index + 1);
        return seconds_[index];
    }
    void merge(const CommandSeconds& other);
    [[nodiscard]] const std::vector<Second>& seconds() const { return seconds_; }

 private:
    std::vector<Second> seconds_;
};

}  // namespace kvorum::tools::load
