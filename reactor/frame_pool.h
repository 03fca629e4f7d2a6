// Memory of coroutine frames: a free list per 64-byte size class and thread, so that starting a task costs no malloc
// after warm-up.
//
// A frame is freed by the thread that allocated it (asserted under KVORUM_VERIFY). Frames above 2 KiB go to the heap:
// keep buffers out of frames. Under AddressSanitizer every frame is a heap block of its own, so that a use after free
// is seen. Memory returns to the system when the thread ends. Failure to allocate ends the process: no coroutine has a
// way to go on without its frame.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kvorum::reactor {

inline constexpr size_t kFrameClassBytes = 64;
inline constexpr size_t kPooledFrameBytesMax = 2048;

struct FramePoolStats {
    uint64_t live_frames = 0;       // of this thread, pooled or not
    uint64_t frames_made = 0;       // since the thread began
    uint64_t heap_allocations = 0;  // frames too large for a class, and slabs
};

[[nodiscard]] void* allocate_frame(size_t size_bytes);
void free_frame(void* frame, size_t size_bytes) noexcept;
[[nodiscard]] FramePoolStats frame_pool_stats();

}  // namespace kvorum::reactor
