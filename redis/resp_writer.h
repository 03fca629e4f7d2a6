// Writes replies as RESP2 or RESP3 (https://redis.io/docs/latest/develop/reference/protocol-spec/), byte for byte as
// Redis 7.0 does.
//
// Thread: one owner. The output string is the caller's, is only appended to, and must outlive its use here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/reply_writer.h"

namespace kvorum::redis {

enum class RespVersion : uint8_t { kResp2 = 2, kResp3 = 3 };

class RespWriter final : public ReplyWriter {
 public:
    // set_output() comes first.
    RespWriter() = default;
    explicit RespWriter(std::string& out, RespVersion version = RespVersion::kResp2) : out_(&out), version_(version) {}

    void set_output(std::string& out) override { out_ = &out; }
    // The version as a number. It comes from other nodes as well: what is none of the two is RESP2.
    void set_format(ReplyFormat format) override {
        set_version(format == static_cast<ReplyFormat>(RespVersion::kResp3) ? RespVersion::kResp3
                                                                            : RespVersion::kResp2);
    }
    [[nodiscard]] ReplyFormat format() const override { return static_cast<ReplyFormat>(version_); }
    void set_version(RespVersion version) { version_ = version; }
    [[nodiscard]] RespVersion version() const { return version_; }

    void done() override { out_->append("+OK\r\n"); }
    void status(std::string_view word) override;  // a simple string
    void integer(int64_t value) override;
    void number(double value) override;           // 17 significant digits, "inf", "-inf", "nan"; RESP2: a bulk string
    void truth(bool value) override;              // RESP2: integer 0 or 1
    void bytes(std::string_view bytes) override;  // a bulk string
    void begin_bytes(uint64_t size_bytes) override { header('$', size_bytes); }
    void bytes_piece(std::string_view bytes) override { out_->append(bytes); }
    void end_bytes() override { out_->append("\r\n"); }
    void text(std::string_view text) override;  // RESP2: a bulk string; RESP3: a verbatim string, format txt
    void nothing() override;                    // RESP2: the null bulk string
    void no_list() override;                    // RESP2: the null array; RESP3: null
    void list(uint64_t count) override;         // an array
    void set(uint64_t count) override;          // RESP2: an array
    void map(uint64_t pair_count) override;     // RESP2: an array of twice as many
    void failure(const Failure& failure) override;
    void error(std::string_view line) override;
    [[nodiscard]] std::string_view error_code() const override { return error_code_; }
    void forget_error() override { error_code_.clear(); }
    [[nodiscard]] std::string_view error_code_of(std::string_view reply) const override;
    // An out-of-band message (client tracking, pub/sub): RESP2 has only arrays for it.
    void push(uint64_t count);

 private:
    void header(char mark, uint64_t count);

    std::string* out_ = nullptr;
    RespVersion version_ = RespVersion::kResp2;
    std::string error_code_;
};

// Appends a command as clients send it: an array of bulk strings.
template <typename Arguments>
void write_command(const Arguments& arguments, std::string& out) {
    RespWriter writer(out);
    writer.list(arguments.size());
    for (const std::string_view argument : arguments)
        writer.bytes(argument);
}

}  // namespace kvorum::redis
