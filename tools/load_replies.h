// Finds where replies end, without building them: what a load needs to know of a reply is its kind, whether it is null,
// and the words of an error. RESP2 and RESP3, whole or in pieces, with no allocation in the steady state and no copy
// but of a line that is cut by the end of a piece. (redis/resp_reply_parser.h is for those who read replies.)
//
// Thread: one owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/units.h"

namespace kvorum::tools::load {

struct ScannedReply {
    bool is_error = false;
    bool is_null = false;
    // The line of an error without its mark, cut at kErrorBytesMax; valid until the next call of next().
    std::string_view error = {};
};

enum class ScanStatus { kReply, kNeedMore, kBroken };

class ReplyScanner {
 public:
    static constexpr size_t kErrorBytesMax = 512;
    static constexpr size_t kLineBytesMax = 64 * kKiB;

    // Takes bytes off the front of `bytes` up to the end of the next reply. kNeedMore: all were taken. kBroken: this is
    // no RESP, and the connection cannot be read on; the same again for every further call.
    [[nodiscard]] ScanStatus next(Bytes& bytes, ScannedReply& reply);

 private:
    [[nodiscard]] bool take_line(Bytes& bytes, std::string_view& line);
    [[nodiscard]] bool on_line(std::string_view line, ScannedReply& reply);
    [[nodiscard]] bool on_length(char mark, std::string_view text, bool is_reply, ScannedReply& reply);
    [[nodiscard]] bool skip_body(Bytes& bytes);

    std::string partial_line_;
    bool partial_used_ = false;  // `line` lies in it: to be cleared before the next line
    std::string error_;
    uint64_t values_missing_ = 1;  // until the reply is complete, over all levels
    uint64_t body_bytes_missing_ = 0;
    bool body_is_error_ = false;
    bool in_aggregate_ = false;  // what follows are elements of the reply, not the reply itself
    bool broken_ = false;
    ScannedReply current_;
};

}  // namespace kvorum::tools::load
