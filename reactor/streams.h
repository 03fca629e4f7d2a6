// Connections of a listener and bytes of a socket as streams to await, over the backend's multishot operations, which
// they re-arm by themselves.
//
//   ReceiveStream stream(reactor, socket);
//   Chunk chunk = co_await stream.next(stop);
//   if (chunk.result > 0) { parse(chunk.bytes); stream.release(chunk); }
//   co_await stream.close();
//
// Thread: the reactor's. One coroutine at a time may be in next(). Nothing is asked of the kernel before the first
// next(). Ownership: a stream borrows its handle and does not close it. close() is awaited before the stream is
// destroyed (asserted, unless it was never armed or has ended by itself). Cancellation: a stop ends next() with
// -ECANCELED at once; the stream goes on and loses nothing.
#pragma once

#include <coroutine>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/units.h"
#include "reactor/event.h"
#include "reactor/io_backend.h"
#include "reactor/reactor.h"
#include "reactor/stop.h"
#include "reactor/task.h"

namespace kvorum::reactor {

// The part that both streams share: a multishot operation, the completions that nobody took yet, and at most one
// waiter.
class MultishotStream : public IoOp {
 public:
    MultishotStream(Reactor& reactor, IoCode io_code, Handle io_handle);
    ~MultishotStream() override = default;

    [[nodiscard]] Handle stream_handle() const { return handle; }
    void on_completion(const IoCompletion& completion) final;

 protected:
    class WaiterBase : private StopCallback {
     public:
        WaiterBase(MultishotStream& stream, StopToken stop) : stream_(stream), stop_(stop) {}
        WaiterBase(const WaiterBase&) = delete;
        WaiterBase& operator=(const WaiterBase&) = delete;

        [[nodiscard]] bool await_ready();
        void await_suspend(std::coroutine_handle<> awaiter);

     protected:
        ~WaiterBase();
        // -ECANCELED without a buffer when it was stopped.
        [[nodiscard]] IoCompletion take();

     private:
        friend class MultishotStream;
        void on_stop() noexcept override;

        MultishotStream& stream_;
        StopToken stop_;
        Resumption resumption_;
        bool stopped_ = false;
    };

    [[nodiscard]] Reactor& reactor() { return reactor_; }
    [[nodiscard]] bool has_completion() const { return taken_ < completions_.size(); }
    [[nodiscard]] IoCompletion take_completion();
    void pause_stream();
    void resume_stream();
    // From now on in that group. May be called for each completion.
    void take_from(BufferGroup group);
    // Called for each completion that brings something.
    virtual void note(const IoCompletion& /*completion*/) {}
    // Called for each completion that waits while the stream is paused.
    virtual void keep(IoCompletion& /*completion*/) {}
    // Cancels the operation and waits for its last completion.
    Task<void> end();

 private:
    struct Rearm : Runnable {
        explicit Rearm(MultishotStream& owner)
            : Runnable([](Runnable& self) { static_cast<Rearm&>(self).stream.rearm(); }), stream(owner) {}
        MultishotStream& stream;
    };

    void arm_if_wanted();
    void rearm();
    void wake_waiter();

    Reactor& reactor_;
    std::vector<IoCompletion> completions_;
    size_t taken_ = 0;  // how many of completions_ were taken; both are cleared when they meet
    WaiterBase* waiter_ = nullptr;
    BufferGroup wanted_group_ = BufferGroup::kBulk;
    Rearm rearm_;  // a completion may not submit: this does it afterwards
    Event ended_;
    bool cancelling_ = false;
    bool paused_ = false;
};

class AcceptStream final : public MultishotStream {
 public:
    AcceptStream(Reactor& reactor, Handle listener) : MultishotStream(reactor, IoCode::kAccept, listener) {}

    class [[nodiscard]] Waiter final : public WaiterBase {
     public:
        using WaiterBase::WaiterBase;
        [[nodiscard]] int32_t await_resume() { return take().result; }
    };

    // The Handle of a new connection, the caller's to close, or -errno. After -EMFILE or -ENFILE wait a little and call
    // it again.
    [[nodiscard]] Waiter next(StopToken stop = {}) { return {*this, stop}; }
    // Ends the operation and closes connections that nobody took. The listener stays open.
    Task<void> close();
};

struct Chunk {
    int32_t result = 0;  // bytes; 0 = the peer closed its side; -errno. The last two stay: next() returns them again
    Bytes bytes;         // valid until release()
    uint16_t buffer_id = 0;
    bool has_buffer = false;
};

// kByPace: calm buffers for who is calm, those of bulk before that and for who floods. kReserved: for few streams,
// which must not wait while many others are flooded.
enum class BuffersFrom : uint8_t { kByPace, kReserved };

class ReceiveStream final : public MultishotStream {
 public:
    ReceiveStream(Reactor& reactor, Handle socket, BuffersFrom buffers = BuffersFrom::kByPace);
    ~ReceiveStream() override;

    class [[nodiscard]] Waiter final : public WaiterBase {
     public:
        Waiter(ReceiveStream& stream, StopToken stop) : WaiterBase(stream, stop), receive_stream_(stream) {}
        [[nodiscard]] Chunk await_resume() { return receive_stream_.chunk_of(take()); }

     private:
        ReceiveStream& receive_stream_;
    };

    [[nodiscard]] Waiter next(StopToken stop = {}) { return {*this, stop}; }
    // Gives the buffer back to all streams that take from where it came. Does nothing for a chunk without one, or
    // released already.
    void release(Chunk& chunk);
    // Stops reading from the socket, so that the peer is slowed down by TCP; what has arrived already can still be
    // taken. It is copied meanwhile: buffers that a paused stream held would be missing to those that must go on.
    void pause() { pause_stream(); }
    void resume() { resume_stream(); }
    // Copied while it was paused, and not taken yet.
    [[nodiscard]] uint64_t kept_bytes() const { return kept_bytes_; }
    // Ends the operation and gives back the buffers of chunks that nobody took. The socket stays open.
    Task<void> close();

 private:
    // So much at most waits at a time of who is calm; it takes so many times to be believed, and one to be refuted.
    static constexpr uint64_t kCalmBytesMax = 32 * kKiB;
    static constexpr uint32_t kCalmTimes = 4;

    void note(const IoCompletion& completion) override;
    void keep(IoCompletion& completion) override;
    [[nodiscard]] Chunk chunk_of(const IoCompletion& completion);
    void release_untaken();

    std::deque<std::string> kept_;  // of the oldest completions that were not taken
    uint64_t kept_bytes_ = 0;
    std::string taken_kept_;  // of the last chunk, if it was kept

    const BuffersFrom buffers_from_;
    uint64_t waited_bytes_ = 0;  // and were received without a gap
    uint32_t calm_times_ = 0;
};

}  // namespace kvorum::reactor
