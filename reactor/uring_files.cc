// Directories, limits, clocks and the end of the process: calls that need no ring.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/assert.h"
#include "base/log.h"
#include "reactor/uring_backend.h"

namespace kvorum::reactor {
namespace {

constexpr int kHaltExitCode = 70;  // EX_SOFTWARE

absl::Status file_error(const std::string& path, const char* call, int error) {
    const std::string text = fmt::format("{}: {}: {}", path, call, std::strerror(error));
    if (error == ENOENT) return absl::NotFoundError(text);
    if (error == EACCES || error == EPERM || error == EROFS) return absl::PermissionDeniedError(text);
    if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(text);
    return absl::InternalError(text);
}

absl::Status sync_directory(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return file_error(path, "open", errno);
    const int error = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    return error == 0 ? absl::OkStatus() : file_error(path, "fsync", error);
}

std::string read_line(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line.empty() ? "unknown" : line;
}

uint64_t read_clock_ns(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<uint64_t>(now.tv_sec) * kSecondNs + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

uint64_t UringBackend::monotonic_ns() { return read_clock_ns(CLOCK_MONOTONIC); }

uint64_t UringBackend::thread_processor_ns() { return read_clock_ns(CLOCK_THREAD_CPUTIME_ID); }

int64_t UringBackend::wall_clock_ms() { return static_cast<int64_t>(read_clock_ns(CLOCK_REALTIME) / kMillisecondNs); }

uint64_t UringBackend::random_seed() {
    uint64_t seed = 0;
    const ssize_t filled = getrandom(&seed, sizeof(seed), 0);
    KVORUM_ASSERT(filled == sizeof(seed), "getrandom: {}", filled);
    return seed;
}

absl::Status UringBackend::make_directory(const std::string& path) {
    const std::filesystem::path target(path);
    std::filesystem::path made;
    for (const std::filesystem::path& part : target) {
        const std::filesystem::path parent = made.empty() ? "." : made;
        made /= part;
        // A trailing slash has an empty last part.
        if (part.empty() || ::mkdir(made.c_str(), 0755) != 0) {
            if (part.empty() || errno == EEXIST || errno == EISDIR) continue;
            // On a read-only or forbidden parent, what exists already is good enough.
            const int error = errno;
            std::error_code ignored;
            if (std::filesystem::is_directory(made, ignored)) continue;
            return file_error(made.string(), "mkdir", error);
        }
        absl::Status synced = sync_directory(parent.string());
        if (!synced.ok()) return synced;
    }
    std::error_code ignored;
    if (!std::filesystem::is_directory(target, ignored)) return file_error(path, "mkdir", ENOTDIR);
    return absl::OkStatus();
}

absl::StatusOr<std::vector<DirectoryEntry>> UringBackend::list_directory(const std::string& path) {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return file_error(path, "opendir", errno);
    const int handle = ::dirfd(directory);
    KVORUM_ASSERT(handle >= 0, "{}", path);
    std::vector<DirectoryEntry> entries;
    while (const dirent* found = ::readdir(directory)) {
        const std::string_view name = found->d_name;
        if (name == "." || name == "..") continue;
        struct stat facts{};
        if (::fstatat(handle, found->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0) continue;
        entries.push_back({.name = std::string(name), .size_bytes = static_cast<uint64_t>(facts.st_size)});
    }
    ::closedir(directory);
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return entries;
}

absl::Status UringBackend::lock_directory(const std::string& path) {
    const std::string lock_path = path + "/LOCK";
    if (directory_locks_.contains(lock_path)) return absl::OkStatus();
    const int fd = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return file_error(lock_path, "open", errno);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        ::close(fd);
        if (error != EWOULDBLOCK) return file_error(lock_path, "flock", error);
        return absl::FailedPreconditionError(
            fmt::format("{} is in use by another process (pid {}): two nodes must not share a directory", path,
                        read_line(lock_path)));
    }
    const std::string pid = fmt::format("{}\n", getpid());
    const bool written =
        ::ftruncate(fd, 0) == 0 && ::pwrite(fd, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
    // The lock holds all the same, and a full disk must still start.
    if (!written) KVORUM_LOG(kWarn, "{}: cannot write the process id: {}", lock_path, std::strerror(errno));
    directory_locks_[lock_path] = fd;
    return absl::OkStatus();
}

uint64_t UringBackend::allow_descriptors(uint64_t wanted) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
    if (limit.rlim_cur >= wanted) return limit.rlim_cur;
    rlimit raised = limit;
    raised.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
    return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

void UringBackend::halt(std::string reason) {
    KVORUM_LOG(kError, "halting: {}", reason);
    flush_log();
    // Without destructors: nothing that they would write or send may leave any more.
    ::_exit(kHaltExitCode);
}

}  // namespace kvorum::reactor
