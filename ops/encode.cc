#include <fmt/format.h>

#include "base/assert.h"
#include "ops/commands.h"
#include "ops/families.h"
#include "ops/log_record.h"

namespace kvorum::ops {
namespace {

bool encode(const WriteRequest& request) {
    switch (request.code) {
        case CommandCode::kSet: return encode_set(request);
        case CommandCode::kSetnx:
        case CommandCode::kSetex:
        case CommandCode::kPsetex:
        case CommandCode::kGetset: return encode_set_fixed_form(request);
        case CommandCode::kGetdel: return encode_getdel(request);
        case CommandCode::kGetex: return encode_getex(request);
        case CommandCode::kMset:
        case CommandCode::kMsetnx: return encode_mset(request);
        case CommandCode::kAppend: return encode_append(request);
        case CommandCode::kSetrange: return encode_setrange(request);
        case CommandCode::kIncr:
        case CommandCode::kDecr:
        case CommandCode::kIncrby:
        case CommandCode::kDecrby: return encode_incrby(request);
        case CommandCode::kIncrbyfloat: return encode_incrbyfloat(request);
        case CommandCode::kDel:
        case CommandCode::kUnlink: return encode_del(request);
        case CommandCode::kExpire:
        case CommandCode::kPexpire:
        case CommandCode::kExpireat:
        case CommandCode::kPexpireat: return encode_expire(request);
        case CommandCode::kPersist: return encode_persist(request);
        case CommandCode::kRename:
        case CommandCode::kRenamenx: return encode_rename(request);
        case CommandCode::kCopy: return encode_copy(request);
        case CommandCode::kFlushdb:
        case CommandCode::kFlushall: return encode_flush(request);
        case CommandCode::kSetbit: return encode_setbit(request);
        case CommandCode::kBitop: return encode_bitop(request);
        case CommandCode::kBitfield: return encode_bitfield(request);
        case CommandCode::kRestore: return encode_restore(request);
        case CommandCode::kSort: return encode_sort(request);
        default: break;
    }
    KVORUM_ASSERT(false, "{} is not a write", request.spec.name);
    return false;
}

// One rule for all commands: no argument above the limit for keys and values, and not more together than an entry
// takes.
bool sizes_fit(Arguments arguments, ReplySink& reply) {
    static_assert(kv::kKeySizeMax == kv::kValueSizeMax, "keys and values are not told apart here");
    uint64_t total_bytes = kRecordHeaderSize;
    for (const std::string_view argument : arguments) {
        if (argument.size() > kv::kValueSizeMax) return refuse(reply, kStringTooLong);
        total_bytes += sizeof(uint32_t) + argument.size();
    }
    if (total_bytes <= kCommandSizeMax) return true;
    return refuse_size(reply, total_bytes);
}

}  // namespace

bool refuse_expire_time(ReplySink& reply, std::string_view command_name) {
    return refuse(reply, fmt::format("ERR invalid expire time in '{}' command", command_name));
}

bool refuse_argument_count(ReplySink& reply, std::string_view command_name) {
    return refuse(reply, fmt::format("ERR wrong number of arguments for '{}' command", command_name));
}

void begin_batch(const BatchHead& head, std::string& batch) {
    if (head.memory_limit_bytes != 0)
        RecordWriter(batch, CommandCode::kMemoryLimit, kNoFlags).integer(head.memory_limit_bytes);
    if (head.hash_seed.has_value()) append_setting(kv::Setting::kHashSeed, *head.hash_seed, batch);
}

void append_setting(kv::Setting setting, uint64_t value, std::string& batch) {
    RecordWriter(batch, CommandCode::kSetting, kNoFlags).integer(static_cast<uint16_t>(setting)).integer(value);
}

bool refuse_size(ReplySink& reply, uint64_t command_bytes) {
    return refuse(reply,
                  fmt::format("ERR command of {} bytes is above the limit of {}", command_bytes, kCommandSizeMax));
}

bool encode_write(const CommandSpec& spec, Arguments arguments, int64_t now_ms, std::string& batch, ReplySink& reply) {
    return encode_record(spec, arguments, now_ms, batch, reply);
}

bool encode_record(const CommandSpec& spec, Arguments arguments, int64_t now_ms, RecordText out, ReplySink& reply) {
    KVORUM_ASSERT(arity_fits(spec, arguments.size()), "{} with {} arguments", spec.name, arguments.size());
    if (!sizes_fit(arguments, reply)) return false;
    return encode({spec, static_cast<CommandCode>(spec.code), arguments, now_ms, out, reply});
}

}  // namespace kvorum::ops
