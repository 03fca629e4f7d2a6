// What is to be sent on one socket: a queue of bytes with exactly one send in flight.
//
// Owners append to buffer() whenever they like; at the end of the turn OutputFlusher starts one vectored send with
// everything that gathered, and while it is in flight the next one gathers. Short sends go on where they stopped. (Two
// sends in flight on one socket may be reordered by the kernel once its buffer is full.)
//
// Thread: the reactor's. Ownership: the stream borrows the socket and does not close it; it is destroyed after close()
// was awaited, or if nothing was ever flushed. Reactor, flusher and `on_progress` outlive it. Errors: after a failed
// send the stream is failed() for good, drops what is queued and what is appended later. What was handed to the kernel
// before may have arrived. Limits: none of its own; owners look at queued_bytes().
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "net/output_buffer.h"
#include "reactor/event.h"
#include "reactor/io_backend.h"
#include "reactor/reactor.h"
#include "reactor/task.h"

namespace kvorum::net {

class OutputStream;

// Flushes, at the end of each turn, the streams of one reactor that were written to.
class OutputFlusher final : public reactor::TurnHook {
 public:
    explicit OutputFlusher(reactor::Reactor& reactor) : reactor_(reactor) {
        reactor_.add_turn_hook(*this, reactor::TurnStage::kSend);
    }
    ~OutputFlusher() { reactor_.remove_turn_hook(*this); }
    void on_turn_end() override;

 private:
    friend class OutputStream;
    reactor::Reactor& reactor_;
    std::vector<OutputStream*> written_;
};

class OutputStream final : private reactor::IoOp {
 public:
    // `on_progress`, unless null, is scheduled after each send that ended, well or not.
    OutputStream(reactor::Reactor& reactor, OutputFlusher& flusher, reactor::Handle socket,
                 reactor::Runnable* on_progress = nullptr);
    ~OutputStream() override;

    // To append to, now: what it holds at the end of the turn is sent. Ask again in the next turn.
    [[nodiscard]] OutputBuffer& buffer();
    [[nodiscard]] std::string& tail() { return buffer().tail(); }
    [[nodiscard]] std::string& begin_piece() { return buffer().begin_piece(); }
    void append_piece(std::string piece) { buffer().append_piece(std::move(piece)); }

    // Starts a send if none is in flight. The flusher does this.
    void flush();

    [[nodiscard]] uint64_t queued_bytes() const {
        return gathering_.size_bytes() + (flying_.size_bytes() - flight_offset_);
    }
    [[nodiscard]] uint64_t memory_bytes() const { return gathering_.memory_bytes() + flying_.memory_bytes(); }
    // Counts since the beginning: appended >= handed to the kernel >= taken by it. appended_bytes() is of no use once
    // failed().
    [[nodiscard]] uint64_t appended_bytes() const { return sent_bytes_ + queued_bytes(); }
    [[nodiscard]] uint64_t handed_bytes() const { return handed_bytes_; }
    [[nodiscard]] uint64_t sent_bytes() const { return sent_bytes_; }
    [[nodiscard]] bool failed() const { return error_ != 0; }
    [[nodiscard]] int32_t error() const { return error_; }  // -errno; -ECANCELED after abort()

    // Waits until everything appended so far and meanwhile was taken by the kernel: true; or the stream failed or was
    // stopped: false.
    reactor::Task<bool> drain(reactor::StopToken stop);
    // Sends nothing more; what is in flight is cancelled. handed_bytes() stays as it is.
    void abort();
    // abort(), then waits for the last completion.
    reactor::Task<void> close();

 private:
    friend class OutputFlusher;
    struct Continuation : reactor::Runnable {
        explicit Continuation(OutputStream& owner)
            : Runnable([](Runnable& self) { static_cast<Continuation&>(self).stream.on_send_done(); }), stream(owner) {}
        OutputStream& stream;
    };

    void on_completion(const reactor::IoCompletion& completion) override;
    void on_send_done();
    void begin_flight();
    void cut_large_pieces();
    void submit_send();
    void advance(uint64_t bytes);
    void fail(int32_t error);

    // Most of a batch goes with one call; the rest follows. The kernel takes 1024 (IOV_MAX).
    static constexpr uint32_t kPiecesMax = 128;
    // The kernel copies what it is given in this thread, so that what goes with one call is bounded.
    static constexpr size_t kSendBytesMax = 512 * kKiB;

    reactor::Reactor& reactor_;
    OutputFlusher& flusher_;
    reactor::Runnable* on_progress_;
    bool written_ = false;  // in the flusher's list

    OutputBuffer gathering_;
    OutputBuffer flying_;  // untouched while a send is in flight: pieces_ points into it
    std::vector<iovec> pieces_;
    size_t pieces_done_ = 0;
    uint64_t flight_offset_ = 0;  // bytes of flying_ that the kernel took
    uint64_t handed_bytes_ = 0;
    uint64_t sent_bytes_ = 0;

    bool sending_ = false;  // from submit() until on_send_done()
    int32_t result_ = 0;
    int32_t error_ = 0;
    Continuation continuation_;
    reactor::Event idle_;  // set while nothing is in flight and nothing is queued, or the stream failed
};

}  // namespace kvorum::net
