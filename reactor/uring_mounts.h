// What lies under a directory: the mount that it is on, what that is mounted from, and so on down to a block device.
//
// The names of file systems do not tell: an overlay is as durable as its upper layer, a loop device as its file, btrfs
// says nothing of its device in stat(2). Blocks for as long as /proc and /sys take: for start-up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvorum::reactor {

// A line of proc(5) mountinfo.
struct Mount {
    uint64_t id = 0;
    std::string device_number;  // "254:0"
    std::string mount_point;
    std::string filesystem;
    std::string source;   // "/dev/vda1", or anything
    std::string options;  // of the file system: "rw,upperdir=/a,workdir=/b"

    [[nodiscard]] bool has_option(std::string_view name) const;
    // The value of `name`=; empty when it is not there.
    [[nodiscard]] std::string option(std::string_view name) const;
};

[[nodiscard]] std::optional<Mount> parse_mount(std::string_view line);

struct StorageStack {
    std::vector<std::string> layers;  // from the top: "overlay", "ext4", "loop device", "tmpfs"
    // The queue of the first block device from the top: "/sys/devices/.../block/vda/queue"; empty: none was found.
    std::string device;
    std::string device_queue;
    // Why a sync keeps nothing: "tmpfs keeps files in memory only". Empty: nothing that is seen from here says so.
    std::string volatile_because;
};

// Of an existing file or directory.
[[nodiscard]] StorageStack storage_under(const std::string& path);

}  // namespace kvorum::reactor
