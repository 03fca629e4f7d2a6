#include "tools/load_keys.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tools/load_random.h"

namespace kvorum::tools::load {
namespace {

constexpr std::string_view kLetters = "RGSPZ";

// `count` keys cut into `parts` whose sizes differ by one at most: where part `part` begins.
uint64_t part_start(uint64_t count, uint64_t parts, uint64_t part) {
    return count / parts * part + std::min(part, count % parts);
}

}  // namespace

std::optional<KeyPattern> parse_key_pattern(std::string_view letter) {
    const size_t found = letter.size() == 1 ? kLetters.find(letter) : std::string_view::npos;
    if (found == std::string_view::npos) return std::nullopt;
    return static_cast<KeyPattern>(found);
}

char key_pattern_letter(KeyPattern pattern) { return kLetters[static_cast<size_t>(pattern)]; }

KeySequence::KeySequence(const KeyRange& range, KeyPattern pattern, uint64_t client, uint64_t client_count)
    : range_(range),
      ranks_(range.count(), range.zipf_exponent),
      pattern_(pattern),
      first_(range.minimum),
      last_(range.maximum) {
    if (pattern == KeyPattern::kParallel) {
        // With more clients than keys some share one.
        const uint64_t parts = std::min(client_count, range.count());
        const uint64_t part = client % parts;
        first_ = range.minimum + part_start(range.count(), parts, part);
        last_ = range.minimum + part_start(range.count(), parts, part + 1) - 1;
    }
    next_ = first_;
}

uint64_t KeySequence::next(Prng& prng) {
    switch (pattern_) {
        case KeyPattern::kRandom: return prng.between(first_, last_);
        case KeyPattern::kGaussian: return next_gaussian(prng);
        case KeyPattern::kZipf: return first_ + ranks_.next(prng) - 1;
        case KeyPattern::kSequential:
        case KeyPattern::kParallel: break;
    }
    const uint64_t key = next_;
    next_ = next_ == last_ ? first_ : next_ + 1;
    return key;
}

uint64_t KeySequence::next_gaussian(Prng& prng) const {
    const auto low = static_cast<double>(first_);
    const auto high = static_cast<double>(last_);
    const double median = range_.median > 0 ? range_.median : (low + high) / 2;
    const double deviation = range_.standard_deviation > 0 ? range_.standard_deviation : (high - low) / 6;
    // A median at the edge loses every second draw; this many in a row are lost in no run of any length.
    constexpr int kDrawsMax = 1000;
    for (int draw = 0; draw < kDrawsMax; ++draw) {
        const double radius = std::sqrt(-2 * std::log(draw_unit(prng)));
        const double value = median + deviation * radius * std::cos(2 * std::numbers::pi * draw_unit(prng));
        // Doubles of this size are no longer every integer: what was rounded up is brought back.
        if (value >= low && value <= high) return std::min(static_cast<uint64_t>(std::round(value)), last_);
    }
    return std::min(static_cast<uint64_t>(median), last_);
}

// --- Zipf ---

ZipfRanks::ZipfRanks(uint64_t count, double exponent)
    : count_(static_cast<double>(count)),
      exponent_(exponent),
      integral_first_(integral(1.5) - 1),
      integral_last_(integral(count_ + 0.5)),
      shortcut_(2 - inverse_integral(integral(2.5) - density(2))) {}

double ZipfRanks::density(double x) const { return std::exp(-exponent_ * std::log(x)); }

double ZipfRanks::integral(double x) const {
    const double power = 1 - exponent_;
    return power == 0 ? std::log(x) : std::expm1(power * std::log(x)) / power;
}

double ZipfRanks::inverse_integral(double y) const {
    const double power = 1 - exponent_;
    if (power == 0) return std::exp(y);
    // Rounding may bring it below the least argument of the logarithm.
    return std::exp(std::log1p(std::max(-1.0, y * power)) / power);
}

uint64_t ZipfRanks::next(Prng& prng) const {
    while (true) {
        const double y = integral_last_ + draw_unit(prng) * (integral_first_ - integral_last_);
        const double x = inverse_integral(y);
        const double rank = std::clamp(std::round(x), 1.0, count_);
        if (rank - x <= shortcut_ || y >= integral(rank + 0.5) - density(rank)) return static_cast<uint64_t>(rank);
    }
}

}  // namespace kvorum::tools::load
