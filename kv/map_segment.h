// A fixed number of buckets that hold the keys of one range of hashes, and the directory that finds them. Private to
// the map.
//
// A key lies in its home bucket, or in the buddy of that bucket (the other one of the pair, the cache line next to it),
// or in one of two stash buckets behind the home buckets. When none of these has room the segment splits; where a split
// is not allowed (see HashMap) a further link is chained to it, in which the same places are tried.
//
// One thread writes; others may call find() at any time, and see each key that was there throughout.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kv/map_bucket.h"

namespace kvorum::kv {

struct SegmentShape {
    unsigned bucket_count = 120;  // even; 2 or more
    unsigned stash_count = 7;     // 2 or more

    // The default is 8 KiB.
    [[nodiscard]] constexpr size_t size_bytes() const { return (size_t{1} + bucket_count + stash_count) * 64; }
    [[nodiscard]] unsigned home_of(uint64_t hash) const {
        return static_cast<unsigned>((uint64_t{static_cast<uint32_t>(hash)} * bucket_count) >> 32);
    }
};

class alignas(64) Segment {
 public:
    // Where a key was found; `record` is null when it was not.
    struct Place {
        const Record* record = nullptr;
        Bucket* bucket = nullptr;
        Bucket* home = nullptr;
        unsigned index = 0;
        SlotLevel level = SlotLevel::kHome;
    };

    // In `memory` of shape.size_bytes(), aligned to 64. Its end needs no destructor.
    static Segment* create_at(void* memory, const SegmentShape& shape, unsigned depth);

    [[nodiscard]] Bucket& bucket(unsigned index) { return reinterpret_cast<Bucket*>(this + 1)[index]; }

    [[nodiscard]] Place find(const SegmentShape& shape, uint64_t hash, std::string_view key) {
        Place place;
        for (Segment* link = this; link != nullptr; link = link->next()) {
            const BucketMeta meta = link->find_in_link(shape, hash, key, place);
            if (place.record != nullptr || !meta.chained()) break;
        }
        return place;
    }

    // The first link counts the keys of all.
    [[nodiscard]] uint32_t count() const { return count_; }
    [[nodiscard]] unsigned depth() const { return depth_; }  // how many upper bits of a hash its keys have in common
    [[nodiscard]] Segment* next() const { return next_.load(std::memory_order_acquire); }

    // --- for the writer ---

    // Puts a key that is not there into this link. False when it has no room.
    bool place(const SegmentShape& shape, uint64_t hash, const Record* record);
    // A slot of a segment that splits or is merged goes to the same bucket of this one. False: no room.
    bool place_home(unsigned home, uint8_t fingerprint, SlotWord word) {
        return bucket(home).insert(fingerprint, word);
    }
    static void erase(const Place& place);
    void add_count(int change) { count_ += static_cast<uint32_t>(change); }
    void set_next(Segment* next) { next_.store(next, std::memory_order_release); }

 private:
    explicit Segment(unsigned depth) : depth_(depth) {}

    [[nodiscard]] BucketMeta find_in_link(const SegmentShape& shape, uint64_t hash, std::string_view key,
                                          Place& place) {
        const unsigned home = shape.home_of(hash);
        place.home = &bucket(home);
        const BucketMeta meta = place.home->meta();
        place.bucket = place.home;
        place.level = SlotLevel::kHome;
        place.record = place.bucket->find(meta, hash, key, place.index);
        if (place.record != nullptr) return meta;
        if (meta.buddy_count() != 0) {
            place.bucket = &bucket(home ^ 1);
            place.level = SlotLevel::kBuddy;
            place.record = place.bucket->find(place.bucket->meta(), hash, key, place.index);
            if (place.record != nullptr) return meta;
        }
        if (meta.stash_count() == 0) return meta;
        place.level = SlotLevel::kStash;
        for (unsigned choice = 0; choice < kStashChoices; ++choice) {
            place.bucket = &stash(shape, home, choice);
            place.record = place.bucket->find(place.bucket->meta(), hash, key, place.index);
            if (place.record != nullptr) return meta;
        }
        return meta;
    }
    static constexpr unsigned kStashChoices = 2;
    [[nodiscard]] Bucket& stash(const SegmentShape& shape, unsigned home, unsigned choice) {
        return bucket(shape.bucket_count + (home + choice) % shape.stash_count);
    }

    std::atomic<Segment*> next_{nullptr};
    unsigned depth_;
    uint32_t count_ = 0;
};
static_assert(sizeof(Segment) == 64);

// The segment of every hash, by its upper `depth` bits. Entries are replaced in place; growing makes a new directory.
class Directory {
 public:
    static Directory* create(Segment* only);  // of depth 0
    // One level deeper; all entries are to be copied before it is used.
    static Directory* create_deeper(const Directory& from) { return allocate(from.depth() + 1); }
    void copy_entry(const Directory& from, size_t index) { set_pair(index, from.at(index)); }
    // The two entries that come from one entry of the directory that is a level higher.
    void set_pair(size_t index, Segment* segment) {
        set(2 * index, segment);
        set(2 * index + 1, segment);
    }
    static void destroy(Directory* directory);

    [[nodiscard]] unsigned depth() const { return depth_; }
    [[nodiscard]] size_t size() const { return size_t{1} << depth_; }
    [[nodiscard]] size_t size_bytes() const { return sizeof(Directory) + size() * sizeof(std::atomic<Segment*>); }
    [[nodiscard]] size_t index_of(uint64_t hash) const { return (hash >> 1) >> (63 - depth_); }
    [[nodiscard]] Segment* at(size_t index) const { return entries()[index].load(std::memory_order_acquire); }
    [[nodiscard]] Segment* segment_of(uint64_t hash) const { return at(index_of(hash)); }
    void set(size_t index, Segment* segment) { entries()[index].store(segment, std::memory_order_release); }

 private:
    explicit Directory(unsigned depth) : depth_(depth) {}
    static Directory* allocate(unsigned depth);
    [[nodiscard]] const std::atomic<Segment*>* entries() const {
        return reinterpret_cast<const std::atomic<Segment*>*>(this + 1);
    }
    [[nodiscard]] std::atomic<Segment*>* entries() { return reinterpret_cast<std::atomic<Segment*>*>(this + 1); }

    alignas(8) unsigned depth_;
};

}  // namespace kvorum::kv
