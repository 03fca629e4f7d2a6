#include "tools/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include "base/units.h"

namespace kvorum::tools {
namespace {

struct ProcState {
    char state;
    uint64_t start_ticks;
};

// Fields 3 and 22 of /proc/PID/stat; the second field may itself contain spaces and parentheses, so the scan begins
// after its last one.
std::optional<ProcState> read_proc_state(pid_t pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) return std::nullopt;
    std::istringstream fields(text.substr(name_end + 1));
    ProcState found{};
    fields >> found.state;
    std::string skipped;
    for (int field = 4; field < 22; ++field)
        fields >> skipped;
    fields >> found.start_ticks;
    if (!fields) return std::nullopt;
    return found;
}

class SpawnSetup {
 public:
    explicit SpawnSetup(const std::string& log_file) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                         0644);
        posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
        // Nothing of the starter's leaks into a daemon: a pipe held open would keep whoever reads our output waiting.
        posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
        posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    }
    SpawnSetup(const SpawnSetup&) = delete;
    SpawnSetup& operator=(const SpawnSetup&) = delete;
    ~SpawnSetup() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }

    [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

}  // namespace

absl::StatusOr<ProcessId> start_in_background(const std::string& program, const std::vector<std::string>& arguments,
                                              const std::string& log_file) {
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);

    const SpawnSetup setup(log_file);
    ProcessId process;
    const int error =
        posix_spawn(&process.pid, program.c_str(), setup.actions(), setup.attributes(), argv.data(), environ);
    if (error != 0) {
        return absl::UnavailableError(
            fmt::format("cannot start {} (output to {}): {}", program, log_file, std::strerror(error)));
    }
    // Our child cannot be reaped before we wait for it, so its entry is there even if it has ended.
    const std::optional<ProcState> state = read_proc_state(process.pid);
    process.start_ticks = state.has_value() ? state->start_ticks : 0;
    return process;
}

bool is_running(const ProcessId& process) {
    if (process.pid <= 0) return false;
    if (waitpid(process.pid, nullptr, WNOHANG) == process.pid) return false;
    const std::optional<ProcState> state = read_proc_state(process.pid);
    return state.has_value() && state->start_ticks == process.start_ticks && state->state != 'Z' && state->state != 'X';
}

void send_signal(const ProcessId& process, int signal_number) {
    if (is_running(process)) kill(process.pid, signal_number);
}

bool wait_for_exit(const ProcessId& process, uint32_t timeout_ms) {
    if (!is_running(process)) return true;
    const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0));
    if (pidfd < 0) return !is_running(process);
    pollfd waiting{.fd = pidfd, .events = POLLIN, .revents = 0};
    int ready = 0;
    do {
        ready = poll(&waiting, 1, static_cast<int>(timeout_ms));
    } while (ready < 0 && errno == EINTR);
    close(pidfd);
    return !is_running(process);
}

std::string last_lines(const std::string& path, uint32_t line_count) {
    constexpr std::streamoff kTailBytes = 16 * kKiB;
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) return {};
    const std::streamoff size = file.tellg();
    file.seekg(size > kTailBytes ? size - kTailBytes : 0);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    size_t start = text.size();
    for (uint32_t line = 0; line < line_count && start != std::string::npos && start != 0; ++line)
        start = text.rfind('\n', start - 1);
    return start == std::string::npos || start == 0 ? text : text.substr(start + 1);
}

}  // namespace kvorum::tools
