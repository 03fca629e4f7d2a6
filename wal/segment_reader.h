// Reads the segments of a store from the first to the last, each while its owner looks at the one before.
//
// Thread: the reactor's. Ownership: the store outlives this, and does not open its log before read_all() has ended.
// Suspension: read_all(). Errors: as of the system, the first one ends it. Memory: two segments, while it reads.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "base/aligned_buffer.h"
#include "base/bytes.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "wal/file_read.h"
#include "wal/segment_store.h"

namespace kvorum::wal {

struct SegmentImage {
    uint64_t sequence = 0;
    Bytes bytes;  // all of it, until the next one is shown
};

class SegmentReader {
 public:
    SegmentReader(reactor::Reactor& reactor, SegmentStore& store) : reactor_(reactor), store_(store), read_(reactor) {}

    // Shows `look` one segment after the other, until it returns false. Call once.
    reactor::Task<absl::Status> read_all(std::function<bool(SegmentImage)> look);

 private:
    reactor::Task<absl::Status> show_all(std::function<bool(SegmentImage)> look);
    reactor::Task<absl::Status> begin(uint64_t sequence);
    reactor::Task<absl::Status> finish();

    reactor::Reactor& reactor_;
    SegmentStore& store_;
    FileRead read_;
    reactor::Handle handle_ = reactor::kNoHandle;  // of the segment that is read
    uint64_t sequence_ = 0;
    AlignedBuffer image_;
    AlignedBuffer ahead_;
};

}  // namespace kvorum::wal
