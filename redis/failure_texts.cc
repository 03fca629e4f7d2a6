#include "redis/failure_texts.h"

#include <fmt/format.h>

#include <string_view>

#include "base/text.h"
#include "ops/commands.h"

namespace kvorum::redis {
namespace {

// Redis prints words as far as this.
constexpr size_t kWordBytesMax = 128;

// Of those that have nothing with them.
std::string_view fixed_text(Failure::Code code) {
    using enum Failure::Code;
    switch (code) {
        case kSyntax: return "ERR syntax error";
        case kNotAnInteger: return "ERR value is not an integer or out of range";
        case kNotAFloat: return "ERR value is not a valid float";
        case kBadCursor: return "ERR invalid cursor";
        case kOffsetOutOfRange: return "ERR offset is out of range";
        case kBadBitOffset: return "ERR bit offset is not an integer or out of range";
        case kBadBit: return "ERR bit is not an integer or out of range";
        case kBadSoughtBit: return "ERR The bit argument must be 1 or 0.";
        case kBadFieldType:
            return "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
        case kBadFieldOverflow: return "ERR Invalid OVERFLOW type specified";
        case kFieldsAreReadOnly: return "ERR BITFIELD_RO only supports the GET subcommand";
        case kNotOfSeveralKeys: return "ERR BITOP NOT must be called with a single source key.";
        case kExclusiveConditions: return "ERR NX and XX, GT or LT options at the same time are not compatible";
        case kGreaterAndLess: return "ERR GT and LT options at the same time are not compatible";
        case kLengthAndMatches: return "ERR If you want both the length and indexes, please just use IDX.";
        case kBadIdleTime: return "ERR Invalid IDLETIME value, must be >= 0";
        case kBadFrequency: return "ERR Invalid FREQ value, must be >= 0 and <= 255";
        case kBadLifetime: return "ERR Invalid TTL value, must be >= 0";
        case kBadPayload: return "ERR DUMP payload version or checksum are wrong";
        case kBadPayloadFormat: return "ERR Bad data format";
        case kDatabaseNotInRange: return "ERR value is out of range, value must between -2147483648 and 2147483647";
        case kNoSuchDatabase: return "ERR DB index is out of range";
        case kSameKey: return "ERR source and destination objects are the same";
        case kNoSuchKey: return "ERR no such key";
        case kKeyExists: return "BUSYKEY Target key name already exists.";
        case kWrongType: return "WRONGTYPE Operation against a key holding the wrong kind of value";
        case kSumOverflows: return "ERR increment or decrement would overflow";
        case kDecrementOverflows: return "ERR decrement would overflow";
        case kSumNotFinite: return "ERR increment would produce NaN or Infinity";
        case kNoFrequencies:
            return "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when "
                   "switching between policies at runtime LRU and LFU data will take some time to adjust.";
        case kTooLong: return "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
        case kTooLongTogether: return "ERR BITOP of strings of more than 33554432 bytes together";
        case kTooLongToCompare: return "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
        case kOutOfMemory: return "OOM command not allowed when used memory > 'maxmemory'.";
        case kWrongOperandCount:
        case kBadExpireTime:
        case kUnknownPart:
        case kUnknownOption:
        case kTooLarge: break;
    }
    return {};
}

}  // namespace

std::string failure_text(const Failure& failure) {
    switch (failure.code()) {
        case Failure::kWrongOperandCount:
            return fmt::format("ERR wrong number of arguments for '{}' command", failure.name());
        case Failure::kBadExpireTime: return fmt::format("ERR invalid expire time in '{}' command", failure.name());
        case Failure::kUnknownPart:
            return fmt::format("ERR unknown subcommand '{}'. Try {} HELP.", failure.word().substr(0, kWordBytesMax),
                               to_upper(failure.name()));
        case Failure::kUnknownOption: return fmt::format("ERR Unsupported option {}", failure.word());
        case Failure::kTooLarge:
            return fmt::format("ERR command of {} bytes is above the limit of {}", failure.size_bytes(),
                               ops::kCommandSizeMax);
        default: return std::string(fixed_text(failure.code()));
    }
}

}  // namespace kvorum::redis
