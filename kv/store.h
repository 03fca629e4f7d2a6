// The replicated state of one group: the key space, and the time by which keys are judged expired.
//
// The state is a pure function of the entries applied to it: no clock, no random source, no per-process seed; what else
// decides how an entry is carried out is a setting that the log has given it (kv/settings.h). A key
// counts as expired only by the committed log time (`log_time_ms`, advanced by apply), never by a local clock, so that
// every replica answers alike and a failover never brings a key back. Reads are const and have no effect.
//
// Any number of keys may fall due at once; removing them takes time, so an entry removes a bounded number. The others
// are there only in memory: nobody finds them.
//
// The revision counts the operations that changed something: a command is one, however many keys it changes and however
// many steps it takes, and all keys that an entry removes because they are due are one. A value that is written again
// is a change, a command that finds nothing to do is none. Each record knows the revision of its last change, of its
// creation, and how many operations changed it since (kv/record.h); of keys that were removed the latest are known
// (kv/tombstones.h).
//
// Thread: the owning core. Records that find() returns live until the next advance(), recycle() or end_turn(), or
// for as long as they are pinned. No method suspends. (The map below has readers on any thread; kv/hash_map.h.)
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "kv/reclamation.h"
#include "kv/record.h"
#include "kv/settings.h"
#include "kv/value_source.h"

namespace kvorum::kv {

// Keys and values above these are refused with Redis's error for strings above proto-max-bulk-len.
inline constexpr uint64_t kValueSizeMax = 16u << 20;
inline constexpr uint64_t kKeySizeMax = 16u << 20;

// Shorter values are written in one step.
inline constexpr uint64_t kSlicedValueBytes = 256u << 10;

// Of the state all but its keys: what a snapshot begins with.
struct StateHead {
    LogIndex applied_index{};
    int64_t log_time_ms = 0;
    Revision revision{};
    Revision history_floor{};
    Revision tombstone_floor{};
    StateSettings settings{};
};

// When a key changed last. Not known: it was not changed above `revision`, and is not there.
struct LastChange {
    Revision revision;
    bool is_known = false;

    bool operator==(const LastChange&) const = default;
};

struct ScanPage {
    std::vector<std::string_view> keys;
    uint64_t visited = 0;      // keys that were passed, due ones included
    uint64_t next_cursor = 0;  // 0: the scan is complete
};

// While one lives, records that Store::find() has returned since it was made stay, whatever becomes of their keys. Ends
// before the store does.
class StorePin {
 public:
    StorePin(StorePin&& other) noexcept
        : reader_(std::move(other.reader_)), count_(std::exchange(other.count_, nullptr)) {}
    StorePin(const StorePin&) = delete;
    StorePin& operator=(const StorePin&) = delete;
    ~StorePin() {
        if (count_ != nullptr) --*count_;
    }

 private:
    friend class Store;
    StorePin(Reclamation::Reader reader, uint32_t& count) : reader_(std::move(reader)), count_(&count) { ++count; }

    Reclamation::Reader reader_;
    uint32_t* count_;
};

class SnapshotCursor;
class SnapshotSink;

class Store {
 public:
    Store();
    ~Store();
    Store(Store&&) noexcept;
    Store& operator=(Store&&) noexcept;

    [[nodiscard]] const Record* find(std::string_view key) const;  // null when absent or expired
    // As many finds, several times faster than one by one when the keys are not in the cache.
    void find_batch(std::span<const std::string_view> keys, std::span<const Record*> found) const;
    // Brings what commands on these keys will look at into the cache; 8 to 32 at a time.
    void prefetch(std::span<const std::string_view> keys) const;
    [[nodiscard]] uint64_t size() const;  // as DBSIZE: due keys that are not removed yet count
    [[nodiscard]] int64_t log_time_ms() const;
    [[nodiscard]] LogIndex applied_index() const;
    [[nodiscard]] Revision revision() const;
    // The state at revisions below it cannot be asked for.
    [[nodiscard]] Revision history_floor() const;
    // Whether the key is there or not; a due key that is not removed yet counts as one that is removed now.
    [[nodiscard]] LastChange last_change(std::string_view key) const;
    [[nodiscard]] uint64_t tombstone_count() const;
    // From the oldest on.
    void for_each_tombstone(const std::function<void(std::string_view key, Revision revision)>& visit) const;
    [[nodiscard]] const StateSettings& settings() const;
    [[nodiscard]] StateHead head() const;
    // The earliest deadline of any key, none when no key has one: when the leader should propose a tick.
    [[nodiscard]] std::optional<int64_t> next_expiry_ms() const;
    // Keys are due that advance() has not removed yet: the next entries will.
    [[nodiscard]] bool due_remain() const;
    [[nodiscard]] uint64_t keys_with_expiry() const;
    [[nodiscard]] uint64_t expired_keys() const;  // removed when due so far; not part of the state
    // What the key space takes from the system, with what was freed and will be used again. Deadlines are estimated.
    [[nodiscard]] uint64_t memory_bytes() const;
    // What all keys count for by the formula of kv/memory_count.h, due ones included: equal on all replicas, O(1).
    [[nodiscard]] uint64_t counted_bytes() const;
    // Returns keys at and after `cursor` in hash order, about `count` of them. A key that is there during a whole scan
    // is returned, once; a cursor means the same on every node, needs no state here, and stays below 2^53, so that a
    // client may keep it in a double.
    [[nodiscard]] ScanPage scan(uint64_t cursor, uint64_t count) const;
    // Some key, chosen by `random`; none when there is none, and perhaps when nearly all are due.
    [[nodiscard]] std::optional<std::string_view> random_key(uint64_t random) const;
    // All of the state, due keys included, in hash order: equal states are visited alike on every node. Takes as long
    // as the state is large.
    void for_each(const std::function<void(std::string_view key, const Record& record)>& visit) const;
    // A hash of the state but for applied index and log time, and of counted_bytes(), that does not depend on the order
    // of insertion: equal states have equal hashes. Kept up to date by every change, so this is O(1).
    [[nodiscard]] uint64_t state_hash() const;
    // Holds what is kept up to date against the keys themselves, and asserts that they agree. Takes as long as
    // for_each().
    void check() const;

    // What is pinned is not freed. A pin is meant to last for some turns, and there are kPinsMax at most: who reads
    // asks first whether there is one, for the last is kept for the write that is applied.
    static constexpr uint32_t kPinsMax = 32;
    [[nodiscard]] StorePin pin() const;
    [[nodiscard]] bool has_pin_for_read() const;
    [[nodiscard]] bool is_pinned() const;

    // The state as it is now, to be given to `sink` in slices: kv/snapshot_cursor.h. Between two entries alone, at most
    // one at a time, and no value is pending.
    [[nodiscard]] std::unique_ptr<SnapshotCursor> begin_snapshot(SnapshotSink& sink);
    // A cursor is there that has not given all: the store may not be assigned to.
    [[nodiscard]] bool has_snapshot_cursor() const;

    // Frees what was replaced and removed; of what clear() removed only a slice. True when there is more to do: call it
    // again soon. To be called at the end of each turn of the owner.
    bool end_turn();

    // --- for apply alone ---

    // What follows is the work of the entry at `index`, and until begin_operation() one operation. Log time never goes
    // back: an earlier time is taken as the present one. A key that it reaches is absent from here on to all but
    // size(), for_each() and state_hash(). Of those that are due a bounded number is removed, the earliest first; put()
    // and erase() remove the one they name. Returns how many it removed.
    uint64_t advance(LogIndex index, int64_t log_time_ms);
    // What follows is the next operation: the first change in it raises the revision. It may be in many steps. Adds to
    // the work what it costs beside its changes.
    void begin_operation(uint64_t work = 0);
    // From the next operation on. False: there is no such setting, or not with this value, or not in this state.
    [[nodiscard]] bool set(Setting setting, uint64_t value);
    // What all changes so far have cost, in the unit of base/turn_work.h, and whether the value of begin_put() is still
    // to come. Not part of the state. Looked at between any two commands, so it may be kept as long as the store.
    struct Progress {
        uint64_t work = 0;
        bool put_pending = false;
    };
    [[nodiscard]] const Progress& progress() const;
    [[nodiscard]] uint64_t work() const { return progress().work; }
    void add_work(uint64_t units);
    // Frees what was replaced and removed, so that what is put next is written where it is still in the cache.
    void recycle();
    // A deadline that is not after log time removes the key at once, here and in set_expiry.
    // `value` may be a view of a record that find() returned. The key is attached to no lease afterwards.
    void put(std::string_view key, std::string_view value, int64_t expire_at_ms);
    // The same; but a value of kSlicedValueBytes and more is not there at once. Until finish_put() has said so, the
    // state is as before and nothing else of this part is called; what key and value refer to stays.
    void begin_put(std::string_view key, std::string_view value, int64_t expire_at_ms);
    void begin_put(std::string_view key, std::unique_ptr<ValueSource> value, uint64_t value_bytes,
                   int64_t expire_at_ms);
    [[nodiscard]] bool put_pending() const { return progress().put_pending; }
    // Does about `work_max` units of base/turn_work.h. True: nothing is pending.
    bool finish_put(uint64_t work_max);
    // kNoExpiry removes it; false: no such key. The key is put again, so a large one as by begin_put(), but stays
    // attached to its lease.
    bool set_expiry(std::string_view key, int64_t expire_at_ms);
    bool erase(std::string_view key);  // false: no such key, or it was due
    void clear();                      // removes the keys, at once; log time and applied index stay

    // --- for loading a snapshot ---

    // Of an empty store; then each record as it was, even when it is due, and the tombstones from the oldest on.
    void restore_head(const StateHead& head);
    void restore(const RecordFields& fields);
    void restore_tombstone(std::string_view key, Revision revision);

 private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace kvorum::kv
