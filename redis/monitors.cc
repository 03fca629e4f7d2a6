#include "redis/monitors.h"

#include <fmt/format.h>

#include "observe/slow_log.h"

namespace kvorum::redis {
namespace {

void append_quoted(std::string_view text, std::string& out) {
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '\\':
            case '"':
                out += '\\';
                out += c;
                break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            case '\a': out += "\\a"; break;
            case '\b': out += "\\b"; break;
            default:
                if (c >= ' ' && c <= '~') {
                    out += c;
                } else {
                    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
                }
        }
    }
    out += '"';
}

}  // namespace

std::string monitor_line(int64_t wall_clock_us, std::string_view client_address, ops::Arguments arguments) {
    std::string line =
        fmt::format("{}.{:06} [0 {}]", wall_clock_us / 1'000'000, wall_clock_us % 1'000'000, client_address);
    for (size_t i = 0; i < arguments.size(); ++i) {
        line += ' ';
        append_quoted(is_secret_argument(arguments, i) ? std::string_view("(redacted)") : arguments[i], line);
    }
    return line;
}

uint64_t Monitors::tell(const gateway::Session& sender, const ops::CommandSpec& called, ops::Arguments arguments,
                        int64_t wall_clock_us) {
    if ((called.flags & ops::kFlagAdmin) != 0 || sender.client() == nullptr) return 0;
    const std::string line = monitor_line(wall_clock_us, sender.client()->address, arguments);
    uint64_t written_bytes = 0;
    std::erase_if(listeners_, [&](gateway::SessionHandle handle) {
        gateway::Session* listener = sessions_.find(handle);
        if (listener == nullptr) return true;
        // Never inside of another reply.
        if (listener->long_reply != nullptr) return false;
        listener->write_line(line);
        written_bytes += line.size();
        return false;
    });
    return written_bytes;
}

}  // namespace kvorum::redis
