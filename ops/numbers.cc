#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "ops/families.h"
#include "ops/log_record.h"

namespace kvorum::ops {

bool encode_incrby(const WriteRequest& request) {
    int64_t increment = request.code == OperationCode::kIncr ? 1 : -1;
    if (request.code == OperationCode::kIncrby || request.code == OperationCode::kDecrby) {
        const auto number = parse_int64(request.arguments[2]);
        if (!number) return refuse(request.reply, Failure::kNotAnInteger);
        increment = *number;
    }
    if (request.code == OperationCode::kDecrby) {
        if (increment == INT64_MIN) return refuse(request.reply, Failure::kDecrementOverflows);
        increment = -increment;
    }
    RecordWriter(request.batch, OperationCode::kIncrby, kNoFlags).integer(increment).tail(request.arguments[1]);
    return true;
}

bool apply_incrby(LoggedCommand& command) {
    if (command.flags != kNoFlags) return false;
    const auto increment = command.payload.read<int64_t>();
    const std::string_view key = read_tail(command.payload);
    if (command.payload.failed()) return false;

    const kv::Record* old = command.store.find(key);
    const auto number = old == nullptr ? std::optional<int64_t>(0) : parse_int64(old->value());
    if (!number) {
        command.reply.failure(Failure::kNotAnInteger);
        return true;
    }
    int64_t sum = 0;
    if (__builtin_add_overflow(*number, increment, &sum)) {
        command.reply.failure(Failure::kSumOverflows);
        return true;
    }
    const fmt::format_int digits(sum);
    command.store.put(key, {digits.data(), digits.size()}, old == nullptr ? kv::kNoExpiry : old->expire_at_ms());
    command.reply.integer(sum);
    return true;
}

bool encode_incrbyfloat(const WriteRequest& request) {
    if (!parse_long_double(request.arguments[2])) return refuse(request.reply, Failure::kNotAFloat);
    RecordWriter(request.batch, OperationCode::kIncrbyfloat, kNoFlags)
        .sized(request.arguments[1])
        .tail(request.arguments[2]);
    return true;
}

bool apply_incrbyfloat(LoggedCommand& command) {
    if (command.flags != kNoFlags) return false;
    const std::string_view key = read_sized(command.payload);
    const auto increment = parse_long_double(read_tail(command.payload));
    if (command.payload.failed() || !increment) return false;

    const kv::Record* old = command.store.find(key);
    const auto number = old == nullptr ? std::optional<long double>(0) : parse_long_double(old->value());
    if (!number) {
        command.reply.failure(Failure::kNotAFloat);
        return true;
    }
    const long double sum = *number + *increment;
    if (!std::isfinite(sum)) {
        command.reply.failure(Failure::kSumNotFinite);
        return true;
    }
    const std::string text = format_long_double(sum);
    command.reply.bytes(text);
    command.store.put(key, text, old == nullptr ? kv::kNoExpiry : old->expire_at_ms());
    return true;
}

}  // namespace kvorum::ops
