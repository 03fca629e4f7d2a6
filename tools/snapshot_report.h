// What `kvorum snapshot` says of a file: read by plain system calls, so it needs no reactor and no node.
//
// Thread: any. Memory: a piece of the file and what the decoder holds (snapshot/snapshot_decoder.h). Errors: NotFound
// or Unavailable, the file cannot be read; DataLoss, it is damaged, with the file, the byte and the reason;
// FailedPrecondition, it is of a newer program.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "snapshot/snapshot_head.h"

namespace kvorum::tools {

struct SnapshotReport {
    snapshot::SnapshotHead head;
    uint64_t chunks = 0;
    uint64_t records = 0;
    uint64_t tombstones = 0;
    uint64_t raw_bytes = 0;   // of records and tombstones, unpacked
    uint64_t file_bytes = 0;  // of the file
    uint64_t checksum = 0;
};

// Reads the whole file and verifies every chunk.
[[nodiscard]] absl::StatusOr<SnapshotReport> read_snapshot_report(const std::string& path);
// Lines for people.
[[nodiscard]] std::string format_report(const SnapshotReport& report);
// "1.5 MiB"
[[nodiscard]] std::string format_bytes(uint64_t bytes);

}  // namespace kvorum::tools
