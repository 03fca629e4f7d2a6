// A flag that coroutines wait for. set() makes every waiter ready, and wait() does not wait, until reset().
// Thread: the reactor's. Nobody may wait when it is destroyed (asserted).
#pragma once

#include <coroutine>

#include "reactor/reactor.h"

namespace kvorum::reactor {

class Event {
 public:
    explicit Event(Reactor& reactor) : reactor_(reactor) {}
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event() { KVORUM_ASSERT(head_ == nullptr, "an event was destroyed while somebody waits for it"); }

    class [[nodiscard]] Waiter final : private StopCallback {
     public:
        Waiter(Event& event, StopToken stop) : event_(event), stop_(stop) {}
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        ~Waiter() { unlink(); }

        [[nodiscard]] bool await_ready();
        void await_suspend(std::coroutine_handle<> awaiter);
        bool await_resume() const { return !stopped_; }

     private:
        friend class Event;
        void on_stop() noexcept override;
        void unlink();

        Event& event_;
        StopToken stop_;
        Resumption resumption_;
        Waiter* next_ = nullptr;
        Waiter* previous_ = nullptr;
        bool linked_ = false;
        bool stopped_ = false;
    };

    void set();
    void reset() { set_ = false; }
    [[nodiscard]] bool is_set() const { return set_; }
    // True when it was set, even if reset since; false when it was stopped first.
    [[nodiscard]] Waiter wait(StopToken stop = {}) { return {*this, stop}; }

 private:
    Reactor& reactor_;
    Waiter* head_ = nullptr;  // in the order in which they came
    Waiter* tail_ = nullptr;
    bool set_ = false;
};

}  // namespace kvorum::reactor
