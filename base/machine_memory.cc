#include "base/machine_memory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>

#include "base/units.h"

namespace kvorum {
namespace {

// The number that a text begins with; none for "max".
std::optional<uint64_t> leading_number(std::string_view text) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return std::nullopt;
    return value;
}

uint64_t physical_bytes(const std::string& root) {
    std::ifstream file(root + "/proc/meminfo");
    const std::string name = "MemTotal:";
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(name)) continue;
        const size_t begin = line.find_first_of("0123456789");
        return begin == std::string::npos ? 0 : leading_number(line.substr(begin)).value_or(0) * kKiB;
    }
    return 0;
}

// Of the group at `path` and all above it. A container may see its own group as the root of a tree whose paths it is
// told from outside: then only the root is there.
uint64_t least_limit(const std::string& hierarchy, std::string path, const std::string& file_name) {
    uint64_t least = UINT64_MAX;
    while (true) {
        std::string file_path = hierarchy;
        file_path.append(path).append("/").append(file_name);
        std::ifstream file(file_path);
        std::string line;
        if (std::getline(file, line)) least = std::min(least, leading_number(line).value_or(UINT64_MAX));
        if (path.empty()) return least;
        path.resize(std::min(path.rfind('/'), path.size() - 1));
    }
}

uint64_t cgroup_bytes(const std::string& root) {
    uint64_t least = UINT64_MAX;
    std::ifstream groups(root + "/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        const size_t first = line.find(':');
        const size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string path = line.substr(second + 1);
        if (controllers.empty()) {
            least = std::min(least, least_limit(root + "/sys/fs/cgroup", path, "memory.max"));
        } else if (controllers == "memory") {
            least = std::min(least, least_limit(root + "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes"));
        }
    }
    return least;
}

// The other half is for buffers, the log's cache, and what the count does not see (docs/guarantees.md, "Memory").
constexpr uint64_t kDataShareDivisor = 2;

}  // namespace

uint64_t default_memory_limit_bytes(uint64_t nodes) { return usable_memory_bytes() / kDataShareDivisor / nodes; }

uint64_t usable_memory_bytes(const std::string& root) {
    const uint64_t physical = physical_bytes(root);
    const uint64_t allowed = cgroup_bytes(root);
    if (physical == 0) return allowed == UINT64_MAX ? 0 : allowed;
    return std::min(physical, allowed);
}

}  // namespace kvorum
