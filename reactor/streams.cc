#include "reactor/streams.h"

#include <cerrno>
#include <utility>

namespace kvorum::reactor {

MultishotStream::MultishotStream(Reactor& reactor, IoCode io_code, Handle io_handle)
    : reactor_(reactor), rearm_(*this), ended_(reactor) {
    code = io_code;
    handle = io_handle;
}

void MultishotStream::on_completion(const IoCompletion& completion) {
    if (!completion.more) ended_.set();
    if (!completion.more && cancelling_) {
        cancelling_ = false;
        if (completion.result == -ECANCELED) {
            // Resumed, with somebody waiting, before the cancellation came through.
            if (waiter_ != nullptr) reactor_.schedule(rearm_);
            return;
        }
    }
    if (completion.result > 0) note(completion);
    completions_.push_back(completion);
    if (paused_) keep(completions_.back());
    wake_waiter();
}

IoCompletion MultishotStream::take_completion() {
    if (!has_completion()) return {.result = -ECANCELED};
    const IoCompletion completion = completions_[taken_];
    const bool is_end_of_stream = code == IoCode::kReceive && completion.result <= 0;
    if (is_end_of_stream) return completion;
    ++taken_;
    if (taken_ == completions_.size()) {
        completions_.clear();
        taken_ = 0;
    }
    return completion;
}

void MultishotStream::arm_if_wanted() {
    if (in_flight || paused_ || waiter_ == nullptr) return;
    buffers = wanted_group_;
    reactor_.backend().submit(*this);
}

void MultishotStream::take_from(BufferGroup group) {
    if (wanted_group_ == group) return;
    wanted_group_ = group;
    if (in_flight) reactor_.schedule(rearm_);
}

void MultishotStream::rearm() {
    if (in_flight && buffers != wanted_group_ && !cancelling_) {
        cancelling_ = true;
        reactor_.backend().cancel(*this);
    }
    arm_if_wanted();
}

void MultishotStream::wake_waiter() {
    if (waiter_ == nullptr) return;
    WaiterBase& waiter = *waiter_;
    waiter_ = nullptr;
    waiter.unwatch();
    reactor_.schedule(waiter.resumption_);
}

void MultishotStream::pause_stream() {
    paused_ = true;
    if (in_flight && !cancelling_) {
        cancelling_ = true;
        reactor_.backend().cancel(*this);
    }
    for (size_t i = taken_; i < completions_.size(); ++i)
        keep(completions_[i]);
}

void MultishotStream::resume_stream() {
    paused_ = false;
    arm_if_wanted();
}

Task<void> MultishotStream::end() {
    KVORUM_ASSERT(waiter_ == nullptr, "a stream was closed while somebody waits in next()");
    pause_stream();
    ended_.reset();
    while (in_flight) {
        co_await ended_.wait();
    }
}

MultishotStream::WaiterBase::~WaiterBase() {
    if (stream_.waiter_ == this) stream_.waiter_ = nullptr;
}

bool MultishotStream::WaiterBase::await_ready() {
    stopped_ = stop_.stop_requested();
    return stopped_ || stream_.has_completion();
}

void MultishotStream::WaiterBase::await_suspend(std::coroutine_handle<> awaiter) {
    KVORUM_ASSERT(stream_.waiter_ == nullptr, "two coroutines wait for one stream");
    resumption_.coroutine = awaiter;
    watch(stop_);
    stream_.waiter_ = this;
    stream_.arm_if_wanted();
}

IoCompletion MultishotStream::WaiterBase::take() {
    if (stopped_) return {.result = -ECANCELED};
    return stream_.take_completion();
}

void MultishotStream::WaiterBase::on_stop() noexcept {
    stopped_ = true;
    stream_.waiter_ = nullptr;
    stream_.reactor_.schedule(resumption_);
}

Task<void> AcceptStream::close() {
    co_await end();
    while (has_completion()) {
        const int32_t connection = take_completion().result;
        if (connection < 0) continue;
        const int32_t closed = co_await reactor().close(connection);
        maybe(closed < 0);
    }
}

ReceiveStream::ReceiveStream(Reactor& reactor, Handle socket, BuffersFrom buffers)
    : MultishotStream(reactor, IoCode::kReceive, socket), buffers_from_(buffers) {
    if (buffers == BuffersFrom::kReserved) take_from(BufferGroup::kReserved);
}

ReceiveStream::~ReceiveStream() { release_untaken(); }

void ReceiveStream::note(const IoCompletion& completion) {
    if (buffers_from_ == BuffersFrom::kReserved) return;
    waited_bytes_ += static_cast<uint64_t>(completion.result);
    if (waited_bytes_ > kCalmBytesMax) {
        calm_times_ = 0;
        take_from(BufferGroup::kBulk);
    }
    if (completion.more_waits) return;
    if (waited_bytes_ <= kCalmBytesMax && ++calm_times_ >= kCalmTimes) take_from(BufferGroup::kCalm);
    waited_bytes_ = 0;
}

Task<void> ReceiveStream::close() {
    co_await end();
    release_untaken();
}

void ReceiveStream::release_untaken() {
    while (has_completion()) {
        const IoCompletion completion = take_completion();
        if (completion.result <= 0) break;
        if (completion.has_buffer) reactor().backend().release_receive_buffer(completion.buffer_id);
    }
    kept_.clear();
    kept_bytes_ = 0;
}

void ReceiveStream::keep(IoCompletion& completion) {
    if (!completion.has_buffer || completion.result <= 0) return;
    IoBackend& backend = reactor().backend();
    kept_.emplace_back(as_text(backend.receive_buffer(completion.buffer_id, static_cast<uint64_t>(completion.result))));
    kept_bytes_ += static_cast<uint64_t>(completion.result);
    backend.release_receive_buffer(completion.buffer_id);
    completion.has_buffer = false;
}

Chunk ReceiveStream::chunk_of(const IoCompletion& completion) {
    Chunk chunk{.result = completion.result,
                .bytes = {},
                .buffer_id = completion.buffer_id,
                .has_buffer = completion.has_buffer};
    if (completion.result > 0 && !completion.has_buffer) {
        taken_kept_ = std::move(kept_.front());
        kept_bytes_ -= taken_kept_.size();
        kept_.pop_front();
        chunk.bytes = as_bytes(taken_kept_);
    } else if (completion.result > 0) {
        chunk.bytes =
            reactor().backend().receive_buffer(completion.buffer_id, static_cast<uint64_t>(completion.result));
    }
    return chunk;
}

void ReceiveStream::release(Chunk& chunk) {
    if (!chunk.has_buffer) return;
    reactor().backend().release_receive_buffer(chunk.buffer_id);
    chunk.has_buffer = false;
    chunk.bytes = {};
}

}  // namespace kvorum::reactor
