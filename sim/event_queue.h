// Virtual time: what is going to happen, in order. Equal times happen in the order in which they were asked for, so a
// run is a function of its seed. Thread: one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace kvorum::sim {

class EventQueue {
 public:
    using Action = std::function<void()>;

    [[nodiscard]] uint64_t now_ns() const { return now_ns_; }
    [[nodiscard]] uint64_t events_run() const { return events_run_; }

    // A time that has passed means now.
    void at(uint64_t when_ns, Action action) {
        heap_.push_back({std::max(when_ns, now_ns_), next_sequence_++, std::move(action)});
        std::push_heap(heap_.begin(), heap_.end());
    }
    void after(uint64_t delay_ns, Action action) { at(now_ns_ + delay_ns, std::move(action)); }

    // Runs the next event that is due by `until_ns`. False, with the clock at `until_ns`, when there is none.
    bool run_next(uint64_t until_ns) {
        if (heap_.empty() || heap_.front().when_ns > until_ns) {
            now_ns_ = std::max(now_ns_, until_ns);
            return false;
        }
        std::pop_heap(heap_.begin(), heap_.end());
        Event event = std::move(heap_.back());
        heap_.pop_back();
        now_ns_ = event.when_ns;
        ++events_run_;
        event.action();
        return true;
    }

 private:
    struct Event {
        uint64_t when_ns = 0;
        uint64_t sequence = 0;
        Action action;
        // The heap keeps its largest element in front.
        bool operator<(const Event& other) const {
            return std::pair(when_ns, sequence) > std::pair(other.when_ns, other.sequence);
        }
    };

    uint64_t now_ns_ = 1'000'000'000;
    uint64_t next_sequence_ = 0;
    uint64_t events_run_ = 0;
    std::vector<Event> heap_;
};

}  // namespace kvorum::sim
