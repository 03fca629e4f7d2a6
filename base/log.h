// The log of the process, for operators: one line an event, levels debug < verbose < info < warn < error.
//
// Lines go to stderr or to a file, as they come; after start_log_thread() a thread writes them (base/log_queue.h), so
// that nobody who logs waits for whoever reads. KVORUM_LOG limits each place in the code to a burst of ten lines and
// then one a second, which says how many were left out. A simulator replaces the sink, stamps virtual time and gets
// every line; nothing in the store may depend on what is logged. Thread: any, but for what chooses where lines go:
// before other threads log.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/log_limiter.h"

namespace kvorum {

enum class LogLevel { kDebug, kVerbose, kInfo, kWarn, kError, kOff };

[[nodiscard]] std::optional<LogLevel> parse_log_level(std::string_view name);
[[nodiscard]] std::string_view log_level_name(LogLevel level);

void set_log_level(LogLevel level);
[[nodiscard]] LogLevel log_level();

// Appends to `path` instead of stderr from now on. Returns false, and changes nothing, when the file cannot be opened.
[[nodiscard]] bool log_to_file(const std::string& path);
// From now on lines are written by a thread, and dropped and counted when it cannot keep up.
void start_log_thread();
[[nodiscard]] uint64_t log_lines_dropped();

// Every line goes to `sink` instead. An empty function restores the default. For tests and the simulator.
void set_log_sink(std::function<void(LogLevel, std::string_view)> sink);

// `left_out`: how many like it were not written.
void log_line(LogLevel level, std::string_view line, uint64_t left_out = 0);
// Waits for what was logged to be written, at most a second.
void flush_log();
// Before an abort: `line` to stderr, and to the log where that is a file. Waits at most about a second.
void log_last_words(std::string_view line);

// One place that logs.
class LogSite {
 public:
    // LogLimiter::admit() at the present time.
    [[nodiscard]] bool admit(uint64_t& left_out);

 private:
    std::mutex mutex_;
    LogLimiter limiter_;
};

}  // namespace kvorum

#define KVORUM_LOG(level, ...)                                                                                  \
    do {                                                                                                        \
        if (::kvorum::LogLevel::level >= ::kvorum::log_level()) {                                               \
            static constinit ::kvorum::LogSite kvorum_log_site;                                                 \
            uint64_t kvorum_log_left_out = 0;                                                                   \
            if (kvorum_log_site.admit(kvorum_log_left_out)) {                                                   \
                ::kvorum::log_line(::kvorum::LogLevel::level, ::fmt::format(__VA_ARGS__), kvorum_log_left_out); \
            }                                                                                                   \
        }                                                                                                       \
    } while (false)
