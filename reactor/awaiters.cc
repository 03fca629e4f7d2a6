#include "reactor/awaiters.h"

#include <cerrno>

#include "reactor/reactor.h"

namespace kvorum::reactor {

IoAwaiter::IoAwaiter(Reactor& reactor, const IoRequest& request, StopToken stop) : reactor_(reactor), stop_(stop) {
    code = request.code;
    flags = request.flags;
    handle = request.handle;
    offset = request.offset;
    buffer = request.buffer;
    length_bytes = request.length_bytes;
    iov = request.iov;
    iov_count = request.iov_count;
    open_flags = request.open_flags;
    mode = request.mode;
}

bool IoAwaiter::await_ready() {
    if (!stop_.stop_requested()) return false;
    result_ = -ECANCELED;
    return true;
}

void IoAwaiter::await_suspend(std::coroutine_handle<> awaiter) {
    resumption_.coroutine = awaiter;
    watch(stop_);
    reactor_.backend().submit(*this);
}

void IoAwaiter::on_completion(const IoCompletion& completion) {
    KVORUM_ASSERT(!completion.more, "a single operation completed twice");
    unwatch();
    result_ = completion.result;
    reactor_.schedule(resumption_);
}

void IoAwaiter::on_stop() noexcept { reactor_.backend().cancel(*this); }

SleepAwaiter::SleepAwaiter(Reactor& reactor, uint64_t deadline, StopToken stop)
    : Timer([](Timer& timer) {
          auto& self = static_cast<SleepAwaiter&>(timer);
          self.unwatch();
          self.reactor_.schedule(self.resumption_);
      }),
      reactor_(reactor),
      wake_at_ns_(deadline),
      stop_(stop) {}

bool SleepAwaiter::await_ready() {
    stopped_ = stop_.stop_requested();
    return stopped_;
}

void SleepAwaiter::await_suspend(std::coroutine_handle<> awaiter) {
    resumption_.coroutine = awaiter;
    watch(stop_);
    reactor_.arm(*this, wake_at_ns_);
}

void SleepAwaiter::on_stop() noexcept {
    stopped_ = true;
    reactor_.cancel(*this);
    reactor_.schedule(resumption_);
}

PathAwaiter Reactor::open(std::string path, int flags, uint32_t mode) {
    return {*this, {.code = IoCode::kOpen, .open_flags = flags, .mode = mode}, std::move(path)};
}
IoAwaiter Reactor::close(Handle handle) { return {*this, {.code = IoCode::kClose, .handle = handle}}; }
IoAwaiter Reactor::read(Handle handle, MutableBytes into, uint64_t offset, uint8_t io_flags) {
    return {*this,
            {.code = IoCode::kRead,
             .flags = io_flags,
             .handle = handle,
             .offset = offset,
             .buffer = into.data(),
             .length_bytes = into.size()}};
}
IoAwaiter Reactor::write(Handle handle, Bytes bytes, uint64_t offset, uint8_t io_flags) {
    return {*this,
            {.code = IoCode::kWrite,
             .flags = io_flags,
             .handle = handle,
             .offset = offset,
             .buffer = const_cast<std::byte*>(bytes.data()),  // IoOp has one pointer for both ways; kWrite only reads
             .length_bytes = bytes.size()}};
}
IoAwaiter Reactor::data_sync(Handle handle) { return {*this, {.code = IoCode::kDataSync, .handle = handle}}; }
IoAwaiter Reactor::file_sync(Handle handle) { return {*this, {.code = IoCode::kFileSync, .handle = handle}}; }
IoAwaiter Reactor::allocate(Handle handle, uint64_t offset, uint64_t length_bytes) {
    return {*this, {.code = IoCode::kAllocate, .handle = handle, .offset = offset, .length_bytes = length_bytes}};
}
PathAwaiter Reactor::rename(std::string from, std::string to) {
    return {*this, {.code = IoCode::kRename}, std::move(from), std::move(to)};
}
PathAwaiter Reactor::unlink(std::string path) { return {*this, {.code = IoCode::kUnlink}, std::move(path)}; }
ConnectAwaiter Reactor::connect(Endpoint endpoint, StopToken stop) { return {*this, std::move(endpoint), stop}; }
IoAwaiter Reactor::send(Handle handle, std::span<const iovec> pieces, StopToken stop) {
    return {*this,
            {.code = IoCode::kSend,
             .handle = handle,
             .iov = pieces.data(),
             .iov_count = static_cast<uint32_t>(pieces.size())},
            stop};
}
SleepAwaiter Reactor::sleep_until(uint64_t deadline_ns, StopToken stop) { return {*this, deadline_ns, stop}; }
SleepAwaiter Reactor::sleep_for(uint64_t duration_ns, StopToken stop) { return {*this, now_ns_ + duration_ns, stop}; }
YieldAwaiter Reactor::yield() { return YieldAwaiter(*this); }

void YieldAwaiter::await_suspend(std::coroutine_handle<> awaiter) {
    resumption_.coroutine = awaiter;
    reactor_.schedule_next_turn(resumption_);
}

}  // namespace kvorum::reactor
