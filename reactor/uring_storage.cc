// What a directory's storage is and can do: for start-up, it blocks.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "reactor/uring_backend.h"
#include "reactor/uring_mounts.h"

namespace kvorum::reactor {
namespace {

constexpr size_t kBlockBytes = 4 * kKiB;

std::string read_line(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line.empty() ? "unknown" : line;
}

uint32_t read_number(const std::filesystem::path& path, uint32_t otherwise) {
    std::ifstream file(path);
    uint32_t value = 0;
    return file >> value ? value : otherwise;
}

// Whether the first block of a file is in the page cache, where a direct write leaves nothing.
bool is_cached(int fd) {
    void* mapped = ::mmap(nullptr, kBlockBytes, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) return true;
    unsigned char resident = 1;
    const bool known = ::mincore(mapped, kBlockBytes, &resident) == 0;
    ::munmap(mapped, kBlockBytes);
    return !known || (resident & 1U) != 0;
}

// Of an empty file that was opened with O_DIRECT.
DirectIo examine(int fd, std::string& reason) {
    struct statx facts{};
    const bool asked = ::statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &facts) == 0;
    if (asked && (facts.stx_mask & STATX_DIOALIGN) != 0) {
        reason = "says statx";
        const bool fits = facts.stx_dio_mem_align != 0 && facts.stx_dio_offset_align <= kBlockBytes;
        return fits ? DirectIo::kYes : DirectIo::kBuffered;
    }
    alignas(kBlockBytes) static const std::array<std::byte, kBlockBytes> zeros{};
    const ssize_t written = ::pwrite(fd, zeros.data(), zeros.size(), 0);
    // Not this probe's question: a full disk must still start.
    if (written < 0 && (errno == ENOSPC || errno == EDQUOT)) {
        reason = "not known, the disk is full";
        return DirectIo::kYes;
    }
    if (written < 0 && (errno == EINVAL || errno == EOPNOTSUPP)) return DirectIo::kRefused;
    reason = "says a write";
    return written == static_cast<ssize_t>(kBlockBytes) && !is_cached(fd) ? DirectIo::kYes : DirectIo::kBuffered;
}

// Opens, writes and removes a file of one block.
DirectIo probe_direct_io(const std::string& directory, std::string& reason) {
    const std::string file = fmt::format("{}/.direct-io-probe-{}", directory, getpid());
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
    const int error = errno;
    DirectIo found = DirectIo::kUnknown;
    if (fd >= 0) {
        found = examine(fd, reason);
        ::close(fd);
    } else if (error == EINVAL || error == EOPNOTSUPP) {
        found = DirectIo::kRefused;
    }
    // open(2) with O_CREAT leaves the file behind even where it then refuses O_DIRECT.
    ::unlink(file.c_str());
    return found;
}

}  // namespace

absl::StatusOr<DeviceFacts> UringBackend::device_facts(const std::string& path) {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) != 0) {
        const std::string text = fmt::format("{}: stat: {}", path, std::strerror(errno));
        return errno == ENOENT ? absl::NotFoundError(text) : absl::InternalError(text);
    }
    const StorageStack stack = storage_under(path);
    DeviceFacts device;
    device.device = device.write_cache = device.fua = "unknown";
    device.filesystem = fmt::format("{}", fmt::join(stack.layers, " on "));
    device.volatile_because = stack.volatile_because;
    device.direct_io = probe_direct_io(path, device.direct_io_reason);
    if (stack.device.empty()) return device;
    const std::filesystem::path queue = stack.device_queue;
    device.device = stack.device;
    device.write_cache = read_line(queue / "write_cache");
    device.fua = read_line(queue / "fua");
    device.logical_block_bytes = read_number(queue / "logical_block_size", device.logical_block_bytes);
    device.physical_block_bytes = read_number(queue / "physical_block_size", device.physical_block_bytes);
    return device;
}

bool UringBackend::disable_copy_on_write(const std::string& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    struct statfs facts{};
    int flags = 0;
    bool disabled =
        ::fstatfs(fd, &facts) == 0 && facts.f_type == BTRFS_SUPER_MAGIC && ::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
    if (disabled && (flags & FS_NOCOW_FL) == 0) {
        flags |= FS_NOCOW_FL;
        disabled = ::ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
    }
    ::close(fd);
    return disabled;
}

}  // namespace kvorum::reactor
