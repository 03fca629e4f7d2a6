#include "tests/nemesis/faulty_backend.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "base/units.h"

namespace kvorum::nemesis {

using reactor::IoCode;
using reactor::IoCompletion;
using reactor::IoOp;

namespace {

constexpr int kPowerCutExitCode = 71;
constexpr uint64_t kDrainStepNs = kMillisecondNs;

bool is_sync(const IoOp& op) { return op.code == IoCode::kDataSync || op.code == IoCode::kFileSync; }
bool is_data_sync_write(const IoOp& op) { return op.code == IoCode::kWrite && (op.flags & reactor::kIoDataSync) != 0; }
bool is_watched(const IoOp& op) { return op.code == IoCode::kWrite || op.code == IoCode::kOpen || is_sync(op); }

}  // namespace

FaultyBackend::FaultyBackend(std::unique_ptr<reactor::IoBackend> disk, FaultControl& control)
    : disk_(std::move(disk)), control_(control) {
    control_.set_notify([this] { disk_->wake(); });
}

FaultyBackend::~FaultyBackend() { control_.set_notify(nullptr); }

void FaultyBackend::submit(IoOp& op) {
    // The kernel gives the number of a closed descriptor to the next file.
    if (op.code == IoCode::kClose) unsynced_.close(op.handle);
    if (!is_watched(op)) {
        disk_->submit(op);
        return;
    }
    Relay& relay = take_relay(op);
    if (op.code == IoCode::kWrite) {
        submit_write(relay);
    } else if (is_sync(op)) {
        submit_sync(relay);
    } else {
        send_on(relay);
    }
}

FaultyBackend::Relay& FaultyBackend::take_relay(IoOp& op) {
    KVORUM_ASSERT(!op.in_flight, "an operation was submitted twice");
    op.in_flight = true;
    if (free_.empty()) free_.push_back(&relays_.emplace_back(*this));
    Relay& relay = *free_.back();
    free_.pop_back();
    relay.caller = &op;
    relay.error = 0;
    relay.span.reset();
    relay.sync.reset();
    relay.code = op.code;
    relay.flags = op.flags;
    relay.handle = op.handle;
    relay.offset = op.offset;
    relay.buffer = op.buffer;
    relay.length_bytes = op.length_bytes;
    relay.path = op.path;
    relay.open_flags = op.open_flags;
    relay.mode = op.mode;
    return relay;
}

void FaultyBackend::submit_write(Relay& relay) {
    if (write_error_) {
        write_error_ = false;
        control_.note_fired();
        relay.error = -EIO;
        failed_.push_back(&relay);
        return;
    }
    relay.span = unsynced_.begin_write(relay.handle, relay.offset, relay.length_bytes);
    if (is_data_sync_write(relay) && sync_error_) {
        sync_error_ = false;
        control_.note_fired();
        relay.error = -EIO;
        relay.flags &= static_cast<uint8_t>(~reactor::kIoDataSync);
    }
    if (is_data_sync_write(relay) && hangs_) {
        control_.note_fired();
        held_.push_back(&relay);
        return;
    }
    send_on(relay);
}

void FaultyBackend::submit_sync(Relay& relay) {
    if (sync_error_) {
        sync_error_ = false;
        control_.note_fired();
        relay.error = -EIO;
        failed_.push_back(&relay);
    } else if (hangs_) {
        control_.note_fired();
        held_.push_back(&relay);
    } else {
        relay.sync = unsynced_.begin_sync(relay.handle);
        send_on(relay);
    }
}

void FaultyBackend::send_on(Relay& relay) {
    ++in_kernel_;
    disk_->submit(relay);
}

void FaultyBackend::cancel(IoOp& op) {
    if (!is_watched(op)) {
        disk_->cancel(op);
        return;
    }
    const auto relay =
        std::find_if(relays_.begin(), relays_.end(), [&op](const Relay& candidate) { return candidate.caller == &op; });
    if (relay != relays_.end() && relay->in_flight) disk_->cancel(*relay);
}

void FaultyBackend::Relay::on_completion(const IoCompletion& completion) {
    --owner.in_kernel_;
    owner.on_relay_done(*this, completion.result);
}

void FaultyBackend::on_relay_done(Relay& relay, int32_t result) {
    const bool whole = result >= 0 && static_cast<uint64_t>(result) == relay.length_bytes;
    if (relay.span.has_value()) unsynced_.end_write(*relay.span, whole && is_data_sync_write(relay));
    if (relay.sync.has_value() && result >= 0) unsynced_.end_sync(*relay.sync);
    const bool writable = (relay.open_flags & O_ACCMODE) != O_RDONLY;
    if (relay.code == IoCode::kOpen && result >= 0 && writable) unsynced_.open(result);
    if (!power_is_cut_) finish(relay, relay.error != 0 ? relay.error : result);
}

void FaultyBackend::finish(Relay& relay, int32_t result) {
    IoOp& caller = *std::exchange(relay.caller, nullptr);
    free_.push_back(&relay);
    caller.in_flight = false;
    caller.on_completion({.result = result});
}

void FaultyBackend::poll(uint64_t wait_until_ns) {
    if (control_.pending()) take_requests();
    const std::vector<Relay*> failed = std::exchange(failed_, {});
    for (Relay* relay : failed)
        finish(*relay, relay->error);
    disk_->poll(failed.empty() ? wait_until_ns : 0);
}

void FaultyBackend::take_requests() {
    const FaultRequests requests = control_.take();
    write_error_ = write_error_ || requests.write_error;
    sync_error_ = sync_error_ || requests.sync_error;
    if (requests.power_cut_seed.has_value()) cut_power(*requests.power_cut_seed);
    if (requests.hang_sync) hangs_ = true;
    if (!requests.release) return;
    hangs_ = false;
    for (Relay* relay : std::exchange(held_, {})) {
        if (is_sync(*relay)) relay->sync = unsynced_.begin_sync(relay->handle);
        send_on(*relay);
    }
}

void FaultyBackend::cut_power(uint64_t seed) {
    // The kernel must not write after the old content was put back. Nobody hears of what ends in the meantime, and
    // nothing new begins: the reactor's thread is here.
    power_is_cut_ = true;
    while (in_kernel_ > 0)
        disk_->poll(disk_->monotonic_ns() + kDrainStepNs);
    Prng random(seed);
    const uint64_t blocks = unsynced_.block_count();
    const uint64_t changed = unsynced_.cut(random);
    KVORUM_LOG(kError, "power cut: {} blocks were not durable, {} of them were put back", blocks, changed);
    flush_log();
    ::_exit(kPowerCutExitCode);
}

}  // namespace kvorum::nemesis
