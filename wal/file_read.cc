#include "wal/file_read.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/assert.h"

namespace kvorum::wal {

using reactor::Task;

void FileRead::begin(reactor::Handle handle, MutableBytes into, uint64_t offset_bytes) {
    KVORUM_ASSERT(reads_.size() == 0, "a read was begun before the last one was joined");
    handle_ = handle;
    into_ = into;
    offset_bytes_ = offset_bytes;
    const uint64_t pieces = (into.size() + kReadPieceBytes - 1) / kReadPieceBytes;
    const uint64_t in_flight = std::min(pieces, kReadsInFlightMax);
    for (uint64_t i = 0; i < in_flight; ++i)
        reads_.spawn(read_every(i * kReadPieceBytes, in_flight * kReadPieceBytes));
}

Task<int32_t> FileRead::join() {
    co_await reads_.join();
    co_return std::exchange(error_, 0);
}

Task<void> FileRead::read_every(uint64_t from_bytes, uint64_t step_bytes) {
    for (uint64_t at = from_bytes; at < into_.size() && error_ == 0; at += step_bytes) {
        const int32_t result = co_await read_piece(at);
        if (error_ == 0) error_ = result;
    }
}

Task<int32_t> FileRead::read_piece(uint64_t from_bytes) {
    const uint64_t end = std::min<uint64_t>(from_bytes + kReadPieceBytes, into_.size());
    uint64_t at = from_bytes;
    while (at < end) {
        const int32_t result = co_await reactor_.read(handle_, into_.subspan(at, end - at), offset_bytes_ + at);
        if (result < 0) co_return result;
        if (result == 0) co_return -ENODATA;
        at += static_cast<uint64_t>(result);
    }
    co_return 0;
}

}  // namespace kvorum::wal
