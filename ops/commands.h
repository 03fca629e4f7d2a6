// Data commands, in three steps that the node calls at three moments:
//
// - encode_write at the leader, when the command arrives: checks syntax, makes relative times absolute, appends the
//   command to a batch.
// - apply_batch on every node, when the batch is committed: changes the state and writes each reply.
// - execute_read at the node that serves the read, when it is linearizable: writes the reply.
//
// Results and failures are those of Redis 7 for the same input, in words of no protocol. What depends on time or chance
// is resolved in encode_write, so that apply is a pure function of (state, entry). Thread: the owning core. Nothing
// here suspends or throws.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/log_buffer.h"
#include "base/reply_sink.h"
#include "kv/settings.h"
#include "kv/store.h"
#include "ops/open_value.h"
#include "ops/operation_table.h"

namespace kvorum::ops {

// A write command whose arguments together are above this is refused, so that any command fits into a log entry.
inline constexpr uint64_t kCommandSizeMax = 48u << 20;

using Arguments = std::span<const std::string_view>;  // the command's name is the first

// What stands in front of the commands of a batch.
struct BatchHead {
    // They are carried out only as far as store.counted_bytes() does not come above it; the others get
    // Failure::kOutOfMemory. What makes the state smaller or changes a deadline is always carried out
    // (ops/memory_limit.h says what exactly). 0: no limit.
    uint64_t memory_limit_bytes = 0;
    // For a state that has none yet: whoever has applied none must send one along.
    std::optional<uint64_t> hash_seed{};
};

// Begins a batch, which is empty.
void begin_batch(const BatchHead& head, LogBuffer& batch);
// Between begin_batch() and the first command.
void append_setting(kv::Setting setting, uint64_t value, LogBuffer& batch);

// Appends the encoded command to `batch` and returns true; or writes a failure to `reply`, leaves `batch` as it was,
// and returns false (the command was definitely not executed). `operation` is a kWrite that takes so many arguments.
// `now_ms` is the leader's log clock: max(wall clock, last log time).
[[nodiscard]] bool encode_write(const Operation& operation, Arguments arguments, int64_t now_ms, LogBuffer& batch,
                                ReplySink& reply);

// How many keys a command looked for and found, as INFO's keyspace_hits and keyspace_misses count them.
struct KeyLookups {
    uint64_t hits = 0;
    uint64_t misses = 0;
    uint64_t work = 0;      // of a read: what it cost, in the unit of base/turn_work.h
    bool too_long = false;  // nothing was replied: the values are above ReadContext::value_bytes_max
};

// For command i (0-based) of an entry, reply_for(i) is called just before it is carried out and names the sink of its
// reply; it stays valid until the next call of anything. A command that may take several steps is announced by
// before_long(i) before it changes anything, and reply_for(i) follows when it is done.
using ReplyFor = std::function<ReplySink&(uint32_t command)>;
struct ApplyReplies {
    ReplyFor reply_for;
    std::function<void(uint32_t command)> before_long;
    // A reply that was not finished when run() ended (EntryApply::is_replying) goes on into this sink.
    ReplyFor resume_reply;
};

// kMalformed: the body is not what encode_write produces. kUnknownOperation: it holds an operation that only a newer
// version can carry out (EntryApply::unknown_operation). After either the caller must halt.
enum class ApplyProgress : uint8_t { kDone, kMore, kMalformed, kUnknownOperation };

class KeyListWrite;
// The commands of one committed entry, carried out in order, at the entry's log time: store.advance() comes first. In
// as many steps as the caller likes; between them the state may be in the middle of a command, so that nobody may read
// it, and nothing else may change it. The body outlives the object.
class EntryApply {
 public:
    EntryApply(kv::Store& store, uint32_t command_count, Bytes body);
    ~EntryApply();

    // Does about `work_max` units of base/turn_work.h.
    [[nodiscard]] ApplyProgress run(uint64_t work_max, const ApplyReplies& replies);
    // What the commands that ran since the last call looked up to reply it (GETEX, GETDEL, SET with GET, COPY...).
    [[nodiscard]] KeyLookups take_lookups() { return std::exchange(lookups_, {}); }
    // A value too large for one step is on its way into the reply of the command that was carried out last.
    [[nodiscard]] bool is_replying() const { return open_reply_.is_open(); }

    // After kUnknownOperation: its number (ops/command_codes.h).
    [[nodiscard]] uint16_t unknown_operation() const { return unknown_operation_; }
    // Of the batch; 0: none.
    [[nodiscard]] uint64_t memory_limit_bytes() const { return memory_limit_bytes_; }
    void judge_by(uint64_t memory_limit_bytes) { memory_limit_bytes_ = memory_limit_bytes; }  // for a mutant

 private:
    [[nodiscard]] bool apply_head();
    ApplyProgress apply_next(uint64_t work_end, const ApplyReplies& replies);
    ApplyProgress go_on(uint64_t work_end, const ApplyReplies& replies);
    void check_growth() const;
    bool go_on_with_reply(uint64_t work_end, ReplySink& reply);

    // The command that was carried out last is not done, or not answered.
    [[nodiscard]] bool is_busy() const { return progress_.put_pending || long_write_ != nullptr || is_replying(); }
    ApplyProgress finish_command(uint64_t work_end, bool resumes, const ApplyReplies& replies);

    kv::Store& store_;
    const kv::Store::Progress& progress_;
    const uint32_t command_count_;
    ByteReader reader_;
    uint64_t memory_limit_bytes_;
    uint64_t counted_bytes_max_ = UINT64_MAX;  // of the state after the command that is under way
    bool head_applied_ = false;
    uint16_t unknown_operation_ = 0;
    uint32_t next_command_ = 0;
    uint64_t recycled_at_work_ = 0;  // store_.work() when it was last
    KeyLookups lookups_;
    std::unique_ptr<KeyListWrite> long_write_;  // the command before next_command_, under way
    OpenValue open_reply_;                      // of that command
    std::optional<kv::StorePin> reply_pin_;     // of the value in it
};

// A whole entry in one step; an entry without commands (count 0, empty body) lets time advance. `index` is above the
// store's applied index. False: malformed.
[[nodiscard]] bool apply_batch(kv::Store& store, LogIndex index, int64_t log_time_ms, uint32_t command_count,
                               Bytes body, const ReplyFor& reply_for);

// How large the values are that the reply would hold now, for those who must know before it is made whether there is
// room for it. 0 for commands whose replies hold none. Another command may change it meanwhile. Costs a lookup a key.
[[nodiscard]] uint64_t reply_value_bytes(const kv::Store& store, const Operation& operation, Arguments arguments);

struct ReadContext {
    int64_t now_ms = 0;   // the serving node's clock, at least the store's log time: only to tell remaining times (TTL)
    uint64_t random = 0;  // for RANDOMKEY
    // A reply with more than this of values is left to ops/long_read.h.
    uint64_t value_bytes_max = UINT64_MAX;
};

// `operation` is a kRead that takes so many arguments.
KeyLookups execute_read(const kv::Store& store, const Operation& operation, Arguments arguments,
                        const ReadContext& context, ReplySink& reply);

}  // namespace kvorum::ops
