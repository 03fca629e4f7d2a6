// Short names for the replies that tests expect of a session that speaks RESP2.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace kvorum {

inline std::string simple(std::string_view text) { return fmt::format("+{}\r\n", text); }
inline std::string error(std::string_view line) { return fmt::format("-{}\r\n", line); }
inline std::string integer(int64_t value) { return fmt::format(":{}\r\n", value); }
inline std::string bulk(std::string_view bytes) { return fmt::format("${}\r\n{}\r\n", bytes.size(), bytes); }
inline std::string null() { return "$-1\r\n"; }
inline std::string ok() { return simple("OK"); }

inline std::string array(const std::vector<std::string>& items) {
    std::string text = fmt::format("*{}\r\n", items.size());
    for (const std::string& item : items)
        text += item;
    return text;
}

inline std::string syntax_error() { return error("ERR syntax error"); }
inline std::string not_integer() { return error("ERR value is not an integer or out of range"); }
inline std::string out_of_memory() { return error("OOM command not allowed when used memory > 'maxmemory'."); }

}  // namespace kvorum
