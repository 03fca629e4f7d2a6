#include "reactor/scope.h"

#include <utility>

namespace kvorum::reactor {

// Runs twice: to start the task, and to delete itself after the task has ended, when no code of its frame is on the
// stack.
class TaskScope::Child final : public Runnable, public TaskObserver {
 public:
    Child(TaskScope& scope, Task<void> task)
        : Runnable([](Runnable& self) { static_cast<Child&>(self).step(); }), scope_(scope), task_(std::move(task)) {}

    static void* operator new(size_t size_bytes) { return allocate_frame(size_bytes); }
    static void operator delete(void* memory, size_t size_bytes) noexcept { free_frame(memory, size_bytes); }

    void on_task_done() noexcept override { scope_.reactor_.schedule(*this); }

 private:
    void step() {
        if (!task_.done()) {
            task_.start(*this);
            return;
        }
        TaskScope& scope = scope_;
        delete this;
        if (--scope.size_ == 0) scope.empty_.set();
    }

    TaskScope& scope_;
    Task<void> task_;
};

void TaskScope::spawn(Task<void> task) {
    ++size_;
    empty_.reset();
    reactor_.schedule(*new Child(*this, std::move(task)));
}

Task<void> TaskScope::join() {
    while (size_ > 0) {
        co_await empty_.wait();
    }
}

}  // namespace kvorum::reactor
