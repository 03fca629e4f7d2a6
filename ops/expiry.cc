#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "ops/families.h"
#include "ops/log_record.h"

namespace kvorum::ops {
namespace {

TimeUnit unit_of(OperationCode code) {
    return {.seconds = code == OperationCode::kExpire || code == OperationCode::kExpireat,
            .relative = code == OperationCode::kExpire || code == OperationCode::kPexpire};
}

// False when a failure was reported.
bool parse_conditions(Arguments words, uint16_t& flags, ReplySink& reply) {
    flags = kNoFlags;
    for (const std::string_view word : words) {
        if (equals_ignore_case(word, "NX")) {
            flags |= kExpireIfNone;
        } else if (equals_ignore_case(word, "XX")) {
            flags |= kExpireIfAny;
        } else if (equals_ignore_case(word, "GT")) {
            flags |= kExpireIfGreater;
        } else if (equals_ignore_case(word, "LT")) {
            flags |= kExpireIfLess;
        } else {
            return refuse(reply, Failure::unknown_option(word));
        }
    }
    if ((flags & kExpireIfNone) != 0 && flags != kExpireIfNone) {
        return refuse(reply, Failure::kExclusiveConditions);
    }
    if ((flags & kExpireIfGreater) != 0 && (flags & kExpireIfLess) != 0) {
        return refuse(reply, Failure::kGreaterAndLess);
    }
    return true;
}

// A time in the past is allowed and deletes the key; what is left to refuse is what does not fit. False: it does not.
bool to_deadline(int64_t time, TimeUnit unit, int64_t now_ms, int64_t& deadline_ms) {
    if (unit.seconds && __builtin_mul_overflow(time, int64_t{1000}, &time)) return false;
    if (unit.relative && __builtin_add_overflow(time, now_ms, &time)) return false;
    deadline_ms = std::max(time, kv::kDeadlineMin);
    return true;
}

// A key without a deadline counts as one that lives for ever.
bool conditions_hold(uint16_t flags, int64_t old_deadline_ms, int64_t new_deadline_ms) {
    const bool has_deadline = old_deadline_ms != kv::kNoExpiry;
    if ((flags & kExpireIfNone) != 0 && has_deadline) return false;
    if ((flags & kExpireIfAny) != 0 && !has_deadline) return false;
    if ((flags & kExpireIfGreater) != 0 && (!has_deadline || new_deadline_ms <= old_deadline_ms)) return false;
    if ((flags & kExpireIfLess) != 0 && has_deadline && new_deadline_ms >= old_deadline_ms) return false;
    return true;
}

}  // namespace

bool encode_expire(const WriteRequest& request) {
    uint16_t flags = kNoFlags;
    if (!parse_conditions(request.arguments.subspan(3), flags, request.reply)) return false;
    const auto time = parse_int64(request.arguments[2]);
    if (!time) return refuse(request.reply, Failure::kNotAnInteger);
    int64_t deadline_ms = 0;
    if (!to_deadline(*time, unit_of(request.code), request.now_ms, deadline_ms)) {
        return refuse(request.reply, Failure::bad_expire_time(request.operation.name));
    }
    RecordWriter(request.batch, OperationCode::kExpire, flags).integer(deadline_ms).tail(request.arguments[1]);
    return true;
}

bool apply_expire(LoggedCommand& command) {
    if ((command.flags & ~kExpireAllFlags) != 0) return false;
    const auto deadline_ms = command.payload.read<int64_t>();
    const std::string_view key = read_tail(command.payload);
    if (command.payload.failed()) return false;

    const kv::Record* record = command.store.find(key);
    const bool holds = record != nullptr && conditions_hold(command.flags, record->expire_at_ms(), deadline_ms);
    if (holds) command.store.set_expiry(key, deadline_ms);
    command.reply.integer(holds ? 1 : 0);
    return true;
}

bool encode_persist(const WriteRequest& request) {
    RecordWriter(request.batch, OperationCode::kPersist, kNoFlags).tail(request.arguments[1]);
    return true;
}

bool apply_persist(LoggedCommand& command) {
    if (command.flags != kNoFlags) return false;
    const std::string_view key = read_tail(command.payload);
    const kv::Record* record = command.store.find(key);
    const bool removes = record != nullptr && record->expire_at_ms() != kv::kNoExpiry;
    if (removes) command.store.set_expiry(key, kv::kNoExpiry);
    command.reply.integer(removes ? 1 : 0);
    return true;
}

void read_ttl(const ReadRequest& request) {
    constexpr int64_t kNoKey = -2;
    constexpr int64_t kLivesForEver = -1;
    const kv::Record* record = request.find(request.arguments[1]);
    if (record == nullptr) return request.reply.integer(kNoKey);
    if (record->expire_at_ms() == kv::kNoExpiry) return request.reply.integer(kLivesForEver);

    const bool remaining = request.code == OperationCode::kTtl || request.code == OperationCode::kPttl;
    const bool seconds = request.code == OperationCode::kTtl || request.code == OperationCode::kExpiretime;
    int64_t time_ms = record->expire_at_ms();
    // A key is there until log time reaches its deadline, which this node's clock may already have passed.
    if (remaining) time_ms = std::max<int64_t>(0, time_ms - request.context.now_ms);
    request.reply.integer(seconds ? time_ms / 1000 + (time_ms % 1000 >= 500 ? 1 : 0) : time_ms);
}

}  // namespace kvorum::ops
