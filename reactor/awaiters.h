// What the methods of Reactor return: awaited at once, in the expression that made them. Each keeps its operation in
// the frame of the coroutine that awaits it, so the operation lives exactly as long as somebody waits for it.
#pragma once

#include <coroutine>
#include <cstdint>
#include <string>
#include <utility>

#include "reactor/io_backend.h"
#include "reactor/stop.h"
#include "reactor/task.h"
#include "reactor/timers.h"

namespace kvorum::reactor {

class Reactor;

// What an operation asks for, without its lifetime: see IoOp for the fields.
struct IoRequest {
    IoCode code = IoCode::kClose;
    uint8_t flags = 0;
    Handle handle = kNoHandle;
    uint64_t offset = 0;
    std::byte* buffer = nullptr;
    uint64_t length_bytes = 0;
    const iovec* iov = nullptr;
    uint32_t iov_count = 0;
    int open_flags = 0;
    uint32_t mode = 0;
};

// Result: as of IoCompletion. When stopped before it began: -ECANCELED and nothing was submitted. When stopped later:
// the result of the last completion, usually -ECANCELED, but the operation may have been faster: a handle is then the
// caller's to close.
class [[nodiscard]] IoAwaiter : public IoOp, private StopCallback {
 public:
    IoAwaiter(Reactor& reactor, const IoRequest& request, StopToken stop = {});
    IoAwaiter(const IoAwaiter&) = delete;
    IoAwaiter& operator=(const IoAwaiter&) = delete;
    ~IoAwaiter() override = default;

    [[nodiscard]] bool await_ready();
    void await_suspend(std::coroutine_handle<> awaiter);
    [[nodiscard]] int32_t await_resume() const { return result_; }

    void on_completion(const IoCompletion& completion) final;

 private:
    void on_stop() noexcept final;

    Reactor& reactor_;
    StopToken stop_;
    Resumption resumption_;
    int32_t result_ = 0;
};

class [[nodiscard]] PathAwaiter final : public IoAwaiter {
 public:
    PathAwaiter(Reactor& reactor, const IoRequest& request, std::string from, std::string to = {})
        : IoAwaiter(reactor, request), from_(std::move(from)), to_(std::move(to)) {
        path = from_.c_str();
        path_to = to_.c_str();
    }

 private:
    std::string from_;
    std::string to_;
};

class [[nodiscard]] ConnectAwaiter final : public IoAwaiter {
 public:
    ConnectAwaiter(Reactor& reactor, Endpoint to, StopToken stop)
        : IoAwaiter(reactor, {.code = IoCode::kConnect}, stop), to_(std::move(to)) {
        endpoint = &to_;
    }

 private:
    Endpoint to_;
};

// Result: false when it was stopped first.
class [[nodiscard]] SleepAwaiter final : private StopCallback, private Timer {
 public:
    SleepAwaiter(Reactor& reactor, uint64_t deadline_ns, StopToken stop);
    SleepAwaiter(const SleepAwaiter&) = delete;
    SleepAwaiter& operator=(const SleepAwaiter&) = delete;
    ~SleepAwaiter() = default;

    [[nodiscard]] bool await_ready();
    void await_suspend(std::coroutine_handle<> awaiter);
    bool await_resume() const { return !stopped_; }

 private:
    void on_stop() noexcept override;

    Reactor& reactor_;
    uint64_t wake_at_ns_;
    StopToken stop_;
    Resumption resumption_;
    bool stopped_ = false;
};

class [[nodiscard]] YieldAwaiter final {
 public:
    explicit YieldAwaiter(Reactor& reactor) : reactor_(reactor) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiter);
    void await_resume() const noexcept {}

 private:
    Reactor& reactor_;
    Resumption resumption_;
};

}  // namespace kvorum::reactor
