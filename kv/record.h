// One key with its value, deadline and meta: immutable, in one piece of memory.
//
//   u64 revision | u64 sizes and flags | key | value | [i64 deadline] | [u64 meta, or two] | [u64 lease]
//   u64 revision | u64 sizes and flags | [i64 deadline] | [u64 meta, or two] | [u64 lease] | u64 sum | key | value
//
// The second is of a value of kSummedValueBytes and more. It keeps its checksum, so that who replaces or removes it
// need not read it again, and all that is asked of it then stands in its first cache line: a record that was not used
// of late is not in the cache.
//
// The meta says when the key was created and how often it was changed since (etcd's create_revision and version). It is
// there only when they are not what they are of a key that was put once: created by `revision`, version 1. One word
// holds the distance of the two revisions and the version; two words hold what does not fit into one. All that is
// optional stands at the end of a small record, unaligned, so that key and value are where they are whatever else there
// is.
//
// A change makes a new record that takes the old one's place in the map, so a reader on another thread sees the old or
// the new one, whole (performance study section 4). The hash is not kept: only SCAN and a few entries of a segment that
// splits need it again, and computing it costs less than 8 bytes a key.
//
// Thread: any may read; only the map's owner creates and destroys. Ownership: RecordSlabs. Views live as long as the
// record, see kv/reclamation.h. Limits: keys and values below 256 MiB; the commands' limits are far lower.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ids.h"

namespace kvorum::kv {

// Below every time, so that every time above may be a deadline.
inline constexpr int64_t kNoExpiry = INT64_MIN;
inline constexpr int64_t kDeadlineMin = kNoExpiry + 1;

[[nodiscard]] constexpr bool has_passed(int64_t deadline_ms, int64_t now_ms) {
    return deadline_ms != kNoExpiry && deadline_ms <= now_ms;
}

// Of a lease that keys may be attached to, and end with. Nothing to do with the leader's lease.
using LeaseId = StrongId<struct LeaseIdTag>;

// What a record is made from. The views may point into another record.
struct RecordFields {
    std::string_view key;
    std::string_view value;
    int64_t expire_at_ms = kNoExpiry;
    Revision revision{};         // of the state, by the operation that last changed the key
    Revision create_revision{};  // by the one that created it, at most `revision`; none: the same one
    uint64_t version = 1;        // operations that changed it since it was created, that one included
    LeaseId lease{};             // none: it is attached to none
    uint64_t value_sum = 0;      // of the value, from who knows it already; 0: not known
};

class Record {
 public:
    Record(const Record&) = delete;
    Record& operator=(const Record&) = delete;

    [[nodiscard]] static size_t size_bytes(const RecordFields& fields) {
        return size_bytes(fields, fields.value.size());
    }
    [[nodiscard]] static size_t size_bytes(const RecordFields& fields, size_t value_bytes) {
        return sizeof(Record) + OptionalWords(fields).count() * kWordBytes + fields.key.size() + value_bytes +
               sum_bytes(value_bytes);
    }
    // Shorter values are summed again when it is asked: their sum would be more than 3 % of the record.
    static constexpr size_t kSummedValueBytes = 256;
    // What the sum of a value takes, in bytes.
    [[nodiscard]] static constexpr size_t sum_bytes(size_t value_bytes) {
        return value_bytes >= kSummedValueBytes ? kWordBytes : 0;
    }
    // Into `memory` of size_bytes(fields), aligned to 8. Its end needs no destructor.
    static const Record* create_at(void* memory, const RecordFields& fields) {
        Record* record = begin_at(memory, fields, fields.value.size());
        copy_text(record->value_memory(), fields.value);
        if (record->keeps_sum())
            record->keep_sum(fields.value_sum != 0 ? fields.value_sum : checksum64(as_bytes(fields.value)));
        return record;
    }
    // The same but for the value, of `value_bytes` instead of fields.value, and its sum: these are then written to
    // value_memory() and by keep_sum().
    static Record* begin_at(void* memory, const RecordFields& fields, size_t value_bytes) {
        assert_sizes(fields.key.size(), value_bytes);
        const OptionalWords words(fields);
        auto* record = new (memory) Record(fields, value_bytes, words);
        copy_text(record->text_memory(), fields.key);
        words.write(fields, record->words_memory());
        return record;
    }
    [[nodiscard]] char* value_memory() { return text_memory() + key_size_; }
    // Where it is kept; a small value's is not.
    void keep_sum(uint64_t value_sum) {
        if (keeps_sum()) std::memcpy(words_memory() + optional_words_ * kWordBytes, &value_sum, kWordBytes);
    }

    // --- what most writes do: a change that leaves a record with its meta in one word and nothing else optional ---
    // The meta of what takes this one's place at `revision`, by an operation that did not make it, if such a record
    // can. 0: it cannot, and create_at() is for it.
    [[nodiscard]] uint64_t meta_when_changed(Revision revision) const {
        const uint64_t passed = revision - revision_;
        if (optional_words_ != meta_words_ || meta_words_ > 1 || passed == 0) return 0;
        const uint64_t old = meta_words_ == 0 ? kOneVersion : meta(0);
        if (passed > kAgeMask - (old & kAgeMask) || old >> kAgeBits == kPackedVersionMax) return 0;
        return old + passed + kOneVersion;
    }
    struct ChangedFields {
        std::string_view key;
        std::string_view value;
        Revision revision;
        uint64_t meta;       // of meta_when_changed()
        uint64_t value_sum;  // of the value

        [[nodiscard]] size_t size_bytes() const {
            return sizeof(Record) + kWordBytes + key.size() + value.size() + sum_bytes(value.size());
        }
        // As Record::meta_hash().
        [[nodiscard]] uint64_t meta_hash() const {
            return hash_of(kNoExpiry, revision) ^ std::rotl(meta * kFirstMetaMix, 32);
        }
    };
    // Into `memory` of fields.size_bytes(), aligned to 8.
    static const Record* create_changed_at(void* memory, const ChangedFields& fields) {
        assert_sizes(fields.key.size(), fields.value.size());
        auto* record = new (memory) Record(fields);
        copy_text(record->text_memory(), fields.key);
        copy_text(record->value_memory(), fields.value);
        std::memcpy(record->words_memory(), &fields.meta, kWordBytes);
        record->keep_sum(fields.value_sum);
        return record;
    }

    [[nodiscard]] std::string_view key() const { return {text(), key_size_}; }
    [[nodiscard]] std::string_view value() const { return {text() + key_size_, value_size_}; }
    [[nodiscard]] uint64_t value_size() const { return value_size_; }
    // checksum64() of the value.
    [[nodiscard]] uint64_t value_sum() const {
        return keeps_sum() ? word(optional_words_) : checksum64(as_bytes(value()));
    }
    [[nodiscard]] int64_t expire_at_ms() const {
        return has_deadline_ != 0 ? static_cast<int64_t>(word(0)) : kNoExpiry;
    }
    [[nodiscard]] Revision revision() const { return revision_; }
    [[nodiscard]] Revision create_revision() const {
        if (meta_words_ == 0) return revision_;
        return revision_ - (meta_words_ == 1 ? meta(0) & kAgeMask : meta(0));
    }
    [[nodiscard]] uint64_t version() const {
        if (meta_words_ == 0) return 1;
        return meta_words_ == 1 ? meta(0) >> kAgeBits : meta(1);
    }
    [[nodiscard]] LeaseId lease() const { return LeaseId{has_lease_ != 0 ? word(optional_words_ - 1) : 0}; }
    [[nodiscard]] RecordFields fields() const {
        return {key(), value(), expire_at_ms(), revision(), create_revision(), version(), lease()};
    }
    // Of all that fields() tells beside key and value; equal for equal ones.
    [[nodiscard]] uint64_t meta_hash() const {
        uint64_t hash = hash_of(expire_at_ms(), revision_);
        if (meta_words_ > 0) hash ^= std::rotl(meta(0) * kFirstMetaMix, 32);
        if (meta_words_ > 1) hash ^= std::rotl(meta(1) * kSecondMetaMix, 32);
        if (has_lease_ != 0) hash ^= std::rotl(lease().value() * kLeaseMix, 32);
        return hash;
    }
    [[nodiscard]] size_t size_bytes() const {
        return sizeof(Record) + optional_words_ * kWordBytes + size_t{key_size_} + size_t{value_size_} +
               sum_bytes(value_size_);
    }

 private:
    static constexpr size_t kWordBytes = sizeof(uint64_t);
    static constexpr unsigned kSizeBits = 28;
    static constexpr uint64_t kSizeMask = (uint64_t{1} << kSizeBits) - 1;
    // Of the meta's one word: how far `revision` is from create_revision, and the version above it.
    static constexpr unsigned kAgeBits = 40;
    static constexpr uint64_t kAgeMask = (uint64_t{1} << kAgeBits) - 1;
    static constexpr uint64_t kPackedVersionMax = UINT64_MAX >> kAgeBits;
    static constexpr uint64_t kOneVersion = uint64_t{1} << kAgeBits;
    // Odd, so that no bit of what they multiply is lost.
    static constexpr uint64_t kFirstMetaMix = 0x9e3779b97f4a7c15ULL;
    static constexpr uint64_t kSecondMetaMix = 0xbf58476d1ce4e5b9ULL;
    static constexpr uint64_t kLeaseMix = 0x94d049bb133111ebULL;

    // All that is optional but the sum, which follows it.
    struct OptionalWords {
        explicit OptionalWords(const RecordFields& fields)
            : age(fields.create_revision.is_none() ? 0 : fields.revision - fields.create_revision),
              has_deadline(fields.expire_at_ms != kNoExpiry),
              has_lease(!fields.lease.is_none()) {
            if (age != 0 || fields.version != 1)
                meta_words = age <= kAgeMask && fields.version <= kPackedVersionMax ? 1 : 2;
        }

        [[nodiscard]] unsigned count() const { return meta_words + (has_deadline ? 1 : 0) + (has_lease ? 1 : 0); }
        void write(const RecordFields& fields, char* at) const {
            if (has_deadline) [[unlikely]]
                append(at, static_cast<uint64_t>(fields.expire_at_ms));
            if (meta_words == 1) append(at, age | fields.version << kAgeBits);
            if (meta_words == 2) [[unlikely]] {
                append(at, age);
                append(at, fields.version);
            }
            if (has_lease) [[unlikely]]
                append(at, fields.lease.value());
        }
        static void append(char*& at, uint64_t word) {
            std::memcpy(at, &word, kWordBytes);
            at += kWordBytes;
        }

        uint64_t age;
        unsigned meta_words = 0;
        bool has_deadline;
        bool has_lease;
    };

    Record(const RecordFields& fields, size_t value_bytes, const OptionalWords& words)
        : revision_(fields.revision),
          value_size_(value_bytes & kSizeMask),
          key_size_(fields.key.size() & kSizeMask),
          optional_words_(words.count() & 7u),
          meta_words_(words.meta_words & 3u),
          has_deadline_(words.has_deadline),
          has_lease_(words.has_lease) {}

    explicit Record(const ChangedFields& fields)
        : revision_(fields.revision),
          value_size_(fields.value.size() & kSizeMask),
          key_size_(fields.key.size() & kSizeMask),
          optional_words_(1),
          meta_words_(1),
          has_deadline_(0),
          has_lease_(0) {}

    static void assert_sizes(size_t key_bytes, size_t value_bytes) {
        KVORUM_ASSERT((key_bytes | value_bytes) >> kSizeBits == 0, "key {} value {}", key_bytes, value_bytes);
    }
    [[nodiscard]] static uint64_t hash_of(int64_t expire_at_ms, Revision revision) {
        return std::rotl(static_cast<uint64_t>(expire_at_ms), 32) ^ revision.value();
    }
    static void copy_text(char* to, std::string_view text) {
        if (!text.empty()) std::memcpy(to, text.data(), text.size());
    }

    [[nodiscard]] bool keeps_sum() const { return sum_bytes(value_size_) != 0; }
    [[nodiscard]] const char* rest() const { return reinterpret_cast<const char*>(this + 1); }
    [[nodiscard]] const char* text() const { return rest() + (keeps_sum() ? (optional_words_ + 1) * kWordBytes : 0); }
    [[nodiscard]] const char* words() const { return rest() + (keeps_sum() ? 0 : key_size_ + value_size_); }
    [[nodiscard]] uint64_t word(size_t index) const {
        uint64_t word = 0;
        std::memcpy(&word, words() + index * kWordBytes, kWordBytes);
        return word;
    }
    [[nodiscard]] uint64_t meta(size_t index) const { return word(has_deadline_ + index); }
    [[nodiscard]] char* text_memory() { return const_cast<char*>(text()); }
    [[nodiscard]] char* words_memory() { return const_cast<char*>(words()); }

    Revision revision_;
    uint64_t value_size_ : kSizeBits;
    uint64_t key_size_ : kSizeBits;
    uint64_t optional_words_ : 3;  // all of them but the sum
    uint64_t meta_words_ : 2;
    uint64_t has_deadline_ : 1;
    uint64_t has_lease_ : 1;
};
static_assert(sizeof(Record) == 16);

}  // namespace kvorum::kv
