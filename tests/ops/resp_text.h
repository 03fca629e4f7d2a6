// Replies as RESP2 text: a sink that writes them, and short names for what tests expect.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/reply_sink.h"

namespace kvorum {

inline std::string simple(std::string_view text) { return fmt::format("+{}\r\n", text); }
inline std::string error(std::string_view line) { return fmt::format("-{}\r\n", line); }
inline std::string integer(int64_t value) { return fmt::format(":{}\r\n", value); }
inline std::string bulk(std::string_view bytes) { return fmt::format("${}\r\n{}\r\n", bytes.size(), bytes); }
inline std::string null() { return "$-1\r\n"; }
inline std::string ok() { return simple("OK"); }

inline std::string array(const std::vector<std::string>& items) {
    std::string text = fmt::format("*{}\r\n", items.size());
    for (const std::string& item : items)
        text += item;
    return text;
}

inline std::string syntax_error() { return error("ERR syntax error"); }
inline std::string not_integer() { return error("ERR value is not an integer or out of range"); }

class RespTextSink final : public ReplySink {
 public:
    void simple_string(std::string_view text) override { text_ += simple(text); }
    void error(std::string_view line) override {
        text_ += '-';
        for (const char c : line)
            text_ += c == '\r' || c == '\n' ? ' ' : c;
        text_ += "\r\n";
    }
    void integer(int64_t value) override { text_ += kvorum::integer(value); }
    void bulk_string(std::string_view bytes) override { text_ += bulk(bytes); }
    void begin_bulk_string(uint64_t size_bytes) override { text_ += fmt::format("${}\r\n", size_bytes); }
    void bulk_string_piece(std::string_view bytes) override { text_ += bytes; }
    void end_bulk_string() override { text_ += "\r\n"; }
    void null() override { text_ += kvorum::null(); }
    void null_array() override { text_ += "*-1\r\n"; }
    void boolean(bool value) override { integer(value ? 1 : 0); }
    void double_number(double value) override { bulk_string(fmt::format("{}", value)); }
    void verbatim_text(std::string_view text) override { bulk_string(text); }
    void array(uint64_t count) override { text_ += fmt::format("*{}\r\n", count); }
    void map(uint64_t pair_count) override { array(2 * pair_count); }
    void set(uint64_t count) override { array(count); }

    [[nodiscard]] const std::string& text() const { return text_; }
    std::string take() { return std::exchange(text_, {}); }

 private:
    std::string text_;
};

}  // namespace kvorum
