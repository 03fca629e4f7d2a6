// Timers of one reactor: a 4-ary heap of pointers to timers that their owners embed. Arming and cancelling are O(log
// n); equal deadlines fire in the order in which they were armed. Thread: the reactor's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvorum::reactor {

class TimerHeap;

struct Timer {
    using Fire = void (*)(Timer&);

    explicit Timer(Fire function) : fire(function) {}
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer();

    [[nodiscard]] bool armed() const { return heap != nullptr; }

    Fire fire;  // inline from the reactor's loop, with the timer disarmed: may re-arm it, schedule, cancel others; must
                // not resume a coroutine
    uint64_t deadline_ns = 0;
    // The heap's own.
    uint64_t sequence = 0;
    size_t position = 0;
    TimerHeap* heap = nullptr;
};

class TimerHeap {
 public:
    TimerHeap() = default;
    TimerHeap(const TimerHeap&) = delete;
    TimerHeap& operator=(const TimerHeap&) = delete;
    ~TimerHeap();

    void arm(Timer& timer, uint64_t deadline_ns);  // moves it if it is armed
    void cancel(Timer& timer);                     // does nothing if it is not
    [[nodiscard]] uint64_t next_deadline_ns() const { return heap_.empty() ? UINT64_MAX : heap_[0]->deadline_ns; }
    // Fires what is due at `now_ns`, but nothing that is armed meanwhile. Returns how many.
    size_t expire(uint64_t now_ns);
    [[nodiscard]] size_t size() const { return heap_.size(); }

 private:
    static bool before(const Timer& a, const Timer& b);
    void place(Timer& timer, size_t position);
    void sift_up(Timer& timer);
    void sift_down(Timer& timer);

    std::vector<Timer*> heap_;
    uint64_t next_sequence_ = 0;
};

}  // namespace kvorum::reactor
