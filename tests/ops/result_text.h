// Results as text, one a line: a sink that writes them, and short names for what tests expect.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/reply_sink.h"

namespace kvorum::ops {

inline std::string done() { return "done\n"; }
inline std::string status(std::string_view word) { return fmt::format("status {}\n", word); }
inline std::string integer(int64_t value) { return fmt::format("{}\n", value); }
inline std::string bytes(std::string_view bytes) { return fmt::format("{} bytes: {}\n", bytes.size(), bytes); }
inline std::string nothing() { return "nothing\n"; }
inline std::string list_of(uint64_t count) { return fmt::format("list of {}\n", count); }
inline std::string list(const std::vector<std::string>& items) {
    std::string text = list_of(items.size());
    for (const std::string& item : items)
        text += item;
    return text;
}
inline std::string failed(const Failure& failure) {
    return fmt::format("failure {} '{}' '{}' {}\n", static_cast<int>(failure.code()), failure.name(), failure.word(),
                       failure.size_bytes());
}

class ResultText final : public ReplySink {
 public:
    void done() override { text_ += ops::done(); }
    void status(std::string_view word) override { text_ += ops::status(word); }
    void integer(int64_t value) override { text_ += ops::integer(value); }
    void number(double value) override { text_ += fmt::format("number {}\n", value); }
    void truth(bool value) override { text_ += value ? "true\n" : "false\n"; }
    void bytes(std::string_view bytes) override { text_ += ops::bytes(bytes); }
    void begin_bytes(uint64_t size_bytes) override { text_ += fmt::format("{} bytes: ", size_bytes); }
    void bytes_piece(std::string_view bytes) override { text_ += bytes; }
    void end_bytes() override { text_ += '\n'; }
    void text(std::string_view text) override { text_ += fmt::format("text {}\n", text); }
    void nothing() override { text_ += ops::nothing(); }
    void no_list() override { text_ += "no list\n"; }
    void list(uint64_t count) override { text_ += list_of(count); }
    void set(uint64_t count) override { text_ += fmt::format("set of {}\n", count); }
    void map(uint64_t pair_count) override { text_ += fmt::format("map of {}\n", pair_count); }
    void failure(const Failure& failure) override { text_ += failed(failure); }
    void error(std::string_view line) override { text_ += fmt::format("error {}\n", line); }

    [[nodiscard]] const std::string& so_far() const { return text_; }
    std::string take() { return std::exchange(text_, {}); }

 private:
    std::string text_;
};

}  // namespace kvorum::ops
