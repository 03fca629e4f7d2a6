// The ready work of one reactor: intrusive, no allocation in FIFO order. With a seed the next one is drawn at random
// instead, the same way for the same seed, so that code which silently relies on an order fails, and fails again when
// replayed.
//
// Thread: the reactor's. A Runnable is in at most one queue, at most once, and leaves it when it is destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/prng.h"

namespace kvorum::reactor {

class RunQueue;

struct Runnable {
    using Run = void (*)(Runnable&);

    explicit Runnable(Run function = nullptr) : run(function) {}
    Runnable(const Runnable&) = delete;
    Runnable& operator=(const Runnable&) = delete;
    ~Runnable();

    [[nodiscard]] bool queued() const { return queue != nullptr; }

    Run run;  // called once per scheduling, from the reactor's loop; may destroy the Runnable
    // The queue's own.
    Runnable* next = nullptr;
    Runnable* previous = nullptr;
    RunQueue* queue = nullptr;
};

class RunQueue {
 public:
    // Seed 0: first in, first out.
    explicit RunQueue(uint64_t shuffle_seed = 0);
    RunQueue(const RunQueue&) = delete;
    RunQueue& operator=(const RunQueue&) = delete;
    ~RunQueue();

    // Does nothing if it is queued already, here or elsewhere.
    void push(Runnable& runnable);
    [[nodiscard]] Runnable* pop();  // nullptr when empty
    void remove(Runnable& runnable);
    void take_all(RunQueue& from);

    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] size_t size() const { return size_; }

 private:
    Runnable* head_ = nullptr;
    Runnable* tail_ = nullptr;
    size_t size_ = 0;
    std::optional<Prng> shuffle_;
    std::vector<Runnable*> shuffled_;  // instead of the list, with a seed
};

// For KVORUM_POST_CONTINUATIONS: the ready queue of the reactor whose turn this thread is in.
[[nodiscard]] RunQueue* current_run_queue();
void set_current_run_queue(RunQueue* queue);

}  // namespace kvorum::reactor
