// The files of a log: the segments in use, and spares that are prepared ahead so that a group only ever overwrites
// initialised blocks.
//
// A segment is made under a temporary name: fallocate, zeros written without a sync in chunks, one fsync, rename, fsync
// of the directory. A released one is renamed to the next number instead; its old groups name their old number and
// never validate again. Both happen in the background, one file at a time with the directory synced before the next, so
// that after a crash the numbers on disk have no gap.
//
// Only the segment that is written and the spares stay open: a full segment is durable when the next one is begun, so
// its file is closed then, and opened again for as long as somebody reads it. Descriptors do not grow with the log.
//
// Thread: the reactor's. Ownership: owns the open files. The reactor, the backend and the configuration outlive it.
// Errors: a disk without room is remembered and tried again; any other failure of the background work halts the node.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/aligned_buffer.h"
#include "base/bytes.h"
#include "reactor/event.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "reactor/task.h"
#include "wal/config.h"

namespace kvorum::wal {

inline constexpr const char* kTemporaryFileName = "wal-prepare.tmp";

class SegmentStore {
 public:
    struct Stats {
        uint64_t made = 0;
        uint64_t recycled = 0;
        uint64_t deleted = 0;
    };

    SegmentStore(reactor::Reactor& reactor, const WalConfig& config);
    SegmentStore(const SegmentStore&) = delete;
    SegmentStore& operator=(const SegmentStore&) = delete;

    // Looks at what is there, removes a half-made segment, and makes everything that can be read durable: what a killed
    // process left in a volatile cache must not be believed and lost afterwards.
    reactor::Task<absl::Status> find_files();
    // One of the files, to be read whole and closed again (wal/segment_reader.h). Before open_log(), or without it.
    reactor::Task<absl::StatusOr<reactor::Handle>> open_segment(uint64_t sequence);
    reactor::Task<void> close_segment(reactor::Handle handle);
    // What FileRead::join() says of this one, in words.
    [[nodiscard]] absl::Status read_status(uint64_t sequence, int32_t result) const;
    // All files, lowest first; before open_log() the log may be in any of them.
    [[nodiscard]] size_t file_count() const { return segments_.size(); }
    [[nodiscard]] uint64_t first_sequence() const { return segments_.front().sequence; }
    // The first `live_count` files hold the log; the others are spares. Opens what can be written.
    reactor::Task<absl::Status> open_log(size_t live_count);
    [[nodiscard]] uint64_t segment_size_bytes() const { return segment_size_bytes_; }

    // Makes one spare now. ResourceExhausted: no room on the disk.
    reactor::Task<absl::Status> make_spare();
    // Keeps `spare_segments` ready from now on.
    void start_background();
    // Ends the background work and closes the files; nothing may be pinned.
    reactor::Task<void> close();

    [[nodiscard]] bool spare_ready() const { return live_count_ < segments_.size(); }
    [[nodiscard]] size_t spare_count() const { return segments_.size() - live_count_; }
    [[nodiscard]] size_t live_count() const { return live_count_; }
    [[nodiscard]] bool low_on_space() const { return full_ && !spare_ready(); }
    // How long the present step of the background work takes already; 0 when there is none.
    [[nodiscard]] uint64_t step_ns(uint64_t now_ns) const {
        return step_began_ns_.has_value() && now_ns > *step_began_ns_ ? now_ns - *step_began_ns_ : 0;
    }
    // The next spare becomes the last segment of the log; returns its number. The one before it is durable (asserted by
    // the caller) and closed in the background.
    uint64_t take_spare();
    // Segments below `sequence` are no longer part of the log.
    void release_before(uint64_t sequence);

    // Of the last segment of the log, or a spare.
    [[nodiscard]] reactor::Handle writable_handle(uint64_t sequence) const;
    // A pinned segment is neither recycled nor closed: somebody reads it.
    void pin(uint64_t sequence) { ++segments_[slot_of(sequence)].pins; }
    void unpin(uint64_t sequence);
    // The handle of a pinned segment, good until it is unpinned.
    reactor::Task<absl::StatusOr<reactor::Handle>> open_for_reading(uint64_t sequence);
    // Closes every file that nobody reads. For a store without open_log(): the others do so in the background.
    reactor::Task<void> close_idle();
    [[nodiscard]] const Stats& stats() const { return stats_; }

 private:
    struct Segment {
        uint64_t sequence = 0;
        reactor::Handle handle = reactor::kNoHandle;  // none: closed
        uint32_t pins = 0;
    };

    [[nodiscard]] size_t slot_of(uint64_t sequence) const;
    [[nodiscard]] std::string path_of(uint64_t sequence) const;
    [[nodiscard]] std::string temporary_path() const;
    [[nodiscard]] int open_flags() const;
    [[nodiscard]] bool has_recyclable() const;
    // An open segment that nobody writes or reads; null when there is none.
    [[nodiscard]] Segment* find_closable();
    [[nodiscard]] uint64_t next_sequence() const;

    [[nodiscard]] absl::Status check_file(uint64_t sequence, uint64_t size_bytes) const;
    reactor::Task<absl::Status> add_durable_file(uint64_t sequence);
    reactor::Task<int32_t> open_when_possible(std::string path, int flags, uint32_t mode);
    reactor::Task<absl::StatusOr<reactor::Handle>> open_file(std::string path);
    reactor::Task<absl::Status> make_segment();
    reactor::Task<absl::Status> fill_with_zeros(reactor::Handle handle);
    reactor::Task<absl::Status> sync_directory();
    reactor::Task<absl::Status> recycle_first();
    reactor::Task<absl::Status> delete_first(Segment segment);
    reactor::Task<void> close_handle(reactor::Handle handle);
    reactor::Task<void> maintain();
    reactor::Task<absl::Status> maintain_once();

    reactor::Reactor& reactor_;
    const WalConfig& config_;
    uint64_t segment_size_bytes_;
    reactor::Handle directory_ = reactor::kNoHandle;
    std::deque<Segment> segments_;  // consecutive numbers: the log's, then the spares
    size_t live_count_ = 0;
    uint64_t released_before_ = 0;
    AlignedBuffer zeros_;
    bool full_ = false;  // the last attempt to make a spare found no room
    std::optional<uint64_t> step_began_ns_;
    Stats stats_;

    reactor::Event work_;
    struct RetryTimer : reactor::Timer {
        explicit RetryTimer(reactor::Event& wakes)
            : Timer([](Timer& self) { static_cast<RetryTimer&>(self).event.set(); }), event(wakes) {}
        reactor::Event& event;
    };
    RetryTimer retry_;
    reactor::TaskScope scope_;
};

}  // namespace kvorum::wal
