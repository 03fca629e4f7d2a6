#include "reactor/timers.h"

#include <algorithm>

#include "base/assert.h"

namespace kvorum::reactor {
namespace {

constexpr size_t kArity = 4;

}  // namespace

Timer::~Timer() {
    if (heap != nullptr) heap->cancel(*this);
}

TimerHeap::~TimerHeap() {
    for (Timer* timer : heap_)
        timer->heap = nullptr;
}

void TimerHeap::arm(Timer& timer, uint64_t deadline_ns) {
    cancel(timer);
    timer.deadline_ns = deadline_ns;
    timer.sequence = next_sequence_++;
    timer.heap = this;
    timer.position = heap_.size();
    heap_.push_back(&timer);
    sift_up(timer);
}

void TimerHeap::cancel(Timer& timer) {
    if (timer.heap == nullptr) return;
    KVORUM_ASSERT(timer.heap == this);
    timer.heap = nullptr;
    Timer* last = heap_.back();
    heap_.pop_back();
    if (last == &timer) return;
    place(*last, timer.position);
    sift_up(*last);
    sift_down(*last);
}

size_t TimerHeap::expire(uint64_t now_ns) {
    const uint64_t first_new_sequence = next_sequence_;
    size_t fired = 0;
    while (!heap_.empty() && heap_[0]->deadline_ns <= now_ns && heap_[0]->sequence < first_new_sequence) {
        Timer& timer = *heap_[0];
        cancel(timer);
        timer.fire(timer);
        ++fired;
    }
    return fired;
}

bool TimerHeap::before(const Timer& a, const Timer& b) {
    return a.deadline_ns != b.deadline_ns ? a.deadline_ns < b.deadline_ns : a.sequence < b.sequence;
}

void TimerHeap::place(Timer& timer, size_t position) {
    heap_[position] = &timer;
    timer.position = position;
}

void TimerHeap::sift_up(Timer& timer) {
    while (timer.position > 0) {
        const size_t position = timer.position;
        const size_t parent = (position - 1) / kArity;
        if (!before(timer, *heap_[parent])) return;
        place(*heap_[parent], position);
        place(timer, parent);
    }
}

void TimerHeap::sift_down(Timer& timer) {
    while (true) {
        const size_t first_child = timer.position * kArity + 1;
        const size_t end = std::min(first_child + kArity, heap_.size());
        if (first_child >= end) return;
        size_t smallest = first_child;
        for (size_t child = first_child + 1; child < end; ++child) {
            if (before(*heap_[child], *heap_[smallest])) smallest = child;
        }
        if (!before(*heap_[smallest], timer)) return;
        const size_t position = timer.position;
        place(*heap_[smallest], position);
        place(timer, smallest);
    }
}

}  // namespace kvorum::reactor
