// The questions of followers for a read index that wait at the leader until Raft has confirmed that it leads (thesis
// 6.4).
//
// Why the leader's commit index is the right answer, and not too new: the followers learn of a commit from the leader,
// and a leader answers a read of its own only when it has applied all that it committed. So whoever reads at a follower
// sees nothing that the next read at the leader would not see, and nothing less than was acknowledged before it asked.
//
// Thread: the owning core.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/ids.h"

namespace kvorum::replica {

struct ReadQuestion {
    uint64_t raft_id = 0;  // under which Raft was asked
    NodeId from;
    uint64_t id = 0;  // the asker's
};

class ReadQuestions {
 public:
    // A follower asks two at a time; some more may be of connections that broke.
    static constexpr size_t kPerPeerMax = 16;

    // The id under which to ask Raft: never one of a node's own reads. None: that node has too many.
    [[nodiscard]] std::optional<uint64_t> add(NodeId from, uint64_t id);
    [[nodiscard]] static bool is_question(uint64_t raft_id) { return raft_id >= kFirstId; }
    // None: nobody waits for it any more.
    [[nodiscard]] std::optional<ReadQuestion> take(uint64_t raft_id);
    [[nodiscard]] std::vector<ReadQuestion> take_all();
    // That node will not hear an answer.
    void forget(NodeId from);

 private:
    static constexpr uint64_t kFirstId = uint64_t{1} << 63;

    uint64_t next_id_ = kFirstId;
    std::deque<ReadQuestion> questions_;
};

}  // namespace kvorum::replica
