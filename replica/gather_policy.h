// Decides when the open batch of writes goes to the log, and whether the node is under load: the more comes in, the
// longer a batch gathers, without a timer that a lone write would wait for.
//
// Pure: it is told the time and how the log does. Thread: the owning core.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/units.h"

namespace kvorum::replica {

// How the log does (log_port.h).
struct LogPace {
    bool busy = false;
    uint32_t groups_in_flight = 0;
    uint64_t last_sync_ns = 0;
};

class GatherPolicy {
 public:
    // A batch costs every node a sync, however few bytes it has, so writes gather while an earlier batch waits for
    // its quorum; one of this size is worth its syncs beside the others.
    static constexpr size_t kPipelinedBatchBytes = 64 * kKiB;
    // A quorum that takes so many times as long as this node's own sync is waiting for the network, not for disks: then
    // batches follow each other without waiting for it.
    static constexpr uint64_t kSyncsPerQuorumMax = 2;
    // Batches of more commands than this mean load: then the next one is gathered while the node sleeps, and the core
    // time is better spent on it.
    static constexpr uint32_t kSpinCommandsMax = 4;
    // After so long without a batch the load is over.
    static constexpr uint64_t kLoadEndsNs = 10 * kMillisecondNs;

    // A batch of so many commands went to the log.
    void batch_appended(uint32_t commands, uint64_t now_ns);

    // Whether a batch of `size_bytes` should go to the log now. `all_committed`: none before it waits for its quorum.
    [[nodiscard]] bool takes_batch(const LogPace& log, bool all_committed, size_t size_bytes, uint64_t now_ns) const;
    // So many reads wait for one answer, here or at the follower that asks.
    void reads_asked(uint32_t reads, uint64_t now_ns);
    [[nodiscard]] bool is_under_load(uint64_t now_ns) const {
        return is_under_writes(now_ns) || now_ns < reads_until_ns_;
    }
    // How long the node looks for work before it sleeps, of what the configuration grants.
    [[nodiscard]] uint64_t spin_ns(uint64_t configured_ns, uint64_t now_ns) const {
        return is_under_load(now_ns) ? 0 : configured_ns;
    }

 private:
    [[nodiscard]] bool is_under_writes(uint64_t now_ns) const {
        return recent_commands_ > kSpinCommandsMax && now_ns - last_batch_ns_ < kLoadEndsNs;
    }

    uint64_t last_batch_ns_ = 0;
    uint64_t reads_until_ns_ = 0;   // reads are load until then
    uint32_t recent_commands_ = 0;  // of the largest batch lately
};

}  // namespace kvorum::replica
