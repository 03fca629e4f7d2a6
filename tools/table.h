// Rows of words in aligned columns, for terminals: numbers to the right, words to the left. The first row is the
// heading.
#pragma once

#include <string>
#include <vector>

namespace kvorum::tools {

[[nodiscard]] std::string format_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace kvorum::tools
