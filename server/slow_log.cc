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

std::string shortened(std::string_view argument) {
    if (argument.size() <= kArgumentBytesMax) return std::string{argument};
    return fmt::format("{}... ({} more bytes)", argument.substr(0, kArgumentBytesMax),
                       argument.size() - kArgumentBytesMax);
}

}  // namespace

std::vector<std::string> loggable_arguments(std::span<const std::string_view> arguments) {
    const bool is_secret =
        kv::equals_ignore_case(arguments.front(), "auth") || kv::equals_ignore_case(arguments.front(), "hello");
    const size_t kept = arguments.size() > kArgumentsMax ? kArgumentsMax - 1 : arguments.size();
    std::vector<std::string> out;
    out.reserve(kept + 1);
    for (size_t i = 0; i < kept; ++i)
        out.push_back(is_secret && i > 0 ? "(redacted)" : shortened(arguments[i]));
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
