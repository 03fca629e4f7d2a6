// What a log needs of the storage under its directory, judged before anything is written there.
//
// Pure: no system call, any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "reactor/io_backend.h"

namespace kvorum::wal {

// FailedPrecondition, with what to do: storage that keeps nothing, unless `allow_volatile`; or one that refuses
// O_DIRECT, unless it keeps nothing anyway: without it the next start may be told by the page cache what the disk never
// had.
[[nodiscard]] absl::Status check_storage(const reactor::DeviceFacts& facts, const std::string& directory,
                                         bool allow_volatile);

}  // namespace kvorum::wal
