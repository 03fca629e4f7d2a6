// Numbers of the node since its start or CONFIG RESETSTAT, each kept by whoever counts it. Thread: the owning core.
#pragma once

#include <cstdint>

namespace kvorum {

struct NodeCounters {
    uint64_t started_at_ns = 0;  // monotonic
    int64_t started_at_wall_ms = 0;
    uint64_t connections_received = 0;
    uint64_t connections_rejected = 0;
    uint64_t net_input_bytes = 0;
    uint64_t net_output_bytes = 0;
    uint64_t reads_from_clients = 0;  // pieces of input
    uint64_t writes_to_clients = 0;   // sends that ended
    uint64_t protocol_errors = 0;
    uint64_t output_limit_closes = 0;
    uint64_t idle_closes = 0;
    uint64_t clients_evicted = 0;
    uint64_t keyspace_hits = 0;
    uint64_t keyspace_misses = 0;
    uint64_t forwarded_out = 0;  // commands sent to the leader
    uint64_t forwarded_in = 0;   // commands carried out for followers
    uint64_t replies_not_executed = 0;
    uint64_t replies_uncertain = 0;
    uint64_t entries_applied = 0;
    uint64_t batches_proposed = 0;
    uint64_t read_rounds = 0;
    uint64_t lease_reads = 0;     // reads, or batches of them, that needed no round
    uint64_t read_questions = 0;  // to the leader, each for all reads of a turn
    uint64_t weak_reads = 0;      // answered from this node's state, as old as their connection allows
    uint64_t elections_seen = 0;
    uint64_t transfers_done = 0;    // of the leadership, by this node to another
    uint64_t transfers_failed = 0;  // that this node began
};

}  // namespace kvorum
