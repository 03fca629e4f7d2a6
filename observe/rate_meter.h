// How much of something happens in a second, over the last one and a half: INFO's instantaneous_* fields. As in Redis,
// the mean of 16 samples that are 100 ms apart. Thread: the owning core.
#pragma once

#include <array>
#include <cstdint>

#include "base/units.h"

namespace kvorum {

class RateMeter {
 public:
    // `total` is a count that only grows, or begins anew. Called several times a second.
    void sample(uint64_t now_ns, uint64_t total) {
        if (last_ns_ != 0 && now_ns - last_ns_ < kSampleNs) return;
        if (last_ns_ != 0 && total >= last_total_) {
            const auto elapsed_s = static_cast<double>(now_ns - last_ns_) / static_cast<double>(kSecondNs);
            samples_[next_++ % samples_.size()] = static_cast<double>(total - last_total_) / elapsed_s;
        }
        last_ns_ = now_ns;
        last_total_ = total;
    }
    [[nodiscard]] double per_second() const {
        double sum = 0;
        for (const double sample : samples_)
            sum += sample;
        return sum / static_cast<double>(samples_.size());
    }
    void reset() { *this = RateMeter(); }

 private:
    static constexpr uint64_t kSampleNs = 100 * kMillisecondNs;

    std::array<double, 16> samples_{};
    uint64_t next_ = 0;
    uint64_t last_ns_ = 0;  // 0: none yet
    uint64_t last_total_ = 0;
};

}  // namespace kvorum
