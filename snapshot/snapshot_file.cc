#include "snapshot/snapshot_file.h"

#include <fmt/format.h>

#include <charconv>

namespace kvorum::snapshot {
namespace {

constexpr std::string_view kPrefix = "snapshot-";
constexpr size_t kIndexDigits = 20;
constexpr size_t kHexDigits = 16;

std::optional<uint64_t> take_number(std::string_view& text, size_t digits, int base) {
    if (text.size() < digits) return std::nullopt;
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number, base);
    if (error != std::errc() || end != text.data() + digits) return std::nullopt;
    text.remove_prefix(digits);
    return number;
}

bool take_text(std::string_view& text, std::string_view expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
}

}  // namespace

std::string snapshot_file_name(const raft::EntryId& last, std::string_view suffix) {
    return fmt::format("{}{:020}-{:016x}-{:016x}{}", kPrefix, last.index.value(), last.term.value(), last.checksum,
                       suffix);
}

std::optional<raft::EntryId> parse_snapshot_file_name(std::string_view name, std::string_view suffix) {
    if (!take_text(name, kPrefix)) return std::nullopt;
    const auto index = take_number(name, kIndexDigits, 10);
    if (!index.has_value() || !take_text(name, "-")) return std::nullopt;
    const auto term = take_number(name, kHexDigits, 16);
    if (!term.has_value() || !take_text(name, "-")) return std::nullopt;
    const auto checksum = take_number(name, kHexDigits, 16);
    if (!checksum.has_value() || name != suffix || *index == 0 || *term == 0) return std::nullopt;
    return raft::EntryId{LogIndex{*index}, Term{*term}, *checksum};
}

}  // namespace kvorum::snapshot
