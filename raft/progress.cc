#include "raft/progress.h"

#include <algorithm>

#include "base/assert.h"

namespace kvorum::raft {

void Inflights::add(LogIndex last_index, uint64_t bytes) {
    KVORUM_ASSERT(count_ < ring_.size());
    ring_[(first_ + count_) % ring_.size()] = {last_index, bytes};
    ++count_;
    bytes_ += bytes;
}

void Inflights::free_to(LogIndex match_index) {
    while (count_ > 0 && ring_[first_].last_index <= match_index) {
        bytes_ -= ring_[first_].bytes;
        first_ = (first_ + 1) % ring_.size();
        --count_;
    }
}

void Inflights::clear() { first_ = count_ = bytes_ = 0; }

bool Progress::on_success(LogIndex match) {
    const bool rose = match > match_index;
    match_index = std::max(match_index, match);
    inflights.free_to(match_index);
    if (state == State::kProbe) {
        state = State::kReplicate;
        // The reply may tell of less than the probe carried: that was received, and is not durable yet.
        if (probe_outstanding && probe_bytes > 0 && probe_last_index > match_index) {
            inflights.add(probe_last_index, probe_bytes);
            next_index = std::max(next_index, probe_last_index + 1);
        }
        probe_outstanding = false;
    }
    next_index = std::max(next_index, match_index + 1);
    return rose;
}

void Progress::follow_catch_up(LogIndex last, uint64_t now_ns, uint64_t round_ns_max) {
    if (match_index < catch_up_index) return;
    caught_up = now_ns - catch_up_begun_ns <= round_ns_max;
    catch_up_index = last;
    catch_up_begun_ns = now_ns;
}

bool Progress::is_news(LogIndex rejected) const {
    if (rejected <= match_index) return false;
    return state == State::kProbe ? rejected + 1 == next_index : rejected < next_index;
}

void Progress::probe_from(LogIndex prev) {
    state = State::kProbe;
    next_index = std::max(prev, match_index) + 1;
    probe_outstanding = false;
    inflights.clear();
}

void Progress::await_snapshot() {
    state = State::kSnapshot;
    probe_outstanding = false;
    inflights.clear();
}

void Progress::set_probe(LogIndex last, uint64_t bytes) {
    probe_outstanding = true;
    probe_last_index = last;
    probe_bytes = bytes;
}

const char* progress_state_name(Progress::State state) {
    switch (state) {
        case Progress::State::kProbe: return "probe";
        case Progress::State::kReplicate: return "replicate";
        case Progress::State::kReadingLog: return "reading-log";
        case Progress::State::kSnapshot: return "snapshot";
    }
    return "unknown";
}

}  // namespace kvorum::raft
