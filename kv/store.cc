#include "kv/store.h"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/turn_work.h"
#include "base/units.h"
#include "kv/deadlines.h"
#include "kv/digest.h"
#include "kv/hash_map.h"
#include "kv/memory_count.h"
#include "kv/pending_put.h"
#include "kv/snapshot_cursor.h"
#include "kv/tombstones.h"

namespace kvorum::kv {
namespace {

// A key's position in scan order is the upper part of its hash, so that cursors are exact as doubles.
constexpr unsigned kPositionBits = 53;
constexpr uint64_t kPositionCount = uint64_t{1} << kPositionBits;

uint64_t position_of(uint64_t hash) { return hash >> (64 - kPositionBits); }

// Odd: other counts, other products.
constexpr uint64_t kCountedBytesMix = 0x9e3779b97f4a7c15ULL;
// Until the log gives one.
constexpr uint64_t kFirstHashSeed = 1;
// Due keys of so many bytes are removed at an entry: a part of the log's meaning, since replicas must agree.
constexpr uint64_t kExpiredBytesPerEntry = 2 * kMiB;
// RANDOMKEY looks at so many keys, and then at so many ranges in order, for one that is not due.
constexpr uint64_t kRandomTries = 16;
constexpr int kRandomRanges = 16;
// As many deadlines of a cleared store are freed in a slice.
constexpr ptrdiff_t kDeadlinesPerSlice = 4096;

}  // namespace

class Store::Impl {
 public:
    Impl() : map_(kFirstHashSeed) {}
    ~Impl() { KVORUM_ASSERT(snapshot_ == nullptr, "a snapshot outlives its store"); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    const Record* find(std::string_view key) const { return unless_due(map_.find(key, map_.hash(key))); }
    void find_batch(std::span<const std::string_view> keys, std::span<const Record*> found) const {
        map_.find_batch(keys, found);
        if (!due_remain_) return;
        for (const Record*& record : found)
            record = unless_due(record);
    }
    void prefetch(std::span<const std::string_view> keys) const;

    void begin_operation() { operation_revision_ = revision_ + 1; }

    void put(std::string_view key, std::string_view value, int64_t expire_at_ms) {
        const uint64_t hash = map_.hash(key);
        const Segment::Place place = map_.locate(key, hash);
        if (place.record != nullptr && expire_at_ms == kNoExpiry) {
            const uint64_t meta = place.record->meta_when_changed(operation_revision_);
            if (meta != 0)
                return change({key, value, operation_revision_, meta, checksum64(as_bytes(value))}, hash, place);
        }
        put({.key = key, .value = value, .expire_at_ms = expire_at_ms}, hash, place);
    }

    // A change of a key without deadline and lease, before and after: most writes are one.
    void change(const Record::ChangedFields& fields, uint64_t hash, const Segment::Place& place) {
        const Record& old = *place.record;
        map_.change(fields, place);
        give_to_snapshot(old, hash);
        const uint64_t old_bytes = old.value_size();
        const uint64_t bytes = fields.value.size();
        state_hash_ += digest(hash, fields.meta_hash(), fields.value_sum) - digest(hash, old);
        if (bytes != old_bytes) {
            counted_bytes_ += kv::counted_bytes(fields.key.size(), bytes, false) -
                              kv::counted_bytes(fields.key.size(), old_bytes, false);
        }
        progress_.work += kKeyWriteWork + old_bytes / kFreedBytesPerWork + bytes / kBytesPerWork;
        revision_ = operation_revision_;
    }

    // What is put has no revisions yet: it gets those of the operation and of what it replaces. By reference, because a
    // copy waits for the stores of the original.
    void put(RecordFields&& fields) {
        const uint64_t hash = map_.hash(fields.key);
        put(std::move(fields), hash, map_.locate(fields.key, hash));
    }
    void put(RecordFields&& fields, uint64_t hash, const Segment::Place& place) {
        if (has_passed(fields.expire_at_ms, log_time_ms_)) {
            erase(fields.key);
            return;
        }
        stamp(fields, place.record);
        put_record(fields, hash, place);
        revision_ = operation_revision_;
    }

    void restore_head(const StateHead& head) {
        KVORUM_ASSERT(size() == 0 && revision_.is_none(), "{} keys at revision {}", size(), revision_);
        applied_index_ = head.applied_index;
        log_time_ms_ = head.log_time_ms;
        revision_ = head.revision;
        history_floor_ = head.history_floor;
        settings_ = head.settings;
        tombstones_.set_limits(settings_.tombstones_max, settings_.tombstone_bytes_max);
        tombstones_.restore_floor(head.tombstone_floor);
        if (settings_.hash_seed.has_value()) map_.reseed(*settings_.hash_seed);
        begin_operation();
    }

    void restore(RecordFields fields) {
        const uint64_t hash = map_.hash(fields.key);
        put_record(fields, hash, map_.locate(fields.key, hash));
        due_remain_ = due_remain_ || has_passed(fields.expire_at_ms, log_time_ms_);
    }

    void put_record(RecordFields& fields, uint64_t hash, const Segment::Place& place) {
        if (fields.value_sum == 0) fields.value_sum = checksum64(as_bytes(fields.value));
        const auto [record, replaced] = map_.put(fields, hash, place);
        move_deadline(replaced, record);
        if (replaced != nullptr) {
            forget(*replaced, hash);
        } else {
            tombstones_.remove(fields.key);
        }
        state_hash_ += digest(hash, record->meta_hash(), fields.value_sum);
        counted_bytes_ += kv::counted_bytes(*record);
        progress_.work += kKeyWriteWork + fields.value.size() / kBytesPerWork;
    }

    // `fields` has neither value nor revisions; a sum only when the value is known to have it.
    void begin_put(RecordFields&& fields, std::unique_ptr<ValueSource> source, uint64_t value_bytes) {
        KVORUM_ASSERT(!put_pending(), "a value is put while another is");
        if (has_passed(fields.expire_at_ms, log_time_ms_)) {
            erase(fields.key);
            return;
        }
        const uint64_t hash = map_.hash(fields.key);
        const Record* replaced = map_.find(fields.key, hash);
        stamp(fields, replaced);
        pending_.emplace(map_.begin(fields, value_bytes), std::move(source), hash, fields.value_sum);
        progress_.put_pending = true;
        if (value_bytes < kSlicedValueBytes) finish_put(UINT64_MAX);
    }

    [[nodiscard]] bool put_pending() const { return progress_.put_pending; }

    bool finish_put(uint64_t work_max) {
        if (!put_pending()) return true;
        uint64_t work = 0;
        while (work < work_max) {
            const uint64_t slice_work = pending_->write_slice();
            if (slice_work == 0) {
                progress_.work += kKeyWriteWork;
                put_pending_record();
                break;
            }
            work += slice_work;
        }
        progress_.work += work;
        return !put_pending();
    }

    bool set_expiry(std::string_view key, int64_t expire_at_ms) {
        const Record* record = find(key);
        if (record == nullptr) return false;
        begin_put({.key = key,
                   .value = record->value(),
                   .expire_at_ms = expire_at_ms,
                   .lease = record->lease(),
                   .value_sum = record->value_sum()});
        return true;
    }

    void begin_put(RecordFields&& fields) {
        if (fields.value.size() < kSlicedValueBytes) return put(std::move(fields));
        const std::string_view value = std::exchange(fields.value, {});
        begin_put(std::move(fields), std::make_unique<PatchedValue>(value, 0, std::string_view()), value.size());
    }

    bool erase(std::string_view key) {
        const uint64_t hash = map_.hash(key);
        const Record* record = map_.erase(key, hash);
        if (record == nullptr) return false;
        move_deadline(record, nullptr);
        forget(*record, hash);
        revision_ = operation_revision_;
        tombstones_.add(key, revision_);
        progress_.work += kKeyWriteWork;
        return !is_due(*record);
    }

    uint64_t advance(LogIndex index, int64_t log_time_ms) {
        KVORUM_ASSERT(index > applied_index_, "index {} after {}", index, applied_index_);
        if (snapshot_ != nullptr) snapshot_->on_entry(state_hash());
        map_.collect();
        begin_operation();
        applied_index_ = index;
        log_time_ms_ = std::max(log_time_ms_, log_time_ms);
        due_remain_ = has_due_deadline();
        return due_remain_ ? remove_due() : 0;
    }
    [[nodiscard]] bool due_remain() const { return due_remain_; }
    [[nodiscard]] const Progress& progress() const { return progress_; }
    void add_work(uint64_t units) { progress_.work += units; }
    [[nodiscard]] uint64_t expired_keys() const { return expired_keys_; }

    bool set(Setting setting, uint64_t value) {
        switch (setting) {
            case Setting::kHashSeed: return set_hash_seed(value);
            case Setting::kTombstonesMax: limit_tombstones(value, settings_.tombstone_bytes_max); return true;
            case Setting::kTombstoneBytesMax: limit_tombstones(settings_.tombstones_max, value); return true;
            case Setting::kExpiriesPerEntryMax:
                if (value == 0) return false;
                settings_.expiries_per_entry_max = value;
                return true;
        }
        return false;
    }

    void clear() {
        if (size() == 0) return;
        revision_ = operation_revision_;
        tombstones_.clear(revision_);
        if (snapshot_ != nullptr && snapshot_->on_clear()) {
            map_.clear_and_keep();
        } else {
            map_.clear();
        }
        if (!deadlines_.empty()) cleared_deadlines_.push_back(std::exchange(deadlines_, {}));
        state_hash_ = 0;
        counted_bytes_ = 0;
        due_remain_ = false;
    }

    // What a pending value is made from may be retired already.
    void recycle() {
        if (!put_pending()) map_.collect();
    }
    [[nodiscard]] Reclamation::Reader add_reader() { return map_.add_reader(); }
    uint32_t pins = 0;

    bool end_turn() {
        if (put_pending()) return false;
        map_.collect();
        bool more = map_.release_cleared();
        if (tombstones_.release_cleared()) more = true;
        if (cleared_deadlines_.empty()) return more;
        Deadlines& cleared = cleared_deadlines_.back();
        const auto count = std::min(kDeadlinesPerSlice, static_cast<ptrdiff_t>(cleared.size()));
        cleared.erase(cleared.begin(), std::next(cleared.begin(), count));
        if (cleared.empty()) cleared_deadlines_.pop_back();
        return more || !cleared_deadlines_.empty();
    }

    ScanPage scan(uint64_t cursor, uint64_t count) const;
    std::optional<std::string_view> random_key(uint64_t random) const;
    void for_each(const std::function<void(std::string_view key, const Record& record)>& visit) const;

    uint64_t size() const { return map_.size(); }
    int64_t log_time_ms() const { return log_time_ms_; }
    LogIndex applied_index() const { return applied_index_; }
    uint64_t keys_with_expiry() const { return deadlines_.size(); }
    Revision revision() const { return revision_; }
    Revision history_floor() const { return history_floor_; }
    const StateSettings& settings() const { return settings_; }
    StateHead head() const {
        return {applied_index_, log_time_ms_, revision_, history_floor_, tombstones_.floor(), settings_};
    }
    const Tombstones& tombstones() const { return tombstones_; }
    void restore_tombstone(std::string_view key, Revision revision) { tombstones_.add(key, revision); }

    LastChange last_change(std::string_view key) const {
        const Record* record = map_.find(key, map_.hash(key));
        if (record != nullptr) return {is_due(*record) ? revision_ : record->revision(), true};
        const Revision removal = tombstones_.find(key);
        return removal.is_none() ? LastChange{tombstones_.floor(), false} : LastChange{removal, true};
    }
    uint64_t state_hash() const { return state_hash_ ^ counted_bytes_ * kCountedBytesMix ^ head_hash(); }
    uint64_t counted_bytes() const { return counted_bytes_; }
    void check() const;
    std::unique_ptr<SnapshotCursor> begin_snapshot(SnapshotSink& sink);
    [[nodiscard]] bool has_snapshot_cursor() const { return snapshot_ != nullptr; }

    uint64_t memory_bytes() const {
        uint64_t deadline_count = deadlines_.size();
        for (const Deadlines& cleared : cleared_deadlines_)
            deadline_count += cleared.size();
        return map_.memory_bytes() + deadline_count * kDeadlineBytes + tombstones_.counted_bytes();
    }

    std::optional<int64_t> next_expiry_ms() const {
        if (deadlines_.empty()) return std::nullopt;
        return deadlines_.begin()->expire_at_ms;
    }

 private:
    [[nodiscard]] bool is_due(const Record& record) const {
        return due_remain_ && has_passed(record.expire_at_ms(), log_time_ms_);
    }
    [[nodiscard]] const Record* unless_due(const Record* record) const {
        return due_remain_ && record != nullptr && is_due(*record) ? nullptr : record;
    }
    [[nodiscard]] bool has_due_deadline() const {
        return !deadlines_.empty() && deadlines_.begin()->expire_at_ms <= log_time_ms_;
    }

    void limit_tombstones(uint64_t count_max, uint64_t bytes_max) {
        settings_.tombstones_max = count_max;
        settings_.tombstone_bytes_max = bytes_max;
        progress_.work += tombstones_.set_limits(count_max, bytes_max) * kKeyWriteWork;
    }

    bool set_hash_seed(uint64_t seed) {
        if (settings_.hash_seed.has_value()) return true;
        if (size() != 0) return false;
        settings_.hash_seed = seed;
        map_.reseed(seed);
        return true;
    }

    uint64_t remove_due() {
        uint64_t keys = 0;
        uint64_t bytes = 0;
        while (has_due_deadline() && keys < settings_.expiries_per_entry_max && bytes < kExpiredBytesPerEntry) {
            const Record& record = *deadlines_.begin()->record;
            bytes += record.value_size();
            ++keys;
            erase(record.key());
        }
        due_remain_ = has_due_deadline();
        return keys;
    }

    [[nodiscard]] uint64_t head_hash() const {
        uint64_t hash = 0;
        const std::array parts{
            revision_.value(),
            history_floor_.value(),
            uint64_t{settings_.hash_seed.has_value() ? 1u : 0u},
            settings_.hash_seed.value_or(0),
            settings_.tombstones_max,
            settings_.tombstone_bytes_max,
            settings_.expiries_per_entry_max,
            tombstones_.floor().value(),
            tombstones_.hash(),
        };
        for (const uint64_t part : parts)
            hash = mix(hash ^ part);
        return hash;
    }

    // `old`, null for none, is what the map holds for the key. What is due is gone to every operation; a key that is
    // put twice by one is changed once.
    void stamp(RecordFields& fields, const Record* old) const {
        fields.revision = operation_revision_;
        if (old == nullptr || is_due(*old)) return;
        fields.create_revision = old->create_revision();
        fields.version = old->version() + (old->revision() == operation_revision_ ? 0 : 1);
    }

    void put_pending_record() {
        const uint64_t hash = pending_->hash();
        const auto [record, replaced] = map_.put(pending_->finish(), hash);
        move_deadline(replaced, record);
        if (replaced != nullptr) {
            forget(*replaced, hash);
        } else {
            tombstones_.remove(record->key());
        }
        state_hash_ += digest(hash, record->meta_hash(), pending_->value_sum());
        counted_bytes_ += kv::counted_bytes(*record);
        revision_ = operation_revision_;
        pending_.reset();
        progress_.put_pending = false;
    }

    void give_to_snapshot(const Record& removed, uint64_t hash) {
        if (snapshot_ != nullptr) [[unlikely]]
            progress_.work += snapshot_->on_removal(removed, hash) / kBytesPerWork;
    }

    // Of a record that was taken out of the map. `hash` is its key's.
    void forget(const Record& record, uint64_t hash) {
        give_to_snapshot(record, hash);
        state_hash_ -= digest(hash, record);
        counted_bytes_ -= kv::counted_bytes(record);
        progress_.work += record.value_size() / kFreedBytesPerWork;
        if (is_due(record)) ++expired_keys_;
    }

    // `old` and `next`, null for none, are what the map has held and holds for a key.
    void move_deadline(const Record* old, const Record* next) {
        const int64_t old_ms = old == nullptr ? kNoExpiry : old->expire_at_ms();
        const int64_t next_ms = next == nullptr ? kNoExpiry : next->expire_at_ms();
        if (old_ms != kNoExpiry) {
            const auto it = deadlines_.find(DeadlineView{old_ms, old->key()});
            KVORUM_ASSERT(it != deadlines_.end(), "a key without its deadline");
            if (old_ms == next_ms) {
                it->record = next;
                return;
            }
            deadlines_.erase(it);
        }
        if (next_ms != kNoExpiry) deadlines_.insert(Deadline{next_ms, next});
    }

    HashMap map_;
    Deadlines deadlines_;
    std::vector<Deadlines> cleared_deadlines_;  // their records may be gone
    uint64_t state_hash_ = 0;                   // the sum of all digests
    uint64_t counted_bytes_ = 0;
    int64_t log_time_ms_ = 0;
    LogIndex applied_index_;
    Revision revision_;
    Revision history_floor_;
    StateSettings settings_;
    Tombstones tombstones_;
    Revision operation_revision_{1};  // that of the operation which is carried out, once it has changed something
    bool due_remain_ = false;         // a key may be due and not removed yet
    uint64_t expired_keys_ = 0;
    Progress progress_;
    std::optional<PendingPut> pending_;
    SnapshotCursor* snapshot_ = nullptr;  // that is not complete
};

void Store::Impl::prefetch(std::span<const std::string_view> keys) const {
    constexpr size_t kKeysMax = 32;
    std::array<uint64_t, kKeysMax> hashes;
    keys = keys.first(std::min(keys.size(), kKeysMax));
    for (size_t i = 0; i < keys.size(); ++i)
        hashes[i] = map_.hash(keys[i]);
    map_.prefetch(std::span(hashes).first(keys.size()));
}

// A page ends behind the position of its last key, so that it is the same whatever the sizes of the map's segments.
ScanPage Store::Impl::scan(uint64_t cursor, uint64_t count) const {
    ScanPage page;
    if (cursor >= kPositionCount) return page;
    count = std::max<uint64_t>(count, 1);
    uint64_t last_position = 0;
    std::vector<HashedRecord> items;
    uint64_t hash = cursor << (64 - kPositionBits);
    do {
        hash = map_.next_in_order(hash, items);
        for (const HashedRecord& item : items) {
            const uint64_t position = position_of(item.hash);
            // Keys at one position go together: a cursor cannot part them.
            if (page.visited >= count && position != last_position) {
                page.next_cursor = last_position + 1;
                return page;
            }
            ++page.visited;
            if (!is_due(*item.record)) page.keys.push_back(item.record->key());
            last_position = position;
        }
    } while (hash != 0);
    return page;
}

std::optional<std::string_view> Store::Impl::random_key(uint64_t random) const {
    if (size() == 0) return std::nullopt;
    // By rank in hash order: where keys lie in the map depends on its history.
    const Record* record = unless_due(map_.at_rank(random % size()));
    for (uint64_t i = 0; due_remain_ && record == nullptr && i < kRandomTries; ++i)
        record = unless_due(map_.at_rank(mix(random + i) % size()));
    if (record != nullptr) return record->key();
    // Nearly all are due.
    const auto live = deadlines_.lower_bound(DeadlineView{log_time_ms_ + 1, {}});
    if (live != deadlines_.end()) return live->record->key();
    std::vector<HashedRecord> items;
    uint64_t hash = random;
    for (int i = 0; i < kRandomRanges; ++i) {
        hash = map_.next_in_order(hash, items);
        for (const HashedRecord& item : items) {
            if (!is_due(*item.record)) return item.record->key();
        }
    }
    return std::nullopt;
}

void Store::Impl::for_each(const std::function<void(std::string_view key, const Record& record)>& visit) const {
    std::vector<HashedRecord> items;
    uint64_t hash = 0;
    do {
        hash = map_.next_in_order(hash, items);
        for (const HashedRecord& item : items)
            visit(item.record->key(), *item.record);
    } while (hash != 0);
}

void Store::Impl::check() const {
    uint64_t keys = 0;
    uint64_t hash_sum = 0;
    uint64_t bytes = 0;
    uint64_t deadlines = 0;
    for_each([&](std::string_view key, const Record& record) {
        ++keys;
        const uint64_t value_sum = checksum64(as_bytes(record.value()));
        KVORUM_ASSERT(record.value_sum() == value_sum, "sum {:016x}, kept {:016x}", value_sum, record.value_sum());
        hash_sum += digest(map_.hash(key), record.meta_hash(), value_sum);
        bytes += kv::counted_bytes(record);
        deadlines += record.expire_at_ms() == kNoExpiry ? 0 : 1;
    });
    KVORUM_ASSERT(keys == size(), "{} keys, counted {}", keys, size());
    KVORUM_ASSERT(hash_sum == state_hash_, "hash {:016x}, kept {:016x}", hash_sum, state_hash_);
    KVORUM_ASSERT(bytes == counted_bytes_, "{} bytes, counted {}", bytes, counted_bytes_);
    KVORUM_ASSERT(deadlines == deadlines_.size(), "{} deadlines, kept {}", deadlines, deadlines_.size());
}

std::unique_ptr<SnapshotCursor> Store::Impl::begin_snapshot(SnapshotSink& sink) {
    KVORUM_ASSERT(!put_pending(), "a snapshot is begun while a value is put");
    const SnapshotMoment moment{head(), state_hash(), size(), tombstones_.count()};
    std::unique_ptr<SnapshotCursor> cursor(new SnapshotCursor(map_, snapshot_, sink, moment));
    tombstones_.for_each([&](std::string_view key, Revision revision) { sink.tombstone(key, revision); });
    return cursor;
}

Store::Store() : impl_(std::make_unique<Impl>()) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
const Record* Store::find(std::string_view key) const { return impl_->find(key); }
void Store::find_batch(std::span<const std::string_view> keys, std::span<const Record*> found) const {
    impl_->find_batch(keys, found);
}
void Store::prefetch(std::span<const std::string_view> keys) const { impl_->prefetch(keys); }
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
Revision Store::revision() const { return impl_->revision(); }
Revision Store::history_floor() const { return impl_->history_floor(); }
LastChange Store::last_change(std::string_view key) const { return impl_->last_change(key); }
uint64_t Store::tombstone_count() const { return impl_->tombstones().count(); }
void Store::for_each_tombstone(const std::function<void(std::string_view key, Revision revision)>& visit) const {
    impl_->tombstones().for_each(visit);
}
const StateSettings& Store::settings() const { return impl_->settings(); }
StateHead Store::head() const { return impl_->head(); }
uint64_t Store::state_hash() const { return impl_->state_hash(); }
uint64_t Store::counted_bytes() const { return impl_->counted_bytes(); }
void Store::check() const { impl_->check(); }
bool Store::due_remain() const { return impl_->due_remain(); }
uint64_t Store::expired_keys() const { return impl_->expired_keys(); }
uint64_t Store::advance(LogIndex index, int64_t log_time_ms) { return impl_->advance(index, log_time_ms); }
const Store::Progress& Store::progress() const { return impl_->progress(); }
bool Store::set(Setting setting, uint64_t value) { return impl_->set(setting, value); }
void Store::add_work(uint64_t units) { impl_->add_work(units); }
void Store::begin_operation(uint64_t work) {
    impl_->begin_operation();
    impl_->add_work(work);
}
void Store::recycle() { impl_->recycle(); }
void Store::put(std::string_view key, std::string_view value, int64_t expire_at_ms) {
    impl_->put(key, value, expire_at_ms);
}
void Store::begin_put(std::string_view key, std::string_view value, int64_t expire_at_ms) {
    if (value.size() < kSlicedValueBytes) return impl_->put(key, value, expire_at_ms);
    impl_->begin_put({.key = key, .value = value, .expire_at_ms = expire_at_ms});
}
void Store::begin_put(std::string_view key, std::unique_ptr<ValueSource> value, uint64_t value_bytes,
                      int64_t expire_at_ms) {
    impl_->begin_put({.key = key, .value = {}, .expire_at_ms = expire_at_ms}, std::move(value), value_bytes);
}
bool Store::finish_put(uint64_t work_max) { return impl_->finish_put(work_max); }
bool Store::set_expiry(std::string_view key, int64_t expire_at_ms) { return impl_->set_expiry(key, expire_at_ms); }
bool Store::erase(std::string_view key) { return impl_->erase(key); }
void Store::clear() { impl_->clear(); }
void Store::restore_head(const StateHead& head) { impl_->restore_head(head); }
void Store::restore_tombstone(std::string_view key, Revision revision) { impl_->restore_tombstone(key, revision); }
void Store::restore(const RecordFields& fields) { impl_->restore(fields); }
std::unique_ptr<SnapshotCursor> Store::begin_snapshot(SnapshotSink& sink) { return impl_->begin_snapshot(sink); }
bool Store::end_turn() { return impl_->end_turn(); }
StorePin Store::pin() const {
    KVORUM_ASSERT(impl_->pins < kPinsMax, "{} pins", impl_->pins);
    return {impl_->add_reader(), impl_->pins};
}
bool Store::has_snapshot_cursor() const { return impl_->has_snapshot_cursor(); }
bool Store::is_pinned() const { return impl_->pins > 0; }
bool Store::has_pin_for_read() const { return impl_->pins + 1 < kPinsMax; }

}  // namespace kvorum::kv
