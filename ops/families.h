// The data commands, family by family: what encode.cc, apply.cc and read.cc choose from. Private to ops.
//
//   encode_*  checks the arguments and appends one record; or reports a failure, appends nothing and returns false.
//   apply_*   carries one record out and replies; returns false, with nothing changed or replied, when the payload or
//   flags are malformed. read_*    replies from the state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/reply_sink.h"
#include "base/turn_work.h"
#include "kv/store.h"
#include "ops/commands.h"
#include "ops/log_record.h"
#include "ops/open_value.h"
#include "ops/operation_codes.h"

namespace kvorum::ops {

struct WriteRequest {
    const Operation& operation;
    OperationCode code;
    Arguments arguments;
    int64_t now_ms;
    RecordText batch;
    ReplySink& reply;
};

struct LoggedCommand {
    kv::Store& store;
    uint16_t flags;
    ByteReader payload;
    ReplySink& reply;
    KeyLookups& lookups;
    OpenValue& open_reply;

    // For a command that reads what it then changes: Redis counts the reading.
    [[nodiscard]] const kv::Record* look_up(std::string_view key) const {
        const kv::Record* record = store.find(key);
        ++(record == nullptr ? lookups.misses : lookups.hits);
        return record;
    }
    // A large one is only begun; whoever carries out the entry goes on with it.
    void reply_value(const kv::Record* record) {
        if (record == nullptr) {
            reply.nothing();
        } else if (record->value_size() < kv::kSlicedValueBytes) {
            reply.bytes(record->value());
        } else {
            open_reply.open(record->value(), reply);
        }
    }
};

inline void count_lookup(KeyLookups& lookups, const kv::Record* record) {
    ++(record == nullptr ? lookups.misses : lookups.hits);
    lookups.work += kKeyReadWork + (record == nullptr ? 0 : record->value_size() / kBytesPerWork);
}

struct ReadRequest {
    const kv::Store& store;
    const Operation& operation;
    OperationCode code;
    Arguments arguments;
    const ReadContext& context;
    ReplySink& reply;
    KeyLookups& lookups;

    [[nodiscard]] const kv::Record* find(std::string_view key) const {
        const kv::Record* record = store.find(key);
        count(record);
        return record;
    }
    void count(const kv::Record* record) const { count_lookup(lookups, record); }
    // Then the read has ended without a reply.
    [[nodiscard]] bool is_too_long(uint64_t value_bytes) const {
        if (value_bytes <= context.value_bytes_max) return false;
        lookups = {.too_long = true};
        return true;
    }
};

inline bool refuse(ReplySink& reply, const Failure& failure) {
    reply.failure(failure);
    return false;
}

// encode.cc: what encode_write() does, wherever the record goes.
bool encode_record(const Operation& operation, Arguments arguments, int64_t now_ms, RecordText out, ReplySink& reply);

inline void reply_value(ReplySink& reply, const kv::Record* record) {
    if (record == nullptr) {
        reply.nothing();
    } else {
        reply.bytes(record->value());
    }
}

// How a command states a time.
struct TimeUnit {
    bool seconds;   // else milliseconds
    bool relative;  // to now, else to the Unix epoch
};

// strings_write.cc
bool encode_set(const WriteRequest& request);
bool encode_set_fixed_form(const WriteRequest& request);  // SETNX, SETEX, PSETEX, GETSET
bool encode_getdel(const WriteRequest& request);
bool encode_getex(const WriteRequest& request);
bool encode_mset(const WriteRequest& request);
bool encode_append(const WriteRequest& request);
bool encode_setrange(const WriteRequest& request);
bool apply_set(LoggedCommand& command);
bool apply_getdel(LoggedCommand& command);
bool apply_getex(LoggedCommand& command);
bool apply_append(LoggedCommand& command);
bool apply_setrange(LoggedCommand& command);

// numbers.cc
bool encode_incrby(const WriteRequest& request);  // INCR, DECR, INCRBY, DECRBY
bool encode_incrbyfloat(const WriteRequest& request);
bool apply_incrby(LoggedCommand& command);
bool apply_incrbyfloat(LoggedCommand& command);

// keys_write.cc
bool encode_del(const WriteRequest& request);     // DEL, UNLINK
bool encode_rename(const WriteRequest& request);  // RENAME, RENAMENX
bool encode_copy(const WriteRequest& request);
bool encode_flush(const WriteRequest& request);  // FLUSHDB, FLUSHALL
bool apply_rename(LoggedCommand& command);
bool apply_copy(LoggedCommand& command);
bool apply_flush(LoggedCommand& command);

// expiry.cc
bool encode_expire(const WriteRequest& request);  // EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT
bool encode_persist(const WriteRequest& request);
bool apply_expire(LoggedCommand& command);
bool apply_persist(LoggedCommand& command);
void read_ttl(const ReadRequest& request);  // TTL, PTTL, EXPIRETIME, PEXPIRETIME

// strings_read.cc
void read_get(const ReadRequest& request);
void read_mget(const ReadRequest& request);
void read_strlen(const ReadRequest& request);
void read_getrange(const ReadRequest& request);  // GETRANGE, SUBSTR
// As Redis counts: negative positions from the end, what lies outside cut off, both ends included.
std::string_view range_of(std::string_view text, int64_t first, int64_t last);

// keys_read.cc
void read_exists(const ReadRequest& request);  // EXISTS, TOUCH
void read_type(const ReadRequest& request);
void read_randomkey(const ReadRequest& request);
void read_dbsize(const ReadRequest& request);

// scan.cc
struct ScanArguments {
    uint64_t cursor = 0;
    uint64_t count = 0;
    std::string_view pattern;  // of the arguments
    bool takes_strings = true;
};
// None when a failure was reported.
std::optional<ScanArguments> parse_scan(Arguments arguments, ReplySink& reply);
void read_scan(const ReadRequest& request);
void read_keys(const ReadRequest& request);

// object.cc
void read_object(const ReadRequest& request);

// bits_read.cc, bits_write.cc
void read_getbit(const ReadRequest& request);
void read_bitcount(const ReadRequest& request);
void read_bitpos(const ReadRequest& request);
void read_bitfield_ro(const ReadRequest& request);
bool encode_setbit(const WriteRequest& request);
bool encode_bitop(const WriteRequest& request);
bool encode_bitfield(const WriteRequest& request);
bool apply_setbit(LoggedCommand& command);
bool apply_bitop(LoggedCommand& command);
bool apply_bitfield(LoggedCommand& command);

// lcs.cc
void read_lcs(const ReadRequest& request);

// dump.cc
void read_dump(const ReadRequest& request);
bool encode_restore(const WriteRequest& request);
bool apply_restore(LoggedCommand& command);

// sort.cc
void read_sort_ro(const ReadRequest& request);
bool encode_sort(const WriteRequest& request);
bool apply_sort(LoggedCommand& command);

// memory.cc
void read_memory(const ReadRequest& request);

}  // namespace kvorum::ops
