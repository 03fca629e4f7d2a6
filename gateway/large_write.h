// A large write command on its way into the log: encoded and summed in slices, into an entry of its own.
//
// Nothing of it is in the log before RaftDriver::add_large_write() has taken the entry, so that one that is given up
// before that was definitely not executed. Thread: the owning core. The command outlives it.
#pragma once

#include <cstdint>

#include "base/packed_command.h"
#include "base/turn_work.h"
#include "ops/commands.h"
#include "ops/large_record.h"
#include "raft/entry.h"

namespace kvorum::gateway {

class LargeWrite {
 public:
    // The first steps, as go_on(). True: begin() comes next, unless it was called.
    [[nodiscard]] bool prepare(const ops::Operation& operation, const PackedCommand& command, TurnWork& work) {
        uint64_t done = 0;
        const bool prepared = record_.prepare(operation, command, work.slice(), done);
        work.add(TurnPart::kEncode, done);
        return prepared;
    }
    [[nodiscard]] bool begun() const { return builder_.command_count() > 0; }
    // False: the command was refused with the error that `error` now holds.
    [[nodiscard]] bool begin(const ops::Operation& operation, const PackedCommand& command, int64_t now_ms,
                             const ops::BatchHead& head, ReplySink& error) {
        if (!record_.encode(operation, command, now_ms, error)) return false;
        builder_.add_command_count(1);
        ops::begin_batch(head, builder_.buffer());
        builder_.buffer().reserve(builder_.buffer().size() + record_.size_bytes());
        return true;
    }

    // Does what is left of the turn's work, or a little. True: builder() holds all of it.
    [[nodiscard]] bool go_on(TurnWork& work) {
        if (whole_) return true;
        const size_t before = builder_.body_size_bytes();
        whole_ = record_.copy_to(builder_.buffer(), work.slice() * kBytesPerWork);
        builder_.sum_up();
        work.add(TurnPart::kEncode, (builder_.body_size_bytes() - before) / kBytesPerWork);
        return whole_;
    }

    [[nodiscard]] raft::EntryBuilder& builder() { return builder_; }

 private:
    ops::LargeRecord record_;
    raft::EntryBuilder builder_{raft::EntryType::kCommands};
    bool whole_ = false;
};

}  // namespace kvorum::gateway
