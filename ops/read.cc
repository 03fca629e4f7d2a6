#include "base/assert.h"
#include "ops/commands.h"
#include "ops/families.h"

namespace kvorum::ops {

namespace {

void carry_out(const ReadRequest& request) {
    switch (request.code) {
        case OperationCode::kGet: return read_get(request);
        case OperationCode::kMget: return read_mget(request);
        case OperationCode::kStrlen: return read_strlen(request);
        case OperationCode::kGetrange:
        case OperationCode::kSubstr: return read_getrange(request);
        case OperationCode::kExists:
        case OperationCode::kTouch: return read_exists(request);
        case OperationCode::kType: return read_type(request);
        case OperationCode::kTtl:
        case OperationCode::kPttl:
        case OperationCode::kExpiretime:
        case OperationCode::kPexpiretime: return read_ttl(request);
        case OperationCode::kScan: return read_scan(request);
        case OperationCode::kKeys: return read_keys(request);
        case OperationCode::kRandomkey: return read_randomkey(request);
        case OperationCode::kObject: return read_object(request);
        case OperationCode::kDbsize: return read_dbsize(request);
        case OperationCode::kGetbit: return read_getbit(request);
        case OperationCode::kBitcount: return read_bitcount(request);
        case OperationCode::kBitpos: return read_bitpos(request);
        case OperationCode::kBitfieldRo: return read_bitfield_ro(request);
        case OperationCode::kLcs: return read_lcs(request);
        case OperationCode::kDump: return read_dump(request);
        case OperationCode::kSortRo: return read_sort_ro(request);
        case OperationCode::kMemory: return read_memory(request);
        default: break;
    }
    KVORUM_ASSERT(false, "{} is not a read", request.operation.name);
}

}  // namespace

KeyLookups execute_read(const kv::Store& store, const Operation& operation, Arguments arguments,
                        const ReadContext& context, ReplySink& reply) {
    KVORUM_ASSERT(operation.takes(arguments.size()), "{} with {} arguments", operation.name, arguments.size());
    KeyLookups lookups;
    carry_out({store, operation, operation.code, arguments, context, reply, lookups});
    return lookups;
}

}  // namespace kvorum::ops
