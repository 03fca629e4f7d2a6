#include "redis/resp_reply_parser.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace kvorum::redis {
namespace {

bool parse_int64(std::string_view text, int64_t& value) {
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

bool parse_double(std::string_view text, double& value) {
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

bool is_big_number(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

ReplyType aggregate_type(char mark) {
    switch (mark) {
        case '%': return ReplyType::kMap;
        case '~': return ReplyType::kSet;
        case '>': return ReplyType::kPush;
        default: return ReplyType::kArray;
    }
}

std::string join(const ReplyValue& value) {
    const bool is_map = value.type == ReplyType::kMap;
    std::string text;
    for (size_t i = 0; i < value.elements.size(); ++i) {
        if (i > 0) text += is_map && i % 2 == 1 ? ": " : ", ";
        text += value.elements[i].to_string();
    }
    return text;
}

}  // namespace

std::string ReplyValue::to_string() const {
    switch (type) {
        case ReplyType::kSimpleString: return "+" + text;
        case ReplyType::kError: return "(error) " + text;
        case ReplyType::kInteger: return std::to_string(integer);
        case ReplyType::kBulkString:
        case ReplyType::kVerbatim: return "\"" + text + "\"";
        case ReplyType::kNull: return "(nil)";
        case ReplyType::kBoolean: return integer != 0 ? "(true)" : "(false)";
        case ReplyType::kDouble: return fmt::format("{}", number);
        case ReplyType::kBigNumber: return text;
        case ReplyType::kArray: return "[" + join(*this) + "]";
        case ReplyType::kMap: return "{" + join(*this) + "}";
        case ReplyType::kSet: return "~{" + join(*this) + "}";
        case ReplyType::kPush: return ">[" + join(*this) + "]";
    }
    return "?";
}

bool ReplyValue::operator==(const ReplyValue& other) const {
    const bool same_number = number == other.number || (std::isnan(number) && std::isnan(other.number));
    return type == other.type && text == other.text && integer == other.integer && same_number &&
           elements == other.elements;
}

void RespReplyParser::feed(Bytes bytes) {
    if (!error_.empty()) return;
    buffer_.erase(0, position_);
    line_scanned_ -= std::min(line_scanned_, position_);
    position_ = 0;
    buffer_.append(as_text(bytes));
}

ReplyStatus RespReplyParser::next(ReplyValue& reply) {
    while (error_.empty()) {
        bool finished = false;
        const size_t before = position_;
        const Step result = step(reply, finished);
        if (result == Step::kError) break;
        reply_bytes_ += position_ - before;
        if (reply_bytes_ > limits_.reply_bytes_max) {
            fail("reply too large");
            break;
        }
        if (result == Step::kShort) return ReplyStatus::kNeedMore;
        if (finished) {
            reply_bytes_ = 0;
            return ReplyStatus::kReply;
        }
    }
    return ReplyStatus::kError;
}

// One token: a scalar, or the header of an aggregate.
RespReplyParser::Step RespReplyParser::step(ReplyValue& reply, bool& finished) {
    const size_t newline_at = buffer_.find('\n', std::max(position_, line_scanned_));
    if (newline_at == std::string::npos) {
        line_scanned_ = buffer_.size();
        if (buffered_bytes() > limits_.reply_bytes_max) return fail("reply too large");
        return Step::kShort;
    }
    line_scanned_ = newline_at;
    std::string_view line = std::string_view(buffer_).substr(position_, newline_at - position_);
    if (!line.ends_with('\r')) return fail("line without CR");
    line.remove_suffix(1);
    ReplyValue value;
    bool opened = false;
    const Step result = parse_token(line, newline_at + 1, value, opened);
    if (result == Step::kDone && !opened) finished = close_value(std::move(value), reply);
    return result;
}

RespReplyParser::Step RespReplyParser::parse_token(std::string_view line, size_t after_line, ReplyValue& value,
                                                   bool& opened) {
    if (line.empty()) return fail("empty line");
    const char mark = line[0];
    const std::string_view text = line.substr(1);
    constexpr std::string_view kBulkMarks = "$!=";
    constexpr std::string_view kAggregateMarks = "*%~>|";
    const bool is_bulk = kBulkMarks.find(mark) != std::string_view::npos;
    if (!is_bulk && kAggregateMarks.find(mark) == std::string_view::npos) {
        position_ = after_line;
        return parse_line_scalar(mark, text, value);
    }
    int64_t length = 0;
    if (!parse_int64(text, length) || length < -1) return fail("invalid length");
    if (length == -1) {
        if (mark != '$' && mark != '*') return fail("invalid length");
        position_ = after_line;
        value.type = ReplyType::kNull;
        return Step::kDone;
    }
    if (is_bulk) return parse_bulk(mark, static_cast<uint64_t>(length), after_line, value);
    position_ = after_line;
    return open_aggregate(mark, static_cast<uint64_t>(length), value, opened);
}

RespReplyParser::Step RespReplyParser::parse_line_scalar(char mark, std::string_view text, ReplyValue& value) {
    switch (mark) {
        case '+':
        case '-':
            value.type = mark == '+' ? ReplyType::kSimpleString : ReplyType::kError;
            value.text = text;
            return Step::kDone;
        case ':':
            value.type = ReplyType::kInteger;
            return parse_int64(text, value.integer) ? Step::kDone : fail("invalid integer");
        case '_': value.type = ReplyType::kNull; return text.empty() ? Step::kDone : fail("invalid null");
        case '#':
            value.type = ReplyType::kBoolean;
            value.integer = text == "t" ? 1 : 0;
            return text == "t" || text == "f" ? Step::kDone : fail("invalid boolean");
        case ',':
            value.type = ReplyType::kDouble;
            return parse_double(text, value.number) ? Step::kDone : fail("invalid double");
        case '(':
            value.type = ReplyType::kBigNumber;
            value.text = text;
            return is_big_number(text) ? Step::kDone : fail("invalid big number");
        default: return fail(fmt::format("unknown reply type {:#04x}", static_cast<unsigned char>(mark)));
    }
}

RespReplyParser::Step RespReplyParser::parse_bulk(char mark, uint64_t size, size_t after_line, ReplyValue& value) {
    if (size > limits_.reply_bytes_max) return fail("reply too large");
    if (buffer_.size() - after_line < size + 2) return Step::kShort;
    if (buffer_[after_line + size] != '\r' || buffer_[after_line + size + 1] != '\n')
        return fail("bulk string without CRLF");
    std::string_view body = std::string_view(buffer_).substr(after_line, size);
    value.type = mark == '!' ? ReplyType::kError : ReplyType::kBulkString;
    if (mark == '=') {
        constexpr size_t kFormatSize = 4;
        if (size < kFormatSize || body[kFormatSize - 1] != ':') return fail("invalid verbatim string");
        body.remove_prefix(kFormatSize);
        value.type = ReplyType::kVerbatim;
    }
    value.text = body;
    position_ = after_line + size + 2;
    return Step::kDone;
}

RespReplyParser::Step RespReplyParser::open_aggregate(char mark, uint64_t count, ReplyValue& value, bool& opened) {
    if (count > limits_.reply_bytes_max) return fail("reply too large");
    const bool is_attribute = mark == '|';
    const uint64_t missing = mark == '%' || is_attribute ? 2 * count : count;
    value.type = aggregate_type(mark);
    // An empty attribute stands for nothing at all: it is consumed and no value closes.
    opened = missing > 0 || is_attribute;
    if (missing == 0) return Step::kDone;
    if (open_.size() >= limits_.depth_max) return fail("reply nested too deeply");
    open_.push_back({std::move(value), missing, is_attribute});
    return Step::kDone;
}

// Puts a complete value where it belongs. True: it was the whole reply.
bool RespReplyParser::close_value(ReplyValue value, ReplyValue& reply) {
    while (!open_.empty()) {
        OpenAggregate& parent = open_.back();
        if (!parent.is_attribute) parent.value.elements.push_back(std::move(value));
        if (--parent.missing > 0) return false;
        const bool was_attribute = parent.is_attribute;
        value = std::move(parent.value);
        open_.pop_back();
        if (was_attribute) return false;
    }
    reply = std::move(value);
    return true;
}

RespReplyParser::Step RespReplyParser::fail(std::string text) {
    error_ = std::move(text);
    return Step::kError;
}

}  // namespace kvorum::redis
