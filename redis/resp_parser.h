// Push parser of client requests: RESP arrays of bulk strings ("*2\r\n$3\r\nGET\r\n...") and inline commands, as Redis
// 7 takes them (https://redis.io/docs/latest/develop/reference/protocol-spec/), with its error texts.
//
// It works straight on the caller's receive buffer; only the bytes of a command that straddles two inputs are copied.
// What a length merely claims is never reserved: memory follows what was received. The result does not depend on how
// the stream was cut into inputs.
//
//   parser.feed(chunk);
//   while ((status = parser.next(arguments)) == ParseStatus::kCommand) execute(arguments);
//   // kNeedMore: the chunk may be released. kError: answer "-ERR Protocol error: " + error(), then close.
//
// Departures from Redis, each towards refusing what is damaged: a bulk string must be followed by CRLF and a length
// line must end with CRLF (Redis skips or waits); the length limit of a line holds however it was cut; a command as a
// whole has a size limit.
//
// Thread: one owner. No allocation on the path of a command that lies whole in its input, after the first few.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/packed_command.h"
#include "base/units.h"
#include "redis/inline_command.h"

namespace kvorum::redis {

struct RespLimits {
    uint32_t arguments_max = 1024 * 1024;  // "invalid multibulk length" above
    uint64_t bulk_bytes_max =
        16 * kMiB;  // of one argument; "invalid bulk length" above. Redis: proto-max-bulk-len, 512 MiB
    uint64_t inline_bytes_max = 64 * kKiB;   // of an inline command or a length line, without its newline; at least 32
    uint64_t command_bytes_max = 64 * kMiB;  // of a whole command with its framing; below 4 GiB
    uint64_t packed_above_bytes =
        256 * kKiB;  // a command with more, framing included, comes packed, however it was cut

    // A connection that must still authenticate gets no more than Redis grants it: 10 arguments of 16 KiB, with error
    // texts of their own.
    bool authenticated = true;
    static constexpr uint32_t kUnauthenticatedArgumentsMax = 10;
    static constexpr uint64_t kUnauthenticatedBulkBytesMax = 16 * kKiB;
};

// kLargeCommand: a command of more than RespLimits::packed_above_bytes, which take_large() hands over.
enum class ParseStatus { kCommand, kLargeCommand, kNeedMore, kError };

enum class ParseErrorKind {
    kNone,
    kProtocol,       // answer error(), then close
    kCrossProtocol,  // an HTTP request reached this port (CVE-2016-10517): log it and close without an answer
};

class RespParser {
 public:
    explicit RespParser(RespLimits limits = {});
    RespParser(const RespParser&) = delete;
    RespParser& operator=(const RespParser&) = delete;

    // Bytes that follow what was fed before. The parser looks at `chunk` until next() returns kNeedMore or kError, or
    // until detach(). Feeding before the last chunk was used up is allowed and copies both.
    void feed(Bytes chunk);

    // The next command; at least one argument. The views are valid until the next call of next(), feed() or detach().
    // After kError every further call returns kError.
    [[nodiscard]] ParseStatus next(std::vector<std::string_view>& arguments);

    // After kLargeCommand, once: the command.
    [[nodiscard]] PackedCommand take_large() { return std::move(large_); }

    // The second arguments, which are the keys of most commands, of the commands that next() will return: as a hint
    // only. Ends at the first that has none, is inline, or is not complete in the chunk. Returns how many it found.
    [[nodiscard]] size_t look_ahead(std::span<std::string_view> second_arguments) const;

    // Copies what is unread of the chunk, for an owner that must stop reading commands for now and give the receive
    // buffer back.
    void detach();

    // Gives its memory back. From then on next() returns kError.
    void release();

    // For the commands after the current one, e.g. once the client is authenticated.
    void set_limits(RespLimits limits);

    // Stands behind "ERR Protocol error: "; may hold any byte the client sent.
    [[nodiscard]] std::string_view error() const { return error_; }
    [[nodiscard]] ParseErrorKind error_kind() const { return error_kind_; }

    // Fed, and not yet part of a command that was returned.
    [[nodiscard]] uint64_t buffered_bytes() const {
        return (last_in_partial_ ? 0 : partial_.size()) + input_.size() + (is_large_ ? large_.bytes().size() : 0);
    }
    [[nodiscard]] uint64_t allocated_bytes() const;  // of the parser's own buffers
    // True after kNeedMore when a command has begun and is not complete: the owner's partial-command time runs.
    [[nodiscard]] bool mid_command() const { return is_large_ || (!partial_.empty() && !last_in_partial_); }

 private:
    enum class Step { kCommand, kNothing, kShort, kError };

    Step parse(std::string_view text);
    Step parse_inline(std::string_view text);
    Step read_argument_count(std::string_view text);
    Step read_bulk_size(std::string_view text);
    Step read_length(std::string_view text, const char* too_big, const char* invalid, int64_t& value);
    Step find_line(std::string_view text, const char* too_big, size_t& newline_at);
    Step fail(std::string text);

    ParseStatus next_large(Step step);
    Step begin_large();
    Step go_on_with_large();
    Step read_large_size();
    Step read_large_argument();
    void pack(std::string_view text);

    size_t move_to_partial();
    void begin_command();
    void forget_last_command();
    void emit(std::string_view base, std::vector<std::string_view>& arguments) const;

    RespLimits limits_;
    std::string_view input_;  // unread, in the caller's chunk or in held_
    std::vector<char> held_;  // bytes of chunks that the owner took back
    bool input_is_held_ = false;
    std::vector<char> partial_;  // the current command, from its first byte, when it straddles inputs
    bool last_in_partial_ = false;

    // Progress in the current command; offsets count from its first byte.
    std::vector<ByteSpan> spans_;
    std::string inline_storage_;
    size_t position_ = 0;
    size_t line_scanned_ = 0;  // no newline before this offset
    uint32_t expected_arguments_ = 0;
    uint64_t bulk_size_ = 0;
    bool in_bulk_ = false;
    bool is_inline_ = false;

    // A large command is packed as it arrives. Then offsets count from the line at hand, and partial_ holds no more
    // than that line.
    bool is_large_ = false;
    PackedCommand large_;
    uint64_t before_line_ = 0;      // bytes of the command that are packed
    uint64_t bulk_left_ = 0;        // bytes of the argument, with its CRLF, that are to come
    uint32_t large_arguments_ = 0;  // that are packed whole

    ParseErrorKind error_kind_ = ParseErrorKind::kNone;
    std::string error_;
};

}  // namespace kvorum::redis
