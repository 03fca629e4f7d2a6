#include "ops/memory_limit.h"

#include <algorithm>
#include <string_view>

#include "base/assert.h"
#include "base/units.h"
#include "kv/memory_count.h"
#include "ops/bitfield.h"
#include "ops/log_record.h"

namespace kvorum::ops {
namespace {

constexpr uint64_t kIntegerTextMax = 20;
constexpr uint64_t kLongDoubleTextMax = 5 * kKiB;  // the largest has 4933 digits before the point
// What a key counts for beside its bytes and those of its value.
constexpr uint64_t kKeyGrowthMax = kv::counted_bytes(0, 0, true) + kv::kCountedClassBytes + kv::kCountedLargeBlockBytes;
constexpr uint64_t kPairBytesMin = 2 * sizeof(uint32_t);  // of an MSET in the log: two sizes
// No command adds more than so many bytes for each byte of its payload (an MSET of the shortest pairs), and so many
// beside them (a copy of the largest value under the longest name).
constexpr uint64_t kGrowthPerPayloadByte = 1 + kKeyGrowthMax / kPairBytesMin;
constexpr uint64_t kGrowthBesidePayload = kv::kKeySizeMax + kv::kValueSizeMax + kKeyGrowthMax + kLongDoubleTextMax;

bool has_deadline(const kv::Record* record) { return record != nullptr && record->expire_at_ms() != kv::kNoExpiry; }

uint64_t growth_to(const kv::Record* old, std::string_view key, uint64_t value_bytes, bool with_deadline) {
    const uint64_t before = old == nullptr ? 0 : counted_bytes(*old);
    const uint64_t after = kv::counted_bytes(key.size(), value_bytes, with_deadline);
    return after - std::min(after, before);
}

// Of a value that is `value_bytes` long at least and keeps its deadline; above the limit of values it stays as it is.
uint64_t growth_within(const kv::Record* old, std::string_view key, uint64_t value_bytes) {
    if (value_bytes > kv::kValueSizeMax) return 0;
    const uint64_t old_bytes = old == nullptr ? 0 : old->value_size();
    return growth_to(old, key, std::max(old_bytes, value_bytes), has_deadline(old));
}

uint64_t growth_of_set(const kv::Store& store, uint16_t flags, ByteReader payload) {
    if ((flags & kSetHasDeadline) != 0) payload.read<int64_t>();
    const std::string_view key = read_sized(payload);
    const bool with_deadline = (flags & (kSetHasDeadline | kSetKeepsDeadline)) != 0;
    return growth_to(store.find(key), key, read_tail(payload).size(), with_deadline);
}

// Without a look at each pair: there may be many.
uint64_t growth_of_mset(ByteReader payload) {
    const uint64_t payload_bytes = payload.remaining();
    const uint64_t pairs_max = payload_bytes / kPairBytesMin;
    return payload_bytes + std::min<uint64_t>(payload.read<uint32_t>(), pairs_max) * kKeyGrowthMax;
}

uint64_t growth_of_append(const kv::Store& store, ByteReader payload) {
    const std::string_view key = read_sized(payload);
    const kv::Record* old = store.find(key);
    return growth_within(old, key, (old == nullptr ? 0 : old->value_size()) + read_tail(payload).size());
}

uint64_t growth_of_setrange(const kv::Store& store, ByteReader payload) {
    const auto offset = payload.read<uint64_t>();
    const std::string_view key = read_sized(payload);
    const uint64_t patch_bytes = read_tail(payload).size();
    return growth_within(store.find(key), key, offset + patch_bytes);
}

uint64_t growth_of_setbit(const kv::Store& store, ByteReader payload) {
    const auto offset = payload.read<uint64_t>();
    const std::string_view key = read_tail(payload);
    return growth_within(store.find(key), key, offset / 8 + 1);
}

uint64_t growth_of_bitfield(const kv::Store& store, ByteReader payload) {
    const std::string_view key = read_sized(payload);
    const uint64_t reach_bytes = bitfield_reach(payload).value_or(0);
    return reach_bytes == 0 ? 0 : growth_within(store.find(key), key, reach_bytes);
}

uint64_t growth_of_bitop(const kv::Store& store, ByteReader payload) {
    const auto key_count = payload.read<uint32_t>();
    const std::string_view destination = read_sized(payload);
    uint64_t longest_bytes = 0;
    for (uint32_t i = 1; i < key_count && !payload.failed(); ++i) {
        const kv::Record* source = store.find(read_sized(payload));
        if (source != nullptr) longest_bytes = std::max(longest_bytes, source->value_size());
    }
    return longest_bytes == 0 ? 0 : growth_to(store.find(destination), destination, longest_bytes, false);
}

uint64_t growth_of_copy(const kv::Store& store, ByteReader payload) {
    const kv::Record* source = store.find(read_sized(payload));
    const std::string_view destination = read_tail(payload);
    if (source == nullptr) return 0;
    return growth_to(store.find(destination), destination, source->value_size(), has_deadline(source));
}

std::optional<uint64_t> growth_of_rename(const kv::Store& store, ByteReader payload) {
    const kv::Record* source = store.find(read_sized(payload));
    const std::string_view new_key = read_tail(payload);
    if (source == nullptr) return std::nullopt;
    const uint64_t before = counted_bytes(*source);
    const uint64_t after = growth_to(store.find(new_key), new_key, source->value_size(), has_deadline(source));
    if (after <= before) return std::nullopt;
    return after - before;
}

uint64_t growth_of_restore(const kv::Store& store, ByteReader payload) {
    const auto deadline_ms = payload.read<int64_t>();
    const std::string_view key = read_sized(payload);
    return growth_to(store.find(key), key, read_tail(payload).size(), deadline_ms != kv::kNoExpiry);
}

// Of a number that is written as text of at most `text_bytes`.
uint64_t growth_of_number(const kv::Store& store, std::string_view key, uint64_t text_bytes) {
    const kv::Record* old = store.find(key);
    return growth_to(old, key, text_bytes, has_deadline(old));
}

}  // namespace

std::optional<uint64_t> growth_max(const kv::Store& store, OperationCode code, uint16_t flags, ByteReader payload) {
    switch (code) {
        case OperationCode::kSet: return growth_of_set(store, flags, payload);
        case OperationCode::kMset: return growth_of_mset(payload);
        case OperationCode::kAppend: return growth_of_append(store, payload);
        case OperationCode::kSetrange: return growth_of_setrange(store, payload);
        case OperationCode::kIncrby:
            payload.read<int64_t>();
            return growth_of_number(store, read_tail(payload), kIntegerTextMax);
        case OperationCode::kIncrbyfloat: return growth_of_number(store, read_sized(payload), kLongDoubleTextMax);
        case OperationCode::kSetbit: return growth_of_setbit(store, payload);
        case OperationCode::kBitfield: return growth_of_bitfield(store, payload);
        case OperationCode::kBitop: return growth_of_bitop(store, payload);
        case OperationCode::kCopy: return growth_of_copy(store, payload);
        case OperationCode::kRename: return growth_of_rename(store, payload);
        case OperationCode::kRestore: return growth_of_restore(store, payload);
        // It stores nothing yet; Redis refuses it all the same.
        case OperationCode::kSort: return 0;
        default: return std::nullopt;
    }
}

bool exceeds_limit(const kv::Store& store, uint64_t limit_bytes, OperationCode code, uint16_t flags, Bytes payload) {
    const uint64_t counted = store.counted_bytes();
    const uint64_t most = payload.size() * kGrowthPerPayloadByte + kGrowthBesidePayload;
    if (counted + most <= limit_bytes) return false;
    const std::optional<uint64_t> growth = growth_max(store, code, flags, ByteReader(payload));
    KVORUM_VERIFY(!growth.has_value() || *growth <= most, "{} bytes instead of {}", growth.value_or(0), most);
    return growth.has_value() && counted + *growth > limit_bytes;
}

}  // namespace kvorum::ops
