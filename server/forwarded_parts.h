// What has come from the leader of replies that are not whole yet, by the request they belong to, until it is written.
//
// The leader answers in order, so that parts of two replies never mix; but several replies may come in one turn. One
// per session. Thread: the owning core.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvorum::server {

class ForwardedParts {
 public:
    void append(uint64_t sequence, std::string_view part) {
        if (replies_.empty() || replies_.back().first != sequence) replies_.emplace_back(sequence, std::string());
        replies_.back().second.append(part);
        size_bytes_ += part.size();
    }
    // Nothing, if nothing has come since it was last taken.
    [[nodiscard]] std::string take(uint64_t sequence) {
        const auto found = std::find_if(replies_.begin(), replies_.end(),
                                        [sequence](const auto& reply) { return reply.first == sequence; });
        if (found == replies_.end()) return {};
        std::string parts = std::move(found->second);
        size_bytes_ -= parts.size();
        replies_.erase(found);
        return parts;
    }
    [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }

 private:
    std::vector<std::pair<uint64_t, std::string>> replies_;
    uint64_t size_bytes_ = 0;
};

}  // namespace kvorum::server
