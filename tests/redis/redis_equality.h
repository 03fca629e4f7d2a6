// A Redis and a state machine of our own that get the same commands.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "tests/redis/redis_database.h"
#include "tests/redis/redis_process.h"

namespace kvorum::redis {

inline constexpr int64_t kClockToleranceMs = 10'000;

inline int64_t wall_clock_ms() {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

inline std::string joined(const Words& words) {
    std::string line;
    for (const std::string& word : words)
        line += word + ' ';
    return line;
}

class RedisEquality : public ::testing::Test {
 protected:
    void SetUp() override {
        std::string failure;
        redis_ = RedisProcess::start(failure);
        ASSERT_NE(redis_, nullptr) << failure;
    }

    void compare(std::string_view line) { compare(split(line)); }

    // Commands with ';' between them.
    void compare_script(std::string_view script) {
        while (!script.empty()) {
            const size_t end = std::min(script.find(';'), script.size());
            compare(script.substr(0, end));
            script.remove_prefix(std::min(end + 1, script.size()));
        }
    }

    void compare(const Words& words) {
        db_.set_clock_ms(wall_clock_ms());
        const std::string ours = db_.run(words);
        const std::string theirs = redis_->run(words);
        ASSERT_FALSE(theirs.empty()) << "Redis hung up on: " << joined(words);
        if (same_time(words[0], ours, theirs)) return;
        ASSERT_EQ(ours, theirs) << joined(words);
    }

    static bool same_time(const std::string& command, const std::string& ours, const std::string& theirs) {
        static const std::map<std::string, int64_t> kMsPerUnit{
            {"TTL", 1000}, {"PTTL", 1}, {"EXPIRETIME", 1000}, {"PEXPIRETIME", 1}};
        const auto unit = kMsPerUnit.find(command);
        if (unit == kMsPerUnit.end() || ours[0] != ':' || theirs[0] != ':') return false;
        const int64_t our_time = std::stoll(ours.substr(1));
        const int64_t their_time = std::stoll(theirs.substr(1));
        // -1 and -2 are no times.
        if (our_time < 0 || their_time < 0) return false;
        return std::max(our_time, their_time) - std::min(our_time, their_time) <= kClockToleranceMs / unit->second;
    }

    RedisDatabase db_;
    std::unique_ptr<RedisProcess> redis_;
};

}  // namespace kvorum::redis
