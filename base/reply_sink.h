// Where an operation writes its result, in words of no protocol: text in the form of one (base/reply_writer.h), or
// nothing at all on a replica that answers nobody.
//
// An operation writes exactly one result: one scalar, or a header followed by that many results (twice as many for a
// map). Thread: the owner's. Views are copied or written out before the call returns.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/failure.h"

namespace kvorum {

class ReplySink {
 public:
    ReplySink() = default;
    ReplySink(const ReplySink&) = delete;
    ReplySink& operator=(const ReplySink&) = delete;
    virtual ~ReplySink() = default;

    virtual void done() = 0;                         // and there is nothing to tell
    virtual void status(std::string_view word) = 0;  // a fixed word or line of ours; no CR or LF in it
    virtual void integer(int64_t value) = 0;
    virtual void number(double value) = 0;
    virtual void truth(bool value) = 0;
    virtual void bytes(std::string_view bytes) = 0;
    // The same in pieces: begin_bytes(), then pieces of that many bytes together, then end_bytes().
    virtual void begin_bytes(uint64_t size_bytes) = 0;
    virtual void bytes_piece(std::string_view bytes) = 0;
    virtual void end_bytes() = 0;
    virtual void text(std::string_view text) = 0;  // to be read by people
    virtual void nothing() = 0;                    // where bytes or a number could be
    virtual void no_list() = 0;                    // where a list could be
    virtual void list(uint64_t count) = 0;
    virtual void set(uint64_t count) = 0;
    virtual void map(uint64_t pair_count) = 0;
    // Of an operation: it was not carried out, or not to its end, and says why.
    virtual void failure(const Failure& failure) = 0;
    // Of those who know how clients want to read it: the whole line, of which the first word is its code ("ERR ...").
    // CR and LF are replaced by spaces.
    virtual void error(std::string_view line) = 0;
};

// Takes results that nobody waits for.
class DiscardingReplySink final : public ReplySink {
 public:
    void done() override {}
    void status(std::string_view) override {}
    void integer(int64_t) override {}
    void number(double) override {}
    void truth(bool) override {}
    void bytes(std::string_view) override {}
    void begin_bytes(uint64_t) override {}
    void bytes_piece(std::string_view) override {}
    void end_bytes() override {}
    void text(std::string_view) override {}
    void nothing() override {}
    void no_list() override {}
    void list(uint64_t) override {}
    void set(uint64_t) override {}
    void map(uint64_t) override {}
    void failure(const Failure&) override {}
    void error(std::string_view) override {}
};

}  // namespace kvorum
