// Background processes: started so that they outlive their starter, watched and ended through pidfds.
//
// Thread: any. Everything here is for the command line and for tests, and may block.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace kvorum::tools {

// A pid alone may name another process tomorrow; with the time of its start (clock ticks since boot, /proc/PID/stat) it
// does not.
struct ProcessId {
    pid_t pid = 0;
    uint64_t start_ticks = 0;

    bool operator==(const ProcessId&) const = default;
};

// Starts `program` in a session of its own, standard input from /dev/null, both outputs appended to `log_file`. A
// program that cannot be executed is an error here; one that ends at once is not: ask is_running().
[[nodiscard]] absl::StatusOr<ProcessId> start_in_background(const std::string& program,
                                                            const std::vector<std::string>& arguments,
                                                            const std::string& log_file);

// False once it has ended, reaped or not. Reaps it when it is a child of ours.
[[nodiscard]] bool is_running(const ProcessId& process);

// No effect on one that has ended.
void send_signal(const ProcessId& process, int signal_number);

// Waits until it has ended; false when it still runs after `timeout_ms`.
[[nodiscard]] bool wait_for_exit(const ProcessId& process, uint32_t timeout_ms);

// The end of a text file, for error messages; empty when it cannot be read.
[[nodiscard]] std::string last_lines(const std::string& path, uint32_t line_count);

}  // namespace kvorum::tools
