#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <memory>
#include <utility>

namespace kvorum {
namespace {

constexpr std::array<std::pair<std::string_view, LogLevel>, 5> kLevelNames{{
    {"debug", LogLevel::kDebug},
    {"info", LogLevel::kInfo},
    {"warn", LogLevel::kWarn},
    {"error", LogLevel::kError},
    {"off", LogLevel::kOff},
}};

std::atomic<LogLevel> current_level{LogLevel::kInfo};

std::function<void(LogLevel, std::string_view)>& replaced_sink() {
    static std::function<void(LogLevel, std::string_view)> sink;
    return sink;
}

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink) {
    auto logger = std::make_shared<spdlog::logger>("kvorum", std::move(sink));
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::info);
    return logger;
}

std::shared_ptr<spdlog::logger>& logger() {
    static std::shared_ptr<spdlog::logger> instance =
        make_logger(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    return instance;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug: return spdlog::level::debug;
        case LogLevel::kInfo: return spdlog::level::info;
        case LogLevel::kWarn: return spdlog::level::warn;
        case LogLevel::kError: return spdlog::level::err;
        case LogLevel::kOff: return spdlog::level::off;
    }
    return spdlog::level::off;
}

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view name) {
    for (const auto& [level_name, level] : kLevelNames) {
        if (level_name == name) return level;
    }
    return std::nullopt;
}

std::string_view log_level_name(LogLevel level) { return kLevelNames[static_cast<size_t>(level)].first; }

void set_log_level(LogLevel level) { current_level.store(level, std::memory_order_relaxed); }
LogLevel log_level() { return current_level.load(std::memory_order_relaxed); }

bool log_to_file(const std::string& path) {
    try {
        logger() = make_logger(std::make_shared<spdlog::sinks::basic_file_sink_mt>(path));
        return true;
    } catch (const spdlog::spdlog_ex&) {
        return false;
    }
}

void set_log_sink(std::function<void(LogLevel, std::string_view)> sink) { replaced_sink() = std::move(sink); }

void log_line(LogLevel level, std::string_view line) {
    if (auto& sink = replaced_sink()) {
        sink(level, line);
        return;
    }
    logger()->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

void flush_log() { logger()->flush(); }

}  // namespace kvorum
