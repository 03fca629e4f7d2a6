// A ReplySink that writes text in the form of a protocol, for those that carry replies and do not know which one it is.
// Thread: the owner's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/reply_sink.h"

namespace kvorum {

// Which form of its protocol a client wants. Opaque to all but that protocol.
using ReplyFormat = uint8_t;

class ReplyWriter : public ReplySink {
 public:
    // The text is only appended to, and outlives its use here.
    virtual void set_output(std::string& out) = 0;
    virtual void set_format(ReplyFormat format) = 0;
    [[nodiscard]] virtual ReplyFormat format() const = 0;
    // The code of the last error written since forget_error() ("ERR"); empty: none was.
    [[nodiscard]] virtual std::string_view error_code() const = 0;
    virtual void forget_error() = 0;
    // The code of the error that a whole reply is; empty: it is none.
    [[nodiscard]] virtual std::string_view error_code_of(std::string_view reply) const = 0;
};

}  // namespace kvorum
