// One consistent moment of a Store, given out in slices while writes go on: no fork, no pause, no copy of the state.
//
// The cursor walks the map in hash order and gives the records that were there at the moment: those whose revision is
// not above the moment's. What a later change replaces or removes before the cursor has come to it, a *pre-image*, is
// given within that change, so records come in no order. Splits and merges move no record, and the cursor's place is a
// hash. FLUSHALL stays one step: the cursor goes on over what was cleared, which stays in memory until the cursor has
// passed it.
//
// Cost: while no cursor is there, a branch for each change of a record. Memory: the pointers of the segment that is
// being given, at most 900 or so (more where chosen keys collide); what changes is freed as always.
//
// Tombstones are given when the cursor is made, all in one step: their number and size are bounded by settings in the
// state (kv/settings.h), which are 0 unless the log says otherwise.
//
// Thread: the store's. Suspension: none. Ownership: the cursor ends before its store is destroyed or assigned to; it
// may be ended at any time, and frees at once what it kept. The sink outlives it. At most one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "kv/hash_map.h"
#include "kv/record.h"
#include "kv/store.h"

namespace kvorum::kv {

// Takes what is given. Called from within put() and erase() too, so it copies what it keeps and calls nothing of the
// store.
class SnapshotSink {
 public:
    SnapshotSink() = default;
    SnapshotSink(const SnapshotSink&) = delete;
    SnapshotSink& operator=(const SnapshotSink&) = delete;
    virtual void tombstone(std::string_view key, Revision revision) = 0;  // all before any record, the oldest first
    virtual void record(const RecordFields& fields) = 0;                  // the views last as long as the call

 protected:
    ~SnapshotSink() = default;
};

// What the state was. A store that was restored from what the cursor gave answers the same to all of it.
struct SnapshotMoment {
    StateHead head{};
    uint64_t state_hash = 0;
    uint64_t key_count = 0;  // due ones included, as Store::size()
    uint64_t tombstone_count = 0;
};

struct SnapshotCounts {
    uint64_t records = 0;  // given so far, pre-images included
    uint64_t bytes = 0;    // of their keys and values
    uint64_t pre_images = 0;
    uint64_t pre_image_bytes = 0;
};

class SnapshotCursor {
 public:
    ~SnapshotCursor();
    SnapshotCursor(const SnapshotCursor&) = delete;
    SnapshotCursor& operator=(const SnapshotCursor&) = delete;

    // Gives about `bytes_max` of records, a record at least, counting what it costs to look at one beside its key and
    // value. One large value is given whole, and so is looked at one whole segment: 900 records or so. True: all have
    // been given, and the store knows no cursor any more.
    bool advance(uint64_t bytes_max);
    [[nodiscard]] bool complete() const { return complete_; }
    [[nodiscard]] const SnapshotMoment& moment() const { return moment_; }
    [[nodiscard]] const SnapshotCounts& counts() const { return counts_; }

 private:
    friend class Store;
    // `registered` is where the store knows it, while it is not complete.
    SnapshotCursor(HashMap& map, SnapshotCursor*& registered, SnapshotSink& sink, const SnapshotMoment& moment);

    // --- told by the store, while it is registered ---
    // An entry begins: until then nothing may have changed since the moment.
    void on_entry(uint64_t state_hash);
    // The record was taken out of the map, and can still be read. Returns how many bytes were given.
    uint64_t on_removal(const Record& record, uint64_t hash);
    // All keys are about to be removed. True: the map keeps them.
    bool on_clear();

    [[nodiscard]] bool is_of_moment(const Record& record) const { return record.revision() <= moment_.head.revision; }
    uint64_t load_segment();  // returns what it cost, in bytes
    uint64_t give(const Record& record);
    void end();

    HashMap& map_;
    SnapshotCursor*& registered_;
    SnapshotSink& sink_;
    const SnapshotMoment moment_;
    SnapshotCounts counts_;
    uint64_t next_hash_ = 0;  // all records below it were loaded
    bool all_loaded_ = false;
    bool walks_cleared_ = false;  // the map was cleared, and keeps for us what was in it
    bool entry_begun_ = false;    // since the moment
    bool complete_ = false;
    std::vector<HashedRecord> loaded_;  // in the order of hashes; null: was given as a pre-image
    size_t next_loaded_ = 0;
};

}  // namespace kvorum::kv
