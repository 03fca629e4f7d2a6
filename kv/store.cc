#include "kv/store.h"

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/checksum.h"

namespace kvorum::kv {
namespace {

// Many small tables instead of one: a table that grows moves a 4096th of the keys, not all.
constexpr unsigned kShardBits = 12;
constexpr size_t kShardCount = size_t{1} << kShardBits;
// A key's position in scan order is the upper part of its hash, so that cursors are exact as doubles.
constexpr unsigned kPositionBits = 53;
constexpr uint64_t kPositionCount = uint64_t{1} << kPositionBits;
constexpr unsigned kShardOfPositionShift = kPositionBits - kShardBits;

struct HashedKey {
    std::string_view text;
    uint64_t hash;
};

// The hash is kept: growing, scanning and state hashing need it, and a comparison mostly ends with it.
struct StoredKey {
    explicit StoredKey(const HashedKey& key) : text(key.text), hash(key.hash) {}

    std::string text;
    uint64_t hash;
};

struct KeyHash {
    using is_transparent = void;
    size_t operator()(const StoredKey& key) const { return key.hash; }
    size_t operator()(const HashedKey& key) const { return key.hash; }
};

struct KeyEqual {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
        return a.hash == b.hash && std::string_view(a.text) == std::string_view(b.text);
    }
};

struct Slot {
    Record record;
    uint64_t value_hash = 0;
};

using Shard = absl::flat_hash_map<StoredKey, Slot, KeyHash, KeyEqual>;

struct Deadline {
    int64_t expire_at_ms;
    std::string key;
};

struct DeadlineView {
    int64_t expire_at_ms;
    std::string_view key;
};

struct EarlierDeadline {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
        if (a.expire_at_ms != b.expire_at_ms) return a.expire_at_ms < b.expire_at_ms;
        return std::string_view(a.key) < std::string_view(b.key);
    }
};

using Deadlines = absl::btree_set<Deadline, EarlierDeadline>;

uint64_t position_of(const StoredKey& key) { return key.hash >> (64 - kPositionBits); }

uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

uint64_t digest(uint64_t key_hash, const Slot& slot) {
    const uint64_t when = mix(static_cast<uint64_t>(slot.record.expire_at_ms) ^ mix(slot.record.revision));
    return mix(key_hash ^ mix(slot.value_hash ^ when));
}

// What the allocator takes for a string: nothing while it fits into the object.
uint64_t heap_bytes(size_t size) {
    constexpr size_t kInlineSize = 15;
    constexpr size_t kAllocatorOverhead = 8;
    return size <= kInlineSize ? 0 : align_up(size + 1 + kAllocatorOverhead, 16);
}

// A slot and its control byte at the usual load, between 7/16 and 7/8.
constexpr uint64_t kSlotBytes = (sizeof(Shard::value_type) + 1) * 3 / 2;
// Nodes of the tree are three quarters full on average.
constexpr uint64_t kDeadlineBytes = sizeof(Deadline) * 4 / 3;

uint64_t key_bytes(std::string_view key) { return kSlotBytes + heap_bytes(key.size()); }
uint64_t deadline_bytes(std::string_view key) { return kDeadlineBytes + heap_bytes(key.size()); }

}  // namespace

class Store::Impl {
 public:
    explicit Impl(uint64_t hash_seed) : hash_seed_(hash_seed), shards_(kShardCount) {}

    const Record* find(std::string_view key) const {
        const HashedKey hashed = hash(key);
        const Shard& shard = shards_[shard_of(hashed.hash)];
        const auto it = shard.find(hashed);
        return it == shard.end() ? nullptr : &it->second.record;
    }

    void put(std::string_view key, Record record) {
        if (record.expire_at_ms <= log_time_ms_) {
            erase(key);
            return;
        }
        const HashedKey hashed = hash(key);
        const auto [it, inserted] = shards_[shard_of(hashed.hash)].try_emplace(hashed);
        Slot& slot = it->second;
        if (inserted) {
            ++size_;
            memory_bytes_ += key_bytes(key);
        } else {
            state_hash_ -= digest(hashed.hash, slot);
            memory_bytes_ -= heap_bytes(slot.record.value.size());
        }
        move_deadline(key, slot.record.expire_at_ms, record.expire_at_ms);
        slot.record = std::move(record);
        slot.value_hash = checksum64(as_bytes(slot.record.value));
        memory_bytes_ += heap_bytes(slot.record.value.size());
        state_hash_ += digest(hashed.hash, slot);
    }

    bool set_expiry(std::string_view key, int64_t expire_at_ms) {
        if (expire_at_ms <= log_time_ms_) return erase(key);
        const HashedKey hashed = hash(key);
        Shard& shard = shards_[shard_of(hashed.hash)];
        const auto it = shard.find(hashed);
        if (it == shard.end()) return false;
        Slot& slot = it->second;
        state_hash_ -= digest(hashed.hash, slot);
        move_deadline(key, slot.record.expire_at_ms, expire_at_ms);
        slot.record.expire_at_ms = expire_at_ms;
        slot.record.revision = applied_index_.value();
        state_hash_ += digest(hashed.hash, slot);
        return true;
    }

    bool erase(std::string_view key) {
        const HashedKey hashed = hash(key);
        Shard& shard = shards_[shard_of(hashed.hash)];
        const auto it = shard.find(hashed);
        if (it == shard.end()) return false;
        move_deadline(key, it->second.record.expire_at_ms, kNoExpiry);
        forget(key, shard, it);
        return true;
    }

    uint64_t advance(LogIndex index, int64_t log_time_ms) {
        KVORUM_ASSERT(index > applied_index_, "index {} after {}", index, applied_index_);
        applied_index_ = index;
        log_time_ms_ = std::max(log_time_ms_, log_time_ms);
        uint64_t removed = 0;
        while (!deadlines_.empty() && deadlines_.begin()->expire_at_ms <= log_time_ms_) {
            const auto due = deadlines_.begin();
            const HashedKey hashed = hash(due->key);
            Shard& shard = shards_[shard_of(hashed.hash)];
            const auto it = shard.find(hashed);
            KVORUM_ASSERT(it != shard.end(), "a deadline without its key");
            forget(due->key, shard, it);
            memory_bytes_ -= deadline_bytes(due->key);
            deadlines_.erase(due);
            ++removed;
        }
        expired_keys_ += removed;
        return removed;
    }
    [[nodiscard]] uint64_t expired_keys() const { return expired_keys_; }

    void clear() {
        std::vector<Shard>(kShardCount).swap(shards_);
        deadlines_.clear();
        size_ = 0;
        memory_bytes_ = 0;
        state_hash_ = 0;
    }

    ScanPage scan(uint64_t cursor, uint64_t count) const;
    std::optional<std::string_view> random_key(uint64_t random) const;
    void for_each(const std::function<void(std::string_view key, const Record& record)>& visit) const;

    uint64_t size() const { return size_; }
    int64_t log_time_ms() const { return log_time_ms_; }
    LogIndex applied_index() const { return applied_index_; }
    uint64_t keys_with_expiry() const { return deadlines_.size(); }
    uint64_t memory_bytes() const { return memory_bytes_; }
    uint64_t state_hash() const { return state_hash_; }

    std::optional<int64_t> next_expiry_ms() const {
        if (deadlines_.empty()) return std::nullopt;
        return deadlines_.begin()->expire_at_ms;
    }

 private:
    using Pointers = std::vector<const Shard::value_type*>;

    HashedKey hash(std::string_view key) const { return {key, checksum64(as_bytes(key), hash_seed_)}; }
    static size_t shard_of(uint64_t hash) { return hash >> (64 - kShardBits); }

    // Ties, which are all but impossible, are ordered by key, so that the order is one and the same everywhere.
    static bool comes_before(const Shard::value_type* a, const Shard::value_type* b) {
        if (a->first.hash != b->first.hash) return a->first.hash < b->first.hash;
        return a->first.text < b->first.text;
    }

    static void fill(const Shard& shard, uint64_t first_position, Pointers& out) {
        out.clear();
        for (const auto& item : shard) {
            if (position_of(item.first) >= first_position) out.push_back(&item);
        }
    }

    void move_deadline(std::string_view key, int64_t old_ms, int64_t new_ms) {
        if (old_ms == new_ms) return;
        if (old_ms != kNoExpiry) {
            const auto it = deadlines_.find(DeadlineView{old_ms, key});
            KVORUM_ASSERT(it != deadlines_.end(), "a key without its deadline");
            deadlines_.erase(it);
            memory_bytes_ -= deadline_bytes(key);
        }
        if (new_ms != kNoExpiry) {
            deadlines_.insert(Deadline{new_ms, std::string(key)});
            memory_bytes_ += deadline_bytes(key);
        }
    }

    void forget(std::string_view key, Shard& shard, Shard::iterator it) {
        state_hash_ -= digest(it->first.hash, it->second);
        memory_bytes_ -= key_bytes(key) + heap_bytes(it->second.record.value.size());
        --size_;
        shard.erase(it);
    }

    uint64_t hash_seed_;
    std::vector<Shard> shards_;
    Deadlines deadlines_;
    uint64_t size_ = 0;
    uint64_t memory_bytes_ = 0;
    uint64_t state_hash_ = 0;  // the sum of all digests
    int64_t log_time_ms_ = 0;
    LogIndex applied_index_;
    uint64_t expired_keys_ = 0;
};

ScanPage Store::Impl::scan(uint64_t cursor, uint64_t count) const {
    ScanPage page;
    if (cursor >= kPositionCount) return page;
    count = std::max<uint64_t>(count, 1);
    Pointers found;
    for (size_t shard = cursor >> kShardOfPositionShift; shard < kShardCount; ++shard) {
        if (shards_[shard].empty()) continue;
        if (page.keys.size() >= count) {
            page.next_cursor = std::max(cursor, uint64_t{shard} << kShardOfPositionShift);
            return page;
        }
        fill(shards_[shard], cursor, found);
        const uint64_t wanted = count - page.keys.size();
        auto end = found.end();
        if (found.size() > wanted) {
            const auto last = found.begin() + static_cast<std::ptrdiff_t>(wanted) - 1;
            std::nth_element(found.begin(), last, found.end(), comes_before);
            // Keys at the same position go together: the next page starts behind it.
            const uint64_t last_position = position_of((*last)->first);
            end = std::partition(found.begin(), found.end(), [last_position](const auto* item) {
                return position_of(item->first) <= last_position;
            });
            if (end != found.end()) page.next_cursor = last_position + 1;
        }
        std::sort(found.begin(), end, comes_before);
        for (auto it = found.begin(); it != end; ++it)
            page.keys.emplace_back((*it)->first.text);
        if (page.next_cursor != 0) return page;
    }
    return page;
}

std::optional<std::string_view> Store::Impl::random_key(uint64_t random) const {
    if (size_ == 0) return std::nullopt;
    uint64_t rank = random % size_;
    for (const Shard& shard : shards_) {
        if (rank >= shard.size()) {
            rank -= shard.size();
            continue;
        }
        // By rank in hash order: a table's own order differs from process to process.
        Pointers keys;
        fill(shard, 0, keys);
        const auto chosen = keys.begin() + static_cast<std::ptrdiff_t>(rank);
        std::nth_element(keys.begin(), chosen, keys.end(), comes_before);
        return (*chosen)->first.text;
    }
    KVORUM_ASSERT(false, "size {} is more than the shards hold", size_);
    return std::nullopt;
}

void Store::Impl::for_each(const std::function<void(std::string_view key, const Record& record)>& visit) const {
    Pointers items;
    for (const Shard& shard : shards_) {
        fill(shard, 0, items);
        std::sort(items.begin(), items.end(), comes_before);
        for (const auto* item : items)
            visit(item->first.text, item->second.record);
    }
}

Store::Store(uint64_t hash_seed) : impl_(std::make_unique<Impl>(hash_seed)) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

const Record* Store::find(std::string_view key) const { return impl_->find(key); }
uint64_t Store::size() const { return impl_->size(); }
int64_t Store::log_time_ms() const { return impl_->log_time_ms(); }
LogIndex Store::applied_index() const { return impl_->applied_index(); }
std::optional<int64_t> Store::next_expiry_ms() const { return impl_->next_expiry_ms(); }
uint64_t Store::keys_with_expiry() const { return impl_->keys_with_expiry(); }
uint64_t Store::memory_bytes() const { return impl_->memory_bytes(); }
ScanPage Store::scan(uint64_t cursor, uint64_t count) const { return impl_->scan(cursor, count); }
std::optional<std::string_view> Store::random_key(uint64_t random) const { return impl_->random_key(random); }
void Store::for_each(const std::function<void(std::string_view key, const Record& record)>& visit) const {
    impl_->for_each(visit);
}
uint64_t Store::state_hash() const { return impl_->state_hash(); }

uint64_t Store::expired_keys() const { return impl_->expired_keys(); }
uint64_t Store::advance(LogIndex index, int64_t log_time_ms) { return impl_->advance(index, log_time_ms); }
void Store::put(std::string_view key, std::string value, int64_t expire_at_ms) {
    impl_->put(key, Record{std::move(value), expire_at_ms, impl_->applied_index().value()});
}
bool Store::set_expiry(std::string_view key, int64_t expire_at_ms) { return impl_->set_expiry(key, expire_at_ms); }
bool Store::erase(std::string_view key) { return impl_->erase(key); }
void Store::clear() { impl_->clear(); }
void Store::restore(std::string_view key, Record record) { impl_->put(key, std::move(record)); }

}  // namespace kvorum::kv
