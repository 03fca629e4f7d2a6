// Reads that may look at more keys, or reply more bytes, than a turn has time for, carried out in steps: KEYS, SCAN
// with a large COUNT, MGET, EXISTS and TOUCH of many keys; GET, GETRANGE, SUBSTR, DUMP and MGET of large values.
//
// A walk (KEYS, SCAN) keeps its place by a cursor, so what is written between two steps may be seen or not, as between
// two calls of SCAN. Reads of few keys with large values find them all when they begin and pin them (StorePin). All
// others must be read from one state: the caller changes nothing before they are done.
//
// What the reply consists of is written in the order in which it is found; what stands in front of it, the count, is
// known at the end. Thread: the owning core. Ownership: borrows the store and the keys of a list.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/reply_sink.h"
#include "ops/commands.h"

namespace kvorum::ops {

class LongRead {
 public:
    virtual ~LongRead() = default;

    // Goes on for about `work_max` units of base/turn_work.h. True: done.
    [[nodiscard]] virtual bool run(uint64_t work_max, ReplySink& items) = 0;
    // After that: the reply, but for the items.
    virtual void write_head(ReplySink& head) const = 0;
    [[nodiscard]] virtual bool needs_one_state() const = 0;
    // So far.
    [[nodiscard]] const KeyLookups& lookups() const { return lookups_; }

 protected:
    explicit LongRead(const kv::Store& store) : store_(store) {}

    const kv::Store& store_;
    KeyLookups lookups_;
};

// Whether the command may take more than a step in a store of `store_size` keys. If not, execute_read() carries it out,
// as it does what has a syntax error.
[[nodiscard]] bool is_long_read(uint64_t store_size, const Operation& operation, Arguments arguments);
[[nodiscard]] bool is_key_list(const Operation& operation);  // MGET, EXISTS, TOUCH
[[nodiscard]] bool is_walk(const Operation& operation);      // KEYS, SCAN
// Of a command for which is_long_read() holds for some size, or whose values were too long for execute_read(). A list
// of keys is told by `key_count` and `keys`, each as a u32 size and its bytes, which outlive the object; all others by
// `arguments`, which need not. Looks up what it pins, if the store has a pin left.
[[nodiscard]] std::unique_ptr<LongRead> begin_long_read(const kv::Store& store, const Operation& operation,
                                                        Arguments arguments, uint64_t key_count, ByteReader keys);

}  // namespace kvorum::ops
