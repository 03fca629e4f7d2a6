#include "server/slow_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kv/text.h"

namespace kvorum::server {
namespace {

// As Redis has them.
constexpr size_t kArgumentsMax = 32;
constexpr size_t kArgumentBytesMax = 128;

// Whether the argument at `index` is a user name or a password, as Redis decides it.
bool is_secret(std::span<const std::string_view> arguments, size_t index) {
    const std::string_view name = arguments.front();
    if (kv::equals_ignore_case(name, "auth")) return index > 0;
    if (kv::equals_ignore_case(name, "hello")) {
        const auto is_auth = [&](size_t i) { return i >= 2 && kv::equals_ignore_case(arguments[i], "auth"); };
        return (index >= 3 && is_auth(index - 1)) || (index >= 4 && is_auth(index - 2));
    }
    return index >= 3 && kv::equals_ignore_case(name, "config") && kv::equals_ignore_case(arguments[1], "set") &&
           kv::equals_ignore_case(arguments[index - 1], "requirepass");
}

std::string shortened(std::string_view argument) {
    if (argument.size() <= kArgumentBytesMax) return std::string{argument};
    return fmt::format("{}... ({} more bytes)", argument.substr(0, kArgumentBytesMax),
                       argument.size() - kArgumentBytesMax);
}

}  // namespace

std::vector<std::string> loggable_arguments(std::span<const std::string_view> arguments) {
    const size_t kept = arguments.size() > kArgumentsMax ? kArgumentsMax - 1 : arguments.size();
    std::vector<std::string> out;
    out.reserve(kept + 1);
    for (size_t i = 0; i < kept; ++i)
        out.push_back(is_secret(arguments, i) ? "(redacted)" : shortened(arguments[i]));
    if (kept < arguments.size()) out.push_back(fmt::format("... ({} more arguments)", arguments.size() - kept));
    return out;
}

void SlowLog::add(SlowCommand command, uint64_t entries_max) {
    command.id = next_id_++;
    commands_.push_front(std::move(command));
    while (commands_.size() > entries_max)
        commands_.pop_back();
}

}  // namespace kvorum::server
