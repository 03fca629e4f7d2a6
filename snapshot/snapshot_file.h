// Names, errors and steps that writing, receiving and reading snapshot files share.
//
//   snapshot-<index, 16 digits or more>-<term>.kvs                     a whole snapshot, durable
//   snapshot-<index>-<term>.tmp                                       one that is being written
//   receive-<index>-<term>-<size>-<checksum, 16 hex digits>.tmp       one that is being received
//
// Thread: the reactor's. Errors: ResourceExhausted, the disk is full; Unavailable, the system refused an operation. No
// error here ends a node: without a snapshot there is still the log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/aligned_buffer.h"
#include "base/ids.h"
#include "base/units.h"
#include "reactor/reactor.h"
#include "reactor/task.h"

namespace kvorum::snapshot {

inline constexpr uint64_t kPieceBytes = 1 * kMiB;  // of one read or write
inline constexpr std::string_view kTemporarySuffix = ".tmp";

// Snapshots of one index and term are of the same state, but not of the same bytes.
struct SnapshotId {
    LogIndex index{};
    Term term{};

    auto operator<=>(const SnapshotId&) const = default;
};

// Which bytes: a transfer goes on only with those that it began with.
struct SnapshotIdentity {
    SnapshotId id{};
    uint64_t size_bytes = 0;  // a multiple of kFileBlockBytes
    uint64_t checksum = 0;    // SnapshotDecoder::file_checksum()

    bool operator==(const SnapshotIdentity&) const = default;
};

[[nodiscard]] std::string snapshot_file_name(const SnapshotId& id);
[[nodiscard]] std::string temporary_file_name(const SnapshotId& id);
[[nodiscard]] std::string receive_file_name(const SnapshotIdentity& identity);
// None: it is no such name.
[[nodiscard]] std::optional<SnapshotId> parse_snapshot_file_name(std::string_view name);
[[nodiscard]] std::optional<SnapshotIdentity> parse_receive_file_name(std::string_view name);

[[nodiscard]] absl::Status io_error(std::string_view what, const std::string& path, int32_t result);

// Writes the first `size_bytes` of the buffer, a multiple of kFileBlockBytes, whatever the system writes at a time.
[[nodiscard]] reactor::Task<absl::Status> write_piece(reactor::Reactor& reactor, reactor::Handle file, std::string path,
                                                      AlignedBuffer* buffer, uint64_t size_bytes, uint64_t offset,
                                                      uint8_t io_flags);
[[nodiscard]] reactor::Task<absl::Status> sync_directory(reactor::Reactor& reactor, std::string directory);
// What was written to `from` is whole: makes it durable, closes `file` in any case, and gives it its name for good.
[[nodiscard]] reactor::Task<absl::Status> publish_file(reactor::Reactor& reactor, reactor::Handle file,
                                                       std::string directory, std::string from, std::string to);
// That it is not there is no error.
[[nodiscard]] reactor::Task<absl::Status> remove_file(reactor::Reactor& reactor, std::string path);

}  // namespace kvorum::snapshot
