#include "reactor/run_queue.h"

#include <algorithm>

#include "base/assert.h"

namespace kvorum::reactor {
namespace {

constinit thread_local RunQueue* current_queue = nullptr;

}  // namespace

Runnable::~Runnable() {
    if (queue != nullptr) queue->remove(*this);
}

RunQueue::RunQueue(uint64_t shuffle_seed) {
    if (shuffle_seed != 0) shuffle_.emplace(shuffle_seed);
}

RunQueue::~RunQueue() {
    while (pop() != nullptr) {
    }
}

void RunQueue::push(Runnable& runnable) {
    if (runnable.queued()) return;
    runnable.queue = this;
    ++size_;
    if (shuffle_) {
        shuffled_.push_back(&runnable);
        return;
    }
    runnable.previous = tail_;
    runnable.next = nullptr;
    (tail_ == nullptr ? head_ : tail_->next) = &runnable;
    tail_ = &runnable;
}

Runnable* RunQueue::pop() {
    Runnable* runnable = head_;
    if (shuffle_ && size_ > 0) runnable = shuffled_[shuffle_->below(size_)];
    if (runnable == nullptr) return nullptr;
    remove(*runnable);
    return runnable;
}

void RunQueue::remove(Runnable& runnable) {
    KVORUM_ASSERT(runnable.queue == this);
    runnable.queue = nullptr;
    --size_;
    if (shuffle_) {
        auto at = std::find(shuffled_.begin(), shuffled_.end(), &runnable);
        *at = shuffled_.back();
        shuffled_.pop_back();
        return;
    }
    (runnable.previous == nullptr ? head_ : runnable.previous->next) = runnable.next;
    (runnable.next == nullptr ? tail_ : runnable.next->previous) = runnable.previous;
    runnable.next = nullptr;
    runnable.previous = nullptr;
}

void RunQueue::take_all(RunQueue& from) {
    while (Runnable* runnable = from.pop())
        push(*runnable);
}

RunQueue* current_run_queue() { return current_queue; }
void set_current_run_queue(RunQueue* queue) { current_queue = queue; }

}  // namespace kvorum::reactor
