#include "observe/slow_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"

namespace kvorum {
namespace {

// As Redis has them.
constexpr size_t kArgumentsMax = 32;
constexpr size_t kArgumentBytesMax = 128;

// An argument of `size_bytes`, of which `start` is at least as much as is shown.
std::string shortened(std::string_view start, size_t size_bytes) {
    if (size_bytes <= kArgumentBytesMax) return std::string{start};
    return fmt::format("{}... ({} more bytes)", start.substr(0, kArgumentBytesMax), size_bytes - kArgumentBytesMax);
}

// Of so many; the last place tells how many more there are.
size_t kept_arguments(size_t count) { return count > kArgumentsMax ? kArgumentsMax - 1 : count; }
std::string left_out(size_t count) { return fmt::format("... ({} more arguments)", count); }

}  // namespace

// As Redis decides it.
bool is_secret_argument(std::span<const std::string_view> arguments, size_t index) {
    const std::string_view name = arguments.front();
    if (equals_ignore_case(name, "auth")) return index > 0;
    if (equals_ignore_case(name, "hello")) {
        const auto is_auth = [&](size_t i) { return i >= 2 && equals_ignore_case(arguments[i], "auth"); };
        return (index >= 3 && is_auth(index - 1)) || (index >= 4 && is_auth(index - 2));
    }
    return index >= 3 && equals_ignore_case(name, "config") && equals_ignore_case(arguments[1], "set") &&
           equals_ignore_case(arguments[index - 1], "requirepass");
}

std::vector<std::string> loggable_arguments(std::span<const std::string_view> arguments) {
    const size_t kept = kept_arguments(arguments.size());
    std::vector<std::string> out;
    out.reserve(kept + 1);
    for (size_t i = 0; i < kept; ++i)
        out.push_back(is_secret_argument(arguments, i) ? "(redacted)" : shortened(arguments[i], arguments[i].size()));
    if (kept < arguments.size()) out.push_back(left_out(arguments.size() - kept));
    return out;
}

// The whole count, then of each argument that is shown its whole size and as much as is shown. Done for every write, so
// the string grows once.
void pack_loggable_arguments(std::span<const std::string_view> arguments, std::string& out) {
    const auto shown = arguments.first(std::min(arguments.size(), kArgumentsMax));
    size_t size_bytes = sizeof(uint32_t);
    for (const std::string_view argument : shown)
        size_bytes += sizeof(uint32_t) + std::min(argument.size(), kArgumentBytesMax);
    out.resize(size_bytes);
    auto* at = reinterpret_cast<std::byte*>(out.data());
    const auto put_number = [&at](size_t number) {
        store_le(at, static_cast<uint32_t>(number));
        at += sizeof(uint32_t);
    };
    put_number(arguments.size());
    for (const std::string_view argument : shown) {
        put_number(argument.size());
        const size_t kept_bytes = std::min(argument.size(), kArgumentBytesMax);
        std::copy_n(argument.data(), kept_bytes, reinterpret_cast<char*>(at));
        at += kept_bytes;
    }
}

std::vector<std::string> unpack_loggable_arguments(std::string_view packed) {
    std::vector<std::string> out;
    ByteReader reader(as_bytes(packed));
    const auto count = reader.read<uint32_t>();
    const size_t kept = kept_arguments(count);
    for (size_t i = 0; i < kept && !reader.finished(); ++i) {
        const auto size_bytes = reader.read<uint32_t>();
        out.push_back(shortened(reader.read_text(std::min<size_t>(size_bytes, kArgumentBytesMax)), size_bytes));
    }
    if (kept < count) out.push_back(left_out(count - kept));
    return out;
}

void SlowLog::add(SlowCommand command, uint64_t entries_max) {
    command.id = next_id_++;
    commands_.push_front(std::move(command));
    while (commands_.size() > entries_max)
        commands_.pop_back();
}

}  // namespace kvorum
