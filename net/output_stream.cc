#include "net/output_stream.h"

#include <algorithm>
#include <cerrno>

#include "base/assert.h"

namespace kvorum::net {

void OutputFlusher::on_turn_end() {
    for (OutputStream* stream : written_) {
        stream->written_ = false;
        stream->flush();
    }
    written_.clear();
}

OutputStream::OutputStream(reactor::Reactor& reactor, OutputFlusher& flusher, reactor::Handle socket,
                           reactor::Runnable* on_progress)
    : reactor_(reactor), flusher_(flusher), on_progress_(on_progress), continuation_(*this), idle_(reactor) {
    code = reactor::IoCode::kSend;
    handle = socket;
    idle_.set();
}

OutputStream::~OutputStream() {
    KVORUM_ASSERT(!sending_, "an output stream was destroyed while it was sending");
    if (written_) std::erase(flusher_.written_, this);
}

OutputBuffer& OutputStream::buffer() {
    if (!written_) {
        written_ = true;
        flusher_.written_.push_back(this);
    }
    return gathering_;
}

void OutputStream::flush() {
    if (failed()) {
        gathering_.clear();
        return;
    }
    if (sending_ || gathering_.empty()) return;
    begin_flight();
    submit_send();
}

void OutputStream::begin_flight() {
    flying_.swap(gathering_);
    gathering_.clear();
    pieces_.clear();
    flying_.pieces(pieces_);
    if (flying_.size_bytes() > kSendBytesMax) cut_large_pieces();
    pieces_done_ = 0;
    idle_.reset();
}

void OutputStream::cut_large_pieces() {
    std::vector<iovec> cut;
    for (iovec piece : pieces_) {
        while (piece.iov_len > kSendBytesMax) {
            cut.push_back({piece.iov_base, kSendBytesMax});
            piece.iov_base = static_cast<char*>(piece.iov_base) + kSendBytesMax;
            piece.iov_len -= kSendBytesMax;
        }
        cut.push_back(piece);
    }
    pieces_.swap(cut);
}

void OutputStream::submit_send() {
    iov = pieces_.data() + pieces_done_;
    const auto count_max = static_cast<uint32_t>(std::min<size_t>(pieces_.size() - pieces_done_, kPiecesMax));
    iov_count = 0;
    uint64_t bytes = 0;
    while (iov_count < count_max && (iov_count == 0 || bytes + iov[iov_count].iov_len <= kSendBytesMax))
        bytes += iov[iov_count++].iov_len;
    reactor_.work().add(TurnPart::kSend, bytes * kSentWork);
    handed_bytes_ = std::max(handed_bytes_, sent_bytes_ + bytes);
    sending_ = true;
    reactor_.backend().submit(*this);
}

void OutputStream::on_completion(const reactor::IoCompletion& completion) {
    result_ = completion.result;
    reactor_.schedule(continuation_);
}

void OutputStream::on_send_done() {
    sending_ = false;
    if (result_ > 0) advance(static_cast<uint64_t>(result_));
    if (failed()) {
        fail(error_);
    } else if (result_ == 0) {
        fail(-EPIPE);
    } else if (result_ < 0 && result_ != -EINTR) {
        fail(result_);
    } else if (pieces_done_ < pieces_.size()) {
        submit_send();
    } else {
        flying_.clear();
        flight_offset_ = 0;
        flush();
        if (!sending_) idle_.set();
    }
    if (on_progress_ != nullptr) reactor_.schedule(*on_progress_);
}

void OutputStream::advance(uint64_t bytes) {
    sent_bytes_ += bytes;
    flight_offset_ += bytes;
    while (bytes > 0) {
        KVORUM_ASSERT(pieces_done_ < pieces_.size(), "the kernel took more than it was given");
        iovec& piece = pieces_[pieces_done_];
        const uint64_t taken = std::min<uint64_t>(bytes, piece.iov_len);
        piece.iov_base = static_cast<char*>(piece.iov_base) + taken;
        piece.iov_len -= taken;
        bytes -= taken;
        if (piece.iov_len == 0) ++pieces_done_;
    }
}

// The memory of a send in flight stays until its completion, which comes here again.
void OutputStream::fail(int32_t error) {
    error_ = error;
    gathering_.clear();
    if (sending_) return;
    flying_.clear();
    flight_offset_ = 0;
    pieces_.clear();
    pieces_done_ = 0;
    idle_.set();
}

reactor::Task<bool> OutputStream::drain(reactor::StopToken stop) {
    flush();
    while (!failed() && queued_bytes() > 0) {
        const bool was_idle = co_await idle_.wait(stop);
        if (!was_idle) co_return false;
        flush();
    }
    co_return !failed();
}

void OutputStream::abort() {
    if (failed()) return;
    fail(-ECANCELED);
    if (sending_ && in_flight) reactor_.backend().cancel(*this);
}

reactor::Task<void> OutputStream::close() {
    abort();
    while (sending_) {
        co_await idle_.wait();
    }
}

}  // namespace kvorum::net
