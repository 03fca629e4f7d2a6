#include "kv/tombstones.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "kv/digest.h"

namespace kvorum::kv {
namespace {

constexpr size_t kReleasedPerSlice = 4096;

uint64_t digest_of(std::string_view key, Revision revision) { return mix(checksum64(as_bytes(key), revision.value())); }

uint64_t bytes_of(std::string_view key) { return Tombstones::kCountedBytes + key.size(); }

}  // namespace

uint64_t Tombstones::set_limits(uint64_t count_max, uint64_t bytes_max) {
    count_max_ = bytes_max == 0 ? 0 : count_max;
    bytes_max_ = bytes_max;
    return forget_beyond_limits();
}

void Tombstones::clear(Revision revision) {
    floor_ = revision;
    cleared_.splice(cleared_.end(), order_);
    if (!by_key_.empty()) cleared_keys_.push_back(std::exchange(by_key_, {}));
    bytes_ = 0;
    hash_sum_ = 0;
}

Revision Tombstones::find(std::string_view key) const {
    const auto it = by_key_.find(key);
    return it == by_key_.end() ? Revision{} : it->second->revision;
}

void Tombstones::for_each(const std::function<void(std::string_view key, Revision revision)>& visit) const {
    for (const Tombstone& tombstone : order_)
        visit(tombstone.key, tombstone.revision);
}

bool Tombstones::release_cleared() {
    size_t left = kReleasedPerSlice;
    while (!cleared_keys_.empty() && left > 0) {
        auto& keys = cleared_keys_.back();
        const size_t count = std::min(left, keys.size());
        keys.erase(keys.begin(), std::next(keys.begin(), static_cast<ptrdiff_t>(count)));
        left -= count;
        if (keys.empty()) cleared_keys_.pop_back();
    }
    // Their keys are views of these.
    for (; cleared_keys_.empty() && !cleared_.empty() && left > 0; --left)
        cleared_.pop_front();
    return !cleared_keys_.empty() || !cleared_.empty();
}

void Tombstones::store(std::string_view key, Revision revision) {
    KVORUM_ASSERT(order_.empty() || order_.back().revision <= revision, "revision {} after {}", revision,
                  order_.back().revision);
    order_.push_back({std::string(key), revision});
    const auto tombstone = std::prev(order_.end());
    const bool is_new = by_key_.emplace(tombstone->key, tombstone).second;
    KVORUM_ASSERT(is_new, "a key was removed that was not there");
    bytes_ += bytes_of(key);
    hash_sum_ += digest_of(key, revision);
    forget_beyond_limits();
}

void Tombstones::take(std::string_view key) {
    const auto it = by_key_.find(key);
    if (it != by_key_.end()) unlink(it->second);
}

void Tombstones::unlink(Order::iterator tombstone) {
    bytes_ -= bytes_of(tombstone->key);
    hash_sum_ -= digest_of(tombstone->key, tombstone->revision);
    by_key_.erase(tombstone->key);
    order_.erase(tombstone);
}

uint64_t Tombstones::forget_beyond_limits() {
    uint64_t forgotten = 0;
    for (; order_.size() > count_max_ || bytes_ > bytes_max_; ++forgotten) {
        floor_ = order_.front().revision;
        unlink(order_.begin());
    }
    return forgotten;
}

}  // namespace kvorum::kv
