// Which way of making a group durable is faster on this disk: one fdatasync behind the write, or a write that is
// durable by itself. It depends on the device's cache, on FUA and on the file system, and cannot be told from their
// names, so it is measured.
//
// Thread: the reactor's. Writes zeros over `scratch`, a prepared segment that holds nothing.
#pragma once

#include <string>

#include "reactor/reactor.h"
#include "reactor/task.h"
#include "wal/config.h"

namespace kvorum::wal {

struct Calibration {
    SyncMethod method = SyncMethod::kDataSyncPerGroup;
    // Median latency of a 4 KiB group with one and with two in flight.
    uint64_t data_sync_ns[2] = {0, 0};
    uint64_t dsync_write_ns[2] = {0, 0};
    [[nodiscard]] std::string to_string() const;
};

// Takes about `duration_ns`. A failed operation ends the measurement of its method, which then loses.
[[nodiscard]] reactor::Task<Calibration> calibrate(reactor::Reactor& reactor, reactor::Handle scratch,
                                                   uint64_t scratch_bytes, uint64_t duration_ns);

}  // namespace kvorum::wal
