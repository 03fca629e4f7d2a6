// A value as DUMP writes and RESTORE takes it: Redis' RDB form (version 10, Redis 7.0), a version and a CRC-64 behind
// it. Strings only. Private to ops.
//
// What is written is not compressed; what is read may be (LZF). Input is a stranger's: any bytes are taken, and sizes
// are checked before anything is allocated. Pure; thread: any.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kvorum::ops {

[[nodiscard]] std::string dump_payload(std::string_view value);
// The same of a large value, in parts: what stands in front of the value, the value itself, and what stands behind it,
// given the CRC-64 of both.
[[nodiscard]] std::string dump_head(uint64_t value_bytes);
[[nodiscard]] std::string dump_footer(uint64_t crc);

enum class DumpError {
    kNone,
    kChecksum,  // too short, from a later version, or changed on the way
    kFormat,    // not a string, or damaged
    kTooLong,   // a string above kValueSizeMax
};

// The CRC-64 that stands at the end of a payload is of these bytes.
[[nodiscard]] inline std::string_view summed_bytes(std::string_view payload) {
    return payload.substr(0, payload.size() - std::min(payload.size(), sizeof(uint64_t)));
}

class PayloadReader;

// A compressed string on its way out, in as many steps as the caller likes: a short payload may hold a long one.
class Decompression {
 public:
    Decompression(std::string_view compressed, uint64_t size_bytes)
        : compressed_(compressed), size_bytes_(size_bytes) {}
    // Of the payload, which outlives it. Nothing: it holds none, or one that is damaged or too long at first sight.
    [[nodiscard]] static std::optional<Decompression> of(std::string_view payload);

    [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }
    // Adds to `work` until that has come to `work_end`. True: nothing is left to do.
    [[nodiscard]] bool go_on(uint64_t work_end, uint64_t& work);
    // False after that: the compressed bytes are damaged.
    [[nodiscard]] bool is_whole() const { return !damaged_ && compressed_.empty() && text_.size() == size_bytes_; }
    [[nodiscard]] std::string_view text() const { return text_; }
    [[nodiscard]] std::string take_text() { return std::move(text_); }

 private:
    bool take_item(PayloadReader& reader);

    std::string_view compressed_;  // what is left of it
    uint64_t size_bytes_;
    std::string text_;
    bool damaged_ = false;
};

// What was done of the work before: the CRC-64 of summed_bytes(), and the decompression of a compressed string to its
// end.
struct PreparedPayload {
    std::optional<uint64_t> crc;
    const Decompression* decompressed = nullptr;
};

// `storage` owns the value, unless it lies in `payload` or in `prepared` as it is.
[[nodiscard]] DumpError parse_dump_payload(std::string_view payload, std::string& storage, std::string_view& value,
                                           const PreparedPayload& prepared = {});

}  // namespace kvorum::ops
