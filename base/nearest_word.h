// Which of the words that exist somebody may have meant.
//
// Pure. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvorum {

// The candidate with the fewest letters changed, added, left out or swapped with their neighbour; empty when none is
// near: more than a third of the letters would be others.
[[nodiscard]] std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace kvorum
