#include "ops/families.h"

namespace kvorum::ops {

void read_exists(const ReadRequest& request) {
    int64_t count = 0;
    for (const std::string_view key : request.arguments.subspan(1)) {
        if (request.find(key) != nullptr) ++count;
    }
    request.reply.integer(count);
}

void read_type(const ReadRequest& request) {
    request.reply.status(request.find(request.arguments[1]) == nullptr ? "none" : "string");
}

void read_randomkey(const ReadRequest& request) {
    // It ranks the keys of a range, some hundred.
    request.lookups.work += 500 * kKeyWalkWork;
    const auto key = request.store.random_key(request.context.random);
    if (key) {
        request.reply.bytes(*key);
    } else {
        request.reply.nothing();
    }
}

void read_dbsize(const ReadRequest& request) { request.reply.integer(static_cast<int64_t>(request.store.size())); }

}  // namespace kvorum::ops
