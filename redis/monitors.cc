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

uint64_t Monitors::tell(std::string_view client_address, ops::Arguments arguments, int64_t wall_clock_us) {
    const std::string line = monitor_line(wall_clock_us, client_address, arguments);
    uint64_t written_bytes = 0;
    for (MonitorListener* listener : listeners_) {
        if (listener->is_replying()) continue;
        listener->write_line(line);
        written_bytes += line.size();
    }
    return written_bytes;
}

}  // namespace kvorum::redis
