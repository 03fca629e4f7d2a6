#include "tools/load_keys.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tools/load_random.h"

namespace kvorum::tools::load {
namespace {

constexpr std::string_view kLetters = "RGSP";

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
    : range_(range), pattern_(pattern), first_(range.minimum), last_(range.maximum) {
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
        if (value >= low && value <= high) return static_cast<uint64_t>(std::llround(value));
    }
    return static_cast<uint64_t>(median);
}

}  // namespace kvorum::tools::load
