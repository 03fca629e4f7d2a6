// Task<T>: a lazy coroutine of one reactor. It starts when it is awaited (or handed to a TaskScope) and continues its
// awaiter when it ends.
//
//   Task<int32_t> write_all(Reactor& reactor, Handle file, Bytes bytes);
//   const int32_t result = co_await write_all(reactor, file, bytes);
//
// Thread: the reactor's, from creation to destruction (its frame comes from the pool of that thread).
// Ownership: the Task owns the frame. One that never started may be dropped. Dropping one that is suspended unwinds it
// (all its destructors run, timers and waits are unlinked), and is a bug, asserted by ~IoOp, while an operation of the
// backend is in flight: cancel, then await. Parameters are passed by value, or by reference to something documented to
// outlive the task; a lambda coroutine captures nothing. Errors travel in T. An exception that leaves a coroutine ends
// the process.
#pragma once

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "reactor/coroutine_config.h"
#include "reactor/frame_pool.h"
#include "reactor/run_queue.h"

namespace kvorum::reactor {

template <typename T = void>
class Task;

// Told when a task that nobody awaits has ended. Inside the call the frame is suspended at its end and must not be
// destroyed yet.
class TaskObserver {
 public:
    virtual void on_task_done() noexcept = 0;

 protected:
    ~TaskObserver() = default;
};

// Resumes a coroutine from the run queue. An awaiter holds one: whoever completes it schedules this, and never resumes
// directly.
struct Resumption : Runnable {
    Resumption() : Runnable([](Runnable& self) { static_cast<Resumption&>(self).coroutine.resume(); }) {}
    std::coroutine_handle<> coroutine;
};

namespace detail {

[[noreturn]] void die_of_exception() noexcept;

class PromiseBase {
 public:
    static void* operator new(size_t size_bytes) { return allocate_frame(size_bytes); }
    static void operator delete(void* frame, size_t size_bytes) noexcept { free_frame(frame, size_bytes); }

    struct FinalAwaiter {
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <typename Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
            return finished.promise().finish();
        }
        void await_resume() const noexcept {}
    };

    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
    [[noreturn]] void unhandled_exception() const noexcept { die_of_exception(); }

    void continue_with(std::coroutine_handle<> awaiter) { continuation_.coroutine = awaiter; }
    void observe(TaskObserver& observer) { observer_ = &observer; }

 private:
    std::coroutine_handle<> finish() noexcept {
        if (observer_ != nullptr) {
            observer_->on_task_done();
            return std::noop_coroutine();
        }
#if defined(KVORUM_POST_CONTINUATIONS)
        KVORUM_ASSERT(current_run_queue() != nullptr, "a task ended outside of a reactor's turn");
        current_run_queue()->push(continuation_);
        return std::noop_coroutine();
#else
        return continuation_.coroutine;
#endif
    }

#if defined(KVORUM_POST_CONTINUATIONS)
    Resumption continuation_;
#else
    struct {
        std::coroutine_handle<> coroutine;
    } continuation_;
#endif
    TaskObserver* observer_ = nullptr;
};

template <typename T>
class Promise final : public PromiseBase {
 public:
    KVORUM_CORO_WRAPPER Task<T> get_return_object() noexcept;
    template <typename U>
        requires std::is_convertible_v<U&&, T>
    void return_value(U&& value) {
        result_.emplace(std::forward<U>(value));
    }
    T take_result() {
        KVORUM_ASSERT(result_.has_value());
        return *std::move(result_);
    }

 private:
    std::optional<T> result_;
};

template <>
class Promise<void> final : public PromiseBase {
 public:
    KVORUM_CORO_WRAPPER Task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void take_result() const noexcept {}
};

}  // namespace detail

template <typename T>
class [[nodiscard]] KVORUM_CORO_TYPE Task {
 public:
    using promise_type = detail::Promise<T>;
    using FrameHandle = std::coroutine_handle<promise_type>;

    Task() = default;
    explicit Task(FrameHandle frame) : frame_(frame) {}
    Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            drop();
            frame_ = std::exchange(other.frame_, nullptr);
        }
        return *this;
    }
    ~Task() { drop(); }

    [[nodiscard]] bool done() const { return frame_ && frame_.done(); }

    class Awaiter {
     public:
        explicit Awaiter(FrameHandle frame) : frame_(frame) {
            KVORUM_ASSERT(frame_, "an empty or moved-from task was awaited");
        }
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) const noexcept {
            frame_.promise().continue_with(awaiter);
            return frame_;
        }
        T await_resume() const { return frame_.promise().take_result(); }

     private:
        FrameHandle frame_;
    };
    // Once, and only of a task that is about to be forgotten: co_await f(args), co_await std::move(task).
    Awaiter operator co_await() && { return Awaiter(frame_); }

    // For TaskScope and run_until_done(): starts it without an awaiter, from the reactor's loop. `observer` outlives
    // the task.
    void start(TaskObserver& observer) {
        KVORUM_ASSERT(frame_, "an empty or moved-from task was started");
        frame_.promise().observe(observer);
        frame_.resume();
    }
    // Of a task that is done; once.
    T take_result() {
        KVORUM_ASSERT(done());
        return frame_.promise().take_result();
    }

 private:
    void drop() {
        if (frame_) std::exchange(frame_, nullptr).destroy();
    }

    FrameHandle frame_;
};

namespace detail {

template <typename T>
Task<T> Promise<T>::get_return_object() noexcept {
    return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() noexcept {
    return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

}  // namespace detail
}  // namespace kvorum::reactor
