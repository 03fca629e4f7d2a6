#include "wal/storage.h"

#include <fmt/format.h>

namespace kvorum::wal {

absl::Status check_storage(const reactor::DeviceFacts& facts, const std::string& directory, bool allow_volatile) {
    const bool is_volatile = !facts.volatile_because.empty();
    if (is_volatile && !allow_volatile) {
        return absl::FailedPreconditionError(
            fmt::format("{} is on {}, which keeps nothing: {}. OK would promise what a power cut takes. Give a "
                        "directory on a disk, "
                        "or, where data may be lost, allow-volatile-storage",
                        directory, facts.filesystem, facts.volatile_because));
    }
    if (facts.direct_io == reactor::DirectIo::kRefused && !is_volatile) {
        return absl::FailedPreconditionError(
            fmt::format("the file system of {} ({}) does not support O_DIRECT, which the log needs to know what is on "
                        "the disk. Give a directory on ext4, XFS or btrfs",
                        directory, facts.filesystem));
    }
    return absl::OkStatus();
}

}  // namespace kvorum::wal
