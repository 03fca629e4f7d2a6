// Why an operation failed, in words of no protocol: each protocol has texts of its own for these.
//
// One that is reported while an operation is checked and encoded means that it was definitely not executed; one that is
// reported when it is applied or read is its result. Thread: any. Borrows name and word: for the call that it is given
// to.
#pragma once

#include <cstdint>
#include <string_view>

namespace kvorum {

class Failure {
 public:
    enum class Code : uint8_t {
        kSyntax,
        kNotAnInteger,
        kNotAFloat,
        kBadCursor,
        kOffsetOutOfRange,
        kBadBitOffset,
        kBadBit,
        kBadSoughtBit,  // BITPOS
        kBadFieldType,
        kBadFieldOverflow,     // how a field overflows
        kFieldsAreReadOnly,    // BITFIELD_RO
        kNotOfSeveralKeys,     // BITOP NOT
        kExclusiveConditions,  // "only without a deadline" beside another condition
        kGreaterAndLess,       // both of these conditions
        kLengthAndMatches,     // LCS: one or the other
        kBadIdleTime,          // RESTORE
        kBadFrequency,         // RESTORE
        kBadLifetime,          // RESTORE
        kBadPayload,           // of DUMP: changed on the way, or of a later version
        kBadPayloadFormat,     // of DUMP: holds no string
        kDatabaseNotInRange,   // no number of a database
        kNoSuchDatabase,
        kSameKey,
        kNoSuchKey,
        kKeyExists,
        kWrongType,
        kSumOverflows,
        kDecrementOverflows,
        kSumNotFinite,
        kNoFrequencies,     // how often keys are used is not counted
        kTooLong,           // a key or value
        kTooLongTogether,   // BITOP
        kTooLongToCompare,  // LCS
        kOutOfMemory,       // the state might come above its limit; definitely not executed
        // Those below have something with them.
        kWrongOperandCount,  // name
        kBadExpireTime,      // name
        kUnknownPart,        // name, word: no part of the operation has that name
        kUnknownOption,      // word
        kTooLarge,           // size_bytes: what the whole operation takes, more than one may
    };
    using enum Code;

    // Of a code that has nothing with it.
    constexpr Failure(Code code) : code_(code) {}
    // `name`: of the operation, or of a part of it ("object|encoding").
    [[nodiscard]] static Failure wrong_operand_count(std::string_view name) {
        return {kWrongOperandCount, name, {}, 0};
    }
    [[nodiscard]] static Failure bad_expire_time(std::string_view name) { return {kBadExpireTime, name, {}, 0}; }
    // `word`: what the client sent, any bytes.
    [[nodiscard]] static Failure unknown_part(std::string_view name, std::string_view word) {
        return {kUnknownPart, name, word, 0};
    }
    [[nodiscard]] static Failure unknown_option(std::string_view word) { return {kUnknownOption, {}, word, 0}; }
    [[nodiscard]] static Failure too_large(uint64_t size_bytes) { return {kTooLarge, {}, {}, size_bytes}; }

    [[nodiscard]] constexpr Code code() const { return code_; }
    // Empty, and 0, when the code has none.
    [[nodiscard]] std::string_view name() const { return name_; }
    [[nodiscard]] std::string_view word() const { return word_; }
    [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }

 private:
    constexpr Failure(Code code, std::string_view name, std::string_view word, uint64_t size_bytes)
        : code_(code), name_(name), word_(word), size_bytes_(size_bytes) {}

    Code code_;
    std::string_view name_;
    std::string_view word_;
    uint64_t size_bytes_ = 0;
};

}  // namespace kvorum
