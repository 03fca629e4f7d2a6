// Reads that are carried out in one step, and what becomes of one that lost its place.
//
// Why a read may be answered early by a write behind it: a read still unanswered when a later write of its session is
// applied is answered just before that write. The write's entry was appended after the read arrived and is committed,
// so no other leader can have acknowledged anything in between that this state lacks; and waiting longer would let the
// read see the later write.
//
// Thread: the owning core. Nothing here suspends.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "gateway/answers.h"
#include "kv/store.h"
#include "replica/group.h"

namespace kvorum::gateway {

// A reply with more bytes of values than this is made in pieces.
inline constexpr uint64_t kShortReplyBytes = 512 * kKiB;

// Whether the read may take several turns, with so many keys in the store.
[[nodiscard]] bool may_be_long(const Command& command, ops::Arguments arguments, uint64_t store_size);

class Reads {
 public:
    Reads(reactor::Reactor& reactor, const kv::Store& store, replica::Group& group, Answers& answers,
          CommandTimer& timer, NodeCounters& counters);

    // Carries it out into the port, whatever the queue holds. Returns the code of the error that was replied, empty for
    // another reply. None: nothing was replied, the values are more than `value_bytes_max`.
    [[nodiscard]] std::optional<std::string_view> carry_out(Lane& lane, const ops::Operation& operation,
                                                            ops::Arguments arguments, uint64_t value_bytes_max);
    // The same for the head of the lane. False: it must be carried out as a long read.
    [[nodiscard]] bool answer_head(Lane& lane, uint64_t value_bytes_max);

    // What the reads up to that round waited for has come.
    void serve(uint64_t round) { served_round_ = round; }
    [[nodiscard]] bool is_served(const Request& read) const { return read.token <= served_round_; }

    // It was not carried out where it was. A read has no effect, so another leader may be asked. One that costs a
    // second is not: it would stop the next one.
    void repeat(Lane& lane, Request& request);

 private:
    [[nodiscard]] bool is_costly(const Lane& lane, const Request& read) const;

    reactor::Reactor& reactor_;
    const kv::Store& store_;
    replica::Group& group_;
    Answers& answers_;
    CommandTimer& timer_;
    NodeCounters& counters_;
    Prng random_;  // for RANDOMKEY
    uint64_t served_round_ = 0;
    std::vector<std::string_view> scratch_arguments_;
};

}  // namespace kvorum::gateway
