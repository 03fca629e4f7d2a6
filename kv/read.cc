#include "base/assert.h"
#include "kv/commands.h"
#include "kv/families.h"

namespace kvorum::kv {

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
        default: break;
    }
    KVORUM_ASSERT(false, "{} is not a read", request.spec.name);
}

}  // namespace

KeyLookups execute_read(const Store& store, const CommandSpec& spec, Arguments arguments, const ReadContext& context,
                        ReplySink& reply) {
    KVORUM_ASSERT(arity_fits(spec, arguments.size()), "{} with {} arguments", spec.name, arguments.size());
    KeyLookups lookups;
    carry_out({store, spec, static_cast<CommandCode>(spec.code), arguments, context, reply, lookups});
    return lookups;
}

}  // namespace kvorum::kv
