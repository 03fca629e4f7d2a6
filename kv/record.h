// One key with its value, deadline and revision: immutable, in one piece of memory.
//
//   u64 revision | u64 sizes and flag | [i64 deadline] | key | value
//
// A change makes a new record that takes the old one's place in the map, so a reader on another thread sees the old or
// the new one, whole (performance study section 4). The hash is not kept: only SCAN and a few entries of a segment that
// splits need it again, and computing it costs less than 8 bytes a key.
//
// Thread: any may read; only the map's owner creates and destroys. Ownership: RecordSlabs. Views live as long as the
// record, see kv/reclamation.h. Limits: keys below 2 GiB, values below 4 GiB; the commands' limits are far lower.
#pragma once

#include <cstdint>
#include <string_view>

namespace kvorum::kv {

// Below every time, so that every time above may be a deadline.
inline constexpr int64_t kNoExpiry = INT64_MIN;
inline constexpr int64_t kDeadlineMin = kNoExpiry + 1;

[[nodiscard]] constexpr bool has_passed(int64_t deadline_ms, int64_t now_ms) {
    return deadline_ms != kNoExpiry && deadline_ms <= now_ms;
}

// What a record is made from. The views may point into another record.
struct RecordFields {
    std::string_view key;
    std::string_view value;
    int64_t expire_at_ms = kNoExpiry;
    uint64_t revision = 0;  // index of the log entry that last changed it
};

class Record {
 public:
    Record(const Record&) = delete;
    Record& operator=(const Record&) = delete;

    [[nodiscard]] static size_t size_bytes(const RecordFields& fields) {
        return size_bytes(fields, fields.value.size());
    }
    [[nodiscard]] static size_t size_bytes(const RecordFields& fields, size_t value_bytes);
    // Into `memory` of size_bytes(fields), aligned to 8. Its end needs no destructor.
    static const Record* create_at(void* memory, const RecordFields& fields);
    // The same but for the value, of `value_bytes` instead of fields.value, which is then written to value_memory().
    static Record* begin_at(void* memory, const RecordFields& fields, size_t value_bytes);
    [[nodiscard]] char* value_memory() { return const_cast<char*>(text()) + key_size_; }

    [[nodiscard]] std::string_view key() const { return {text(), key_size_}; }
    [[nodiscard]] std::string_view value() const { return {text() + key_size_, value_size_}; }
    [[nodiscard]] uint64_t value_size() const { return value_size_; }
    [[nodiscard]] int64_t expire_at_ms() const {
        return has_deadline_ != 0 ? *reinterpret_cast<const int64_t*>(this + 1) : kNoExpiry;
    }
    [[nodiscard]] uint64_t revision() const { return revision_; }
    [[nodiscard]] RecordFields fields() const { return {key(), value(), expire_at_ms(), revision()}; }
    [[nodiscard]] size_t size_bytes() const {
        return sizeof(Record) + deadline_bytes() + size_t{key_size_} + size_t{value_size_};
    }

 private:
    Record(const RecordFields& fields, size_t value_bytes);

    [[nodiscard]] size_t deadline_bytes() const { return has_deadline_ != 0 ? sizeof(int64_t) : 0; }
    [[nodiscard]] const char* text() const { return reinterpret_cast<const char*>(this + 1) + deadline_bytes(); }

    uint64_t revision_;
    uint64_t value_size_ : 32;
    uint64_t key_size_ : 31;
    uint64_t has_deadline_ : 1;
};
static_assert(sizeof(Record) == 16);

}  // namespace kvorum::kv
