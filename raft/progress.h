// What a leader knows of one peer's log, and how it sends to it.
//
//                 success                      next_index is not cached
//      +--------+ ------------> +-----------+ -------------------------> +-------------+
//      | probe  |               | replicate |                            | reading-log |
//      +--------+ <------------ +-----------+ <------------------------- +-------------+
//          ^        rejected,                    the entries were read          |
//          |        unreachable                                                 |
//          +--------------------------------------------------------------------+
//                   rejected, unreachable, the entries could not be read
//
//  probe        Where the logs agree is not known. One AppendEntries is outstanding; it is repeated, empty, every
//  heartbeat
//               interval. next_index - 1 is the place being tried, and moves down by the hints of rejections
//               (thesis 3.5).
//  replicate    AppendEntries follow each other without waiting (thesis 10.2.1), as far as the windows of bytes and
//               messages allow; next_index is optimistic. A lost message shows itself by the rejection of the next one.
//  snapshot     The next entry is not in the leader's log any more. The peer is offered a snapshot and gets heartbeats;
//               reached from any state, left when it says that it has installed one, or acknowledges enough.
//  reading-log  As replicate, but the next entries must come from the durable log. At most one read is outstanding, and
//               also a read that is no longer wanted counts until it was answered.
//
// match_index is what the peer holds durably; it never goes back, and next_index never falls to it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace kvorum::raft {

// The AppendEntries in flight to one peer: a ring with room for inflight_messages_max, allocated once.
class Inflights {
 public:
    Inflights(uint64_t messages_max, uint64_t bytes_max) : ring_(messages_max), bytes_max_(bytes_max) {}

    // A window may be overshot by one message, so that a message larger than the window travels at all.
    [[nodiscard]] bool is_full() const { return count_ == ring_.size() || bytes_ >= bytes_max_; }
    [[nodiscard]] uint64_t bytes() const { return bytes_; }
    [[nodiscard]] uint64_t count() const { return count_; }

    // Must not be full in messages; last_index must rise.
    void add(LogIndex last_index, uint64_t bytes);
    // Frees every message that ends at or below `match_index`.
    void free_to(LogIndex match_index);
    void clear();

 private:
    struct Inflight {
        LogIndex last_index;
        uint64_t bytes = 0;
    };

    std::vector<Inflight> ring_;
    uint64_t bytes_max_;
    uint64_t first_ = 0;
    uint64_t count_ = 0;
    uint64_t bytes_ = 0;
};

struct Progress {
    enum class State { kProbe, kReplicate, kReadingLog, kSnapshot };

    Progress(NodeId peer, LogIndex next, uint64_t now_ns, Inflights window)
        : id(peer),
          next_index(next),
          last_heard_ns(now_ns),
          inflights(std::move(window)),
          catch_up_index(next),
          catch_up_begun_ns(now_ns) {}

    // A successful reply. `match` must not be beyond the leader's log. True if match_index rose.
    [[nodiscard]] bool on_success(LogIndex match);
    // Ends the round of catching up that is complete, and begins the next one, up to `last`.
    void follow_catch_up(LogIndex last, uint64_t now_ns, uint64_t round_ns_max);
    // A rejection of an AppendEntries whose prev_log_index was `rejected`: false if it is late and says nothing new.
    [[nodiscard]] bool is_news(LogIndex rejected) const;
    // Tries again after `prev`.
    void probe_from(LogIndex prev);
    // Until probe_from().
    void await_snapshot();
    // The outstanding probe carries `bytes` of entries that end at `last`.
    void set_probe(LogIndex last, uint64_t bytes);

    NodeId id;
    State state = State::kProbe;
    LogIndex match_index;
    LogIndex next_index;
    uint64_t last_heard_ns;
    bool connection_lost = false;  // and it has neither answered nor connected since

    // Probe: an AppendEntries that ends at probe_last_index waits for its reply.
    bool probe_outstanding = false;
    LogIndex probe_last_index;
    uint64_t probe_bytes = 0;

    Inflights inflights;
    bool heartbeat_due = false;
    uint64_t sent_round = 0;
    uint64_t acked_round = 0;
    // Not 0: replies to earlier rounds are those of a node that was removed and came back with another log.
    uint64_t first_round = 0;
    uint64_t silence_ns = 0;          // as promised last; 0: not known
    uint64_t silent_until_ns = 0;     // by this node's clock, whatever the peer's does; never goes back
    uint64_t memory_limit_bytes = 0;  // as it told last; 0: none, or it has told nothing yet

    uint16_t feature_level_max = 0;  // as it told last; 0: nothing yet

    // The round of catching up (thesis 4.2.1) that ends when match_index gets there, and whether the one before was
    // quick enough.
    LogIndex catch_up_index;
    uint64_t catch_up_begun_ns;
    bool caught_up = false;

    // The first index of the LogRead that the owner has not answered; none if there is none.
    LogIndex outstanding_read;
};

[[nodiscard]] const char* progress_state_name(Progress::State state);

}  // namespace kvorum::raft
