#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/text.h"
#include "ops/bitfield.h"
#include "ops/bits.h"
#include "ops/families.h"
#include "ops/log_record.h"

namespace kvorum::ops {
namespace {

// What one BITOP reads: it is carried out in one step, and that must stay short.
constexpr uint64_t kBitopInputBytesMax = 2 * kv::kValueSizeMax;

std::string_view value_of(const kv::Record* record) { return record == nullptr ? std::string_view() : record->value(); }

int64_t deadline_of(const kv::Record* record) { return record == nullptr ? kv::kNoExpiry : record->expire_at_ms(); }

bool parse_overflow(std::string_view word, Overflow& overflow) {
    if (equals_ignore_case(word, "WRAP")) {
        overflow = Overflow::kWrap;
    } else if (equals_ignore_case(word, "SAT")) {
        overflow = Overflow::kSaturate;
    } else if (equals_ignore_case(word, "FAIL")) {
        overflow = Overflow::kFail;
    } else {
        return false;
    }
    return true;
}

// How many words the operation takes that begins with `words`, itself included; 0: none begins so.
size_t operation_size(Arguments words, BitfieldOperation& operation) {
    if (equals_ignore_case(words[0], "GET") && words.size() >= 3) {
        operation.kind = BitfieldOperation::Kind::kGet;
        return 3;
    }
    if (words.size() < 4) return 0;
    const bool sets = equals_ignore_case(words[0], "SET");
    if (!sets && !equals_ignore_case(words[0], "INCRBY")) return 0;
    operation.kind = sets ? BitfieldOperation::Kind::kSet : BitfieldOperation::Kind::kIncrby;
    return 4;
}

bool parse_operation(Arguments words, BitfieldOperation& operation, ReplySink& reply) {
    const auto type = BitfieldType::parse(words[1]);
    if (!type) {
        return refuse(reply, Failure::kBadFieldType);
    }
    operation.type = *type;
    const auto offset = parse_bitfield_offset(words[2], *type);
    if (!offset) return refuse(reply, Failure::kBadBitOffset);
    operation.offset = *offset;
    if (!operation.writes()) return true;
    const auto value = parse_int64(words[3]);
    if (!value) return refuse(reply, Failure::kNotAnInteger);
    operation.value = *value;
    return true;
}

void write_operation(RecordWriter& record, const BitfieldOperation& operation) {
    record.integer(static_cast<uint8_t>(operation.kind))
        .integer(static_cast<uint8_t>(operation.overflow))
        .integer(static_cast<uint8_t>(operation.type.is_signed ? 1 : 0))
        .integer(operation.type.bits)
        .integer(operation.offset)
        .integer(operation.value);
}

// False when it is not one that write_operation() writes.
bool read_operation(ByteReader& payload, BitfieldOperation& operation) {
    operation.kind = static_cast<BitfieldOperation::Kind>(payload.read<uint8_t>());
    operation.overflow = static_cast<Overflow>(payload.read<uint8_t>());
    operation.type.is_signed = payload.read<uint8_t>() != 0;
    operation.type.bits = payload.read<uint8_t>();
    operation.offset = payload.read<uint64_t>();
    operation.value = payload.read<int64_t>();
    return !payload.failed() && operation.kind <= BitfieldOperation::Kind::kIncrby &&
           operation.overflow <= Overflow::kFail && operation.type.bits >= 1 && operation.type.bits <= 64 &&
           (!operation.writes() || bit_fits(operation.last_bit()));
}

// Only the bytes that the operation is about are looked at.
void carry_out(const BitfieldOperation& operation, kv::PagedValue& value, ReplySink& reply) {
    std::array<char, sizeof(uint64_t) + 1> field;
    const uint64_t first_byte = operation.offset / 8;
    const uint64_t offset = operation.offset % 8;
    const size_t size = operation.last_bit() / 8 - first_byte + 1;
    value.read(first_byte, std::span(field).first(size));
    std::string bytes(field.data(), size);
    const int64_t old = operation.type.read(bytes, offset);
    if (!operation.writes()) return reply.integer(old);
    const bool sets = operation.kind == BitfieldOperation::Kind::kSet;
    const auto next =
        add_in_field(operation.type, sets ? operation.value : old, sets ? 0 : operation.value, operation.overflow);
    if (!next) return reply.nothing();
    operation.type.write(bytes, offset, *next);
    value.write(first_byte, bytes);
    reply.integer(sets ? old : *next);
}

enum class BitOperation : uint16_t { kAnd, kOr, kXor, kNot };

template <typename Combine>
void combine(std::span<char> result, std::string_view source, Combine combine_bytes) {
    for (size_t i = 0; i < source.size(); ++i)
        result[i] = static_cast<char>(combine_bytes(static_cast<uint8_t>(result[i]), static_cast<uint8_t>(source[i])));
}

// A source that ends earlier goes on with zeros.
void combine(BitOperation operation, std::span<char> result, std::string_view source) {
    switch (operation) {
        case BitOperation::kAnd:
            combine(result, source, [](uint8_t a, uint8_t b) { return a & b; });
            std::fill(result.begin() + static_cast<ptrdiff_t>(source.size()), result.end(), '\0');
            return;
        case BitOperation::kOr: return combine(result, source, [](uint8_t a, uint8_t b) { return a | b; });
        case BitOperation::kXor: return combine(result, source, [](uint8_t a, uint8_t b) { return a ^ b; });
        case BitOperation::kNot: return;
    }
}

class CombinedValue final : public kv::ValueSource {
 public:
    CombinedValue(BitOperation operation, std::vector<std::string_view> sources)
        : operation_(operation), sources_(std::move(sources)) {}

    void fill(uint64_t offset, std::span<char> out) const override {
        kv::copy_with_zeros(sources_.front(), offset, out);
        if (operation_ == BitOperation::kNot) {
            for (char& byte : out)
                byte = static_cast<char>(~byte);
        }
        for (const std::string_view source : std::span(sources_).subspan(1))
            combine(operation_, out, source.substr(std::min<uint64_t>(offset, source.size()), out.size()));
    }

 private:
    BitOperation operation_;
    std::vector<std::string_view> sources_;
};

}  // namespace

bool parse_bitfield(Arguments words, std::vector<BitfieldOperation>& operations, ReplySink& reply) {
    Overflow overflow = Overflow::kWrap;
    while (!words.empty()) {
        if (equals_ignore_case(words[0], "OVERFLOW") && words.size() >= 2) {
            if (!parse_overflow(words[1], overflow)) return refuse(reply, Failure::kBadFieldOverflow);
            words = words.subspan(2);
            continue;
        }
        BitfieldOperation operation{.overflow = overflow, .type = {}};
        const size_t size = operation_size(words, operation);
        if (size == 0) return refuse(reply, Failure::kSyntax);
        if (!parse_operation(words, operation, reply)) return false;
        operations.push_back(operation);
        words = words.subspan(size);
    }
    return true;
}

bool encode_setbit(const WriteRequest& request) {
    const auto offset = parse_bit_offset(request.arguments[2]);
    if (!offset) return refuse(request.reply, Failure::kBadBitOffset);
    const std::string_view bit = request.arguments[3];
    if (bit != "0" && bit != "1") return refuse(request.reply, Failure::kBadBit);
    if (!bit_fits(*offset)) return refuse(request.reply, Failure::kTooLong);
    RecordWriter(request.batch, OperationCode::kSetbit, bit == "1" ? uint16_t{kSetbitToOne} : kNoFlags)
        .integer(*offset)
        .tail(request.arguments[1]);
    return true;
}

bool apply_setbit(LoggedCommand& command) {
    if ((command.flags & ~kSetbitToOne) != 0) return false;
    const auto offset = command.payload.read<uint64_t>();
    const std::string_view key = read_tail(command.payload);
    if (command.payload.failed() || !bit_fits(offset)) return false;

    const kv::Record* old = command.store.find(key);
    const std::string_view bytes = value_of(old);
    const uint64_t at = offset / 8;
    std::string byte(1, at < bytes.size() ? bytes[at] : '\0');
    command.reply.integer(bit_at(byte, offset % 8) ? 1 : 0);
    set_bit(byte, offset % 8, (command.flags & kSetbitToOne) != 0);
    command.store.begin_put(key, std::make_unique<kv::PatchedValue>(bytes, at, byte.front()),
                            std::max<uint64_t>(bytes.size(), at + 1), deadline_of(old));
    return true;
}

bool encode_bitop(const WriteRequest& request) {
    constexpr std::array<std::string_view, 4> kNames{"AND", "OR", "XOR", "NOT"};
    const auto* const found = std::find_if(kNames.begin(), kNames.end(), [&](std::string_view name) {
        return equals_ignore_case(name, request.arguments[1]);
    });
    if (found == kNames.end()) return refuse(request.reply, Failure::kSyntax);
    const auto operation = static_cast<BitOperation>(found - kNames.begin());
    const Arguments keys = request.arguments.subspan(2);  // the destination is the first
    if (operation == BitOperation::kNot && keys.size() != 2) return refuse(request.reply, Failure::kNotOfSeveralKeys);
    RecordWriter record(request.batch, OperationCode::kBitop, static_cast<uint16_t>(operation));
    record.integer(static_cast<uint32_t>(keys.size()));
    for (const std::string_view key : keys)
        record.sized(key);
    return true;
}

bool apply_bitop(LoggedCommand& command) {
    if (command.flags > static_cast<uint16_t>(BitOperation::kNot)) return false;
    const auto operation = static_cast<BitOperation>(command.flags);
    const auto key_count = command.payload.read<uint32_t>();
    const std::string_view destination = read_sized(command.payload);
    std::vector<std::string_view> sources;
    uint64_t longest = 0;
    uint64_t total = 0;
    for (uint32_t i = 1; i < key_count && !command.payload.failed(); ++i) {
        sources.push_back(value_of(command.look_up(read_sized(command.payload))));
        longest = std::max<uint64_t>(longest, sources.back().size());
        total += sources.back().size();
    }
    if (!command.payload.finished() || key_count < 2) return false;
    if (total > kBitopInputBytesMax) {
        refuse(command.reply, Failure::kTooLongTogether);
        return true;
    }
    command.reply.integer(static_cast<int64_t>(longest));
    if (longest == 0) {
        command.store.erase(destination);
        return true;
    }
    command.store.begin_put(destination, std::make_unique<CombinedValue>(operation, std::move(sources)), longest,
                            kv::kNoExpiry);
    return true;
}

bool encode_bitfield(const WriteRequest& request) {
    std::vector<BitfieldOperation> operations;
    if (!parse_bitfield(request.arguments.subspan(2), operations, request.reply)) return false;
    const auto fits = [](const BitfieldOperation& operation) {
        return !operation.writes() || bit_fits(operation.last_bit());
    };
    if (!std::all_of(operations.begin(), operations.end(), fits)) return refuse(request.reply, Failure::kTooLong);
    RecordWriter record(request.batch, OperationCode::kBitfield, kNoFlags);
    record.sized(request.arguments[1]).integer(static_cast<uint32_t>(operations.size()));
    for (const BitfieldOperation& operation : operations)
        write_operation(record, operation);
    return true;
}

std::optional<uint64_t> bitfield_reach(ByteReader operations) {
    const auto count = operations.read<uint32_t>();
    uint64_t reach_bytes = 0;
    BitfieldOperation operation;
    for (uint32_t i = 0; i < count; ++i) {
        if (!read_operation(operations, operation)) return std::nullopt;
        if (operation.writes()) reach_bytes = std::max(reach_bytes, operation.last_bit() / 8 + 1);
    }
    return operations.finished() ? std::optional(reach_bytes) : std::nullopt;
}

bool apply_bitfield(LoggedCommand& command) {
    if (command.flags != kNoFlags) return false;
    const std::string_view key = read_sized(command.payload);
    const std::optional<uint64_t> reach_bytes = bitfield_reach(command.payload);
    if (!reach_bytes.has_value()) return false;

    const kv::Record* old = command.store.find(key);
    const uint64_t size_bytes = std::max<uint64_t>(*reach_bytes, value_of(old).size());
    auto value = std::make_unique<kv::PagedValue>(value_of(old), size_bytes);
    const auto count = command.payload.read<uint32_t>();
    command.reply.list(count);
    BitfieldOperation operation;
    for (uint32_t i = 0; i < count; ++i) {
        if (read_operation(command.payload, operation)) carry_out(operation, *value, command.reply);
    }
    if (*reach_bytes > 0) command.store.begin_put(key, std::move(value), size_bytes, deadline_of(old));
    return true;
}

}  // namespace kvorum::ops
