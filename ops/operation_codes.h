// The number of every operation of the store.
//
// The numbers are in the log for ever, those of reads too, which may stand there when they are a part of something that
// writes: never renumber one, never use one again, and stay below 0x8000 (ops/log_record.h). Several operations are
// recorded as another one that does the same (SETEX as SET, DECR as INCRBY): only the codes that apply.cc lists are in
// logs that this version writes. A node ends at any other, with a message that names it: a newer version wrote it.
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
    // No operations: what stands in front of those of a batch, see ops/log_record.h.
    kMemoryLimit = 34,
    kSetting = 35,

    // Reads.
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
