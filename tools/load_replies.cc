#include "tools/load_replies.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace kvorum::tools::load {
namespace {

constexpr int64_t kLengthMax = int64_t{1} << 32;

bool parse_length(std::string_view text, int64_t& length) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

ScanStatus ReplyScanner::next(Bytes& bytes, ScannedReply& reply) {
    while (!broken_) {
        if (body_bytes_missing_ > 0 && !skip_body(bytes)) return ScanStatus::kNeedMore;
        if (values_missing_ == 0) {
            reply = current_;
            current_ = {};
            values_missing_ = 1;
            in_aggregate_ = false;
            return ScanStatus::kReply;
        }
        std::string_view line;
        if (!take_line(bytes, line)) {
            if (broken_) break;
            return ScanStatus::kNeedMore;
        }
        broken_ = !on_line(line, current_);
    }
    return ScanStatus::kBroken;
}

// False: the rest of the line is not here yet, or there is no end to it (broken_).
bool ReplyScanner::take_line(Bytes& bytes, std::string_view& line) {
    if (partial_used_) {
        partial_line_.clear();
        partial_used_ = false;
    }
    if (bytes.empty()) return false;
    const std::string_view text = as_text(bytes);
    const auto* newline = static_cast<const char*>(std::memchr(text.data(), '\n', text.size()));
    if (newline == nullptr) {
        partial_line_ += text;
        bytes = {};
        broken_ = partial_line_.size() > kLineBytesMax;
        return false;
    }
    const auto size = static_cast<size_t>(newline - text.data()) + 1;
    bytes = bytes.subspan(size);
    line = text.substr(0, size);
    if (!partial_line_.empty()) {
        partial_line_ += line;
        line = partial_line_;
        partial_used_ = true;
    }
    if (!line.ends_with("\r\n") || line.size() < 3) {
        broken_ = true;
        return false;
    }
    line.remove_suffix(2);
    return true;
}

bool ReplyScanner::on_line(std::string_view line, ScannedReply& reply) {
    // The elements of an attribute stand before the reply and are none of it.
    const bool is_reply = !in_aggregate_ && values_missing_ == 1;
    const char mark = line[0];
    const std::string_view text = line.substr(1);
    --values_missing_;
    switch (mark) {
        case '+':
        case ':':
        case '#':
        case ',':
        case '(': return true;
        case '_': reply.is_null = reply.is_null || is_reply; return true;
        case '-':
            if (!is_reply) return true;
            error_ = text.substr(0, kErrorBytesMax);
            reply.is_error = true;
            reply.error = error_;
            return true;
        default: return on_length(mark, text, is_reply, reply);
    }
}

bool ReplyScanner::on_length(char mark, std::string_view text, bool is_reply, ScannedReply& reply) {
    constexpr std::string_view kBulk = "$!=";
    constexpr std::string_view kAggregate = "*~>%|";
    int64_t length = 0;
    if (!parse_length(text, length) || length < -1 || length > kLengthMax) return false;
    if (length == -1) {
        reply.is_null = reply.is_null || is_reply;
        return mark == '$' || mark == '*';
    }
    const auto count = static_cast<uint64_t>(length);
    if (kBulk.find(mark) != std::string_view::npos) {
        body_bytes_missing_ = count + 2;
        body_is_error_ = mark == '!' && is_reply;
        if (body_is_error_) error_.clear();
        return true;
    }
    if (kAggregate.find(mark) == std::string_view::npos) return false;
    const bool is_attribute = mark == '|';
    values_missing_ += is_attribute || mark == '%' ? 2 * count : count;
    if (is_attribute) ++values_missing_;
    in_aggregate_ = in_aggregate_ || (is_reply && !is_attribute);
    return values_missing_ <= kLengthMax;
}

// True when the body of a bulk string is behind us.
bool ReplyScanner::skip_body(Bytes& bytes) {
    const uint64_t taken = std::min<uint64_t>(body_bytes_missing_, bytes.size());
    if (body_is_error_) {
        const size_t room = kErrorBytesMax - std::min(error_.size(), kErrorBytesMax);
        error_ += as_text(bytes.first(std::min<size_t>(taken, room)));
    }
    bytes = bytes.subspan(taken);
    body_bytes_missing_ -= taken;
    if (body_bytes_missing_ > 0) return false;
    if (body_is_error_) {
        while (error_.ends_with('\r') || error_.ends_with('\n'))
            error_.pop_back();
        current_.is_error = true;
        current_.error = error_;
        body_is_error_ = false;
    }
    return true;
}

}  // namespace kvorum::tools::load
