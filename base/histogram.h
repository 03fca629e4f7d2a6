// A histogram of latencies with a bounded relative error (HDR style): 64 linear steps an octave, so any value is known
// to 1.6 %.
//
// Values are nanoseconds by convention, up to 2^40 (18 minutes); larger ones count as the largest. Fixed memory, no
// allocation after construction, O(1) record. Thread: one owner; merge() joins histograms of several owners.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace kvorum {

class Histogram {
 public:
    Histogram() : counts_(kBucketCount, 0) {}

    void record(uint64_t value, uint64_t count = 1) {
        counts_[bucket_of(value)] += count;
        total_count_ += count;
        sum_ += value * count;
        if (value > max_) max_ = value;
        if (value < min_) min_ = value;
    }

    void merge(const Histogram& other);
    void reset();

    // Each step that has any: the highest value in it, and how many.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (uint64_t i = 0; i < kBucketCount; ++i) {
            if (counts_[i] > 0) visit(highest_in(i) < max_ ? highest_in(i) : max_, counts_[i]);
        }
    }

    [[nodiscard]] uint64_t count() const { return total_count_; }
    [[nodiscard]] uint64_t sum() const { return sum_; }
    [[nodiscard]] uint64_t max() const { return max_; }
    [[nodiscard]] uint64_t min() const { return total_count_ == 0 ? 0 : min_; }
    [[nodiscard]] double mean() const {
        return total_count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(total_count_);
    }

    // The smallest recorded value (to the histogram's precision) that at least `quantile` (0 to 1) of all values do not
    // exceed.
    [[nodiscard]] uint64_t value_at(double quantile) const;
    // How many values do not exceed `value` (to the histogram's precision: some that do by up to 1.6 % may count).
    [[nodiscard]] uint64_t count_up_to(uint64_t value) const;

 private:
    static constexpr unsigned kSubBits = 6;
    static constexpr unsigned kMaxBits = 40;
    static constexpr uint64_t kSubCount = uint64_t{1} << kSubBits;
    static constexpr uint64_t kBucketCount = (kMaxBits - kSubBits + 1) * kSubCount;

    static uint64_t bucket_of(uint64_t value) {
        if (value >= (uint64_t{1} << kMaxBits)) value = (uint64_t{1} << kMaxBits) - 1;
        if (value < kSubCount) return value;
        const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kSubBits - 1;
        return (uint64_t{shift} + 1) * kSubCount + ((value >> shift) - kSubCount);
    }
    static uint64_t highest_in(uint64_t bucket);

    std::vector<uint64_t> counts_;
    uint64_t total_count_ = 0;
    uint64_t sum_ = 0;
    uint64_t max_ = 0;
    uint64_t min_ = UINT64_MAX;
};

}  // namespace kvorum
