// Fills memory from a file with many reads in flight: a disk gives its full rate only to who asks for much at once.
//
// begin() queues the reads, which are at the kernel when the present turn is over, and go on while the owner computes.
//
// Thread: the reactor's. Ownership: the memory and the handle belong to the reads until join() has ended, and join()
// ends before this is destroyed. Suspension: join(). Errors: the first one, after all reads have ended.
// Limits: kReadsInFlightMax reads of kReadPieceBytes; what is longer follows as they end.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/units.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "reactor/task.h"

namespace kvorum::wal {

inline constexpr uint64_t kReadPieceBytes = 512 * kKiB;
inline constexpr uint64_t kReadsInFlightMax = 128;  // a segment of the usual size at once

class FileRead {
 public:
    explicit FileRead(reactor::Reactor& reactor) : reactor_(reactor), reads_(reactor) {}

    // `into.size()` bytes from `offset_bytes` on. One at a time.
    void begin(reactor::Handle handle, MutableBytes into, uint64_t offset_bytes);
    // 0 when all was read, -ENODATA when the file ends before, or -errno.
    reactor::Task<int32_t> join();

 private:
    reactor::Task<void> read_every(uint64_t from_bytes, uint64_t step_bytes);
    reactor::Task<int32_t> read_piece(uint64_t from_bytes);

    reactor::Reactor& reactor_;
    reactor::TaskScope reads_;
    reactor::Handle handle_ = reactor::kNoHandle;
    MutableBytes into_;
    uint64_t offset_bytes_ = 0;
    int32_t error_ = 0;
};

}  // namespace kvorum::wal
