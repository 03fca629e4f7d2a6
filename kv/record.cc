#include "kv/record.h"

#include <cstring>
#include <new>

#include "base/assert.h"

namespace kvorum::kv {
namespace {

size_t deadline_bytes_of(const RecordFields& fields) { return fields.expire_at_ms == kNoExpiry ? 0 : sizeof(int64_t); }

void append(char* at, std::string_view text) {
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
}

}  // namespace

Record::Record(const RecordFields& fields, size_t value_bytes)
    : revision_(fields.revision),
      value_size_(static_cast<uint32_t>(value_bytes)),
      key_size_(static_cast<uint32_t>(fields.key.size()) & INT32_MAX),
      has_deadline_(fields.expire_at_ms != kNoExpiry) {}

size_t Record::size_bytes(const RecordFields& fields, size_t value_bytes) {
    return sizeof(Record) + deadline_bytes_of(fields) + fields.key.size() + value_bytes;
}

const Record* Record::create_at(void* memory, const RecordFields& fields) {
    Record* record = begin_at(memory, fields, fields.value.size());
    append(record->value_memory(), fields.value);
    return record;
}

Record* Record::begin_at(void* memory, const RecordFields& fields, size_t value_bytes) {
    KVORUM_ASSERT(fields.key.size() <= INT32_MAX && value_bytes <= UINT32_MAX, "key {} value {}", fields.key.size(),
                  value_bytes);
    auto* record = new (memory) Record(fields, value_bytes);
    char* at = reinterpret_cast<char*>(record + 1);
    if (fields.expire_at_ms != kNoExpiry) {
        std::memcpy(at, &fields.expire_at_ms, sizeof(int64_t));
        at += sizeof(int64_t);
    }
    append(at, fields.key);
    return record;
}

}  // namespace kvorum::kv
