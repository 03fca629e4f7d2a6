// One cache line of the map: 7 slots, a fingerprint for each, and how many keys that belong here lie elsewhere. Private
// to the map.
//
// What a hash is used for: bits 63.. choose the segment, 59..45 are the tag in the slot, 39..32 the fingerprint, 31..0
// the home bucket. The tag ends most comparisons that the fingerprint let pass, and tells to which side a slot goes
// when its segment splits without a look at the record.
//
// One thread writes; others may read at any time. A record stays in its slot until it is replaced or erased: what a
// reader has not found in a bucket is not put behind its back by an insert elsewhere. A slot is filled before its
// fingerprint appears and cleared after it has gone.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

#include "base/assert.h"
#include "kv/record.h"

namespace kvorum::kv {

inline constexpr unsigned kSlotsPerBucket = 7;

// Where a key lies, seen from its home.
enum class SlotLevel : uint8_t {
    kHome,   // in its home bucket
    kBuddy,  // in the other bucket of the pair
    kStash,  // in one of two stash buckets of the segment
};

// A record's address with the tag of its key's hash, in 64 bits.
class SlotWord {
 public:
    static constexpr unsigned kTagLowBit = 45;
    static constexpr unsigned kTagBits = 15;

    constexpr SlotWord() = default;
    constexpr explicit SlotWord(uint64_t bits) : bits_(bits) {}
    SlotWord(const Record* record, uint64_t hash, bool displaced)
        : bits_(reinterpret_cast<uint64_t>(record) | (tag_of(hash) << kAddressBits) |
                (displaced ? kDisplaced : uint64_t{0})) {
        KVORUM_ASSERT(reinterpret_cast<uint64_t>(record) >> kAddressBits == 0);
    }

    [[nodiscard]] static uint64_t tag_of(uint64_t hash) {
        return (hash >> kTagLowBit) & ((uint64_t{1} << kTagBits) - 1);
    }

    [[nodiscard]] uint64_t bits() const { return bits_; }
    [[nodiscard]] const Record* record() const {
        // One word for both is what lets a reader take the slot in one load.
        // NOLINTNEXTLINE(performance-no-int-to-ptr)
        return reinterpret_cast<const Record*>(bits_ & ((uint64_t{1} << kAddressBits) - 1));
    }
    [[nodiscard]] uint64_t tag() const { return (bits_ & ~kDisplaced) >> kAddressBits; }
    [[nodiscard]] bool displaced() const { return (bits_ & kDisplaced) != 0; }  // not in its home bucket
    [[nodiscard]] SlotWord with_record(const Record* record) const {
        return SlotWord((bits_ & ~((uint64_t{1} << kAddressBits) - 1)) | reinterpret_cast<uint64_t>(record));
    }

 private:
    static constexpr unsigned kAddressBits = 48;
    static constexpr uint64_t kDisplaced = uint64_t{1} << 63;

    uint64_t bits_ = 0;
};

// The first word of a bucket: byte i is the fingerprint of slot i, 0 when it is empty; the last byte counts the keys
// that have their home here and lie in the buddy (3 bits) and in the stash (5 bits).
class BucketMeta {
 public:
    static constexpr unsigned kChained = 31;  // in place of a stash count: look in the stash and in the next link too

    constexpr explicit BucketMeta(uint64_t bits) : bits_(bits) {}

    [[nodiscard]] static uint8_t fingerprint_of(uint64_t hash) {
        const auto low = static_cast<uint8_t>(hash >> 32);
        return low == 0 ? uint8_t{1} : low;
    }

    // One bit for each slot that may have this fingerprint; the lowest is always right, those above it may not be.
    [[nodiscard]] uint64_t matches(uint8_t fingerprint) const {
        constexpr uint64_t kOnes = 0x0101010101010101;
        const uint64_t x = bits_ ^ (kOnes * fingerprint);
        return (x - kOnes) & ~x & 0x0080808080808080;
    }
    [[nodiscard]] static unsigned slot_of(uint64_t matches) {
        return static_cast<unsigned>(std::countr_zero(matches)) / 8;
    }

    [[nodiscard]] bool full() const { return matches(0) == 0; }
    [[nodiscard]] uint8_t fingerprint(unsigned slot) const { return static_cast<uint8_t>(bits_ >> (8 * slot)); }
    [[nodiscard]] unsigned buddy_count() const { return static_cast<unsigned>(bits_ >> kBuddyShift) & 7; }
    [[nodiscard]] unsigned stash_count() const { return static_cast<unsigned>(bits_ >> kStashShift); }
    [[nodiscard]] bool chained() const { return stash_count() == kChained; }

    [[nodiscard]] uint64_t bits() const { return bits_; }
    [[nodiscard]] BucketMeta with_fingerprint(unsigned slot, uint8_t fingerprint) const {
        const uint64_t others = bits_ & ~(uint64_t{0xff} << (8 * slot));
        return BucketMeta(others | (uint64_t{fingerprint} << (8 * slot)));
    }
    [[nodiscard]] BucketMeta with_buddies(int change) const {
        return BucketMeta(bits_ + (static_cast<uint64_t>(change) << kBuddyShift));
    }
    [[nodiscard]] BucketMeta with_stashed(int change) const {
        return chained() ? *this : BucketMeta(bits_ + (static_cast<uint64_t>(change) << kStashShift));
    }
    [[nodiscard]] BucketMeta with_chain() const { return BucketMeta(bits_ | (uint64_t{kChained} << kStashShift)); }

 private:
    static constexpr unsigned kBuddyShift = 56;
    static constexpr unsigned kStashShift = 59;

    uint64_t bits_;
};

class alignas(64) Bucket {
 public:
    [[nodiscard]] BucketMeta meta() const { return BucketMeta(meta_.load(std::memory_order_acquire)); }
    [[nodiscard]] SlotWord slot(unsigned index) const {
        return SlotWord(slots_[index].load(std::memory_order_acquire));
    }

    // The record of `key` and its slot, null when it is not in here. `meta` was read from this bucket.
    [[nodiscard]] const Record* find(BucketMeta meta, uint64_t hash, std::string_view key, unsigned& index) const {
        for (uint64_t hits = meta.matches(BucketMeta::fingerprint_of(hash)); hits != 0; hits &= hits - 1) {
            index = BucketMeta::slot_of(hits);
            const SlotWord word = slot(index);
            const Record* record = word.record();
            if (record == nullptr || word.tag() != SlotWord::tag_of(hash)) continue;
            if (record->key() == key) return record;
        }
        return nullptr;
    }

    // --- for the writer ---

    void set_meta(BucketMeta meta) { meta_.store(meta.bits(), std::memory_order_release); }
    void replace(unsigned index, SlotWord word) { slots_[index].store(word.bits(), std::memory_order_release); }
    // False when all slots are taken.
    bool insert(uint8_t fingerprint, SlotWord word) {
        const uint64_t empty = meta().matches(0);
        if (empty == 0) return false;
        const unsigned index = BucketMeta::slot_of(empty);
        replace(index, word);
        set_meta(meta().with_fingerprint(index, fingerprint));
        return true;
    }
    void erase(unsigned index) {
        set_meta(meta().with_fingerprint(index, 0));
        replace(index, SlotWord());
    }

 private:
    std::atomic<uint64_t> meta_{0};
    std::array<std::atomic<uint64_t>, kSlotsPerBucket> slots_{};
};
static_assert(sizeof(Bucket) == 64);

}  // namespace kvorum::kv
