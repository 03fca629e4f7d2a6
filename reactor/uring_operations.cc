// Each IoOp as the kernel wants it described.
#include <fcntl.h>
#include <liburing.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/assert.h"
#include "reactor/uring_backend.h"
#include "reactor/uring_buffers.h"

namespace kvorum::reactor {
namespace {

// The kernel transfers at most 2 GiB less a page at once; short transfers are the caller's to continue anyway.
constexpr uint64_t kTransferBytesMax = kGiB;
constexpr uint32_t kPiecesMax = 1024;  // IOV_MAX

}  // namespace

void UringBackend::prepare(io_uring_sqe& sqe, Slot& slot) {
    const IoOp& op = *slot.op;
    switch (op.code) {
        case IoCode::kAccept:
            // The kernel's multishot accept takes all that wait at once: thousands would make one long turn.
            io_uring_prep_poll_add(&sqe, op.handle, POLLIN);
            return;
        case IoCode::kReceive:
            io_uring_prep_recv_multishot(&sqe, op.handle, nullptr, 0, 0);
            sqe.flags |= IOSQE_BUFFER_SELECT;
            sqe.buf_group = buffers_of(op).group();
            return;
        case IoCode::kConnect: {
            const bool is_ipv6 = slot.address->ss_family == AF_INET6;
            const socklen_t length = is_ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
            io_uring_prep_connect(&sqe, slot.connecting, reinterpret_cast<const sockaddr*>(slot.address.get()), length);
            return;
        }
        case IoCode::kSend: prepare_send(sqe, slot); return;
        case IoCode::kRead:
        case IoCode::kWrite: prepare_transfer(sqe, op); return;
        default: prepare_file_operation(sqe, op); return;
    }
}

void UringBackend::prepare_send(io_uring_sqe& sqe, Slot& slot) {
    const IoOp& op = *slot.op;
    if (op.iov_count == 1) {
        io_uring_prep_send(&sqe, op.handle, op.iov->iov_base, std::min<size_t>(op.iov->iov_len, kTransferBytesMax),
                           MSG_NOSIGNAL);
        return;
    }
    slot.message = {};
    slot.message.msg_iov = const_cast<iovec*>(op.iov);  // msghdr has no const; a send does not write to it
    slot.message.msg_iovlen = std::min(op.iov_count, kPiecesMax);
    io_uring_prep_sendmsg(&sqe, op.handle, &slot.message, MSG_NOSIGNAL);
}

void UringBackend::prepare_transfer(io_uring_sqe& sqe, const IoOp& op) const {
    const auto length = static_cast<unsigned>(std::min(op.length_bytes, kTransferBytesMax));
    const bool registered = buffer_registered_ && (op.flags & kIoRegisteredBuffer) != 0;
    if (op.code == IoCode::kRead) {
        if (registered) {
            io_uring_prep_read_fixed(&sqe, op.handle, op.buffer, length, op.offset, 0);
        } else {
            io_uring_prep_read(&sqe, op.handle, op.buffer, length, op.offset);
        }
        return;
    }
    if (registered) {
        io_uring_prep_write_fixed(&sqe, op.handle, op.buffer, length, op.offset, 0);
    } else {
        io_uring_prep_write(&sqe, op.handle, op.buffer, length, op.offset);
    }
    if ((op.flags & kIoDataSync) != 0) sqe.rw_flags = RWF_DSYNC;
}

void UringBackend::prepare_file_operation(io_uring_sqe& sqe, const IoOp& op) {
    switch (op.code) {
        case IoCode::kDataSync: io_uring_prep_fsync(&sqe, op.handle, IORING_FSYNC_DATASYNC); return;
        case IoCode::kFileSync: io_uring_prep_fsync(&sqe, op.handle, 0); return;
        case IoCode::kAllocate:
            io_uring_prep_fallocate(&sqe, op.handle, 0, static_cast<off_t>(op.offset),
                                    static_cast<off_t>(op.length_bytes));
            return;
        case IoCode::kOpen: io_uring_prep_openat(&sqe, AT_FDCWD, op.path, op.open_flags | O_CLOEXEC, op.mode); return;
        case IoCode::kClose: io_uring_prep_close(&sqe, op.handle); return;
        case IoCode::kRename: io_uring_prep_renameat(&sqe, AT_FDCWD, op.path, AT_FDCWD, op.path_to, 0); return;
        case IoCode::kUnlink: io_uring_prep_unlinkat(&sqe, AT_FDCWD, op.path, 0); return;
        default: KVORUM_ASSERT(false, "no such operation: {}", static_cast<int>(op.code));
    }
}

}  // namespace kvorum::reactor
