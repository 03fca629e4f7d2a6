#include "sim/disk_backend.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/assert.h"

namespace kvorum::sim {

using reactor::Handle;
using reactor::IoCode;
using reactor::IoOp;

namespace {

bool is_file_operation(IoCode code) {
    switch (code) {
        case IoCode::kAccept:
        case IoCode::kConnect:
        case IoCode::kReceive:
        case IoCode::kSend: return false;
        default: return true;
    }
}

bool changes_the_disk(IoCode code) { return code != IoCode::kRead && code != IoCode::kClose; }

}  // namespace

DiskBackend::DiskBackend(Disk& disk, DiskBackendConfig config) : disk_(disk), config_(config), random_(config.seed) {}

DiskBackend::~DiskBackend() { KVORUM_ASSERT(pending_.empty() && hung_.empty(), "operations outlive their backend"); }

uint64_t DiskBackend::draw_delay_ns() { return random_.between(config_.delay_ns_min, config_.delay_ns_max); }

void DiskBackend::observe(IoMoment moment, const FileOperation& file) {
    if (observer_ && changes_the_disk(file.code)) observer_(moment, file);
}

// --- operations ---

void DiskBackend::submit(IoOp& op) {
    KVORUM_ASSERT(!op.in_flight);
    op.in_flight = true;
    if (!is_file_operation(op.code) || (op.code == IoCode::kClose && !handles_.contains(op.handle))) {
        submit_other(op);
        return;
    }
    Pending pending;
    pending.order = ++order_;
    pending.op = &op;
    pending.file = {++operation_count_, op.code, op.path != nullptr ? op.path : "", op.offset, op.length_bytes};
    if (const auto file = handles_.find(op.handle); op.path == nullptr && file != handles_.end())
        pending.file.path = file->second.path;
    if (halted_) {
        pending.has_result = true;
        pending.result = -ECANCELED;
    } else {
        if (policy_) pending.fault = policy_(pending.file);
        begin(pending);
        observe(IoMoment::kBegun, pending.file);
    }
    if (pending.fault.kind == FaultDecision::Kind::kHang && !halted_) {
        hung_.push_back(std::move(pending));
        return;
    }
    const uint64_t due_ns = now_ns_ + draw_delay_ns() + pending.fault.extra_delay_ns;
    pending_.emplace(std::pair(due_ns, pending.order), std::move(pending));
}

void DiskBackend::begin(Pending& pending) {
    IoOp& op = *pending.op;
    if (pending.fault.kind == FaultDecision::Kind::kError) {
        pending.has_result = true;
        pending.result = pending.fault.error;
        const bool is_sync = op.code == IoCode::kDataSync || op.code == IoCode::kFileSync;
        if (is_sync && handles_.contains(op.handle)) disk_.fail_sync(handles_[op.handle].inode);
        return;
    }
    if (op.path == nullptr && !handles_.contains(op.handle)) {
        pending.has_result = true;
        pending.result = -EBADF;
        return;
    }
    if (op.code == IoCode::kWrite) {
        if ((op.flags & reactor::kIoRegisteredBuffer) != 0) {
            const bool inside = op.buffer >= registered_.data() &&
                                op.buffer + op.length_bytes <= registered_.data() + registered_.size();
            KVORUM_ASSERT(inside, "a registered write outside of the registered region");
        }
        const bool is_short = pending.fault.kind == FaultDecision::Kind::kShort;
        const bool misdirected = pending.fault.kind == FaultDecision::Kind::kMisdirected;
        const Bytes bytes(op.buffer, is_short ? pending.fault.length_bytes : op.length_bytes);
        const bool data_sync = (op.flags & reactor::kIoDataSync) != 0;
        pending.ticket = disk_.begin_write(handles_[op.handle].inode,
                                           misdirected ? pending.fault.wrong_offset : op.offset, bytes, data_sync);
    } else if (op.code == IoCode::kDataSync || op.code == IoCode::kFileSync) {
        pending.ticket = disk_.begin_sync(handles_[op.handle].inode);
    }
}

int32_t DiskBackend::take_effect(Pending& pending) {
    if (pending.has_result) return pending.result;
    IoOp& op = *pending.op;
    switch (op.code) {
        case IoCode::kWrite:
            return pending.fault.kind == FaultDecision::Kind::kLost ? disk_.lose_write(pending.ticket)
                                                                    : disk_.complete_write(pending.ticket);
        case IoCode::kDataSync:
        case IoCode::kFileSync: disk_.complete_sync(pending.ticket); return 0;
        case IoCode::kRead: {
            const bool is_short = pending.fault.kind == FaultDecision::Kind::kShort;
            const uint64_t length = is_short ? pending.fault.length_bytes : op.length_bytes;
            return disk_.read(handles_[op.handle].inode, op.offset, {op.buffer, length});
        }
        case IoCode::kAllocate: return disk_.allocate(handles_[op.handle].inode, op.offset, op.length_bytes);
        case IoCode::kClose: handles_.erase(op.handle); return 0;
        default: return take_path_effect(op);
    }
}

int32_t DiskBackend::take_path_effect(const IoOp& op) {
    if (op.code == IoCode::kRename) return disk_.rename(op.path, op.path_to);
    if (op.code == IoCode::kUnlink) return disk_.unlink(op.path);
    KVORUM_ASSERT(op.code == IoCode::kOpen);
    const int64_t inode = disk_.open(op.path, (op.open_flags & O_CREAT) != 0, (op.open_flags & O_TRUNC) != 0);
    if (inode < 0) return static_cast<int32_t>(inode);
    handles_[next_handle_] = {static_cast<Disk::InodeId>(inode), op.path};
    return next_handle_++;
}

bool DiskBackend::deliver_due() {
    bool any = false;
    while (!pending_.empty() && pending_.begin()->first.first <= now_ns_) {
        Pending pending = std::move(pending_.extract(pending_.begin()).mapped());
        const int32_t result = halted_ ? -ECANCELED : take_effect(pending);
        if (!halted_) observe(IoMoment::kTookEffect, pending.file);
        pending.op->in_flight = false;
        pending.op->on_completion({.result = result});
        any = true;
    }
    return any;
}

void DiskBackend::poll(uint64_t wait_until_ns) {
    now_ns_ += 1000;
    if (deliver_due() || wait_until_ns <= now_ns_) return;
    const uint64_t next_ns = pending_.empty() ? UINT64_MAX : pending_.begin()->first.first;
    KVORUM_ASSERT(next_ns != UINT64_MAX || wait_until_ns != UINT64_MAX, "nothing can ever happen: {} hung operations",
                  hung_.size());
    now_ns_ = std::min(next_ns, wait_until_ns);
    deliver_due();
}

void DiskBackend::cancel(IoOp&) {
    // File operations of a kernel are rarely cancelled in time: they complete.
}

void DiskBackend::submit_other(IoOp& op) { complete_at(op, now_ns_, op.code == IoCode::kClose ? -EBADF : -ENOSYS); }

void DiskBackend::complete_at(IoOp& op, uint64_t when_ns, int32_t result) {
    Pending pending;
    pending.order = ++order_;
    pending.op = &op;
    pending.file.code = op.code;
    pending.has_result = true;
    pending.result = result;
    pending_.emplace(std::pair(when_ns, pending.order), std::move(pending));
}

void DiskBackend::release_hung(size_t count) {
    const auto end = hung_.begin() + static_cast<ptrdiff_t>(std::min(count, hung_.size()));
    for (auto pending = hung_.begin(); pending != end; ++pending) {
        pending_.emplace(std::pair(now_ns_ + draw_delay_ns(), pending->order), std::move(*pending));
    }
    hung_.erase(hung_.begin(), end);
}

void DiskBackend::stop_node() {
    halted_ = true;
    release_hung();
}

void DiskBackend::halt(std::string reason) {
    if (halted_) return;
    halt_reason_ = std::move(reason);
    stop_node();
}

// --- the rest ---

bool DiskBackend::register_buffer(MutableBytes region) {
    registered_ = region;
    return true;
}

int64_t DiskBackend::wall_clock_ms() {
    return config_.wall_clock_start_ms + static_cast<int64_t>(now_ns_ / kMillisecondNs);
}

Bytes DiskBackend::receive_buffer(uint16_t, uint64_t) { return {}; }
void DiskBackend::release_receive_buffer(uint16_t) {}
absl::StatusOr<Handle> DiskBackend::listen(const reactor::Endpoint&) {
    return absl::UnimplementedError("no sockets on a simulated disk");
}
uint16_t DiskBackend::local_port(Handle) { return 0; }
std::string DiskBackend::peer_address(Handle) { return {}; }
void DiskBackend::shutdown_socket(Handle) {}
void DiskBackend::shutdown_output(Handle) {}

absl::Status DiskBackend::make_directory(const std::string& path) {
    disk_.make_directory(path);
    return absl::OkStatus();
}

absl::StatusOr<std::vector<reactor::DirectoryEntry>> DiskBackend::list_directory(const std::string& path) {
    if (!disk_.has_directory(path)) return absl::NotFoundError(path);
    std::vector<reactor::DirectoryEntry> entries;
    for (auto& [name, size_bytes] : disk_.list(path))
        entries.push_back({name, size_bytes});
    return entries;
}

absl::Status DiskBackend::lock_directory(const std::string&) { return absl::OkStatus(); }

absl::StatusOr<reactor::DeviceFacts> DiskBackend::device_facts(const std::string&) {
    reactor::DeviceFacts facts;
    facts.device = "simulated";
    facts.write_cache = "write back";
    facts.fua = "0";
    facts.direct_io = reactor::DirectIo::kYes;
    return facts;
}

}  // namespace kvorum::sim
