// A connection to a node for a few questions, with one deadline for all of them.
//
// The password, when a node wants one, is taken from the environment, REDISCLI_AUTH, as redis-cli does. Thread: one
// owner; calls block until the deadline at most (resolving a name may take longer).
#pragma once

#include <hiredis/hiredis.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "reactor/io_backend.h"

namespace kvorum::tools {

class NodeConnection {
 public:
    using Reply = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

    // Unavailable: nobody listens there, or not in time.
    [[nodiscard]] static absl::StatusOr<NodeConnection> connect(const reactor::Endpoint& node, uint32_t timeout_ms);

    // Any reply, an error of the node included. Unavailable: the connection broke, or the deadline passed; it can be
    // used no more.
    [[nodiscard]] absl::StatusOr<Reply> ask(const std::vector<std::string_view>& words);

 private:
    using Context = std::unique_ptr<redisContext, decltype(&redisFree)>;
    using Clock = std::chrono::steady_clock;

    NodeConnection(reactor::Endpoint node, Context context, Clock::time_point deadline, uint32_t timeout_ms)
        : node_(std::move(node)), context_(std::move(context)), deadline_(deadline), timeout_ms_(timeout_ms) {}

    reactor::Endpoint node_;
    Context context_;
    Clock::time_point deadline_;
    uint32_t timeout_ms_;
};

}  // namespace kvorum::tools
