#include "reactor/uring_probe.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/units.h"

namespace kvorum::reactor {
namespace {

constexpr const char* kSyscalls = "io_uring_setup, io_uring_enter and io_uring_register";

std::string describe(int error) { return fmt::format("{} ({})", std::strerror(error), error); }

std::string join(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

absl::Status explain_denied(const UringFacts& facts) {
    const int disabled = facts.uring_disabled.value_or(0);
    if (disabled == 2) {
        return absl::FailedPreconditionError(
            "io_uring is disabled on this machine: kernel.io_uring_disabled is 2. Allow it with: sysctl -w "
            "kernel.io_uring_disabled=0");
    }
    if (disabled == 1) {
        return absl::FailedPreconditionError(
            "io_uring is reserved for privileged processes: kernel.io_uring_disabled is 1. Either allow it with: "
            "sysctl -w "
            "kernel.io_uring_disabled=0, or run as a member of the group named by kernel.io_uring_group, or with "
            "CAP_SYS_ADMIN");
    }
    const char* cause =
        facts.setup_errno == ENOSYS
            ? "the kernel has no io_uring (Linux before 5.1, or built without it), or a seccomp filter hides it"
            : "a seccomp filter forbids it, as the default profile of container runtimes does";
    return absl::FailedPreconditionError(fmt::format(
        "io_uring_setup failed: {}: {}. In a container, allow the system calls {} in its seccomp profile (docker run "
        "--security-opt seccomp=PROFILE.json)",
        describe(facts.setup_errno), cause, kSyscalls));
}

absl::Status explain_memory(const UringFacts& facts, int error) {
    const std::string limit =
        facts.memlock_limit_bytes == UINT64_MAX ? "unlimited" : fmt::format("{} KiB", facts.memlock_limit_bytes / kKiB);
    return absl::ResourceExhaustedError(
        fmt::format("the kernel refused memory for io_uring: {}; the limit of locked memory is {}. Raise it with: "
                    "ulimit -l unlimited, or "
                    "LimitMEMLOCK=infinity in the systemd unit, or --ulimit memlock=-1 for a container",
                    describe(error), limit));
}

}  // namespace

absl::Status explain_uring(const UringFacts& facts) {
    switch (facts.setup_errno) {
        case 0: break;
        case EPERM:
        case EACCES:
        case ENOSYS: return explain_denied(facts);
        case ENOMEM: return explain_memory(facts, facts.setup_errno);
        case EMFILE:
        case ENFILE:
            return absl::ResourceExhaustedError(
                fmt::format("io_uring_setup failed: {}. Raise the limit of open files: ulimit -n, or LimitNOFILE= in "
                            "the systemd unit",
                            describe(facts.setup_errno)));
        default: return absl::InternalError(fmt::format("io_uring_setup failed: {}", describe(facts.setup_errno)));
    }
    if (!facts.missing.empty()) {
        return absl::UnimplementedError(
            fmt::format("this kernel's io_uring lacks {}. Kvorum needs Linux 6.0 or newer", join(facts.missing)));
    }
    if (facts.buffer_ring_errno == ENOMEM) return explain_memory(facts, facts.buffer_ring_errno);
    if (facts.buffer_ring_errno != 0) {
        return absl::UnimplementedError(fmt::format(
            "this kernel's io_uring lacks provided-buffer rings (Linux 5.19): {}. Kvorum needs Linux 6.0 or newer",
            describe(facts.buffer_ring_errno)));
    }
    if (facts.multishot_receive_errno != 0) {
        return absl::UnimplementedError(fmt::format(
            "this kernel's io_uring lacks multishot receive (Linux 6.0): {}. Kvorum needs Linux 6.0 or newer",
            describe(facts.multishot_receive_errno)));
    }
    return absl::OkStatus();
}

std::optional<int> read_uring_disabled() {
    std::ifstream file("/proc/sys/kernel/io_uring_disabled");
    int value = 0;
    if (file >> value) return value;
    return std::nullopt;
}

uint64_t memlock_limit_bytes() {
    rlimit limit{};
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
    return limit.rlim_cur;
}

}  // namespace kvorum::reactor
