#include "base/assert.h"
#include "ops/commands.h"
#include "ops/families.h"
#include "ops/log_record.h"

namespace kvorum::ops {
namespace {

bool encode(const WriteRequest& request) {
    switch (request.code) {
        case OperationCode::kSet: return encode_set(request);
        case OperationCode::kSetnx:
        case OperationCode::kSetex:
        case OperationCode::kPsetex:
        case OperationCode::kGetset: return encode_set_fixed_form(request);
        case OperationCode::kGetdel: return encode_getdel(request);
        case OperationCode::kGetex: return encode_getex(request);
        case OperationCode::kMset:
        case OperationCode::kMsetnx: return encode_mset(request);
        case OperationCode::kAppend: return encode_append(request);
        case OperationCode::kSetrange: return encode_setrange(request);
        case OperationCode::kIncr:
        case OperationCode::kDecr:
        case OperationCode::kIncrby:
        case OperationCode::kDecrby: return encode_incrby(request);
        case OperationCode::kIncrbyfloat: return encode_incrbyfloat(request);
        case OperationCode::kDel:
        case OperationCode::kUnlink: return encode_del(request);
        case OperationCode::kExpire:
        case OperationCode::kPexpire:
        case OperationCode::kExpireat:
        case OperationCode::kPexpireat: return encode_expire(request);
        case OperationCode::kPersist: return encode_persist(request);
        case OperationCode::kRename:
        case OperationCode::kRenamenx: return encode_rename(request);
        case OperationCode::kCopy: return encode_copy(request);
        case OperationCode::kFlushdb:
        case OperationCode::kFlushall: return encode_flush(request);
        case OperationCode::kSetbit: return encode_setbit(request);
        case OperationCode::kBitop: return encode_bitop(request);
        case OperationCode::kBitfield: return encode_bitfield(request);
        case OperationCode::kRestore: return encode_restore(request);
        case OperationCode::kSort: return encode_sort(request);
        default: break;
    }
    KVORUM_ASSERT(false, "{} is not a write", request.operation.name);
    return false;
}

// One rule for all commands: no argument above the limit for keys and values, and not more together than an entry
// takes.
bool sizes_fit(Arguments arguments, ReplySink& reply) {
    static_assert(kv::kKeySizeMax == kv::kValueSizeMax, "keys and values are not told apart here");
    uint64_t total_bytes = kRecordHeaderSize;
    for (const std::string_view argument : arguments) {
        if (argument.size() > kv::kValueSizeMax) return refuse(reply, Failure::kTooLong);
        total_bytes += sizeof(uint32_t) + argument.size();
    }
    if (total_bytes <= kCommandSizeMax) return true;
    return refuse(reply, Failure::too_large(total_bytes));
}

}  // namespace

void begin_batch(const BatchHead& head, LogBuffer& batch) {
    if (head.memory_limit_bytes != 0)
        RecordWriter(batch, OperationCode::kMemoryLimit, kNoFlags).integer(head.memory_limit_bytes);
    if (head.hash_seed.has_value()) append_setting(kv::Setting::kHashSeed, *head.hash_seed, batch);
}

void append_setting(kv::Setting setting, uint64_t value, LogBuffer& batch) {
    RecordWriter(batch, OperationCode::kSetting, kNoFlags).integer(static_cast<uint16_t>(setting)).integer(value);
}

bool encode_write(const Operation& operation, Arguments arguments, int64_t now_ms, LogBuffer& batch, ReplySink& reply) {
    return encode_record(operation, arguments, now_ms, batch, reply);
}

bool encode_record(const Operation& operation, Arguments arguments, int64_t now_ms, RecordText out, ReplySink& reply) {
    KVORUM_ASSERT(operation.takes(arguments.size()), "{} with {} arguments", operation.name, arguments.size());
    if (!sizes_fit(arguments, reply)) return false;
    return encode({operation, operation.code, arguments, now_ms, out, reply});
}

}  // namespace kvorum::ops
