// How far the log that a node found at its start is carried out again: for INFO, and in words in its own log.
// Thread: the owning core.
#pragma once

#include <cstdint>

#include "base/byte_progress.h"
#include "base/ids.h"
#include "redis/server_commands.h"

namespace kvorum::node {

class LogLoading {
 public:
    // Entries up to `last` were found, `bytes` of them as encoded.
    LogLoading(LogIndex last, uint64_t bytes, uint64_t now_ns, int64_t wall_clock_ms)
        : last_(last),
          progress_(bytes, now_ns),
          began_ns_(now_ns),
          facts_{.loading = !last.is_none(), .began_wall_ms = wall_clock_ms, .total_bytes = bytes} {}

    // This is applied by now. Says so once a second while there is progress, and at the end.
    void applied(LogIndex index, uint64_t bytes, uint64_t now_ns);
    // As of the last applied().
    [[nodiscard]] const redis::LoadingFacts& facts() const { return facts_; }

 private:
    LogIndex last_;
    ByteProgress progress_;
    uint64_t began_ns_;
    redis::LoadingFacts facts_;
};

}  // namespace kvorum::node
