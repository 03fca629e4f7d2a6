#include "gateway/long_reads.h"

#include <fmt/format.h>

#include <utility>

#include "ops/long_read.h"

namespace kvorum::gateway {
namespace {

constexpr int kReadsWokenPerTurn = 16;

}  // namespace

bool LongReads::go_on(Lane& lane) {
    const bool is_new = lane.long_reply == nullptr;
    // Once that write is applied the reply must be whole: the state is held for it from now on.
    const bool is_urgent = is_new && lane.has_write_behind(lane.queue().head_sequence());
    if (!is_urgent && !schedule_.may_go_on(lane)) return false;
    if (is_new && !is_urgent && buffers_.is_half_spent()) {
        if (!std::exchange(lane.waits_for_buffers, true)) waiting_.push_back(lane.handle);
        return false;
    }
    if (is_new && !begin(lane)) return false;
    if (!lane.long_reply->made()) {
        make(lane);
        if (lane.long_reply->memory_bytes() > buffers_.reply_bytes_max()) {
            refuse(lane);
            return true;
        }
    }
    if (lane.long_reply->made() && write(lane)) {
        const Request& head = lane.queue().front();
        end(lane);
        timer_.answered(head, {});
        timer_.note_if_slow(lane, head, "read-index");
        answers_.pop(lane);
        return true;
    }
    // Without room it is woken when there is some.
    lane.waits_for_bulk_room = lane.long_reply->made() && !lane.port().output_has_bulk_room();
    if (!lane.waits_for_bulk_room) schedule_.wake(lane);
    return false;
}

// A few in each turn: there may be thousands.
void LongReads::wake_waiting(const LaneTable& lanes) {
    for (int i = 0; i < kReadsWokenPerTurn && may_begin_waiting(); ++i) {
        Lane* lane = lanes.find(waiting_.front());
        waiting_.pop_front();
        if (lane == nullptr) continue;
        lane->waits_for_buffers = false;
        schedule_.wake(*lane);
    }
}

// False: not now.
bool LongReads::begin(Lane& lane) {
    Request& head = lane.queue().front();
    const std::string_view packed = lane.head_arguments();
    const PackedKeys keys = packed_keys(packed);
    scratch_arguments_.clear();
    if (!ops::is_key_list(*head.command->operation)) unpack_arguments(packed, scratch_arguments_);
    std::unique_ptr<ops::LongRead> read =
        ops::begin_long_read(store_, *head.command->operation, scratch_arguments_, keys.count, keys.keys);
    const bool holds_state = read->needs_one_state() || lane.has_write_behind(lane.queue().head_sequence());
    if (holds_state) {
        // One after the other would keep what is committed from being applied for ever.
        if (holding_ > 0 && group_.apply_waits()) {
            schedule_.wake(lane);
            return false;
        }
        ++holding_;
    }
    // A write behind it would have to wait for it.
    if (!head.is_barrier) lane.set_barrier(head);
    lane.long_reply = std::make_unique<LongReply>(std::move(read), holds_state);
    return true;
}

void LongReads::make(Lane& lane) {
    LongReply& reply = *lane.long_reply;
    const bool held_state = reply.holds_state();
    TurnWork& work = reactor_.work();
    const bool walks = ops::is_walk(*lane.queue().front().command->operation);
    work.add(walks ? TurnPart::kWalk : TurnPart::kRead, reply.make(lane.port(), work.slice()));
    if (!reply.made()) return;
    if (held_state) --holding_;
    lane.saw(store_.applied_index());
    counters_.keyspace_hits += reply.lookups().hits;
    counters_.keyspace_misses += reply.lookups().misses;
}

// Nothing of it is with the client: only what is made is written.
void LongReads::refuse(Lane& lane) {
    end(lane);
    answers_.error(lane, lane.queue().front(),
                   fmt::format("ERR the reply is larger than {} bytes, a quarter of max-buffer-memory",
                               buffers_.reply_bytes_max()));
    answers_.write(lane);
}

// True: all of it.
bool LongReads::write(Lane& lane) {
    const ReplyPort& port = lane.port();
    for (bool first = true; port.output_has_bulk_room() && (first || !reactor_.work().used_up()); first = false) {
        write_part(lane);
        if (lane.long_reply->all_taken()) return true;
    }
    return false;
}

void LongReads::write_part(Lane& lane) {
    std::string part = lane.long_reply->take_part();
    // It is sent at the end of the turn.
    reactor_.work().add(TurnPart::kRead, part.size() * kSentWork);
    lane.port().write_reply_part(std::move(part), lane.long_reply->all_taken());
}

void LongReads::finish(Lane& lane) {
    KVORUM_ASSERT(lane.long_reply->made(), "an entry was applied while a read held the state");
    while (!lane.long_reply->all_taken())
        write_part(lane);
    end(lane);
    timer_.answered(lane.queue().front(), {});
    answers_.pop(lane);
}

void LongReads::end(Lane& lane) {
    lane.waits_for_bulk_room = false;
    if (lane.long_reply->holds_state()) --holding_;
    lane.long_reply.reset();
}

void LongReads::check(const LaneTable& lanes) const {
    uint32_t holding = 0;
    size_t waiting = 0;
    lanes.for_each([&](const Lane& lane) {
        holding += lane.long_reply != nullptr && lane.long_reply->holds_state() ? 1 : 0;
        waiting += lane.waits_for_buffers ? 1 : 0;
    });
    KVORUM_ASSERT(holding == holding_, "{} reads hold the state instead of {}", holding, holding_);
    KVORUM_ASSERT(waiting <= waiting_.size(), "{} reads wait for buffers, {} are listed", waiting, waiting_.size());
}

}  // namespace kvorum::gateway
