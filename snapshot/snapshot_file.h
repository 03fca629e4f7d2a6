// The name of a snapshot's file says which entry it stands for: "snapshot-INDEX-TERM-CHECKSUM.kvs". One that is being
// written is called ".tmp", one that is being fetched ".part"; neither counts as a snapshot.
//
// Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "raft/types.h"

namespace kvorum::snapshot {

struct SnapshotFile {
    raft::EntryId last;  // that it stands for
    std::string path;
    uint64_t size_bytes = 0;
};

inline constexpr std::string_view kSnapshotSuffix = ".kvs";
inline constexpr std::string_view kUnfinishedSuffix = ".tmp";
inline constexpr std::string_view kFetchedSuffix = ".part";

[[nodiscard]] std::string snapshot_file_name(const raft::EntryId& last, std::string_view suffix);
// None for any other name.
[[nodiscard]] std::optional<raft::EntryId> parse_snapshot_file_name(std::string_view name, std::string_view suffix);

}  // namespace kvorum::snapshot
