#include "base/assert.h"
#include "kv/commands.h"
#include "kv/families.h"
#include "kv/log_record.h"

namespace kvorum::kv {
namespace {

// The codes that may be in a log. False: the record is not one that encode_write makes.
bool apply(CommandCode code, LoggedCommand& command) {
    switch (code) {
        case CommandCode::kSet: return apply_set(command);
        case CommandCode::kGetdel: return apply_getdel(command);
        case CommandCode::kGetex: return apply_getex(command);
        case CommandCode::kMset: return apply_mset(command);
        case CommandCode::kAppend: return apply_append(command);
        case CommandCode::kSetrange: return apply_setrange(command);
        case CommandCode::kIncrby: return apply_incrby(command);
        case CommandCode::kIncrbyfloat: return apply_incrbyfloat(command);
        case CommandCode::kDel: return apply_del(command);
        case CommandCode::kExpire: return apply_expire(command);
        case CommandCode::kPersist: return apply_persist(command);
        case CommandCode::kRename: return apply_rename(command);
        case CommandCode::kCopy: return apply_copy(command);
        case CommandCode::kFlushall: return apply_flush(command);
        default: return false;
    }
}

}  // namespace

bool apply_batch(Store& store, LogIndex index, int64_t log_time_ms, uint32_t command_count, Bytes body,
                 const ReplyFor& reply_for) {
    store.advance(index, log_time_ms);
    ByteReader reader(body);
    for (uint32_t i = 0; i < command_count; ++i) {
        const auto code = static_cast<CommandCode>(reader.read<uint16_t>());
        const auto flags = reader.read<uint16_t>();
        const auto payload_size = reader.read<uint32_t>();
        const Bytes payload = reader.read_bytes(payload_size);
        if (reader.failed()) return false;
        LoggedCommand command{store, flags, ByteReader(payload), reply_for(i)};
        if (!apply(code, command)) return false;
    }
    return reader.finished();
}

}  // namespace kvorum::kv
