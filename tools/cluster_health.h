// Whether a cluster does its work: each node is asked to have a write committed, and to read.
//
// The write is `GETEX kvorum:health` without options: Redis calls it a write, so it goes through the log like any other
// and is answered when a majority has it on disk and it was carried out, but it changes nothing, whatever lies under
// that key, and needs no memory, so that a full one does not make a cluster look dead. DEL would remove a key of that
// name, APPEND would make one.
//
// Thread: any; blocks for the timeout, and for nodes that are named by others once more. All nodes at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reactor/io_backend.h"

namespace kvorum::tools {

struct NodeHealth {
    reactor::Endpoint endpoint;
    bool answers = false;
    bool commits = false;  // a write that was sent to it was committed
    bool reads = false;    // and a linearizable read after it was answered
    uint64_t id = 0;
    std::string role;
    uint64_t term = 0;
    uint64_t commit_ns = 0;  // how long the write took
    std::string problem;     // what went wrong, in the words of the node or of the system

    [[nodiscard]] bool is_well() const { return answers && commits && reads; }
};

enum class Verdict {
    kHealthy,      // every node is well
    kDegraded,     // writes are committed, but some node is not well
    kNoCommit,     // nodes answer, and none gets a write committed
    kUnreachable,  // no node answers
};

struct ClusterHealth {
    Verdict verdict = Verdict::kUnreachable;
    std::vector<NodeHealth> nodes;  // the given ones in their order, then those that they know of
};

// "healthy", "degraded", "no commit", "unreachable".
[[nodiscard]] std::string_view verdict_name(Verdict verdict);
[[nodiscard]] Verdict judge(const std::vector<NodeHealth>& nodes);
// The client endpoints in a reply to CLUSTER NODES.
[[nodiscard]] std::vector<reactor::Endpoint> parse_cluster_nodes(std::string_view text);

[[nodiscard]] ClusterHealth probe_cluster(const std::vector<reactor::Endpoint>& given, uint32_t timeout_ms);

}  // namespace kvorum::tools
