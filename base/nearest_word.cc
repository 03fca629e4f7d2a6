#include "base/nearest_word.h"

#include <algorithm>
#include <cstddef>

namespace kvorum {
namespace {

// Damerau and Levenshtein's, where no part is edited twice.
size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<size_t>> distance(a.size() + 1, std::vector<size_t>(b.size() + 1));
    for (size_t i = 0; i <= a.size(); ++i)
        distance[i][0] = i;
    for (size_t j = 0; j <= b.size(); ++j)
        distance[0][j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            size_t least = std::min({distance[i - 1][j] + 1, distance[i][j - 1] + 1, distance[i - 1][j - 1] + change});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) least = std::min(least, distance[i - 2][j - 2] + 1);
            distance[i][j] = least;
        }
    }
    return distance[a.size()][b.size()];
}

}  // namespace

std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates) {
    constexpr size_t kWordBytesMax = 64;  // nobody mistypes longer ones, and the table above is quadratic
    if (word.size() > kWordBytesMax) return {};
    std::string nearest;
    size_t least = std::max<size_t>(1, word.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        const size_t distance = edit_distance(word, candidate);
        if (distance >= least) continue;
        least = distance;
        nearest = candidate;
    }
    return nearest;
}

}  // namespace kvorum
