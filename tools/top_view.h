// What `kvorum top` shows, made of two looks at the same nodes. Pure: the looks are taken elsewhere. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reactor/io_backend.h"
#include "tools/node_status.h"

namespace kvorum::tools {

struct NodeLook {
    reactor::Endpoint endpoint;
    std::optional<NodeStatus> status;  // none: no answer
};

// The client endpoints of all nodes that `leader` tells of, itself first.
[[nodiscard]] std::vector<reactor::Endpoint> cluster_endpoints(const NodeStatus& leader,
                                                               const reactor::Endpoint& leader_endpoint);

// A line for each node with its rates over the `seconds` between the looks, and where the leader's writes spend their
// time. `before` and `now` list the same nodes in the same order.
[[nodiscard]] std::string format_top(const std::vector<NodeLook>& before, const std::vector<NodeLook>& now,
                                     double seconds);

}  // namespace kvorum::tools
