// What is known of the snapshots of a group at this node, for operators. Thread: the owning core.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"

namespace kvorum::replica {

struct SnapshotFacts {
    // The newest one on this disk; none: there is none.
    LogIndex last_index{};
    Revision last_revision{};
    uint64_t last_bytes = 0;
    int64_t last_saved_wall_ms = 0;  // 0: before this process began, or never
    uint64_t last_duration_ms = 0;   // of those that this process took

    bool saving = false;
    uint64_t saving_since_ns = 0;  // by the reactor's clock
    uint64_t saved_keys = 0;       // of the one that is being taken, so far
    uint64_t preimage_bytes = 0;   // of the last or present one: what writes made it keep

    std::string last_error{};  // of the last try; empty: it went well
    uint64_t taken = 0;
    uint64_t failed = 0;

    // From another node.
    NodeId fetching_from{};  // none: nothing is fetched
    uint64_t fetched_bytes = 0;
    uint64_t fetch_size_bytes = 0;
    uint64_t installed = 0;
    uint64_t sent_parts = 0;  // to others
};

}  // namespace kvorum::replica
