// The map from keys to records: one writer, and readers on any thread that neither lock, nor retry, nor store.
//
// An extendible directory of fixed segments (Dash; Fagin's extendible hashing) with buckets of one cache line (Valkey,
// CLHT) that hold pointers to immutable records. Growing splits one segment at a time, which is the whole cost of an
// insert at worst; the directory takes 8 bytes a segment and doubles rarely. Segments are ranges of hashes, so their
// order is the order of SCAN, whatever their sizes. Two neighbours that have become nearly empty are merged; the
// directory never shrinks, and freed records stay with the map for records of their size.
//
// Keys whose hashes agree in many upper bits do not make the directory grow without end: it may be at most kDepthSlack
// levels deeper than a balanced one of as many segments. A segment that may not split chains further links.
//
// Threads: the owner's for everything but find(), find_batch(), prefetch() and hash(), which any thread may call that
// holds a Reclamation::Reader (the owner needs none). Such a reader sees each single put, erase and clear at once and
// whole, in the order in which they happened; it does not see several of them as one.
// Lifetime: a record that find() returned, or that put() or erase() took out, lives until the reader's next quiesce(),
// for the owner until the next collect().
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "kv/block_pool.h"
#include "kv/map_segment.h"
#include "kv/reclamation.h"
#include "kv/record.h"
#include "kv/record_slabs.h"

namespace kvorum::kv {

struct HashedRecord {
    uint64_t hash;
    const Record* record;
};

class HashMap {
 public:
    static constexpr unsigned kDepthSlack = 4;

    explicit HashMap(uint64_t hash_seed, SegmentShape shape = {});
    HashMap(const HashMap&) = delete;
    HashMap& operator=(const HashMap&) = delete;
    ~HashMap();

    // --- any thread ---

    [[nodiscard]] uint64_t hash(std::string_view key) const {
        return checksum64(as_bytes(key), hash_seed_.load(std::memory_order_relaxed));
    }
    // `hash` is hash(key). Null when it is not there.
    [[nodiscard]] const Record* find(std::string_view key, uint64_t hash) const {
        return directory_.load(std::memory_order_acquire)->segment_of(hash)->find(shape_, hash, key).record;
    }
    // As many finds, whose cache misses overlap: a third of the time when the map is larger than the caches.
    // `found` is as long as `keys`.
    void find_batch(std::span<const std::string_view> keys, std::span<const Record*> found) const;
    // Brings what find() of these hashes will look at into the cache. 8 to 32 at a time.
    void prefetch(std::span<const uint64_t> hashes) const;
    [[nodiscard]] Reclamation::Reader add_reader() { return reclamation_.add_reader(); }

    // --- the owner ---

    struct PutResult {
        const Record* record;
        const Record* replaced;  // null when the key is new
    };
    // Where `key` is, or would be: for put() and nothing else before it. `record` is what is there, or null.
    [[nodiscard]] Segment::Place locate(std::string_view key, uint64_t hash) {
        return directory()->segment_of(hash)->find(shape_, hash, key);
    }
    PutResult put(const RecordFields& fields, uint64_t hash, const Segment::Place& place) {
        return put(contents_->records.create(fields), hash, place);
    }
    // Of a key that is there.
    void change(const Record::ChangedFields& fields, const Segment::Place& place) {
        replace(contents_->records.create(fields), place);
    }
    PutResult put(const RecordFields& fields, uint64_t hash) { return put(fields, hash, locate(fields.key, hash)); }
    // In two steps, between which nothing but the value is written: begin() and, with its record, put().
    [[nodiscard]] Record* begin(const RecordFields& fields, size_t value_bytes) {
        return contents_->records.begin(fields, value_bytes);
    }
    PutResult put(const Record* record, uint64_t hash) { return put(record, hash, locate(record->key(), hash)); }
    const Record* erase(std::string_view key, uint64_t hash);  // what was there, or null
    // Takes no longer for many keys than for few: what was in the map is given back by release_cleared().
    void clear();
    // The same, and what was in the map can still be walked until drop_kept(). One at a time is kept.
    void clear_and_keep();
    void drop_kept() { kept_ = nullptr; }
    // Hashes keys by another seed from here on. The map is empty.
    void reseed(uint64_t hash_seed);

    // The owner holds nothing that it has found so far.
    void collect() { reclamation_.collect(); }
    // Gives back a slice of what clear() removed, once no reader can be looking at it. True when there is more, beside
    // what is kept.
    bool release_cleared();

    [[nodiscard]] uint64_t size() const { return size_; }
    [[nodiscard]] uint64_t memory_bytes() const;  // as taken from the system, retired and cleared memory included
    [[nodiscard]] uint64_t segment_count() const { return segment_count_; }
    [[nodiscard]] unsigned directory_depth() const { return directory()->depth(); }
    [[nodiscard]] size_t retired_count() const { return reclamation_.retired_count(); }

    // Replaces `out` by some records with hashes of at least `first_hash`, in the order of hash and then key, and
    // returns the hash at which to go on, 0 when none are left. Keys with one hash are never parted.
    uint64_t next_in_order(uint64_t first_hash, std::vector<HashedRecord>& out) const {
        return next_in_order({directory(), range_counts_, hash_seed_.load(std::memory_order_relaxed)}, first_hash, out);
    }
    // The same of what clear_and_keep() removed.
    uint64_t next_kept_in_order(uint64_t first_hash, std::vector<HashedRecord>& out) const;
    // The record at this rank in that order; `rank` is below size().
    [[nodiscard]] const Record* at_rank(uint64_t rank) const;

 private:
    struct Contents {
        explicit Contents(const SegmentShape& shape) : segments(shape.size_bytes()) {}

        BlockPool segments;
        RecordSlabs records;
        // Set when they are cleared.
        Directory* directory = nullptr;
        std::vector<uint32_t> range_counts;
        uint64_t hash_seed = 0;
    };
    // What a walk in order goes by.
    struct Walked {
        const Directory* directory;
        const std::vector<uint32_t>& range_counts;
        uint64_t hash_seed;
    };

    // Keys are counted by the upper bits of their hashes: ranks and order need not look at every segment.
    static constexpr unsigned kRangeBits = 12;
    static size_t range_of(uint64_t hash) { return hash >> (64 - kRangeBits); }

    uint64_t next_in_order(const Walked& walked, uint64_t first_hash, std::vector<HashedRecord>& out) const;
    PutResult put(const Record* record, uint64_t hash, const Segment::Place& place);
    void replace(const Record* record, const Segment::Place& place);

    [[nodiscard]] Directory* directory() const { return directory_.load(std::memory_order_relaxed); }
    [[nodiscard]] Segment* make_segment(unsigned depth);
    void start_empty();

    [[nodiscard]] bool may_split(Segment& segment) const;
    void split(Segment& segment, uint64_t hash);
    void merge_around(Segment* segment, uint64_t hash);
    void move_records(Segment& from, std::span<Segment* const, 2> to);
    [[nodiscard]] bool side_of(SlotWord word, unsigned depth) const;
    void place_chained(Segment& segment, uint64_t hash, const Record* record);
    void prepare_doubling(size_t entries_max);
    void double_directory();
    void publish(Segment* segment, uint64_t hash);

    void retire(const Record* record);
    void retire(Segment* segment);
    void retire(Directory* directory);

    std::atomic<uint64_t> hash_seed_;
    const SegmentShape shape_;
    const uint32_t merge_count_max_;  // keys of two neighbours that become one
    std::atomic<Directory*> directory_{nullptr};
    // Twice the directory, filled a few entries at each split: when it is needed it is complete. No reader knows it.
    Directory* next_directory_ = nullptr;
    size_t next_copied_ = 0;  // entries of the present one that stand in the next one, and are kept up to date there
    std::unique_ptr<Contents> contents_;
    std::deque<std::unique_ptr<Contents>> cleared_;
    const Contents* kept_ = nullptr;  // retired or cleared
    Reclamation reclamation_;
    uint64_t size_ = 0;
    uint64_t segment_count_ = 0;  // of which the directory knows; links are not counted
    std::vector<uint32_t> range_counts_;
    std::vector<const Record*> displaced_;  // scratch of move_records()
};

}  // namespace kvorum::kv
