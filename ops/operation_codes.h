// The number of every operation of the store.
//
// The numbers of writes are in the log for ever: never renumber one, never use one again. Several operations are
// recorded as another one that does the same (SETEX as SET, DECR as INCRBY): only the codes that apply.cc lists are
// ever in a log.
#pragma once

#include <cstdint>

namespace kvorum::ops {

enum class OperationCode : uint16_t {
    kSet = 1,
    kSetnx = 2,
    kSetex = 3,
    kPsetex = 4,
    kGetset = 5,
    kGetdel = 6,
    kGetex = 7,
    kMset = 8,
    kMsetnx = 9,
    kAppend = 10,
    kSetrange = 11,
    kIncr = 12,
    kDecr = 13,
    kIncrby = 14,
    kDecrby = 15,
    kIncrbyfloat = 16,
    kDel = 17,
    kUnlink = 18,
    kExpire = 19,
    kPexpire = 20,
    kExpireat = 21,
    kPexpireat = 22,
    kPersist = 23,
    kRename = 24,
    kRenamenx = 25,
    kCopy = 26,
    kFlushdb = 27,
    kFlushall = 28,
    kSetbit = 29,
    kBitop = 30,
    kBitfield = 31,
    kRestore = 32,
    kSort = 33,
    kMemoryLimit = 34,  // no operation: what stands in front of those of a batch, see ops/log_record.h

    // Reads are never in a log.
    kGet = 1001,
    kMget = 1002,
    kStrlen = 1003,
    kGetrange = 1004,
    kSubstr = 1005,
    kExists = 1006,
    kType = 1007,
    kTtl = 1008,
    kPttl = 1009,
    kExpiretime = 1010,
    kPexpiretime = 1011,
    kScan = 1012,
    kKeys = 1013,
    kRandomkey = 1014,
    kTouch = 1015,
    kObject = 1016,
    kDbsize = 1017,
    kGetbit = 1018,
    kBitcount = 1019,
    kBitpos = 1020,
    kBitfieldRo = 1021,
    kLcs = 1022,
    kDump = 1023,
    kSortRo = 1024,
    kMemory = 1025,
};

}  // namespace kvorum::ops
