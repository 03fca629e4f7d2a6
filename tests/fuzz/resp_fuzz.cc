// What a client sends, and what our own replies look like to a client.
//
// 1. Chunking oracle: a stream parsed whole and the same stream cut into pieces give the same commands and the same
// error.
// 2. Whatever RespWriter writes, RespReplyParser reads back as the same value.
// 3. The reply parser takes arbitrary bytes, whole and cut, with the same result.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "redis/resp_parser.h"
#include "redis/resp_reply_parser.h"
#include "redis/resp_writer.h"

namespace {

using namespace kvorum;
using namespace kvorum::redis;

struct Parsed {
    std::vector<std::vector<std::string>> commands;
    ParseErrorKind error_kind = ParseErrorKind::kNone;
    std::string error;

    bool operator==(const Parsed&) const = default;
};

// Small limits, so that a fuzzer reaches them; the same path as the large ones.
RespLimits small_limits(bool authenticated) {
    RespLimits limits;
    limits.arguments_max = 64;
    limits.bulk_bytes_max = 512;
    limits.inline_bytes_max = 128;
    limits.command_bytes_max = 1024;
    limits.packed_above_bytes = 128;
    limits.authenticated = authenticated;
    return limits;
}

// The pieces' sizes follow from `seed`. Each piece is a heap block of its own that is freed when the parser asked for
// more.
std::vector<std::string_view> cut(std::string_view text, uint8_t seed) {
    std::vector<std::string_view> pieces;
    uint32_t state = seed;
    while (!text.empty()) {
        state = state * 1664525 + 1013904223;
        const size_t size = std::min<size_t>(seed == 0 ? text.size() : 1 + (state >> 24) % seed, text.size());
        pieces.push_back(text.substr(0, size));
        text.remove_prefix(size);
    }
    return pieces;
}

Parsed parse_requests(std::string_view text, uint8_t seed, bool authenticated, bool detach) {
    RespParser parser(small_limits(authenticated));
    Parsed parsed;
    std::vector<std::string_view> arguments;
    uint64_t fed = 0;
    for (const std::string_view piece : cut(text, seed)) {
        const std::vector<char> copy(piece.begin(), piece.end());
        parser.feed(as_bytes({copy.data(), copy.size()}));
        fed += piece.size();
        ParseStatus status = ParseStatus::kCommand;
        while ((status = parser.next(arguments)) == ParseStatus::kCommand || status == ParseStatus::kLargeCommand) {
            PackedCommand large;
            if (status == ParseStatus::kLargeCommand) {
                large = parser.take_large();
                large.first_arguments(SIZE_MAX, arguments);
            }
            KVORUM_ASSERT(!arguments.empty());
            parsed.commands.emplace_back(arguments.begin(), arguments.end());
            if (detach) parser.detach();
        }
        // An argument of 0 bytes takes 6 on the wire and a span of 8 here; growth at most doubles.
        KVORUM_ASSERT(parser.allocated_bytes() <= 8 * fed + 4096);
    }
    parsed.error_kind = parser.error_kind();
    parsed.error = parser.error();
    return parsed;
}

std::vector<std::string> parse_replies(std::string_view text, uint8_t seed) {
    RespReplyParser parser({.reply_bytes_max = 4096, .depth_max = 8});
    std::vector<std::string> replies;
    ReplyValue reply;
    for (const std::string_view piece : cut(text, seed)) {
        parser.feed(as_bytes(piece));
        while (parser.next(reply) == ReplyStatus::kReply)
            replies.push_back(reply.to_string());
    }
    replies.push_back("error: " + std::string(parser.error()));
    return replies;
}

// Draws from the fuzzer's bytes; zeros when they are used up.
class Source {
 public:
    explicit Source(std::string_view bytes) : reader_(as_bytes(bytes)) {}
    uint8_t byte() { return reader_.remaining() > 0 ? reader_.read<uint8_t>() : uint8_t{0}; }
    uint64_t word() { return reader_.remaining() >= 8 ? reader_.read<uint64_t>() : byte(); }
    std::string text() { return std::string(reader_.read_text(std::min<size_t>(byte(), reader_.remaining()))); }

 private:
    ByteReader reader_;
};

std::string on_one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\r', ' ');
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

// Writes one value and says what a client must read.
ReplyValue write_value(Source& source, RespWriter& writer, int depth) {
    const bool resp3 = writer.version() == RespVersion::kResp3;
    ReplyValue value;
    switch (source.byte() % (depth < 4 ? 12 : 9)) {
        case 0:
            value.type = ReplyType::kSimpleString;
            value.text = on_one_line(source.text());
            writer.status(value.text);
            break;
        case 1: {
            const std::string line = source.text();
            value.type = ReplyType::kError;
            value.text = on_one_line(line);
            writer.error(line);
            break;
        }
        case 2:
            value.type = ReplyType::kInteger;
            value.integer = static_cast<int64_t>(source.word());
            writer.integer(value.integer);
            break;
        case 3:
            value.type = ReplyType::kBulkString;
            value.text = source.text();
            writer.bytes(value.text);
            break;
        case 4: writer.nothing(); break;
        case 5: writer.no_list(); break;
        case 6:
            value.type = resp3 ? ReplyType::kBoolean : ReplyType::kInteger;
            value.integer = source.byte() % 2;
            writer.truth(value.integer != 0);
            break;
        case 7: {
            const double number = std::bit_cast<double>(source.word());
            value.type = ReplyType::kDouble;
            value.number = number;
            writer.number(number);
            break;
        }
        case 8:
            value.type = resp3 ? ReplyType::kVerbatim : ReplyType::kBulkString;
            value.text = source.text();
            writer.text(value.text);
            break;
        default: {
            const uint8_t kind = source.byte() % 3;
            const uint64_t count = source.byte() % 5;
            if (kind == 0) writer.list(count);
            if (kind == 1) writer.map(count);
            if (kind == 2) writer.set(count);
            constexpr ReplyType kTypes[] = {ReplyType::kArray, ReplyType::kMap, ReplyType::kSet};
            value.type = resp3 ? kTypes[kind] : ReplyType::kArray;
            for (uint64_t i = 0; i < (kind == 1 ? 2 * count : count); ++i)
                value.elements.push_back(write_value(source, writer, depth + 1));
        }
    }
    return value;
}

// RESP2 has no doubles: the client reads their text.
void compare(const ReplyValue& expected, const ReplyValue& actual) {
    if (expected.type == ReplyType::kDouble && actual.type == ReplyType::kBulkString) {
        std::string text;
        RespWriter(text, RespVersion::kResp3).number(expected.number);
        KVORUM_ASSERT(text == "," + actual.text + "\r\n");
        return;
    }
    KVORUM_ASSERT(expected.elements.size() == actual.elements.size());
    for (size_t i = 0; i < expected.elements.size(); ++i)
        compare(expected.elements[i], actual.elements[i]);
    ReplyValue expected_alone = expected;
    ReplyValue actual_alone = actual;
    expected_alone.elements.clear();
    actual_alone.elements.clear();
    KVORUM_ASSERT(expected_alone == actual_alone, "{} became {}", expected_alone.to_string(), actual_alone.to_string());
}

void round_trip(std::string_view bytes) {
    Source source(bytes);
    std::string text;
    RespWriter writer(text, source.byte() % 2 == 0 ? RespVersion::kResp2 : RespVersion::kResp3);
    const ReplyValue expected = write_value(source, writer, 0);
    RespReplyParser parser;
    ReplyValue actual;
    parser.feed(as_bytes(text));
    KVORUM_ASSERT(parser.next(actual) == ReplyStatus::kReply, "{}: {}", text, parser.error());
    KVORUM_ASSERT(parser.buffered_bytes() == 0);
    compare(expected, actual);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    const uint8_t seed = data[0];
    const bool authenticated = data[1] % 2 == 0;
    const bool detach = data[1] % 4 < 2;
    const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    const Parsed whole = parse_requests(text, 0, authenticated, false);
    KVORUM_ASSERT(parse_requests(text, seed, authenticated, detach) == whole, "the cut changed the result");
    KVORUM_ASSERT(parse_requests(text, 1, authenticated, detach) == whole, "single bytes changed the result");
    KVORUM_ASSERT(parse_replies(text, 0) == parse_replies(text, seed), "the cut changed the replies");
    round_trip(text);
    return 0;
}
