// How a log is kept. One struct for everything that an operator or a test may choose.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/units.h"

namespace kvorum::wal {

enum class SyncMethod : uint8_t {
    kCalibrate,         // measure both at open and take the faster
    kDataSyncPerGroup,  // write, then fdatasync: one sync covers every group that was written before it was asked for
    kDsyncWrite,        // each write is durable when it completes (RWF_DSYNC)
};
[[nodiscard]] std::string_view sync_method_name(SyncMethod method);

// The head of a segment is one group, whatever it repeats (wal/format.h).
inline constexpr uint64_t kGroupBytesMin = 12 * kKiB;

struct WalConfig {
    std::string directory;     // made if it is missing; one log only, locked
    std::string file_prefix;   // of a log that is made beside the one of the directory (wal/log_swap.h)
    uint64_t first_epoch = 1;  // of a new log
    LogId first_log_id;        // of a new log; none: drawn
    ClusterId cluster;         // of a new log; one that exists says its own (Wal::cluster)
    std::string cluster_name;  // must be the one that the log was made for
    GroupId group = kFirstGroup;
    NodeId node;

    // Multiple of 4 KiB, 16 KiB to 1 GiB. An existing log keeps the size that it was made with.
    uint64_t segment_size_bytes = 64 * kMiB;
    uint32_t spare_segments = 2;  // prepared ahead, at least 1: what a burst may use before the disk is asked for more
    uint32_t groups_in_flight_max = 4;  // 1 to 32
    // Multiple of 4 KiB, at least kGroupBytesMin: room for an entry of 1 MiB and its framing.
    uint64_t group_bytes_max = 1 * kMiB + 64 * kKiB;
    SyncMethod sync = SyncMethod::kCalibrate;
    uint64_t calibration_ns = 200 * kMillisecondNs;  // for both methods together
    // The end of the last segment is left to groups that hold nothing but hard states, and to the next start, while no
    // spare is ready: a node with a full disk can still vote and restart. At most a quarter of a segment is taken.
    uint64_t reserve_bytes = 64 * kKiB;
    // After this long without a unit the end of the log is marked as durable (wal/group_writer.h).
    uint64_t idle_mark_ns = 50 * kMillisecondNs;
    uint64_t space_retry_ns = 1 * kSecondNs;  // between attempts to make a spare on a full disk
    uint64_t stall_limit_ns = 2 * kSecondNs;  // is_stalled(): a unit older than this is not durable yet
    bool direct_io = true;                    // false only for file systems without O_DIRECT, in tests
    bool allow_volatile = false;  // storage that keeps nothing: what is durable then is so until the power goes

    // Every violation, in words; empty means usable.
    [[nodiscard]] std::vector<std::string> validate() const;
};

}  // namespace kvorum::wal
