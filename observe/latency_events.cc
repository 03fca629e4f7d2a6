#include "observe/latency_events.h"

#include <algorithm>

namespace kvorum {

void LatencyEvents::add(std::string_view event, LatencySample sample) {
    auto found = series_.find(event);
    if (found == series_.end()) found = series_.emplace(event, Series{}).first;
    Series& series = found->second;
    series.highest_ms = std::max(series.highest_ms, sample.latency_ms);
    if (!series.samples.empty() && series.samples.back().unix_time_s == sample.unix_time_s) {
        LatencySample& last = series.samples.back();
        last.latency_ms = std::max(last.latency_ms, sample.latency_ms);
        return;
    }
    series.samples.push_back(sample);
    if (series.samples.size() > kSamplesMax) series.samples.pop_front();
}

const LatencyEvents::Series* LatencyEvents::find(std::string_view event) const {
    const auto found = series_.find(event);
    return found == series_.end() ? nullptr : &found->second;
}

bool LatencyEvents::reset(std::string_view event) {
    const auto found = series_.find(event);
    if (found == series_.end()) return false;
    series_.erase(found);
    return true;
}

}  // namespace kvorum
