// Where a command writes its reply, without knowing the protocol: RESP2 or RESP3 text, or nothing at all on a replica
// that answers nobody.
//
// A command writes exactly one reply: one scalar, or a header followed by that many replies (twice as many for a map).
// Thread: the owner's. Views are copied or written out before the call returns.
#pragma once

#include <cstdint>
#include <string_view>

namespace kvorum {

class ReplySink {
 public:
    ReplySink() = default;
    ReplySink(const ReplySink&) = delete;
    ReplySink& operator=(const ReplySink&) = delete;
    virtual ~ReplySink() = default;

    virtual void simple_string(std::string_view text) = 0;  // no CR or LF in it
    // The whole line without the leading '-': "ERR syntax error", "WRONGTYPE ...". CR and LF are replaced by spaces.
    virtual void error(std::string_view line) = 0;
    virtual void integer(int64_t value) = 0;
    virtual void bulk_string(std::string_view bytes) = 0;
    // One bulk string in pieces: begin_bulk_string(), then pieces of that many bytes together, then end_bulk_string().
    virtual void begin_bulk_string(uint64_t size_bytes) = 0;
    virtual void bulk_string_piece(std::string_view bytes) = 0;
    virtual void end_bulk_string() = 0;
    virtual void null() = 0;                                // RESP2: null bulk string
    virtual void null_array() = 0;                          // RESP2: null array; RESP3: null
    virtual void boolean(bool value) = 0;                   // RESP2: integer 0 or 1
    virtual void double_number(double value) = 0;           // RESP2: bulk string
    virtual void verbatim_text(std::string_view text) = 0;  // RESP2: bulk string; RESP3: verbatim string, format txt
    virtual void array(uint64_t count) = 0;
    virtual void map(uint64_t pair_count) = 0;  // RESP2: array of twice as many
    virtual void set(uint64_t count) = 0;       // RESP2: array
};

// Takes replies that nobody waits for.
class DiscardingReplySink final : public ReplySink {
 public:
    void simple_string(std::string_view) override {}
    void error(std::string_view) override {}
    void integer(int64_t) override {}
    void bulk_string(std::string_view) override {}
    void begin_bulk_string(uint64_t) override {}
    void bulk_string_piece(std::string_view) override {}
    void end_bulk_string() override {}
    void null() override {}
    void null_array() override {}
    void boolean(bool) override {}
    void double_number(double) override {}
    void verbatim_text(std::string_view) override {}
    void array(uint64_t) override {}
    void map(uint64_t) override {}
    void set(uint64_t) override {}
};

}  // namespace kvorum
