#include "tools/node_connection.h"

#include <fmt/format.h>
#include <sys/time.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace kvorum::tools {
namespace {

timeval to_timeval(std::chrono::microseconds time) {
    constexpr int64_t kUsPerSecond = 1'000'000;
    const int64_t us = std::max<int64_t>(1, time.count());  // zero would be: for ever
    return {.tv_sec = us / kUsPerSecond, .tv_usec = us % kUsPerSecond};
}

}  // namespace

absl::StatusOr<NodeConnection> NodeConnection::connect(const reactor::Endpoint& node, uint32_t timeout_ms) {
    const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    Context context(
        redisConnectWithTimeout(node.host.c_str(), node.port, to_timeval(std::chrono::milliseconds(timeout_ms))),
        &redisFree);
    if (!context || context->err != 0) {
        return absl::UnavailableError(
            fmt::format("no node answers at {}: {}", node.to_string(), context ? context->errstr : "out of memory"));
    }
    NodeConnection connection(node, std::move(context), deadline, timeout_ms);
    const char* password = std::getenv("REDISCLI_AUTH");
    if (password != nullptr) {
        // A node that wants none says so, and that is no reason not to ask it.
        const absl::StatusOr<Reply> answered = connection.ask({"AUTH", password});
        if (!answered.ok()) return answered.status();
    }
    return connection;
}

absl::StatusOr<NodeConnection::Reply> NodeConnection::ask(const std::vector<std::string_view>& words) {
    std::vector<const char*> texts;
    std::vector<size_t> sizes;
    for (const std::string_view word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline_ - Clock::now());
    redisSetTimeout(context_.get(), to_timeval(left));
    Reply reply(static_cast<redisReply*>(
                    redisCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(), sizes.data())),
                &freeReplyObject);
    if (reply) return reply;
    const bool timed_out = context_->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK);
    return absl::UnavailableError(
        timed_out ? fmt::format("{} does not answer {} within {} ms", node_.to_string(), words.front(), timeout_ms_)
                  : fmt::format("{}: {}", node_.to_string(), context_->errstr));
}

}  // namespace kvorum::tools
