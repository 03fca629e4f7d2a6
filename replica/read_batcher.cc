#include "replica/read_batcher.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace kvorum::replica {

uint64_t ReadBatcher::add(WaiterId session) {
    if (open_.empty() || !(open_.back() == session)) open_.push_back(session);
    ++open_reads_;
    return open_id_;
}

void ReadBatcher::registered(uint64_t asked_ns) {
    in_flight_.push_back({open_id_, std::move(open_), false, LogIndex{}, asked_ns});
    open_.clear();
    open_reads_ = 0;
    ++open_id_;
}

bool ReadBatcher::waits_for(uint64_t id) const {
    return std::any_of(in_flight_.begin(), in_flight_.end(),
                       [id](const Batch& batch) { return batch.id == id && !batch.is_confirmed; });
}

uint64_t ReadBatcher::oldest_asked_ns() const {
    const auto oldest =
        std::find_if(in_flight_.begin(), in_flight_.end(), [](const Batch& batch) { return !batch.is_confirmed; });
    return oldest == in_flight_.end() ? 0 : oldest->asked_ns;
}

void ReadBatcher::confirmed(uint64_t id, LogIndex read_index) {
    if (!waits_for(id)) return;
    for (Batch& batch : in_flight_) {
        if (batch.id < id) read_index = std::max(read_index, batch.read_index);
        if (batch.id == id) batch.is_confirmed = true;
        if (batch.id >= id && batch.is_confirmed) batch.read_index = std::max(read_index, batch.read_index);
    }
}

uint64_t ReadBatcher::take_ready(LogIndex last_applied, std::vector<WaiterId>& sessions) {
    while (!in_flight_.empty() && in_flight_.front().is_confirmed && in_flight_.front().read_index <= last_applied) {
        Batch& front = in_flight_.front();
        sessions.insert(sessions.end(), front.sessions.begin(), front.sessions.end());
        served_id_ = front.id;
        known_ns_ = std::max(known_ns_, front.asked_ns);
        in_flight_.pop_front();
    }
    return served_id_;
}

void ReadBatcher::drop_all(std::vector<WaiterId>& sessions) {
    for (const Batch& batch : in_flight_)
        sessions.insert(sessions.end(), batch.sessions.begin(), batch.sessions.end());
    in_flight_.clear();
    sessions.insert(sessions.end(), open_.begin(), open_.end());
    open_.clear();
    open_reads_ = 0;
    // The caller parks or answers these reads now, so that no request is left to mistake a later batch's confirmation
    // for its own.
    ++open_id_;
}

void ReadBatcher::check() const {
    KVORUM_ASSERT(served_id_ < open_id_, "batch {} is served and open", served_id_);
    KVORUM_ASSERT(in_flight_.size() <= kRoundsInFlightMax, "{} rounds", in_flight_.size());
    uint64_t last_id = served_id_;
    LogIndex last_read_index;
    for (const Batch& batch : in_flight_) {
        KVORUM_ASSERT(batch.id > last_id && batch.id < open_id_, "batch {} behind {}", batch.id, last_id);
        KVORUM_ASSERT(!batch.sessions.empty(), "nobody reads in batch {}", batch.id);
        last_id = batch.id;
        if (!batch.is_confirmed) {
            KVORUM_ASSERT(batch.read_index.is_none(), "batch {} has an index before its round", batch.id);
            continue;
        }
        KVORUM_ASSERT(batch.read_index >= last_read_index, "read index {} behind {}", batch.read_index,
                      last_read_index);
        last_read_index = batch.read_index;
    }
}

}  // namespace kvorum::replica
