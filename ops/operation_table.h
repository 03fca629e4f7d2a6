// What the store can do, and what whoever passes an operation on must know of it.
//
// What commands a protocol has, and which of these operations each of them means, is a table of that protocol. Thread:
// any; everything is constant.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ops/operation_codes.h"

namespace kvorum::ops {

enum class OperationKind : uint8_t {
    kWrite,  // changes the state: goes through the log, carried out by apply_batch
    kRead,   // reads the state: carried out by execute_read
};

// Whether it may leave the state larger than it was. One that may is refused while the state is above its limit of
// memory; which of the others are refused when they are applied stands in ops/memory_limit.h.
enum class Growth : bool { kNeverGrows, kMayGrow };

struct Operation {
    std::string_view name;  // lower case; for logs and failures
    OperationCode code;
    OperationKind kind;
    uint16_t operands_min;  // how many it takes
    uint16_t operands_max;  // kNoMaximum: as many as fit
    Growth growth;

    static constexpr uint16_t kNoMaximum = UINT16_MAX;

    [[nodiscard]] constexpr bool may_grow() const { return growth == Growth::kMayGrow; }
    // `argument_count` counts the name, too.
    [[nodiscard]] constexpr bool takes(size_t argument_count) const {
        return argument_count > operands_min && (operands_max == kNoMaximum || argument_count - 1 <= operands_max);
    }
};

// clang-format off
inline constexpr auto kOperations = [] {
    using enum OperationCode;
    using enum OperationKind;
    using enum Growth;
    constexpr uint16_t kNoMaximum = Operation::kNoMaximum;
    return std::to_array<Operation>({
        {"get", kGet, kRead, 1, 1, kNeverGrows},
        {"set", kSet, kWrite, 2, kNoMaximum, kMayGrow},
        {"setnx", kSetnx, kWrite, 2, 2, kMayGrow},
        {"setex", kSetex, kWrite, 3, 3, kMayGrow},
        {"psetex", kPsetex, kWrite, 3, 3, kMayGrow},
        {"getset", kGetset, kWrite, 2, 2, kMayGrow},
        {"getdel", kGetdel, kWrite, 1, 1, kNeverGrows},
        {"getex", kGetex, kWrite, 1, kNoMaximum, kNeverGrows},
        {"mget", kMget, kRead, 1, kNoMaximum, kNeverGrows},
        {"mset", kMset, kWrite, 2, kNoMaximum, kMayGrow},
        {"msetnx", kMsetnx, kWrite, 2, kNoMaximum, kMayGrow},
        {"append", kAppend, kWrite, 2, 2, kMayGrow},
        {"strlen", kStrlen, kRead, 1, 1, kNeverGrows},
        {"getrange", kGetrange, kRead, 3, 3, kNeverGrows},
        {"substr", kSubstr, kRead, 3, 3, kNeverGrows},
        {"setrange", kSetrange, kWrite, 3, 3, kMayGrow},
        {"incr", kIncr, kWrite, 1, 1, kMayGrow},
        {"decr", kDecr, kWrite, 1, 1, kMayGrow},
        {"incrby", kIncrby, kWrite, 2, 2, kMayGrow},
        {"decrby", kDecrby, kWrite, 2, 2, kMayGrow},
        {"incrbyfloat", kIncrbyfloat, kWrite, 2, 2, kMayGrow},
        {"del", kDel, kWrite, 1, kNoMaximum, kNeverGrows},
        {"unlink", kUnlink, kWrite, 1, kNoMaximum, kNeverGrows},
        {"exists", kExists, kRead, 1, kNoMaximum, kNeverGrows},
        {"type", kType, kRead, 1, 1, kNeverGrows},
        {"expire", kExpire, kWrite, 2, kNoMaximum, kNeverGrows},
        {"pexpire", kPexpire, kWrite, 2, kNoMaximum, kNeverGrows},
        {"expireat", kExpireat, kWrite, 2, kNoMaximum, kNeverGrows},
        {"pexpireat", kPexpireat, kWrite, 2, kNoMaximum, kNeverGrows},
        {"ttl", kTtl, kRead, 1, 1, kNeverGrows},
        {"pttl", kPttl, kRead, 1, 1, kNeverGrows},
        {"expiretime", kExpiretime, kRead, 1, 1, kNeverGrows},
        {"pexpiretime", kPexpiretime, kRead, 1, 1, kNeverGrows},
        {"persist", kPersist, kWrite, 1, 1, kNeverGrows},
        {"scan", kScan, kRead, 1, kNoMaximum, kNeverGrows},
        {"keys", kKeys, kRead, 1, 1, kNeverGrows},
        {"randomkey", kRandomkey, kRead, 0, 0, kNeverGrows},
        {"rename", kRename, kWrite, 2, 2, kNeverGrows},
        {"renamenx", kRenamenx, kWrite, 2, 2, kNeverGrows},
        {"copy", kCopy, kWrite, 2, kNoMaximum, kMayGrow},
        {"touch", kTouch, kRead, 1, kNoMaximum, kNeverGrows},
        {"flushdb", kFlushdb, kWrite, 0, kNoMaximum, kNeverGrows},
        {"flushall", kFlushall, kWrite, 0, kNoMaximum, kNeverGrows},
        {"object", kObject, kRead, 1, kNoMaximum, kNeverGrows},
        {"lcs", kLcs, kRead, 2, kNoMaximum, kNeverGrows},
        {"setbit", kSetbit, kWrite, 3, 3, kMayGrow},
        {"getbit", kGetbit, kRead, 2, 2, kNeverGrows},
        {"bitcount", kBitcount, kRead, 1, kNoMaximum, kNeverGrows},
        {"bitpos", kBitpos, kRead, 2, kNoMaximum, kNeverGrows},
        {"bitop", kBitop, kWrite, 3, kNoMaximum, kMayGrow},
        {"bitfield", kBitfield, kWrite, 1, kNoMaximum, kMayGrow},
        {"bitfield_ro", kBitfieldRo, kRead, 1, kNoMaximum, kNeverGrows},
        {"dump", kDump, kRead, 1, 1, kNeverGrows},
        {"restore", kRestore, kWrite, 3, kNoMaximum, kMayGrow},
        {"sort", kSort, kWrite, 1, kNoMaximum, kMayGrow},
        {"sort_ro", kSortRo, kRead, 1, kNoMaximum, kNeverGrows},
        {"memory", kMemory, kRead, 1, kNoMaximum, kNeverGrows},
        {"dbsize", kDbsize, kRead, 0, 0, kNeverGrows},
    });
}();
// clang-format on

// The code is one of the table's; kMemoryLimit is none.
[[nodiscard]] constexpr const Operation& operation_of(OperationCode code) {
    size_t place = 0;
    while (kOperations[place].code != code)
        ++place;
    return kOperations[place];
}

}  // namespace kvorum::ops
