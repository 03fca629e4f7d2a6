#include "base/assert.h"
#include "ops/commands.h"
#include "ops/families.h"

namespace kvorum::ops {

namespace {

void carry_out(const ReadRequest& request) {
    switch (request.code) {
        case CommandCode::kGet: return read_get(request);
        case CommandCode::kMget: return read_mget(request);
        case CommandCode::kStrlen: return read_strlen(request);
        case CommandCode::kGetrange:
        case CommandCode::kSubstr: return read_getrange(request);
        case CommandCode::kExists:
        case CommandCode::kTouch: return read_exists(request);
        case CommandCode::kType: return read_type(request);
        case CommandCode::kTtl:
        case CommandCode::kPttl:
        case CommandCode::kExpiretime:
        case CommandCode::kPexpiretime: return read_ttl(request);
        case CommandCode::kScan: return read_scan(request);
        case CommandCode::kKeys: return read_keys(request);
        case CommandCode::kRandomkey: return read_randomkey(request);
        case CommandCode::kObject: return read_object(request);
        case CommandCode::kDbsize: return read_dbsize(request);
        case CommandCode::kGetbit: return read_getbit(request);
        case CommandCode::kBitcount: return read_bitcount(request);
        case CommandCode::kBitpos: return read_bitpos(request);
        case CommandCode::kBitfieldRo: return read_bitfield_ro(request);
        case CommandCode::kLcs: return read_lcs(request);
        case CommandCode::kDump: return read_dump(request);
        case CommandCode::kSortRo: return read_sort_ro(request);
        case CommandCode::kMemory: return read_memory(request);
        default: break;
    }
    KVORUM_ASSERT(false, "{} is not a read", request.spec.name);
}

}  // namespace

KeyLookups execute_read(const kv::Store& store, const CommandSpec& spec, Arguments arguments,
                        const ReadContext& context, ReplySink& reply) {
    KVORUM_ASSERT(arity_fits(spec, arguments.size()), "{} with {} arguments", spec.name, arguments.size());
    KeyLookups lookups;
    carry_out({store, spec, static_cast<CommandCode>(spec.code), arguments, context, reply, lookups});
    return lookups;
}

}  // namespace kvorum::ops
