// Where the replies of one session go: what the gateway wants of a protocol, and nothing about which one it is.
//
// A client's connection is one, and each client of another node that forwards to us. Calls come from the owning core,
// one reply at a time and in the order of the commands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/reply_writer.h"
#include "config/config.h"
#include "gateway/command.h"
#include "ops/commands.h"

namespace kvorum::gateway {

// For logs; both empty: the client of another node, which logs it itself.
struct ClientName {
    std::string_view address;
    std::string_view name;
};

class ReplyPort {
 public:
    ReplyPort() = default;
    ReplyPort(const ReplyPort&) = delete;
    ReplyPort& operator=(const ReplyPort&) = delete;
    virtual ~ReplyPort() = default;

    // The reply to the command at the head of the lane: begin, one reply into the writer, end.
    virtual ReplyWriter& begin_reply() = 0;
    virtual void end_reply() = 0;
    // Instead of the end: more of the same reply comes in a later turn, behind resume_reply().
    virtual void pause_reply() = 0;
    virtual ReplyWriter& resume_reply() = 0;
    // The reply's bytes, made before by writer_to() or by the leader.
    virtual void write_reply(std::string_view reply) = 0;
    // The same in parts, while output_has_room().
    virtual void write_reply_part(std::string part, bool is_last) = 0;
    // Writes what is replied later into `out`. Good until the next call of anything here.
    virtual ReplyWriter& writer_to(std::string& out) = 0;
    [[nodiscard]] virtual ReplyFormat format() const = 0;
    // The code of the error that such a reply is; empty: it is none.
    [[nodiscard]] virtual std::string_view error_code_of(std::string_view reply) const = 0;

    // False: whoever reads the replies has to catch up first. No command whose reply may be large is carried out
    // meanwhile, and the lane is woken when there is room again.
    [[nodiscard]] virtual bool output_has_room() const = 0;
    // The same for a large reply, which may have to wait for those of other sessions besides.
    [[nodiscard]] virtual bool output_has_bulk_room() const { return output_has_room(); }
    // Of the reply under way no more comes: whoever reads it must not take what follows for its rest.
    virtual void cut_off() = 0;

    // The command at the head was definitely not executed and never will be, or may or may not have taken effect. `why`
    // is the error line.
    virtual void reply_not_executed(std::string_view why) = 0;
    virtual void reply_outcome_unknown(std::string_view why) = 0;

    // Carries out a command of kind kLocal, named by its local_code, and replies. Only clients send these. Returns the
    // code of the error that it replied, empty for another reply; good until the next reply.
    virtual std::string_view carry_out(uint16_t local_code, ops::Arguments arguments) = 0;
    // Where a client that is not forwarded has to go instead, as an error line.
    [[nodiscard]] virtual std::string redirection(const Command& command, ops::Arguments arguments,
                                                  const Member& leader) const = 0;
    // Called when every command that could be answered was: time to send.
    virtual void flush() = 0;

    [[nodiscard]] virtual ClientName client() const = 0;
};

}  // namespace kvorum::gateway
