// At most so many log lines of one kind: a burst, then one a second, each of which can say how many were left out
// before it. What repeats fills no disk, and hides nothing else.
//
// Thread: one owner; LogSite (base/log.h) is the one that any thread may use. Times are of any clock that never goes
// back.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/units.h"

namespace kvorum {

class LogLimiter {
 public:
    static constexpr uint32_t kBurst = 10;
    static constexpr uint64_t kIntervalNs = 1 * kSecondNs;

    // True: write the line, and say that `left_out` ones before it were not written.
    [[nodiscard]] constexpr bool admit(uint64_t now_ns, uint64_t& left_out) {
        const uint64_t earned = (now_ns - earned_until_ns_) / kIntervalNs;
        earned_until_ns_ += earned * kIntervalNs;
        tokens_ = static_cast<uint32_t>(std::min<uint64_t>(kBurst, tokens_ + earned));
        if (tokens_ == 0) {
            ++left_out_;
            return false;
        }
        --tokens_;
        left_out = left_out_;
        left_out_ = 0;
        return true;
    }

 private:
    uint64_t earned_until_ns_ = 0;
    uint64_t left_out_ = 0;
    uint32_t tokens_ = kBurst;
};

}  // namespace kvorum
