// How much memory the processes of this machine, or of this process' cgroup, may use together.
//
// Thread: any. It reads /proc and /sys, so it is for the start of a program.
#pragma once

#include <cstdint>
#include <string>

namespace kvorum {

// The machine's memory, or the least limit of the process' cgroup (version 1 or 2) and those above it, if that is less.
// 0: it cannot be found out. `root` stands in front of all paths, for tests.
[[nodiscard]] uint64_t usable_memory_bytes(const std::string& root = "");

// What the keys and values of a node may take when nobody says it: half of that, shared by the nodes of this machine.
[[nodiscard]] uint64_t default_memory_limit_bytes(uint64_t nodes);

}  // namespace kvorum
