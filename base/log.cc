#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/log_queue.h"

namespace kvorum {
namespace {

constexpr auto kFlushTimeout = std::chrono::milliseconds(1000);
constexpr int kLastWordsTimeoutMs = 200;
// What a pipe with any room takes at once.
constexpr size_t kLastWordsBytesMax = 4096;

struct LevelName {
    std::string_view option;
    std::string_view in_line;
    std::string_view color;
};
constexpr std::array<LevelName, 6> kLevelNames{{
    {"debug", "debug", "\033[36m"},
    {"verbose", "verbose", "\033[36m"},
    {"info", "info", "\033[32m"},
    {"warn", "warning", "\033[33m\033[1m"},
    {"error", "error", "\033[31m\033[1m"},
    {"off", "off", ""},
}};
constexpr std::string_view kColorEnd = "\033[m";

std::atomic<LogLevel> current_level{LogLevel::kInfo};

std::function<void(LogLevel, std::string_view)>& replaced_sink() {
    static std::function<void(LogLevel, std::string_view)> sink;
    return sink;
}

// Where lines go. Never destroyed: threads may log while the process ends.
struct LogTarget {
    int fd = STDERR_FILENO;
    bool colored = isatty(STDERR_FILENO) == 1;
    std::unique_ptr<LogQueue> queue;
};

LogTarget& target() {
    static LogTarget& instance = *new LogTarget;
    return instance;
}

// "2026-11-30 05:04:33.823 warning what happened", in local time.
std::string formatted(LogLevel level, std::string_view line, bool colored) {
    const auto now_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    const std::time_t seconds = now_ms / 1000;
    std::tm local{};
    localtime_r(&seconds, &local);
    std::array<char, 32> date{};
    const size_t length = std::strftime(date.data(), date.size(), "%Y-%m-%d %H:%M:%S", &local);
    const LevelName& name = kLevelNames[static_cast<size_t>(level)];
    return fmt::format("{}.{:03} {}{}{} {}\n", std::string_view(date.data(), length), now_ms % 1000,
                       colored ? name.color : "", name.in_line, colored ? kColorEnd : "", line);
}

void write_line(std::string_view line) {
    LogTarget& log = target();
    if (log.queue != nullptr) {
        log.queue->append(line);
    } else {
        (void)write_fully(log.fd, line);
    }
}

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view name) {
    for (size_t level = 0; level < kLevelNames.size(); ++level) {
        if (kLevelNames[level].option == name) return static_cast<LogLevel>(level);
    }
    return std::nullopt;
}

std::string_view log_level_name(LogLevel level) { return kLevelNames[static_cast<size_t>(level)].option; }

void set_log_level(LogLevel level) { current_level.store(level, std::memory_order_relaxed); }
LogLevel log_level() { return current_level.load(std::memory_order_relaxed); }

bool log_to_file(const std::string& path) {
    std::error_code ignored;  // what is wrong with the folder, open says too
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return false;
    LogTarget& log = target();
    const bool had_thread = log.queue != nullptr;
    // The file before it stays open: its thread may still write there.
    log.fd = fd;
    log.colored = false;
    log.queue.reset();
    if (had_thread) start_log_thread();
    return true;
}

void start_log_thread() {
    LogTarget& log = target();
    if (log.queue == nullptr) log.queue = std::make_unique<LogQueue>(log.fd);
}

uint64_t log_lines_dropped() { return target().queue == nullptr ? 0 : target().queue->dropped_lines(); }

void set_log_sink(std::function<void(LogLevel, std::string_view)> sink) { replaced_sink() = std::move(sink); }

void log_line(LogLevel level, std::string_view line, uint64_t left_out) {
    const std::string counted =
        left_out == 0 ? std::string() : fmt::format("{} ({} more like it were left out)", line, left_out);
    const std::string_view text = left_out == 0 ? line : std::string_view(counted);
    if (auto& sink = replaced_sink()) {
        sink(level, text);
        return;
    }
    write_line(formatted(level, text, target().colored));
}

void flush_log() {
    if (target().queue != nullptr) (void)target().queue->flush(kFlushTimeout);
}

void log_last_words(std::string_view line) {
    const bool to_file = target().fd != STDERR_FILENO;
    if (to_file) write_line(formatted(LogLevel::kError, line, false));
    flush_log();
    // Not through the queue, and not when it would wait for ever: whoever reads may be the reason for all this.
    pollfd room{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (::poll(&room, 1, kLastWordsTimeoutMs) <= 0) return;
    const std::string words = fmt::format("{}\n", line.substr(0, kLastWordsBytesMax - 1));
    const ssize_t written = ::write(STDERR_FILENO, words.data(), words.size());
    (void)written;
}

bool LogSite::admit(uint64_t& left_out) {
    if (replaced_sink()) return true;
    const auto now_ns = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
    const std::scoped_lock lock(mutex_);
    return limiter_.admit(static_cast<uint64_t>(now_ns), left_out);
}

}  // namespace kvorum
