#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/text.h"
#include "ops/families.h"
#include "ops/log_record.h"

namespace kvorum::ops {
namespace {

// The options of SET and GETEX. Those of one group exclude each other; any may be repeated, and then the last one
// counts.
enum OptionBit : uint16_t {
    kOptionNx = 1u << 0,
    kOptionXx = 1u << 1,
    kOptionGet = 1u << 2,
    kOptionKeepTtl = 1u << 3,
    kOptionPersist = 1u << 4,
    kOptionEx = 1u << 5,
    kOptionPx = 1u << 6,
    kOptionExAt = 1u << 7,
    kOptionPxAt = 1u << 8,
};

constexpr uint16_t kConditionGroup = kOptionNx | kOptionXx;
constexpr uint16_t kTimeOptions = kOptionEx | kOptionPx | kOptionExAt | kOptionPxAt;
constexpr uint16_t kDeadlineGroup = kTimeOptions | kOptionKeepTtl | kOptionPersist;
constexpr uint16_t kSetOptions = kConditionGroup | kOptionGet | kOptionKeepTtl | kTimeOptions;
constexpr uint16_t kGetexOptions = kOptionPersist | kTimeOptions;

struct Option {
    std::string_view word;
    OptionBit bit;
    uint16_t group;
};

constexpr std::array<Option, 9> kOptions{{
    {"EX", kOptionEx, kDeadlineGroup},
    {"PX", kOptionPx, kDeadlineGroup},
    {"NX", kOptionNx, kConditionGroup},
    {"XX", kOptionXx, kConditionGroup},
    {"GET", kOptionGet, kOptionGet},
    {"KEEPTTL", kOptionKeepTtl, kDeadlineGroup},
    {"PERSIST", kOptionPersist, kDeadlineGroup},
    {"EXAT", kOptionExAt, kDeadlineGroup},
    {"PXAT", kOptionPxAt, kDeadlineGroup},
}};

struct ParsedOptions {
    uint16_t bits = 0;
    std::string_view time;
};

std::optional<ParsedOptions> parse_option_words(Arguments words, uint16_t allowed) {
    ParsedOptions parsed;
    for (size_t i = 0; i < words.size(); ++i) {
        const auto option = std::find_if(kOptions.begin(), kOptions.end(), [word = words[i]](const Option& candidate) {
            return equals_ignore_case(candidate.word, word);
        });
        if (option == kOptions.end() || (option->bit & allowed) == 0) return std::nullopt;
        if ((parsed.bits & option->group & ~option->bit) != 0) return std::nullopt;
        if ((option->bit & kTimeOptions) != 0) {
            if (++i == words.size()) return std::nullopt;
            parsed.time = words[i];
        }
        parsed.bits |= option->bit;
    }
    return parsed;
}

// Nothing on a syntax error.
std::optional<ParsedOptions> parse_options(Arguments words, uint16_t allowed) {
    return words.empty() ? ParsedOptions{} : parse_option_words(words, allowed);
}

TimeUnit unit_of(uint16_t options) {
    return {.seconds = (options & (kOptionEx | kOptionExAt)) != 0,
            .relative = (options & (kOptionEx | kOptionPx)) != 0};
}

enum class TimeError { kNone, kNotInteger, kInvalid };

// A lifetime must be positive; EXPIRE, for which it need not be, has rules of its own.
TimeError parse_deadline(std::string_view text, TimeUnit unit, int64_t now_ms, int64_t& deadline_ms) {
    const auto number = parse_int64(text);
    if (!number) return TimeError::kNotInteger;
    int64_t time_ms = *number;
    if (time_ms <= 0) return TimeError::kInvalid;
    if (unit.seconds && __builtin_mul_overflow(time_ms, int64_t{1000}, &time_ms)) return TimeError::kInvalid;
    if (unit.relative && __builtin_add_overflow(time_ms, now_ms, &time_ms)) return TimeError::kInvalid;
    deadline_ms = time_ms;
    return TimeError::kNone;
}

bool refuse_time(const WriteRequest& request, TimeError error) {
    if (error == TimeError::kNotInteger) return refuse(request.reply, Failure::kNotAnInteger);
    return refuse(request.reply, Failure::bad_expire_time(request.operation.name));
}

bool refuse_long_result(uint64_t offset, uint64_t size, ReplySink& reply) {
    if (offset <= kv::kValueSizeMax && offset + size <= kv::kValueSizeMax) return false;
    reply.failure(Failure::kTooLong);
    return true;
}

}  // namespace

bool encode_set(const WriteRequest& request) {
    const auto options = parse_options(request.arguments.subspan(3), kSetOptions);
    if (!options) return refuse(request.reply, Failure::kSyntax);
    uint16_t flags = 0;
    if (options->bits & kOptionNx) flags |= kSetIfAbsent;
    if (options->bits & kOptionXx) flags |= kSetIfPresent;
    if (options->bits & kOptionGet) flags |= kSetRepliesOldValue;
    if (options->bits & kOptionKeepTtl) flags |= kSetKeepsDeadline;
    int64_t deadline_ms = kv::kNoExpiry;
    if (options->bits & kTimeOptions) {
        flags |= kSetHasDeadline;
        const TimeError error = parse_deadline(options->time, unit_of(options->bits), request.now_ms, deadline_ms);
        if (error != TimeError::kNone) return refuse_time(request, error);
    }
    RecordWriter record(request.batch, OperationCode::kSet, flags);
    if (flags & kSetHasDeadline) record.integer(deadline_ms);
    record.sized(request.arguments[1]).tail(request.arguments[2]);
    return true;
}

bool encode_set_fixed_form(const WriteRequest& request) {
    const std::string_view key = request.arguments[1];
    if (request.code == OperationCode::kSetnx) {
        RecordWriter(request.batch, OperationCode::kSet, kSetIfAbsent | kSetRepliesInteger)
            .sized(key)
            .tail(request.arguments[2]);
        return true;
    }
    if (request.code == OperationCode::kGetset) {
        RecordWriter(request.batch, OperationCode::kSet, kSetRepliesOldValue).sized(key).tail(request.arguments[2]);
        return true;
    }
    const TimeUnit unit{.seconds = request.code == OperationCode::kSetex, .relative = true};
    int64_t deadline_ms = kv::kNoExpiry;
    const TimeError error = parse_deadline(request.arguments[2], unit, request.now_ms, deadline_ms);
    if (error != TimeError::kNone) return refuse_time(request, error);
    RecordWriter(request.batch, OperationCode::kSet, kSetHasDeadline)
        .integer(deadline_ms)
        .sized(key)
        .tail(request.arguments[3]);
    return true;
}

bool apply_set(LoggedCommand& command) {
    const uint16_t flags = command.flags;
    if ((flags & ~kSetAllFlags) != 0) return false;
    int64_t deadline_ms = kv::kNoExpiry;
    if (flags & kSetHasDeadline) deadline_ms = command.payload.read<int64_t>();
    const std::string_view key = read_sized(command.payload);
    const std::string_view value = read_tail(command.payload);
    if (command.payload.failed()) return false;

    bool sets = true;
    if (flags & (kSetIfAbsent | kSetIfPresent | kSetRepliesOldValue | kSetKeepsDeadline)) {
        const kv::Record* old = flags & kSetRepliesOldValue ? command.look_up(key) : command.store.find(key);
        sets = old == nullptr ? (flags & kSetIfPresent) == 0 : (flags & kSetIfAbsent) == 0;
        if (old != nullptr && (flags & kSetKeepsDeadline)) deadline_ms = old->expire_at_ms();
        if (flags & kSetRepliesOldValue) command.reply_value(old);
    }
    if (sets) command.store.begin_put(key, value, deadline_ms);
    if (flags & kSetRepliesOldValue) return true;
    if (flags & kSetRepliesInteger) {
        command.reply.integer(sets ? 1 : 0);
    } else if (sets) {
        command.reply.done();
    } else {
        command.reply.nothing();
    }
    return true;
}

bool encode_getdel(const WriteRequest& request) {
    RecordWriter(request.batch, OperationCode::kGetdel, kNoFlags).tail(request.arguments[1]);
    return true;
}

bool apply_getdel(LoggedCommand& command) {
    if (command.flags != kNoFlags) return false;
    const std::string_view key = read_tail(command.payload);
    command.reply_value(command.look_up(key));
    command.store.erase(key);
    return true;
}

bool encode_getex(const WriteRequest& request) {
    const auto options = parse_options(request.arguments.subspan(2), kGetexOptions);
    if (!options) return refuse(request.reply, Failure::kSyntax);
    uint16_t flags = 0;
    int64_t deadline_ms = kv::kNoExpiry;
    if (options->bits & kOptionPersist) flags |= kGetexRemovesDeadline;
    if (options->bits & kTimeOptions) {
        switch (parse_deadline(options->time, unit_of(options->bits), request.now_ms, deadline_ms)) {
            case TimeError::kNone: flags |= kGetexHasDeadline; break;
            case TimeError::kNotInteger: flags |= kGetexTimeIsNotInteger; break;
            case TimeError::kInvalid: flags |= kGetexTimeIsInvalid; break;
        }
    }
    RecordWriter record(request.batch, OperationCode::kGetex, flags);
    if (flags & kGetexHasDeadline) record.integer(deadline_ms);
    record.tail(request.arguments[1]);
    return true;
}

bool apply_getex(LoggedCommand& command) {
    int64_t deadline_ms = kv::kNoExpiry;
    switch (command.flags) {
        case kNoFlags:
        case kGetexRemovesDeadline:
        case kGetexTimeIsNotInteger:
        case kGetexTimeIsInvalid: break;
        case kGetexHasDeadline: deadline_ms = command.payload.read<int64_t>(); break;
        default: return false;
    }
    const std::string_view key = read_tail(command.payload);
    if (command.payload.failed()) return false;

    const kv::Record* record = command.look_up(key);
    if (record != nullptr && command.flags == kGetexTimeIsNotInteger) {
        command.reply.failure(Failure::kNotAnInteger);
        return true;
    }
    if (record != nullptr && command.flags == kGetexTimeIsInvalid) {
        refuse(command.reply, Failure::bad_expire_time("getex"));
        return true;
    }
    command.reply_value(record);
    if (record == nullptr) return true;
    const bool has_deadline = record->expire_at_ms() != kv::kNoExpiry;
    if (command.flags == kGetexHasDeadline || (command.flags == kGetexRemovesDeadline && has_deadline)) {
        command.store.set_expiry(key, deadline_ms);
    }
    return true;
}

bool encode_mset(const WriteRequest& request) {
    const Arguments pairs = request.arguments.subspan(1);
    if (pairs.size() % 2 != 0) return refuse(request.reply, Failure::wrong_operand_count(request.operation.name));
    const uint16_t flags = request.code == OperationCode::kMsetnx ? uint16_t{kMsetIfAllAbsent} : kNoFlags;
    RecordWriter record(request.batch, OperationCode::kMset, flags);
    record.integer(static_cast<uint32_t>(pairs.size() / 2));
    for (const std::string_view text : pairs)
        record.sized(text);
    return true;
}

bool encode_append(const WriteRequest& request) {
    RecordWriter(request.batch, OperationCode::kAppend, kNoFlags)
        .sized(request.arguments[1])
        .tail(request.arguments[2]);
    return true;
}

bool apply_append(LoggedCommand& command) {
    if (command.flags != kNoFlags) return false;
    const std::string_view key = read_sized(command.payload);
    const std::string_view added = read_tail(command.payload);
    if (command.payload.failed()) return false;

    const kv::Record* old = command.store.find(key);
    const std::string_view old_value = old == nullptr ? std::string_view() : old->value();
    if (refuse_long_result(old_value.size(), added.size(), command.reply)) return true;
    const uint64_t size = old_value.size() + added.size();
    command.reply.integer(static_cast<int64_t>(size));
    command.store.begin_put(key, std::make_unique<kv::PatchedValue>(old_value, old_value.size(), added), size,
                            old == nullptr ? kv::kNoExpiry : old->expire_at_ms());
    return true;
}

bool encode_setrange(const WriteRequest& request) {
    const auto offset = parse_int64(request.arguments[2]);
    if (!offset) return refuse(request.reply, Failure::kNotAnInteger);
    if (*offset < 0) return refuse(request.reply, Failure::kOffsetOutOfRange);
    RecordWriter(request.batch, OperationCode::kSetrange, kNoFlags)
        .integer(static_cast<uint64_t>(*offset))
        .sized(request.arguments[1])
        .tail(request.arguments[3]);
    return true;
}

bool apply_setrange(LoggedCommand& command) {
    if (command.flags != kNoFlags) return false;
    const auto offset = command.payload.read<uint64_t>();
    const std::string_view key = read_sized(command.payload);
    const std::string_view patch = read_tail(command.payload);
    if (command.payload.failed()) return false;

    const kv::Record* old = command.store.find(key);
    if (patch.empty()) {
        command.reply.integer(old == nullptr ? 0 : static_cast<int64_t>(old->value().size()));
        return true;
    }
    if (refuse_long_result(offset, patch.size(), command.reply)) return true;
    const std::string_view old_value = old == nullptr ? std::string_view() : old->value();
    const uint64_t size = std::max<uint64_t>(old_value.size(), offset + patch.size());
    command.reply.integer(static_cast<int64_t>(size));
    command.store.begin_put(key, std::make_unique<kv::PatchedValue>(old_value, offset, patch), size,
                            old == nullptr ? kv::kNoExpiry : old->expire_at_ms());
    return true;
}

}  // namespace kvorum::ops
