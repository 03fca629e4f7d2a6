// How far a long piece of work over bytes has come, in words, once a second. Thread: one owner.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/units.h"

namespace kvorum {

// 0 to 100; all of nothing is done.
[[nodiscard]] inline double percent_done(uint64_t done_bytes, uint64_t total_bytes) {
    if (done_bytes >= total_bytes) return 100;
    return 100 * static_cast<double>(done_bytes) / static_cast<double>(total_bytes);
}

class ByteProgress {
 public:
    ByteProgress(uint64_t total_bytes, uint64_t now_ns) : total_bytes_(total_bytes), said_ns_(now_ns) {}

    // "41 %, 840 of 2048 MiB, 950 MiB/s" since it last said so; nothing before a second has passed.
    [[nodiscard]] std::optional<std::string> words_if_due(uint64_t done_bytes, uint64_t now_ns) {
        if (now_ns < said_ns_ + kSecondNs) return std::nullopt;
        const double seconds = static_cast<double>(now_ns - said_ns_) / static_cast<double>(kSecondNs);
        const double mib_per_s = static_cast<double>(done_bytes - said_bytes_) / static_cast<double>(kMiB) / seconds;
        said_ns_ = now_ns;
        said_bytes_ = done_bytes;
        return fmt::format("{:.0f} %, {} of {} MiB, {:.0f} MiB/s", percent_done(done_bytes, total_bytes_),
                           done_bytes / kMiB, total_bytes_ / kMiB, mib_per_s);
    }

 private:
    uint64_t total_bytes_;
    uint64_t said_ns_;
    uint64_t said_bytes_ = 0;
};

}  // namespace kvorum
