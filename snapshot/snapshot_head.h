// What a snapshot says of itself: whose it is, where the log goes on behind it, and what the state was.
//
// Encoded (integers little-endian):
//   u32 version (1)  u64 cluster  u16 size and cluster name  u32 group  u64 node  u32 size and log base
//   (raft/log_base.h) u64 applied index  i64 log time  u64 revision  u64 history floor  u64 tombstone floor u8 whether
//   there is a hash seed, u64 hash seed  u64 tombstones max  u64 tombstone bytes max  u64 expiries max u64 state hash
//   u64 keys  u64 tombstones
//
// Thread: any; plain values. Errors: the decoder refuses what no writer produces, and says of a later version that it
// is one.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "base/units.h"
#include "kv/snapshot_cursor.h"
#include "raft/log_base.h"

namespace kvorum::snapshot {

inline constexpr uint32_t kSnapshotVersion = 1;
inline constexpr size_t kHeadBytesMax = 32 * kKiB;
inline constexpr size_t kClusterNameBytesMax = 128;  // as in the log

struct SnapshotHead {
    ClusterId cluster{};
    std::string cluster_name;  // 1 to kClusterNameBytesMax bytes
    GroupId group = kFirstGroup;
    NodeId node{};                // that took it
    raft::LogBase base{};         // the last entry that it stands for, and what the log stated up to it
    kv::SnapshotMoment moment{};  // the state then, but for its keys
};

[[nodiscard]] std::string encode_snapshot_head(const SnapshotHead& head);
// FailedPrecondition: of a later version. DataLoss: no head.
[[nodiscard]] absl::StatusOr<SnapshotHead> decode_snapshot_head(Bytes bytes);

}  // namespace kvorum::snapshot
