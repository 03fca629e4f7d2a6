// MSET, MSETNX and DEL as they stand in the log, carried out in as many steps as the caller likes. Private to ops.
//
// The steps are one command to whoever looks at the state only before the first and after the last of them. A malformed
// payload is found before anything is changed. Thread: the owning core; the payload outlives the object.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/reply_sink.h"
#include "kv/store.h"
#include "ops/commands.h"
#include "ops/log_record.h"
#include "ops/operation_codes.h"

namespace kvorum::ops {

class KeyListWrite {
 public:
    // `code` is kMset or kDel.
    KeyListWrite(OperationCode code, uint16_t flags, ByteReader payload);

    // Goes on until store.work() has come to `work_end`, and a few keys further.
    [[nodiscard]] ApplyProgress run(kv::Store& store, uint64_t work_end);
    // After kDone.
    void reply(ReplySink& reply) const;

 private:
    [[nodiscard]] bool looks_at_keys() const { return (flags_ & kMsetIfAllAbsent) != 0; }  // MSETNX does first
    std::string_view read_key(ByteReader& items) const;
    void check(kv::Store& store, uint32_t count);
    void change(kv::Store& store, uint32_t count, uint64_t work_end);
    void prefetch(const kv::Store& store, ByteReader items, uint32_t count) const;

    const OperationCode code_;
    const uint16_t flags_;
    uint32_t count_ = 0;
    ByteReader unchecked_;  // all is read once before anything is changed
    ByteReader unchanged_;
    uint32_t checked_ = 0;
    uint32_t changed_ = 0;
    bool any_present_ = false;
    int64_t removed_ = 0;
};

}  // namespace kvorum::ops
