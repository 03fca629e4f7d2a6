#include "reactor/uring_mounts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace kvorum::reactor {
namespace {

namespace fs = std::filesystem;

constexpr int kLayersMax = 8;
constexpr auto kMemoryFilesystems = std::to_array<std::string_view>({"tmpfs", "ramfs", "devtmpfs", "rootfs"});
constexpr auto kMemoryDevices = std::to_array<std::string_view>({"ram", "zram"});

// Spaces, tabs, newlines and backslashes are written as \040 and the like.
std::string unescaped(std::string_view text) {
    std::string plain;
    while (!text.empty()) {
        const std::string_view digits = text.substr(1, 3);
        unsigned code = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 8);
        const bool is_escape = text.front() == '\\' && digits.size() == 3 && error == std::errc{} &&
                               end == digits.data() + 3 && code <= UINT8_MAX;
        plain += is_escape ? static_cast<char>(code) : text.front();
        text.remove_prefix(is_escape ? 4 : 1);
    }
    return plain;
}

std::string_view next_field(std::string_view& line) {
    const std::string_view field = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(line.size(), field.size() + 1));
    return field;
}

std::optional<Mount> mount_of(const struct statx& facts) {
    const std::string number = fmt::format("{}:{}", facts.stx_dev_major, facts.stx_dev_minor);
    const bool has_id = (facts.stx_mask & STATX_MNT_ID) != 0;
    std::ifstream mounts("/proc/self/mountinfo");
    std::string line;
    while (std::getline(mounts, line)) {
        std::optional<Mount> mount = parse_mount(line);
        if (!mount.has_value()) continue;
        // A subvolume of btrfs has a device number of its own, that no mount names: the id first.
        if (has_id ? mount->id == facts.stx_mnt_id : mount->device_number == number) return mount;
    }
    return std::nullopt;
}

// The folder in /sys of a block device by "254:0", or by the name of its node.
std::string block_folder(const std::string& number, const std::string& node) {
    std::error_code error;
    fs::path found = fs::canonical("/sys/dev/block/" + number, error);
    if (!error) return found.string();
    struct stat facts{};
    if (::stat(node.c_str(), &facts) == 0 && S_ISBLK(facts.st_mode)) {
        found = fs::canonical(fmt::format("/sys/dev/block/{}:{}", major(facts.st_rdev), minor(facts.st_rdev)), error);
    } else {
        // The node of the device may be missing in a container.
        found = fs::canonical(fs::path("/sys/class/block") / fs::path(node).filename(), error);
    }
    return error || !node.starts_with("/dev/") ? std::string() : found.string();
}

std::string memory_device_under(const fs::path& block, int depth) {
    const std::string name = block.filename().string();
    for (const std::string_view memory : kMemoryDevices) {
        if (name.starts_with(memory) && name.size() > memory.size() && std::isdigit(name[memory.size()]) != 0)
            return name;
    }
    std::error_code error;
    if (depth == 0 || !fs::is_directory(block / "slaves", error)) return {};
    for (const auto& slave : fs::directory_iterator(block / "slaves", error)) {
        const fs::path target = fs::canonical(slave.path(), error);
        if (std::string found = error ? std::string() : memory_device_under(target, depth - 1); !found.empty()) {
            return found;
        }
    }
    return {};
}

class StackWalk {
 public:
    StorageStack walk(const std::string& path) {
        follow(path, kLayersMax);
        return std::move(stack_);
    }

 private:
    void follow(const std::string& path, int layers_left) {
        struct statx facts{};
        if (layers_left == 0 || ::statx(AT_FDCWD, path.c_str(), 0, STATX_TYPE | STATX_MNT_ID, &facts) != 0) {
            stack_.layers.emplace_back("something that is not visible from here");
            return;
        }
        const std::optional<Mount> mount = mount_of(facts);
        stack_.layers.push_back(mount.has_value() ? mount->filesystem : "unknown");
        if (mount.has_value() && mount->filesystem == "overlay") {
            if (mount->has_option("volatile") || mount->option("fsync") == "volatile") {
                keeps_nothing(fmt::format("the overlay at {} is mounted with 'volatile': a sync does nothing",
                                          mount->mount_point));
            }
            if (const std::string upper = mount->option("upperdir"); !upper.empty()) follow(upper, layers_left - 1);
            return;
        }
        for (const std::string_view memory : kMemoryFilesystems) {
            if (mount.has_value() && mount->filesystem == memory)
                keeps_nothing(fmt::format("{} keeps files in memory only", memory));
        }
        const std::string number = fmt::format("{}:{}", facts.stx_dev_major, facts.stx_dev_minor);
        const std::string block = block_folder(number, mount.has_value() ? mount->source : std::string());
        if (!block.empty()) follow_device(block, layers_left - 1);
    }

    void follow_device(fs::path block, int layers_left) {
        const std::string name = block.filename().string();
        std::error_code error;
        // Only the whole disk has a queue.
        if (fs::exists(block / "partition", error)) block = block.parent_path();
        if (stack_.device.empty()) {
            stack_.device = name;
            stack_.device_queue = (block / "queue").string();
        }
        if (const std::string memory = memory_device_under(block, kLayersMax); !memory.empty())
            keeps_nothing(fmt::format("the device {} is memory", memory));
        std::ifstream backing(block / "loop" / "backing_file");
        std::string file;
        if (!std::getline(backing, file)) return;
        stack_.layers.emplace_back("loop device");
        follow(file, layers_left);
    }

    void keeps_nothing(std::string because) {
        if (stack_.volatile_because.empty()) stack_.volatile_because = std::move(because);
    }

    StorageStack stack_;
};

}  // namespace

bool Mount::has_option(std::string_view name) const {
    return fmt::format(",{},", options).find(fmt::format(",{},", name)) != std::string::npos;
}

std::string Mount::option(std::string_view name) const {
    const std::string all = "," + options;
    const std::string wanted = fmt::format(",{}=", name);
    const size_t at = all.find(wanted);
    if (at == std::string::npos) return {};
    const std::string_view value = std::string_view(all).substr(at + wanted.size());
    return std::string(value.substr(0, value.find(',')));
}

// id parent device root mount-point options [tags...] - filesystem source super-options
std::optional<Mount> parse_mount(std::string_view line) {
    Mount mount;
    const std::string_view id = next_field(line);
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), mount.id);
    if (error != std::errc{} || end != id.data() + id.size()) return std::nullopt;
    next_field(line);
    mount.device_number = next_field(line);
    next_field(line);
    mount.mount_point = unescaped(next_field(line));
    while (!line.empty() && next_field(line) != "-") {
    }
    mount.filesystem = next_field(line);
    mount.source = unescaped(next_field(line));
    mount.options = unescaped(line);
    if (mount.filesystem.empty()) return std::nullopt;
    return mount;
}

StorageStack storage_under(const std::string& path) { return StackWalk().walk(path); }

}  // namespace kvorum::reactor
