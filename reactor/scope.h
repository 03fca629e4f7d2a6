// Where background tasks live: every task that nobody awaits is spawned into a scope, which its owner joins before it
// goes.
//
// Thread: the reactor's. Ownership: the scope owns the tasks; what they refer to must outlive join(). Errors: tasks
// return nothing; they report by other means. request_stop() only asks: tasks that use stop_token() end soon after. The
// destructor asserts that no task is left.
#pragma once

#include <cstddef>

#include "reactor/event.h"
#include "reactor/stop.h"
#include "reactor/task.h"

namespace kvorum::reactor {

class TaskScope {
 public:
    explicit TaskScope(Reactor& reactor) : reactor_(reactor), empty_(reactor) { empty_.set(); }
    TaskScope(const TaskScope&) = delete;
    TaskScope& operator=(const TaskScope&) = delete;
    ~TaskScope() { KVORUM_ASSERT(size_ == 0, "a scope was destroyed with {} tasks in it", size_); }

    void spawn(Task<void> task);  // starts it from the run queue, not here
    [[nodiscard]] StopToken stop_token() { return stop_.token(); }
    void request_stop() noexcept { stop_.request_stop(); }
    [[nodiscard]] bool stop_requested() const { return stop_.stop_requested(); }
    // Waits until no task is left; spawning meanwhile prolongs it. Does not request the stop.
    Task<void> join();
    [[nodiscard]] size_t size() const { return size_; }

 private:
    class Child;

    Reactor& reactor_;
    StopSource stop_;
    Event empty_;
    size_t size_ = 0;
};

}  // namespace kvorum::reactor
