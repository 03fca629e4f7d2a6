// Numbers and words as Redis reads and writes them in commands and values. Pure functions; thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvorum {

// ASCII letters only.
[[nodiscard]] bool equals_ignore_case(std::string_view a, std::string_view b);
[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] std::string to_upper(std::string_view text);

// A decimal integer in its one canonical form: no sign but '-', no leading zeros, no spaces.
[[nodiscard]] std::optional<int64_t> parse_int64(std::string_view text);

// What strtold takes as a whole, hexadecimal and infinity included; neither NaN nor what overflows or underflows.
// The value is the compiler's long double: 80 bits on x86-64. Nodes of one cluster must agree on it.
[[nodiscard]] std::optional<long double> parse_long_double(std::string_view text);

// 17 digits after the point, without trailing zeros. `value` is finite.
[[nodiscard]] std::string format_long_double(long double value);

// A SCAN cursor, read as strtoul does: an optional sign, then decimal digits; empty is 0.
[[nodiscard]] std::optional<uint64_t> parse_cursor(std::string_view text);

}  // namespace kvorum
