#include "node/log_loading.h"

#include <algorithm>

#include "base/log.h"

namespace kvorum::node {

void LogLoading::applied(LogIndex index, uint64_t bytes, uint64_t now_ns) {
    if (!facts_.loading) return;
    const bool is_further = bytes > facts_.loaded_bytes;
    // Entries of a leader may be longer than what they replace here.
    facts_.loaded_bytes = std::min(bytes, facts_.total_bytes);
    if (index >= last_) {
        facts_.loading = false;
        KVORUM_LOG(kInfo, "applied the log: {} MiB, {} ms after it was read", facts_.loaded_bytes / kMiB,
                   (now_ns - began_ns_) / kMillisecondNs);
        return;
    }
    if (!is_further) return;
    const auto words = progress_.words_if_due(facts_.loaded_bytes, now_ns);
    if (words.has_value()) KVORUM_LOG(kInfo, "applying the log: {}", *words);
}

}  // namespace kvorum::node
