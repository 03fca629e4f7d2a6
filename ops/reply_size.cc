// How large the replies of commands that return values are going to be.
#include <algorithm>
#include <optional>

#include "base/text.h"
#include "ops/commands.h"
#include "ops/operation_codes.h"

namespace kvorum::ops {
namespace {

uint64_t value_bytes(const kv::Store& store, std::string_view key) {
    const kv::Record* record = store.find(key);
    return record == nullptr ? 0 : record->value_size();
}

uint64_t value_bytes(const kv::Store& store, Arguments keys) {
    uint64_t bytes = 0;
    for (const std::string_view key : keys)
        bytes += value_bytes(store, key);
    return bytes;
}

// Offsets from the end are taken as a range that may be the whole value.
uint64_t range_bytes(const kv::Store& store, Arguments arguments) {
    const uint64_t all = value_bytes(store, arguments[1]);
    const std::optional<int64_t> start = parse_int64(arguments[2]);
    const std::optional<int64_t> end = parse_int64(arguments[3]);
    if (!start.has_value() || !end.has_value() || *start < 0 || *end < 0) return all;
    if (*end < *start) return 0;
    return std::min(all, static_cast<uint64_t>(*end - *start) + 1);
}

bool has_get_option(Arguments arguments) {
    return arguments.size() > 3 && std::any_of(arguments.begin() + 3, arguments.end(), [](std::string_view option) {
               return equals_ignore_case(option, "get");
           });
}

}  // namespace

uint64_t reply_value_bytes(const kv::Store& store, const Operation& operation, Arguments arguments) {
    switch (operation.code) {
        case OperationCode::kGet:
        case OperationCode::kGetset:
        case OperationCode::kGetdel:
        case OperationCode::kGetex:
        case OperationCode::kDump: return value_bytes(store, arguments[1]);
        case OperationCode::kSet: return has_get_option(arguments) ? value_bytes(store, arguments[1]) : 0;
        case OperationCode::kMget: return value_bytes(store, arguments.subspan(1));
        case OperationCode::kGetrange:
        case OperationCode::kSubstr: return range_bytes(store, arguments);
        case OperationCode::kLcs: return value_bytes(store, arguments[1]);
        default: return 0;
    }
}

}  // namespace kvorum::ops
