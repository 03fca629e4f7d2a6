// The log of the process, for operators: one line an event, levels debug < info < warn < error.
//
// A thin front for spdlog, so that no other file pays for its headers. The default sink is stderr. A simulator replaces
// the sink and stamps virtual time; nothing in the store may depend on what is logged. Thread: any.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace kvorum {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };

[[nodiscard]] std::optional<LogLevel> parse_log_level(std::string_view name);
[[nodiscard]] std::string_view log_level_name(LogLevel level);

void set_log_level(LogLevel level);
[[nodiscard]] LogLevel log_level();

// Appends to `path` instead of stderr from now on. Returns false, and changes nothing, when the file cannot be opened.
[[nodiscard]] bool log_to_file(const std::string& path);

// Every line goes to `sink` instead. An empty function restores the default. For tests and the simulator.
void set_log_sink(std::function<void(LogLevel, std::string_view)> sink);

void log_line(LogLevel level, std::string_view line);
void flush_log();

}  // namespace kvorum

#define KVORUM_LOG(level, ...)                                                         \
    do {                                                                               \
        if (::kvorum::LogLevel::level >= ::kvorum::log_level()) {                      \
            ::kvorum::log_line(::kvorum::LogLevel::level, ::fmt::format(__VA_ARGS__)); \
        }                                                                              \
    } while (false)
