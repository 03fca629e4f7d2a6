#include "base/text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <charconv>

#include "base/assert.h"

namespace kvorum {
namespace {

// Room for the longest long double that is written out: 4933 digits before the point. Longer texts are not numbers to
// Redis.
constexpr size_t kLongDoubleTextMax = size_t{5} * 1024;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string changed(std::string_view text, char (*change)(char)) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), change);
    return result;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

bool equals_ignore_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string to_lower(std::string_view text) { return changed(text, lower); }
std::string to_upper(std::string_view text) { return changed(text, upper); }

std::optional<int64_t> parse_int64(std::string_view text) {
    if (text == "0") return 0;
    const size_t first_digit = text.starts_with('-') ? 1 : 0;
    if (text.size() <= first_digit || text[first_digit] < '1' || text[first_digit] > '9') return std::nullopt;
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<long double> parse_long_double(std::string_view text) {
    std::array<char, kLongDoubleTextMax> buffer;
    if (text.empty() || text.size() >= buffer.size() || is_space(text.front())) return std::nullopt;
    std::memcpy(buffer.data(), text.data(), text.size());
    buffer[text.size()] = '\0';

    errno = 0;
    char* end = nullptr;
    const long double value = std::strtold(buffer.data(), &end);
    if (end != buffer.data() + text.size()) return std::nullopt;
    const bool out_of_range = errno == ERANGE && (std::isinf(value) || value == 0);
    if (out_of_range || std::isnan(value)) return std::nullopt;
    return value;
}

std::string format_long_double(long double value) {
    std::array<char, kLongDoubleTextMax> buffer;
    const int length = std::snprintf(buffer.data(), buffer.size(), "%.17Lf", value);
    KVORUM_ASSERT(length > 0 && static_cast<size_t>(length) < buffer.size(), "length {}", length);
    std::string_view text(buffer.data(), static_cast<size_t>(length));
    text.remove_suffix(text.size() - 1 - text.find_last_not_of('0'));
    if (text.ends_with('.')) text.remove_suffix(1);
    return std::string(text == "-0" ? "0" : text);
}

std::optional<uint64_t> parse_cursor(std::string_view text) {
    if (text.empty()) return 0;
    const bool negative = text.front() == '-';
    if (negative || text.front() == '+') text.remove_prefix(1);
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return std::nullopt;
    return negative ? uint64_t{0} - value : value;
}

}  // namespace kvorum
