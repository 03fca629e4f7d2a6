#include <cstdint>

#include "base/text.h"
#include "ops/families.h"
#include "ops/log_record.h"

namespace kvorum::ops {
namespace {

// There is one database, number 0. False when a failure was reported.
bool check_database(std::string_view text, ReplySink& reply) {
    const auto number = parse_int64(text);
    if (!number) return refuse(reply, Failure::kNotAnInteger);
    if (*number < INT32_MIN || *number > INT32_MAX) {
        return refuse(reply, Failure::kDatabaseNotInRange);
    }
    if (*number == 0) return true;
    return refuse(reply, Failure::kNoSuchDatabase);
}

}  // namespace

bool encode_del(const WriteRequest& request) {
    const Arguments keys = request.arguments.subspan(1);
    RecordWriter record(request.batch, OperationCode::kDel, kNoFlags);
    record.integer(static_cast<uint32_t>(keys.size()));
    for (const std::string_view key : keys)
        record.sized(key);
    return true;
}

bool encode_rename(const WriteRequest& request) {
    const uint16_t flags = request.code == OperationCode::kRenamenx ? uint16_t{kRenameIfAbsent} : kNoFlags;
    RecordWriter(request.batch, OperationCode::kRename, flags).sized(request.arguments[1]).tail(request.arguments[2]);
    return true;
}

bool apply_rename(LoggedCommand& command) {
    if ((command.flags & ~kRenameIfAbsent) != 0) return false;
    const std::string_view old_key = read_sized(command.payload);
    const std::string_view new_key = read_tail(command.payload);
    if (command.payload.failed()) return false;

    const kv::Record* record = command.store.find(old_key);
    if (record == nullptr) {
        command.reply.failure(Failure::kNoSuchKey);
        return true;
    }
    const bool refused = (command.flags & kRenameIfAbsent) != 0 && command.store.find(new_key) != nullptr;
    if (!refused && old_key != new_key) {
        command.store.erase(old_key);
        command.store.begin_put(new_key, record->value(), record->expire_at_ms());
    }
    if (command.flags & kRenameIfAbsent) {
        command.reply.integer(refused ? 0 : 1);
    } else {
        command.reply.done();
    }
    return true;
}

bool encode_copy(const WriteRequest& request) {
    uint16_t flags = kNoFlags;
    const Arguments options = request.arguments.subspan(3);
    for (size_t i = 0; i < options.size(); ++i) {
        if (equals_ignore_case(options[i], "REPLACE")) {
            flags |= kCopyReplaces;
        } else if (equals_ignore_case(options[i], "DB") && i + 1 < options.size()) {
            if (!check_database(options[++i], request.reply)) return false;
        } else {
            return refuse(request.reply, Failure::kSyntax);
        }
    }
    if (request.arguments[1] == request.arguments[2]) {
        return refuse(request.reply, Failure::kSameKey);
    }
    RecordWriter(request.batch, OperationCode::kCopy, flags).sized(request.arguments[1]).tail(request.arguments[2]);
    return true;
}

bool apply_copy(LoggedCommand& command) {
    if ((command.flags & ~kCopyReplaces) != 0) return false;
    const std::string_view source = read_sized(command.payload);
    const std::string_view destination = read_tail(command.payload);
    if (command.payload.failed()) return false;

    const kv::Record* record = command.look_up(source);
    const bool in_the_way = (command.flags & kCopyReplaces) == 0 && command.store.find(destination) != nullptr;
    if (record == nullptr || in_the_way) {
        command.reply.integer(0);
        return true;
    }
    command.store.begin_put(destination, record->value(), record->expire_at_ms());
    command.reply.integer(1);
    return true;
}

bool encode_flush(const WriteRequest& request) {
    const Arguments options = request.arguments.subspan(1);
    const bool known =
        options.empty() ||
        (options.size() == 1 && (equals_ignore_case(options[0], "ASYNC") || equals_ignore_case(options[0], "SYNC")));
    if (!known) return refuse(request.reply, Failure::kSyntax);
    const RecordWriter record(request.batch, OperationCode::kFlushall, kNoFlags);
    return true;
}

bool apply_flush(LoggedCommand& command) {
    if (command.flags != kNoFlags || command.payload.remaining() != 0) return false;
    command.store.clear();
    command.reply.done();
    return true;
}

}  // namespace kvorum::ops
