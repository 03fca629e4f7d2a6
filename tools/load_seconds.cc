#include "tools/load_seconds.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kvorum::tools::load {
namespace {

constexpr uint64_t kNsPerUs = 1000;
constexpr unsigned kStepBits = 4;
constexpr uint64_t kStepsOfOctave = uint64_t{1} << kStepBits;
constexpr unsigned kUsBitsMax = 32;  // more than an hour
constexpr size_t kStepCount = (kUsBitsMax - kStepBits + 1) * kStepsOfOctave;

size_t step_of(uint64_t ns) {
    const uint64_t us = std::min(ns / kNsPerUs, (uint64_t{1} << kUsBitsMax) - 1);
    if (us < kStepsOfOctave) return us;
    const unsigned shift = static_cast<unsigned>(std::bit_width(us)) - kStepBits - 1;
    return (uint64_t{shift} + 1) * kStepsOfOctave + ((us >> shift) - kStepsOfOctave);
}

uint64_t highest_ns(size_t step) {
    if (step < kStepsOfOctave) return (step + 1) * kNsPerUs - 1;
    const uint64_t shift = step / kStepsOfOctave - 1;
    return ((kStepsOfOctave + step % kStepsOfOctave + 1) << shift) * kNsPerUs - 1;
}

}  // namespace

void CommandSeconds::Second::record(uint64_t latency_ns) {
    if (steps_.empty()) steps_.resize(kStepCount);
    ++steps_[step_of(latency_ns)];
    ++count_;
    sum_ns_ += latency_ns;
    min_ns_ = std::min(min_ns_, latency_ns);
    max_ns_ = std::max(max_ns_, latency_ns);
}

void CommandSeconds::Second::merge(const Second& other) {
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    count_ += other.count_;
    sum_ns_ += other.sum_ns_;
    min_ns_ = std::min(min_ns_, other.min_ns_);
    max_ns_ = std::max(max_ns_, other.max_ns_);
    steps_.resize(std::max(steps_.size(), other.steps_.size()));
    for (size_t i = 0; i < other.steps_.size(); ++i)
        steps_[i] += other.steps_[i];
}

uint64_t CommandSeconds::Second::value_at(double quantile) const {
    const auto rank = static_cast<uint64_t>(std::ceil(quantile * static_cast<double>(count_)));
    uint64_t seen = 0;
    for (size_t step = 0; step < steps_.size(); ++step) {
        seen += steps_[step];
        if (seen >= std::max<uint64_t>(rank, 1)) return std::min(highest_ns(step), max_ns_);
    }
    return max_ns_;
}

void CommandSeconds::merge(const CommandSeconds& other) {
    seconds_.resize(std::max(seconds_.size(), other.seconds_.size()));
    for (size_t i = 0; i < other.seconds_.size(); ++i)
        seconds_[i].merge(other.seconds_[i]);
}

}  // namespace kvorum::tools::load
