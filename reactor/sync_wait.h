// Drives a reactor until one task is done: for start-up, tools and tests, never from inside a task.
#pragma once

#include <utility>

#include "reactor/reactor.h"
#include "reactor/task.h"

namespace kvorum::reactor {

// Turns the reactor, other work included, until `task` has ended. Waits for ever if it never does.
template <typename T>
T run_until_done(Reactor& reactor, Task<T> task) {
    struct Root final : Runnable, TaskObserver {
        explicit Root(Task<T>& root_task)
            : Runnable([](Runnable& self) {
                  auto& root = static_cast<Root&>(self);
                  root.task.start(root);
              }),
              task(root_task) {}
        void on_task_done() noexcept override {}
        Task<T>& task;
    };
    Root root(task);
    reactor.schedule(root);
    while (!task.done())
        reactor.turn();
    return task.take_result();
}

}  // namespace kvorum::reactor
