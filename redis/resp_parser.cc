#include "redis/resp_parser.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "net/partial_buffer.h"

namespace kvorum::redis {
namespace {

// Buffers above this are given back once their command is done, so that one big command does not pin memory on an idle
// connection.
constexpr size_t kKeepBytes = 16 * kKiB;

// A length line of any length that is accepted must fit into the line limit.
constexpr uint64_t kLineBytesMin = 32;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// An integer as Redis's string2ll() takes it: no plus sign, no leading zero, no "-0", no overflow.
bool parse_integer(std::string_view text, int64_t& value) {
    const bool negative = !text.empty() && text[0] == '-';
    const std::string_view digits = text.substr(negative ? 1 : 0);
    if (digits.empty() || digits.size() > 18) return false;
    if (digits[0] == '0' && (digits.size() > 1 || negative)) return false;
    int64_t magnitude = 0;
    for (const char c : digits) {
        if (!is_digit(c)) return false;
        magnitude = magnitude * 10 + (c - '0');
    }
    value = negative ? -magnitude : magnitude;
    return true;
}

// "<mark><digits>\r\n" at the start of `text`, when it is there whole and plain. Returns its size, 0 if the slow path
// must look.
size_t read_plain_length(std::string_view text, int64_t& value) {
    constexpr size_t kDigitsMax = 9;
    size_t at = 1;
    int64_t number = 0;
    while (at < text.size() && at <= kDigitsMax && is_digit(text[at])) {
        number = number * 10 + (text[at] - '0');
        ++at;
    }
    if (at == 1 || at + 1 >= text.size() || text[at] != '\r' || text[at + 1] != '\n') return 0;
    if (text[1] == '0' && at > 2) return 0;
    value = number;
    return at + 2;
}

// The second argument of the command at the start of `text`, which is moved behind it; empty when there is none or the
// command is not whole and plain.
std::string_view take_second_argument(std::string_view& text) {
    int64_t argument_count = 0;
    if (!text.starts_with('*')) return {};
    const size_t count_size = read_plain_length(text, argument_count);
    if (count_size == 0 || argument_count < 2) return {};
    std::string_view rest = text.substr(count_size);
    std::string_view second;
    for (int64_t i = 0; i < argument_count; ++i) {
        int64_t size = 0;
        if (!rest.starts_with('$')) return {};
        const size_t size_size = read_plain_length(rest, size);
        const uint64_t whole_size = size_size + static_cast<uint64_t>(size) + 2;
        if (size_size == 0 || rest.size() < whole_size) return {};
        if (i == 1) second = rest.substr(size_size, static_cast<size_t>(size));
        rest.remove_prefix(whole_size);
    }
    text = rest;
    return second;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
    return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
               return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
           });
}

std::string_view view_of(const std::vector<char>& bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace

RespParser::RespParser(RespLimits limits) { set_limits(limits); }

void RespParser::set_limits(RespLimits limits) {
    KVORUM_ASSERT(limits.command_bytes_max < std::numeric_limits<uint32_t>::max());
    KVORUM_ASSERT(limits.inline_bytes_max >= kLineBytesMin && limits.inline_bytes_max <= limits.command_bytes_max);
    limits_ = limits;
}

void RespParser::feed(Bytes chunk) {
    if (error_kind_ != ParseErrorKind::kNone) return;
    if (input_.empty()) {
        input_ = as_text(chunk);
        input_is_held_ = false;
        return;
    }
    std::vector<char> joined;
    joined.reserve(input_.size() + chunk.size());
    joined.insert(joined.end(), input_.begin(), input_.end());
    const std::string_view added = as_text(chunk);
    joined.insert(joined.end(), added.begin(), added.end());
    held_ = std::move(joined);
    input_ = view_of(held_);
    input_is_held_ = true;
}

void RespParser::detach() {
    if (input_.empty() || input_is_held_) return;
    held_.assign(input_.begin(), input_.end());
    input_ = view_of(held_);
    input_is_held_ = true;
}

void RespParser::release() {
    fail("released");
    input_ = {};
    large_ = {};
    net::release_memory(held_);
    net::release_memory(partial_);
    net::release_memory(spans_);
    net::release_memory(inline_storage_);
}

uint64_t RespParser::allocated_bytes() const {
    return held_.capacity() + partial_.capacity() + inline_storage_.capacity() + spans_.capacity() * sizeof(ByteSpan) +
           large_.memory_bytes();
}

ParseStatus RespParser::next(std::vector<std::string_view>& arguments) {
    arguments.clear();
    if (error_kind_ != ParseErrorKind::kNone) return ParseStatus::kError;
    forget_last_command();
    if (is_large_) return next_large(go_on_with_large());
    while (true) {
        const bool straddles = !partial_.empty();
        if (input_.empty() || (straddles && move_to_partial() == 0)) break;
        const std::string_view text = straddles ? view_of(partial_) : input_;
        const Step step = parse(text);
        if (step == Step::kError) {
            input_ = {};
            return ParseStatus::kError;
        }
        if (step == Step::kShort) {
            if (!straddles) {
                partial_.assign(input_.begin(), input_.end());
                input_ = {};
            }
            if (expected_arguments_ > 0 && partial_.size() > limits_.packed_above_bytes)
                return next_large(begin_large());
            continue;
        }
        if (straddles) {
            last_in_partial_ = true;
        } else {
            input_.remove_prefix(position_);
        }
        if (step == Step::kCommand) {
            if (!is_inline_ && position_ > limits_.packed_above_bytes) {
                pack(text);
                return next_large(step);
            }
            emit(is_inline_ ? std::string_view(inline_storage_) : text, arguments);
            begin_command();
            return ParseStatus::kCommand;
        }
        begin_command();
        forget_last_command();
    }
    if (held_.capacity() > 0) net::release_memory(held_);
    return ParseStatus::kNeedMore;
}

ParseStatus RespParser::next_large(Step step) {
    if (step == Step::kCommand) {
        begin_command();
        return ParseStatus::kLargeCommand;
    }
    if (step == Step::kError) {
        input_ = {};
        return ParseStatus::kError;
    }
    if (held_.capacity() > 0) net::release_memory(held_);
    return ParseStatus::kNeedMore;
}

// What was parsed so far.
void RespParser::pack(std::string_view text) {
    large_ = PackedCommand(expected_arguments_);
    for (const ByteSpan& span : spans_) {
        large_.begin_argument(span.size);
        large_.append(text.substr(span.offset, span.size));
    }
    large_arguments_ = static_cast<uint32_t>(spans_.size());
    net::release_memory(spans_);
}

// The command in partial_, which goes on in the input, is large.
RespParser::Step RespParser::begin_large() {
    const std::vector<char> gathered = std::exchange(partial_, {});
    pack(view_of(gathered));
    is_large_ = true;
    const std::string_view later = std::exchange(input_, view_of(gathered).substr(position_));
    before_line_ = std::exchange(position_, 0);
    line_scanned_ = 0;
    if (in_bulk_) {
        large_.begin_argument(static_cast<uint32_t>(bulk_size_));
        bulk_left_ = bulk_size_ + 2;
    }
    const Step step = go_on_with_large();
    if (step == Step::kError) return step;
    KVORUM_ASSERT(step == Step::kShort && input_.empty(), "a command that was incomplete is complete");
    input_ = later;
    return go_on_with_large();
}

RespParser::Step RespParser::go_on_with_large() {
    while (large_arguments_ < expected_arguments_) {
        const Step step = in_bulk_ ? read_large_argument() : read_large_size();
        if (step != Step::kCommand) return step;
    }
    return Step::kCommand;
}

RespParser::Step RespParser::read_large_size() {
    const bool straddles = !partial_.empty();
    if (input_.empty()) return Step::kShort;
    if (straddles) move_to_partial();
    const std::string_view text = straddles ? view_of(partial_) : input_;
    const Step step = read_bulk_size(text);
    if (step == Step::kError) return step;
    if (step == Step::kShort) {
        if (straddles) return input_.empty() ? step : Step::kCommand;
        partial_.assign(input_.begin(), input_.end());
        input_ = {};
        return step;
    }
    if (straddles) {
        partial_.clear();
    } else {
        input_.remove_prefix(position_);
    }
    before_line_ += std::exchange(position_, 0);
    line_scanned_ = 0;
    large_.begin_argument(static_cast<uint32_t>(bulk_size_));
    bulk_left_ = bulk_size_ + 2;
    return Step::kCommand;
}

RespParser::Step RespParser::read_large_argument() {
    if (bulk_left_ > 2) {
        const std::string_view piece = input_.substr(0, std::min<uint64_t>(bulk_left_ - 2, input_.size()));
        large_.append(piece);
        input_.remove_prefix(piece.size());
        bulk_left_ -= piece.size();
    }
    while (bulk_left_ > 0 && bulk_left_ <= 2 && !input_.empty()) {
        if (input_.front() != (bulk_left_ == 2 ? '\r' : '\n')) return fail("expected CRLF after a bulk string");
        input_.remove_prefix(1);
        --bulk_left_;
    }
    if (bulk_left_ > 0) return Step::kShort;
    before_line_ += bulk_size_ + 2;
    in_bulk_ = false;
    ++large_arguments_;
    return Step::kCommand;
}

size_t RespParser::look_ahead(std::span<std::string_view> second_arguments) const {
    if (mid_command() || position_ != 0) return 0;
    std::string_view text = input_;
    size_t count = 0;
    while (count < second_arguments.size()) {
        const std::string_view second = take_second_argument(text);
        if (second.empty()) break;
        second_arguments[count++] = second;
    }
    return count;
}

// Moves what the current command is known to need, so that the commands behind it are parsed in place. Returns how much
// that was.
size_t RespParser::move_to_partial() {
    size_t wanted;
    size_t known_size;
    if (in_bulk_) {
        known_size = position_ + bulk_size_ + 2;
        wanted = known_size - partial_.size();
    } else {
        // One byte more than the line limit shows that the line is too long.
        known_size = position_ + limits_.inline_bytes_max + 1;
        const std::string_view within = input_.substr(0, known_size - partial_.size());
        const size_t newline_at = within.find('\n');
        wanted = newline_at == std::string_view::npos ? within.size() : newline_at + 1;
    }
    const size_t size = std::min(wanted, input_.size());
    // While arguments are to come, what is known is only the beginning: growing by that much alone would copy the whole
    // command with every input.
    const bool more_arguments = !is_large_ && spans_.size() + 1 < expected_arguments_;
    net::append_bounded(partial_, input_.substr(0, size), more_arguments ? limits_.command_bytes_max : known_size);
    input_.remove_prefix(size);
    return size;
}

RespParser::Step RespParser::parse(std::string_view text) {
    if (expected_arguments_ == 0) {
        if (text[0] != '*') return parse_inline(text);
        const Step step = read_argument_count(text);
        if (step != Step::kCommand) return step;
    }
    while (spans_.size() < expected_arguments_) {
        if (!in_bulk_) {
            const Step step = read_bulk_size(text);
            if (step != Step::kCommand) return step;
        }
        const uint64_t available = text.size() - position_;
        if (available < bulk_size_ + 2) return Step::kShort;
        const size_t end = position_ + bulk_size_;
        if (text[end] != '\r' || text[end + 1] != '\n') return fail("expected CRLF after a bulk string");
        spans_.push_back({static_cast<uint32_t>(position_), static_cast<uint32_t>(bulk_size_)});
        position_ = end + 2;
        in_bulk_ = false;
    }
    return Step::kCommand;
}

// kCommand: the count was read. kNothing: an empty or null array, which Redis ignores.
RespParser::Step RespParser::read_argument_count(std::string_view text) {
    int64_t count = 0;
    const Step step = read_length(text, "too big mbulk count string", "invalid multibulk length", count);
    if (step != Step::kCommand) return step;
    if (count > limits_.arguments_max) return fail("invalid multibulk length");
    if (!limits_.authenticated && count > RespLimits::kUnauthenticatedArgumentsMax) {
        return fail("unauthenticated multibulk length");
    }
    if (count <= 0) return Step::kNothing;
    expected_arguments_ = static_cast<uint32_t>(count);
    return Step::kCommand;
}

RespParser::Step RespParser::read_bulk_size(std::string_view text) {
    if (position_ == text.size()) return Step::kShort;
    if (text[position_] != '$') return fail(std::string("expected '$', got '") + text[position_] + "'");
    int64_t size = 0;
    const Step step = read_length(text, "too big bulk count string", "invalid bulk length", size);
    if (step != Step::kCommand) return step;
    if (size < 0 || static_cast<uint64_t>(size) > limits_.bulk_bytes_max) return fail("invalid bulk length");
    bulk_size_ = static_cast<uint64_t>(size);
    if (!limits_.authenticated && bulk_size_ > RespLimits::kUnauthenticatedBulkBytesMax) {
        return fail("unauthenticated bulk length");
    }
    if (before_line_ + position_ + bulk_size_ + 2 > limits_.command_bytes_max) return fail("too big command");
    in_bulk_ = true;
    return Step::kCommand;
}

// The length line at position_; moves position_ behind it.
RespParser::Step RespParser::read_length(std::string_view text, const char* too_big, const char* invalid,
                                         int64_t& value) {
    if (const size_t size = read_plain_length(text.substr(position_), value); size != 0) {
        position_ += size;
        line_scanned_ = position_;
        return Step::kCommand;
    }
    size_t newline_at = 0;
    const Step step = find_line(text, too_big, newline_at);
    if (step != Step::kCommand) return step;
    std::string_view line = text.substr(position_ + 1, newline_at - position_ - 1);
    if (!line.ends_with('\r')) return fail(invalid);
    line.remove_suffix(1);
    if (!parse_integer(line, value)) return fail(invalid);
    position_ = newline_at + 1;
    return Step::kCommand;
}

// Where the line at position_ ends.
RespParser::Step RespParser::find_line(std::string_view text, const char* too_big, size_t& newline_at) {
    const size_t line_end_max = position_ + limits_.inline_bytes_max + 1;
    const size_t scan_end = std::min(text.size(), line_end_max);
    const size_t scan_begin = std::max(line_scanned_, position_);
    const void* found =
        scan_begin < scan_end ? std::memchr(text.data() + scan_begin, '\n', scan_end - scan_begin) : nullptr;
    if (found == nullptr) {
        line_scanned_ = scan_end;
        return scan_end == line_end_max ? fail(too_big) : Step::kShort;
    }
    newline_at = static_cast<size_t>(static_cast<const char*>(found) - text.data());
    line_scanned_ = newline_at + 1;
    return Step::kCommand;
}

RespParser::Step RespParser::parse_inline(std::string_view text) {
    is_inline_ = true;
    size_t newline_at = 0;
    const Step step = find_line(text, "too big inline request", newline_at);
    if (step != Step::kCommand) return step;
    std::string_view line = text.substr(0, newline_at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    inline_storage_.clear();
    if (!split_inline_command(line, inline_storage_, spans_)) return fail("unbalanced quotes in request");
    position_ = newline_at + 1;
    if (spans_.empty()) return Step::kNothing;
    const std::string_view first = std::string_view(inline_storage_).substr(0, spans_.front().size);
    if (equals_ignoring_case(first, "post") || equals_ignoring_case(first, "host:")) {
        fail("possible cross-protocol attack");
        error_kind_ = ParseErrorKind::kCrossProtocol;
        return Step::kError;
    }
    return Step::kCommand;
}

RespParser::Step RespParser::fail(std::string text) {
    error_kind_ = ParseErrorKind::kProtocol;
    error_ = std::move(text);
    return Step::kError;
}

void RespParser::emit(std::string_view base, std::vector<std::string_view>& arguments) const {
    arguments.resize(spans_.size());
    for (size_t i = 0; i < spans_.size(); ++i)
        arguments[i] = std::string_view(base.data() + spans_[i].offset, spans_[i].size);
}

void RespParser::begin_command() {
    spans_.clear();
    if (spans_.capacity() * sizeof(ByteSpan) > kKeepBytes) net::release_memory(spans_);
    position_ = 0;
    line_scanned_ = 0;
    expected_arguments_ = 0;
    in_bulk_ = false;
    is_inline_ = false;
    is_large_ = false;
    before_line_ = 0;
    large_arguments_ = 0;
}

void RespParser::forget_last_command() {
    if (inline_storage_.capacity() > kKeepBytes) net::release_memory(inline_storage_);
    if (!last_in_partial_) return;
    last_in_partial_ = false;
    partial_.clear();
    if (partial_.capacity() > kKeepBytes) net::release_memory(partial_);
}

}  // namespace kvorum::redis
