// When requests are due in an open loop: moments fixed by a rate alone, whatever the server does. A request that starts
// late keeps its moment, and its latency counts from there ("How NOT to Measure Latency", G. Tene: no coordinated
// omission).
//
// Nothing queues: the schedule itself stands still at the first moment that has not been served. Thread: one owner.
#pragma once

#include <cstdint>

#include "base/prng.h"
#include "tools/load_config.h"

namespace kvorum::tools::load {

struct ScheduleShape {
    Arrivals arrivals = Arrivals::kConstant;  // not kClosedLoop
    double rate = 1;                          // requests a second
    double phase =
        0;  // of a constant rate: which part of an interval passes before the first; parts share a total evenly
    uint64_t seed = 0;
};

class ArrivalSchedule {
 public:
    ArrivalSchedule(const ScheduleShape& shape, uint64_t start_ns);

    [[nodiscard]] uint64_t next_ns() const { return next_ns_; }
    void advance();

 private:
    const ScheduleShape shape_;
    const uint64_t start_ns_;
    const double interval_ns_;
    Prng prng_;
    uint64_t count_ = 0;
    double offset_ns_ = 0;
    uint64_t next_ns_ = 0;
};

}  // namespace kvorum::tools::load
