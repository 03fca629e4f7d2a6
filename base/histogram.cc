#include "base/histogram.h"

#include <algorithm>
#include <cmath>

namespace kvorum {

uint64_t Histogram::highest_in(uint64_t bucket) {
    if (bucket < kSubCount) return bucket;
    const uint64_t shift = bucket / kSubCount - 1;
    const uint64_t base = kSubCount + bucket % kSubCount;
    return ((base + 1) << shift) - 1;
}

void Histogram::merge(const Histogram& other) {
    for (uint64_t i = 0; i < kBucketCount; ++i)
        counts_[i] += other.counts_[i];
    total_count_ += other.total_count_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
    min_ = std::min(min_, other.min_);
}

void Histogram::reset() { *this = Histogram(); }

uint64_t Histogram::count_up_to(uint64_t value) const {
    uint64_t count = 0;
    for (uint64_t bucket = 0; bucket <= bucket_of(value); ++bucket)
        count += counts_[bucket];
    return count;
}

uint64_t Histogram::value_at(double quantile) const {
    if (total_count_ == 0) return 0;
    const auto rank =
        static_cast<uint64_t>(std::ceil(std::clamp(quantile, 0.0, 1.0) * static_cast<double>(total_count_)));
    uint64_t seen = 0;
    for (uint64_t i = 0; i < kBucketCount; ++i) {
        seen += counts_[i];
        if (seen >= std::max<uint64_t>(rank, 1)) return std::min(highest_in(i), max_);
    }
    return max_;
}

}  // namespace kvorum
