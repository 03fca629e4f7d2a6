// Puts a log that was made beside another one in its place, atomically whatever crashes when.
//
// Both lie in one directory: "wal-*.seg", and "repair-wal-*.seg" (WalConfig::file_prefix). commit_swap() makes the file
// "repair-complete-<epoch>" durable: from then on the new log is the log. finish_swap() carries out what was committed:
// the old segments become "damaged-<epoch>-wal-*.seg", which are kept for whoever looks into the damage, then the new
// ones take their names. Its steps are renames that may be repeated, and each start of a log begins with it. Without a
// committed swap it removes what a repair that did not end left behind.
//
// Thread: the reactor's. Errors: Unavailable, the system refused an operation; calling again goes on where it stopped.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "reactor/reactor.h"
#include "reactor/task.h"

namespace kvorum::wal {

inline constexpr const char* kRepairFilePrefix = "repair-";

// The new log is complete, durable and closed. `epoch` tells this repair from others.
[[nodiscard]] reactor::Task<absl::Status> commit_swap(reactor::Reactor& reactor, std::string directory, uint64_t epoch);
[[nodiscard]] reactor::Task<absl::Status> finish_swap(reactor::Reactor& reactor, std::string directory);

}  // namespace kvorum::wal
