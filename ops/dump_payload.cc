#include "ops/dump_payload.h"

#include <cstdint>
#include <limits>
#include <optional>

#include "base/text.h"
#include "base/turn_work.h"
#include "kv/store.h"
#include "ops/crc64.h"

namespace kvorum::ops {
namespace {

constexpr uint16_t kRdbVersion = 10;
constexpr size_t kFooterBytes = sizeof(uint16_t) + sizeof(uint64_t);
constexpr char kStringType = 0;

// The two highest bits of a length's first byte.
constexpr uint8_t kLengthIn6Bits = 0;
constexpr uint8_t kLengthIn14Bits = 1;
constexpr uint8_t kWide32 = 0x80;
constexpr uint8_t kWide64 = 0x81;
// The low bits when both are set: the string has a form of its own.
constexpr uint8_t kInt8 = 0xc0;
constexpr uint8_t kInt16 = 0xc1;
constexpr uint8_t kInt32 = 0xc2;
constexpr uint8_t kLzf = 0xc3;

template <typename Integer>
void append_little_endian(std::string& out, Integer value) {
    for (size_t i = 0; i < sizeof(Integer); ++i)
        out += static_cast<char>(static_cast<uint64_t>(value) >> 8 * i);
}

template <typename Integer>
bool fits(int64_t value) {
    return value >= std::numeric_limits<Integer>::min() && value <= std::numeric_limits<Integer>::max();
}

void append_length(std::string& out, uint64_t size) {
    if (size < 1u << 6) {
        out += static_cast<char>(size);
    } else if (size < 1u << 14) {
        out += static_cast<char>(kLengthIn14Bits << 6 | size >> 8);
        out += static_cast<char>(size);
    } else {
        out += static_cast<char>(kWide32);
        for (int shift = 24; shift >= 0; shift -= 8)
            out += static_cast<char>(size >> shift);
    }
}

void append_string(std::string& out, std::string_view value) {
    constexpr size_t kIntegerBytesMax = 11;
    const auto number = value.size() <= kIntegerBytesMax ? parse_int64(value) : std::nullopt;
    if (number && fits<int8_t>(*number)) {
        out += static_cast<char>(kInt8);
        return append_little_endian(out, static_cast<int8_t>(*number));
    }
    if (number && fits<int16_t>(*number)) {
        out += static_cast<char>(kInt16);
        return append_little_endian(out, static_cast<int16_t>(*number));
    }
    if (number && fits<int32_t>(*number)) {
        out += static_cast<char>(kInt32);
        return append_little_endian(out, static_cast<int32_t>(*number));
    }
    append_length(out, value.size());
    out += value;
}

}  // namespace

class PayloadReader {
 public:
    explicit PayloadReader(std::string_view bytes) : bytes_(bytes) {}

    [[nodiscard]] std::optional<std::string_view> take(uint64_t size) {
        if (size > bytes_.size()) return std::nullopt;
        const std::string_view taken = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return taken;
    }
    [[nodiscard]] std::optional<uint8_t> byte() {
        const auto taken = take(1);
        return taken ? std::optional(static_cast<uint8_t>((*taken)[0])) : std::nullopt;
    }
    [[nodiscard]] std::optional<uint64_t> little_endian(size_t size) {
        const auto taken = take(size);
        if (!taken) return std::nullopt;
        uint64_t value = 0;
        for (size_t i = size; i > 0; --i)
            value = value << 8 | static_cast<uint8_t>((*taken)[i - 1]);
        return value;
    }
    // A length whose first byte was `first`; nothing for the forms that are no length.
    [[nodiscard]] std::optional<uint64_t> length(uint8_t first) {
        if (first >> 6 == kLengthIn6Bits) return first & 0x3f;
        if (first >> 6 == kLengthIn14Bits) {
            const auto second = byte();
            return second ? std::optional(uint64_t{first & 0x3fu} << 8 | *second) : std::nullopt;
        }
        if (first != kWide32 && first != kWide64) return std::nullopt;
        const auto taken = take(first == kWide32 ? 4 : 8);
        if (!taken) return std::nullopt;
        uint64_t value = 0;
        for (const char c : *taken)
            value = value << 8 | static_cast<uint8_t>(c);
        return value;
    }
    [[nodiscard]] std::optional<uint64_t> length() {
        const auto first = byte();
        return first ? length(*first) : std::nullopt;
    }

    [[nodiscard]] std::string_view rest() const { return bytes_; }

 private:
    std::string_view bytes_;
};

namespace {

struct Compressed {
    std::string_view bytes;
    uint64_t size = 0;  // of the string
};

DumpError read_compressed(PayloadReader& reader, Compressed& out) {
    const auto compressed_size = reader.length();
    const auto size = reader.length();
    if (!compressed_size || !size) return DumpError::kFormat;
    if (*size > kv::kValueSizeMax) return DumpError::kTooLong;
    const auto bytes = reader.take(*compressed_size);
    if (!bytes) return DumpError::kFormat;
    out = {*bytes, *size};
    return DumpError::kNone;
}

DumpError decompress(PayloadReader& reader, const Decompression* prepared, std::string& storage,
                     std::string_view& value) {
    if (prepared != nullptr) {
        if (!prepared->is_whole()) return DumpError::kFormat;
        value = prepared->text();
        return DumpError::kNone;
    }
    Compressed compressed;
    if (const DumpError error = read_compressed(reader, compressed); error != DumpError::kNone) return error;
    Decompression decompression(compressed.bytes, compressed.size);
    uint64_t work = 0;
    const bool done = decompression.go_on(UINT64_MAX, work);
    if (!done || !decompression.is_whole()) return DumpError::kFormat;
    storage = decompression.take_text();
    value = storage;
    return DumpError::kNone;
}

DumpError read_string(PayloadReader& reader, const Decompression* prepared, std::string& storage,
                      std::string_view& value) {
    const auto first = reader.byte();
    if (!first) return DumpError::kFormat;
    if (*first == kLzf) return decompress(reader, prepared, storage, value);
    if (*first == kInt8 || *first == kInt16 || *first == kInt32) {
        const size_t size = *first == kInt8 ? 1 : *first == kInt16 ? 2 : 4;
        const auto number = reader.little_endian(size);
        if (!number) return DumpError::kFormat;
        const unsigned spare = 64u - 8u * static_cast<unsigned>(size);
        storage = std::to_string(static_cast<int64_t>(*number << spare) >> spare);
        value = storage;
        return DumpError::kNone;
    }
    const auto size = reader.length(*first);
    if (!size) return DumpError::kFormat;
    const auto bytes = reader.take(*size);
    if (!bytes) return DumpError::kFormat;
    if (*size > kv::kValueSizeMax) return DumpError::kTooLong;
    value = *bytes;
    return DumpError::kNone;
}

}  // namespace

std::string dump_head(uint64_t value_bytes) {
    std::string head(1, kStringType);
    append_length(head, value_bytes);
    return head;
}

std::string dump_footer(uint64_t crc) {
    std::string footer;
    append_little_endian(footer, kRdbVersion);
    append_little_endian(footer, crc64(footer, crc));
    return footer;
}

std::string dump_payload(std::string_view value) {
    constexpr size_t kAroundBytesMax = 16;
    std::string payload;
    payload.reserve(value.size() + kAroundBytesMax);
    payload += kStringType;
    append_string(payload, value);
    append_little_endian(payload, kRdbVersion);
    append_little_endian(payload, crc64(payload));
    return payload;
}

std::optional<Decompression> Decompression::of(std::string_view payload) {
    if (payload.size() < kFooterBytes) return std::nullopt;
    PayloadReader reader(payload.substr(0, payload.size() - kFooterBytes));
    if (reader.byte() != kStringType || reader.byte() != kLzf) return std::nullopt;
    Compressed compressed;
    if (read_compressed(reader, compressed) != DumpError::kNone) return std::nullopt;
    return Decompression(compressed.bytes, compressed.size);
}

bool Decompression::go_on(uint64_t work_end, uint64_t& work) {
    constexpr uint64_t kItemWork = 4;
    if (text_.empty()) text_.reserve(size_bytes_);
    PayloadReader reader(compressed_);
    while (!damaged_ && !reader.rest().empty() && work < work_end) {
        const size_t before = text_.size();
        damaged_ = !take_item(reader);
        work += kItemWork + (text_.size() - before) / kBytesPerWork;
    }
    compressed_ = reader.rest();
    return damaged_ || compressed_.empty();
}

// LZF: a control byte below 32 is followed by that many bytes and one more; else its upper 3 bits, plus 2, are the
// length of a repetition (7: the next byte is added) that begins as far back as the lower 5 bits and the byte behind
// say.
bool Decompression::take_item(PayloadReader& reader) {
    constexpr uint8_t kLiteralsMax = 32;
    constexpr uint8_t kLongRepetition = 7;
    const auto control = reader.byte();
    if (!control) return false;
    if (*control < kLiteralsMax) {
        const auto literals = reader.take(*control + 1u);
        if (!literals || text_.size() + literals->size() > size_bytes_) return false;
        text_ += *literals;
        return true;
    }
    uint64_t length = *control >> 5;
    if (length == kLongRepetition) {
        const auto more = reader.byte();
        if (!more) return false;
        length += *more;
    }
    length += 2;
    const auto low = reader.byte();
    if (!low) return false;
    const uint64_t back = (uint64_t{*control & 0x1fu} << 8 | *low) + 1;
    if (back > text_.size() || text_.size() + length > size_bytes_) return false;
    // What was repeated may be repeated again: what there is to copy doubles each time.
    const size_t from = text_.size() - back;
    while (length > 0) {
        const uint64_t size_now = std::min<uint64_t>(length, text_.size() - from);
        text_.append(text_, from, size_now);
        length -= size_now;
    }
    return true;
}

DumpError parse_dump_payload(std::string_view payload, std::string& storage, std::string_view& value,
                             const PreparedPayload& prepared) {
    if (payload.size() < kFooterBytes) return DumpError::kChecksum;
    PayloadReader footer(payload.substr(payload.size() - kFooterBytes));
    const auto version = footer.little_endian(sizeof(uint16_t));
    const auto checksum = footer.little_endian(sizeof(uint64_t));
    if (!version || !checksum || *version > kRdbVersion) return DumpError::kChecksum;
    if (*checksum != (prepared.crc.has_value() ? *prepared.crc : crc64(summed_bytes(payload))))
        return DumpError::kChecksum;
    PayloadReader reader(payload.substr(0, payload.size() - kFooterBytes));
    const auto type = reader.byte();
    if (!type || *type != kStringType) return DumpError::kFormat;
    return read_string(reader, prepared.decompressed, storage, value);
}

}  // namespace kvorum::ops
