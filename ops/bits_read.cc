#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "ops/bitfield.h"
#include "ops/bits.h"
#include "ops/families.h"

namespace kvorum::ops {
namespace {

constexpr int64_t kBitsPerByte = 8;

// [first, last] in bits; empty when first > last.
struct BitRange {
    int64_t first = 0;
    int64_t last = -1;
};

// The unit behind a range: BYTE (the default) or BIT. False on another word.
bool parse_unit(std::string_view word, bool& is_bit) {
    is_bit = equals_ignore_case(word, "BIT");
    return is_bit || equals_ignore_case(word, "BYTE");
}

// Negative positions count from the end, what lies outside is cut off.
BitRange to_bits(int64_t first, int64_t last, int64_t size_bytes, bool is_bit) {
    const int64_t total = is_bit ? size_bytes * kBitsPerByte : size_bytes;
    if (first < 0) first = std::max<int64_t>(0, first + total);
    if (last < 0) last = std::max<int64_t>(0, last + total);
    last = std::min(last, total - 1);
    if (first > last) return {};
    if (is_bit) return {first, last};
    return {first * kBitsPerByte, last * kBitsPerByte + kBitsPerByte - 1};
}

int64_t count_in(std::string_view bytes, BitRange range) {
    int64_t count = 0;
    while (range.first <= range.last && range.first % kBitsPerByte != 0)
        count += bit_at(bytes, static_cast<uint64_t>(range.first++)) ? 1 : 0;
    while (range.first <= range.last && range.last % kBitsPerByte != kBitsPerByte - 1)
        count += bit_at(bytes, static_cast<uint64_t>(range.last--)) ? 1 : 0;
    if (range.first > range.last) return count;
    const auto first_byte = static_cast<size_t>(range.first / kBitsPerByte);
    const auto byte_count = static_cast<size_t>((range.last - range.first + 1) / kBitsPerByte);
    return count + static_cast<int64_t>(count_bits(bytes.substr(first_byte, byte_count)));
}

// How many bytes at the start of `bytes` are `skipped`, at least one; the last block of them may be counted in part.
size_t count_skipped(std::string_view bytes, char skipped) {
    constexpr size_t kBlockBytes = 256;
    static const std::string kZeros(kBlockBytes, '\0');
    static const std::string kOnes(kBlockBytes, '\xff');
    const std::string_view block = skipped == '\0' ? kZeros : kOnes;
    size_t count = 0;
    while (bytes.substr(count).starts_with(block))
        count += kBlockBytes;
    return std::max<size_t>(count, 1);
}

// The first bit of that value, or -1.
int64_t find_in(std::string_view bytes, BitRange range, bool wanted) {
    const char skipped = wanted ? '\0' : '\xff';
    for (int64_t bit = range.first; bit <= range.last;) {
        const bool whole_byte = bit % kBitsPerByte == 0 && bit + kBitsPerByte - 1 <= range.last;
        if (whole_byte && bytes[static_cast<size_t>(bit / kBitsPerByte)] == skipped) {
            const auto first_byte = static_cast<size_t>(bit / kBitsPerByte);
            const auto byte_count = static_cast<size_t>((range.last + 1) / kBitsPerByte) - first_byte;
            bit += kBitsPerByte * static_cast<int64_t>(count_skipped(bytes.substr(first_byte, byte_count), skipped));
        } else if (bit_at(bytes, static_cast<uint64_t>(bit)) == wanted) {
            return bit;
        } else {
            ++bit;
        }
    }
    return -1;
}

}  // namespace

void read_getbit(const ReadRequest& request) {
    const auto offset = parse_bit_offset(request.arguments[2]);
    if (!offset) return request.reply.failure(Failure::kBadBitOffset);
    const kv::Record* record = request.find(request.arguments[1]);
    request.reply.integer(record != nullptr && bit_at(record->value(), *offset) ? 1 : 0);
}

void read_bitcount(const ReadRequest& request) {
    const Arguments words = request.arguments;
    const kv::Record* record = request.find(words[1]);
    if (record == nullptr) return request.reply.integer(0);
    const std::string_view bytes = record->value();
    if (words.size() == 2) return request.reply.integer(static_cast<int64_t>(count_bits(bytes)));
    if (words.size() != 4 && words.size() != 5) return request.reply.failure(Failure::kSyntax);
    const auto first = parse_int64(words[2]);
    const auto last = parse_int64(words[3]);
    if (!first || !last) return request.reply.failure(Failure::kNotAnInteger);
    if (*first < 0 && *last < 0 && *first > *last) return request.reply.integer(0);
    bool is_bit = false;
    if (words.size() == 5 && !parse_unit(words[4], is_bit)) return request.reply.failure(Failure::kSyntax);
    request.reply.integer(count_in(bytes, to_bits(*first, *last, static_cast<int64_t>(bytes.size()), is_bit)));
}

void read_bitpos(const ReadRequest& request) {
    const Arguments words = request.arguments;
    const auto bit = parse_int64(words[2]);
    if (!bit) return request.reply.failure(Failure::kNotAnInteger);
    if (*bit != 0 && *bit != 1) return request.reply.failure(Failure::kBadSoughtBit);
    const bool wanted = *bit == 1;
    const kv::Record* record = request.find(words[1]);
    // A row of zeros without an end.
    if (record == nullptr) return request.reply.integer(wanted ? -1 : 0);
    const std::string_view bytes = record->value();
    if (words.size() > 6) return request.reply.failure(Failure::kSyntax);
    const auto first = words.size() > 3 ? parse_int64(words[3]) : 0;
    if (!first) return request.reply.failure(Failure::kNotAnInteger);
    bool is_bit = false;
    if (words.size() > 5 && !parse_unit(words[5], is_bit)) return request.reply.failure(Failure::kSyntax);
    const bool has_end = words.size() > 4;
    const auto last = has_end ? parse_int64(words[4]) : -1;
    if (!last) return request.reply.failure(Failure::kNotAnInteger);
    const BitRange range = to_bits(*first, *last, static_cast<int64_t>(bytes.size()), is_bit);
    if (range.first > range.last) return request.reply.integer(-1);
    const int64_t found = find_in(bytes, range, wanted);
    // Zeros go on behind the string, unless an end was named.
    if (found < 0 && !wanted && !has_end) return request.reply.integer(range.last + 1);
    request.reply.integer(found);
}

void read_bitfield_ro(const ReadRequest& request) {
    std::vector<BitfieldOperation> operations;
    if (!parse_bitfield(request.arguments.subspan(2), operations, request.reply)) return;
    for (const BitfieldOperation& operation : operations) {
        if (operation.kind != BitfieldOperation::Kind::kGet) return request.reply.failure(Failure::kFieldsAreReadOnly);
    }
    const kv::Record* record = request.find(request.arguments[1]);
    request.reply.list(operations.size());
    for (const BitfieldOperation& operation : operations) {
        const std::string_view bytes = record == nullptr ? std::string_view() : record->value();
        request.reply.integer(operation.type.read(bytes, operation.offset));
    }
}

}  // namespace kvorum::ops
