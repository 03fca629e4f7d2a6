#include "base/glob.h"

#include <cstddef>
#include <utility>

namespace kvorum {
namespace {

// Whether the class whose '[' stands at `at` has `c` in it; moves `at` behind the class.
bool class_matches(std::string_view pattern, size_t& at, char c) {
    ++at;
    const bool inverted = at < pattern.size() && pattern[at] == '^';
    if (inverted) ++at;
    bool found = false;
    for (;; ++at) {
        const size_t left = pattern.size() - at;
        if (left >= 2 && pattern[at] == '\\') {
            ++at;
            if (pattern[at] == c) found = true;
        } else if (left == 0) {
            return found != inverted;
        } else if (pattern[at] == ']') {
            ++at;
            return found != inverted;
        } else if (left >= 3 && pattern[at + 1] == '-') {
            // Redis compares plain chars, which are signed on the machines it is mostly run on.
            auto low = static_cast<signed char>(pattern[at]);
            auto high = static_cast<signed char>(pattern[at + 2]);
            if (low > high) std::swap(low, high);
            const auto signed_c = static_cast<signed char>(c);
            if (signed_c >= low && signed_c <= high) found = true;
            at += 2;
        } else if (pattern[at] == c) {
            found = true;
        }
    }
}

// Whether the part of the pattern at `at`, which is not '*', matches `c`; moves `at` behind it.
bool part_matches(std::string_view pattern, size_t& at, char c) {
    switch (pattern[at]) {
        case '?': ++at; return true;
        case '[': return class_matches(pattern, at, c);
        case '\\':
            if (at + 1 < pattern.size()) ++at;
            return pattern[at++] == c;
        default: return pattern[at++] == c;
    }
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
    if (pattern == "*") return true;
    // A text that is empty from the start matches no other pattern in Redis, not even "**".
    if (text.empty()) return pattern.empty();

    // Every part but '*' takes exactly one character, so when a part fails it is enough to let the last '*' take one
    // more.
    size_t pattern_at = 0;
    size_t text_at = 0;
    size_t after_star = std::string_view::npos;
    size_t star_text_at = 0;
    while (text_at < text.size()) {
        if (pattern_at < pattern.size() && pattern[pattern_at] == '*') {
            after_star = ++pattern_at;
            star_text_at = text_at;
            continue;
        }
        if (pattern_at < pattern.size() && part_matches(pattern, pattern_at, text[text_at])) {
            ++text_at;
            continue;
        }
        if (after_star == std::string_view::npos) return false;
        pattern_at = after_star;
        text_at = ++star_text_at;
    }
    while (pattern_at < pattern.size() && pattern[pattern_at] == '*')
        ++pattern_at;
    return pattern_at == pattern.size();
}

}  // namespace kvorum
