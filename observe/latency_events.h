// The latency events of LATENCY LATEST, HISTORY and RESET: commands that took at least latency-monitor-threshold, from
// their arrival to their reply. As in Redis what it calls fast is "fast-command", the rest is "command", and of what
// happens in one second the worst is kept.
//
// Thread: the owning core. Memory: at most kSamplesMax samples an event.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace kvorum {

struct LatencySample {
    int64_t unix_time_s = 0;
    uint64_t latency_ms = 0;
};

class LatencyEvents {
 public:
    static constexpr size_t kSamplesMax = 160;

    struct Series {
        std::deque<LatencySample> samples;  // the oldest first
        uint64_t highest_ms = 0;            // of those that were dropped too
    };

    void add(std::string_view event, LatencySample sample);
    [[nodiscard]] const std::map<std::string, Series, std::less<>>& series() const { return series_; }
    // Null: there were none.
    [[nodiscard]] const Series* find(std::string_view event) const;
    // Forgets it; false when there were none.
    bool reset(std::string_view event);

 private:
    std::map<std::string, Series, std::less<>> series_;
};

}  // namespace kvorum
