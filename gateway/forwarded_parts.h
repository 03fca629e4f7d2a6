// What has come from the leader of replies that are not whole yet, by the request they belong to, until it is written.
//
// The leader answers in order, so that parts of two replies never mix; but several replies may come in one turn. One
// per session. Thread: the owning core.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace kvorum::gateway {

class ForwardedParts {
 public:
    void append(uint64_t sequence, std::string_view part) {
        if (part.empty()) return;
        const bool joins = !parts_.empty() && parts_.back().sequence == sequence &&
                           parts_.back().text.size() + part.size() <= kSmallBytes;
        if (!joins) parts_.push_back({sequence, {}});
        std::string& text = parts_.back().text;
        memory_bytes_ -= memory_of(text);
        text.append(part);
        memory_bytes_ += memory_of(text);
    }
    // The next part of that reply; empty: there is none now.
    [[nodiscard]] std::string take(uint64_t sequence) {
        const auto found = std::find_if(parts_.begin(), parts_.end(),
                                        [sequence](const Part& part) { return part.sequence == sequence; });
        if (found == parts_.end()) return {};
        std::string text = std::move(found->text);
        memory_bytes_ -= memory_of(text);
        parts_.erase(found);
        return text;
    }
    [[nodiscard]] uint64_t memory_bytes() const { return memory_bytes_; }

 private:
    // What is smaller is put together: large parts go on as they are, without being copied again.
    static constexpr size_t kSmallBytes = size_t{16} * 1024;

    [[nodiscard]] static uint64_t memory_of(const std::string& text) { return text.empty() ? 0 : text.capacity(); }

    struct Part {
        uint64_t sequence;
        std::string text;
    };
    std::deque<Part> parts_;
    uint64_t memory_bytes_ = 0;
};

}  // namespace kvorum::gateway
