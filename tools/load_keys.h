// Which keys the clients of a load use: memtier_benchmark's key patterns over a range of numbers behind a prefix.
//
//   R  any key of the range, each as likely as the others
//   G  a normal distribution around the median; what falls outside of the range is drawn again
//   S  each client goes through the whole range in order, again and again
//   P  the range is divided among all clients, and each goes through its part in order
//   Z  Zipf: the first key of the range is the likeliest, and the i-th comes as often as 1 / i^exponent says
//
// Thread: one owner per KeySequence. No allocation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/prng.h"

namespace kvorum::tools::load {

enum class KeyPattern { kRandom, kGaussian, kSequential, kParallel, kZipf };

inline constexpr std::string_view kKeyPatternHelp =
    "R is random, G normally distributed, Z after Zipf's law, S in order, P in order with a part of the keys for each "
    "client";

[[nodiscard]] std::optional<KeyPattern> parse_key_pattern(std::string_view letter);
[[nodiscard]] char key_pattern_letter(KeyPattern pattern);

// Beyond this, ranges would not fit into the numbers that they are counted with.
inline constexpr uint64_t kKeyNumberMax = INT64_MAX;

struct KeyRange {
    std::string prefix = "memtier-";
    uint64_t minimum = 0;
    uint64_t maximum = 10'000'000;  // included
    double median = 0;              // of G; 0: the middle
    double standard_deviation = 0;  // of G; 0: a sixth of the range
    double zipf_exponent = 1;       // of Z

    [[nodiscard]] uint64_t count() const { return maximum - minimum + 1; }
};

// Ranks from 1 to `count`, by rejection from the integral of the law (W. Hoermann, G. Derflinger, "Rejection-inversion
// to generate variates from monotone discrete distributions", 1996): no table, about one draw for a rank.
class ZipfRanks {
 public:
    ZipfRanks(uint64_t count, double exponent);

    [[nodiscard]] uint64_t next(Prng& prng) const;

 private:
    [[nodiscard]] double density(double x) const;
    [[nodiscard]] double integral(double x) const;
    [[nodiscard]] double inverse_integral(double y) const;

    double count_;
    double exponent_;
    double integral_first_;
    double integral_last_;
    double shortcut_;
};

class KeySequence {
 public:
    // `client` is one of `client_count`, over all threads. `range` is borrowed.
    KeySequence(const KeyRange& range, KeyPattern pattern, uint64_t client, uint64_t client_count);

    [[nodiscard]] uint64_t next(Prng& prng);
    // How many requests go through this client's keys once.
    [[nodiscard]] uint64_t round_length() const { return last_ - first_ + 1; }

 private:
    [[nodiscard]] uint64_t next_gaussian(Prng& prng) const;

    const KeyRange& range_;
    ZipfRanks ranks_;
    KeyPattern pattern_;
    uint64_t first_ = 0;
    uint64_t last_ = 0;
    uint64_t next_ = 0;
};

}  // namespace kvorum::tools::load
