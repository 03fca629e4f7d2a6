#include "kv/record.h"

#include <cstring>
#include <new>

#include "base/assert.h"

namespace kvorum::kv {
namespace {

size_t deadline_bytes_of(const RecordFields& fields) { return fields.expire_at_ms == kNoExpiry ? 0 : sizeof(int64_t); }

char* append(char* at, std::string_view text) {
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    return at + text.size();
}

}  // namespace

Record::Record(const RecordFields& fields)
    : revision_(fields.revision),
      value_size_(static_cast<uint32_t>(fields.value.size())),
      key_size_(static_cast<uint32_t>(fields.key.size()) & INT32_MAX),
      has_deadline_(fields.expire_at_ms != kNoExpiry) {}

size_t Record::size_bytes(const RecordFields& fields) {
    return sizeof(Record) + deadline_bytes_of(fields) + fields.key.size() + fields.value.size();
}

const Record* Record::create_at(void* memory, const RecordFields& fields) {
    KVORUM_ASSERT(fields.key.size() <= INT32_MAX && fields.value.size() <= UINT32_MAX, "key {} value {}",
                  fields.key.size(), fields.value.size());
    auto* record = new (memory) Record(fields);
    char* at = reinterpret_cast<char*>(record + 1);
    if (fields.expire_at_ms != kNoExpiry) {
        std::memcpy(at, &fields.expire_at_ms, sizeof(int64_t));
        at += sizeof(int64_t);
    }
    append(append(at, fields.key), fields.value);
    return record;
}

}  // namespace kvorum::kv
