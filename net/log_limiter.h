// Keeps strangers from filling the log: at most one line per interval, each telling how many were left out since the
// last. Thread: one owner. Times are the reactor's.
#pragma once

#include <cstdint>

#include "base/units.h"

namespace kvorum::net {

class LogLimiter {
 public:
    explicit LogLimiter(uint64_t interval_ns = kSecondNs) : interval_ns_(interval_ns) {}

    // True: write the line, and say that `suppressed` ones before it were not written.
    [[nodiscard]] bool allow(uint64_t now_ns, uint64_t& suppressed) {
        if (written_ && now_ns - last_ns_ < interval_ns_) {
            ++suppressed_;
            return false;
        }
        written_ = true;
        last_ns_ = now_ns;
        suppressed = suppressed_;
        suppressed_ = 0;
        return true;
    }

 private:
    uint64_t interval_ns_;
    uint64_t last_ns_ = 0;
    uint64_t suppressed_ = 0;
    bool written_ = false;
};

}  // namespace kvorum::net
