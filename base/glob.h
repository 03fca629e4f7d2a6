// Glob patterns as KEYS and SCAN MATCH read them: '*', '?', classes "[a-z]" and "[^a-z]", and '\' before a character to
// be taken as it is. Pure; thread: any. Takes time in proportion to pattern length times text length at most, whatever
// the pattern.
#pragma once

#include <string_view>

namespace kvorum {

// Agrees with Redis on malformed patterns too: a class without its ']' ends with the pattern; a final '\' stands for
// itself.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace kvorum
