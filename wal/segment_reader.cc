#include "wal/segment_reader.h"

#include <utility>

namespace kvorum::wal {

using reactor::Task;

Task<absl::Status> SegmentReader::read_all(std::function<bool(SegmentImage)> look) {
    absl::Status shown = co_await show_all(std::move(look));
    // What was read ahead and is not wanted any more must end too, whatever became of it.
    const absl::Status unused = co_await finish();
    maybe(unused.ok());
    co_return shown;
}

Task<absl::Status> SegmentReader::show_all(std::function<bool(SegmentImage)> look) {
    if (store_.file_count() == 0) co_return absl::OkStatus();
    const uint64_t first = store_.first_sequence();
    const uint64_t last = first + store_.file_count() - 1;
    absl::Status begun = co_await begin(first);
    if (!begun.ok()) co_return begun;
    for (uint64_t sequence = first; sequence <= last; ++sequence) {
        absl::Status finished = co_await finish();
        if (!finished.ok()) co_return finished;
        std::swap(image_, ahead_);
        if (sequence < last) {
            begun = co_await begin(sequence + 1);
            // `look` computes for long without a pause: the reads must be at the kernel before.
            co_await reactor_.yield();
        }
        if (!look({sequence, image_.bytes()})) co_return absl::OkStatus();
        if (!begun.ok()) co_return begun;
    }
    co_return absl::OkStatus();
}

Task<absl::Status> SegmentReader::begin(uint64_t sequence) {
    const absl::StatusOr<reactor::Handle> handle = co_await store_.open_segment(sequence);
    if (!handle.ok()) co_return handle.status();
    handle_ = *handle;
    sequence_ = sequence;
    if (ahead_.size() == 0) ahead_ = AlignedBuffer(store_.segment_size_bytes());
    read_.begin(handle_, ahead_.bytes(), 0);
    co_return absl::OkStatus();
}

Task<absl::Status> SegmentReader::finish() {
    if (handle_ == reactor::kNoHandle) co_return absl::OkStatus();
    const int32_t result = co_await read_.join();
    co_await store_.close_segment(std::exchange(handle_, reactor::kNoHandle));
    co_return store_.read_status(sequence_, result);
}

}  // namespace kvorum::wal
