// Parser of replies, RESP2 and RESP3, for tools and tests: what redis/resp_writer.h writes and what Redis answers.
//
// Incremental: feed bytes as they come, take whole replies. No recursion and no trust in lengths: memory follows what
// was received, and nesting is limited. Attributes ('|') are read and dropped. Streamed types ("$?", "*?") are refused;
// Redis never sends them. Thread: one owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/units.h"

namespace kvorum::redis {

enum class ReplyType {
    kSimpleString,
    kError,  // also the bulk error of RESP3 ('!')
    kInteger,
    kBulkString,
    kNull,  // RESP2: null bulk string or null array
    kBoolean,
    kDouble,
    kBigNumber,
    kVerbatim,  // text without its three-letter format
    kArray,
    kMap,  // elements: key, value, key, value...
    kSet,
    kPush,
};

struct ReplyValue {
    ReplyType type = ReplyType::kNull;
    std::string text;     // kSimpleString, kError, kBulkString, kBigNumber, kVerbatim
    int64_t integer = 0;  // kInteger; kBoolean: 0 or 1
    double number = 0;    // kDouble
    std::vector<ReplyValue> elements;

    [[nodiscard]] bool is_error() const { return type == ReplyType::kError; }
    // One line for people and test failures: +OK, (error) ERR ..., 12, "bulk", (nil), [a, b], {k: v}.
    [[nodiscard]] std::string to_string() const;
    // Doubles compare by value, two NaNs as equal.
    bool operator==(const ReplyValue& other) const;
};

struct ReplyLimits {
    uint64_t reply_bytes_max = 512 * kMiB;
    uint32_t depth_max = 32;
};

enum class ReplyStatus { kReply, kNeedMore, kError };

class RespReplyParser {
 public:
    explicit RespReplyParser(ReplyLimits limits = {}) : limits_(limits) {}

    void feed(Bytes bytes);  // copies

    // The next whole reply. After kError every further call returns kError: the stream cannot be read on.
    [[nodiscard]] ReplyStatus next(ReplyValue& reply);

    [[nodiscard]] std::string_view error() const { return error_; }
    [[nodiscard]] uint64_t buffered_bytes() const { return buffer_.size() - position_; }

 private:
    struct OpenAggregate {
        ReplyValue value;
        uint64_t missing = 0;
        bool is_attribute = false;
    };
    enum class Step { kDone, kShort, kError };

    Step step(ReplyValue& reply, bool& finished);
    Step parse_token(std::string_view line, size_t after_line, ReplyValue& value, bool& opened);
    Step parse_line_scalar(char mark, std::string_view text, ReplyValue& value);
    Step parse_bulk(char mark, uint64_t size, size_t after_line, ReplyValue& value);
    Step open_aggregate(char mark, uint64_t count, ReplyValue& value, bool& opened);
    bool close_value(ReplyValue value, ReplyValue& reply);
    Step fail(std::string text);

    ReplyLimits limits_;
    std::string buffer_;
    size_t position_ = 0;
    size_t line_scanned_ = 0;
    uint64_t reply_bytes_ = 0;  // taken by the reply that is being read
    std::vector<OpenAggregate> open_;
    std::string error_;
};

}  // namespace kvorum::redis
