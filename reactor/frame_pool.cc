#include "reactor/frame_pool.h"

#include <array>
#include <cstdlib>
#include <new>
#include <vector>

#include "base/assert.h"
#include "base/sanitizers.h"
#include "base/units.h"

namespace kvorum::reactor {
namespace {

constexpr size_t kClassCount = kPooledFrameBytesMax / kFrameClassBytes;
constexpr size_t kSlabBytes = 64 * kKiB;

struct FreeFrame {
    FreeFrame* next;
};

// Without a destructor, so that reaching it needs no thread-local guard; SlabOwner frees.
struct FramePool {
    std::array<FreeFrame*, kClassCount> free_frames{};
    FramePoolStats stats;
};

constinit thread_local FramePool pool;

class SlabOwner {
 public:
    SlabOwner() = default;
    SlabOwner(const SlabOwner&) = delete;
    SlabOwner& operator=(const SlabOwner&) = delete;
    ~SlabOwner() {
        // Frames that outlive their thread (a static object's) keep their memory.
        if (pool.stats.live_frames > 0) return;
        pool.free_frames.fill(nullptr);
        for (void* slab : slabs_)
            ::operator delete(slab, std::align_val_t{kFrameClassBytes});
    }

    std::byte* add_slab() {
        void* slab = ::operator new(kSlabBytes, std::align_val_t{kFrameClassBytes});
        slabs_.push_back(slab);
        return static_cast<std::byte*>(slab);
    }

 private:
    std::vector<void*> slabs_;
};

thread_local SlabOwner slab_owner;

#if defined(KVORUM_VERIFY_ENABLED)
// In front of each frame: whose it is.
constexpr size_t kOwnerBytes = 16;
#else
constexpr size_t kOwnerBytes = 0;
#endif

void refill(size_t size_class) {
    const size_t frame_bytes = (size_class + 1) * kFrameClassBytes;
    std::byte* slab = slab_owner.add_slab();
    ++pool.stats.heap_allocations;
    for (size_t at = 0; at + frame_bytes <= kSlabBytes; at += frame_bytes) {
        auto* frame = new (slab + at) FreeFrame{pool.free_frames[size_class]};
        pool.free_frames[size_class] = frame;
    }
}

void* allocate_raw(size_t size_bytes) {
    if (kAddressSanitizer || size_bytes > kPooledFrameBytesMax) {
        ++pool.stats.heap_allocations;
        void* block = std::malloc(size_bytes);
        KVORUM_ASSERT(block != nullptr, "no memory for a coroutine frame of {} bytes", size_bytes);
        return block;
    }
    const size_t size_class = (size_bytes - 1) / kFrameClassBytes;
    if (pool.free_frames[size_class] == nullptr) refill(size_class);
    FreeFrame* frame = pool.free_frames[size_class];
    pool.free_frames[size_class] = frame->next;
    return frame;
}

void free_raw(void* block, size_t size_bytes) noexcept {
    if (kAddressSanitizer || size_bytes > kPooledFrameBytesMax) {
        std::free(block);
        return;
    }
    const size_t size_class = (size_bytes - 1) / kFrameClassBytes;
    pool.free_frames[size_class] = new (block) FreeFrame{pool.free_frames[size_class]};
}

}  // namespace

void* allocate_frame(size_t size_bytes) {
    ++pool.stats.live_frames;
    ++pool.stats.frames_made;
    auto* block = static_cast<std::byte*>(allocate_raw(size_bytes + kOwnerBytes));
    if constexpr (kOwnerBytes > 0) *reinterpret_cast<FramePool**>(block) = &pool;
    return block + kOwnerBytes;
}

void free_frame(void* frame, size_t size_bytes) noexcept {
    auto* block = static_cast<std::byte*>(frame) - kOwnerBytes;
    if constexpr (kOwnerBytes > 0) {
        KVORUM_ASSERT(*reinterpret_cast<FramePool**>(block) == &pool, "a coroutine frame was freed by another thread");
    }
    --pool.stats.live_frames;
    free_raw(block, size_bytes + kOwnerBytes);
}

FramePoolStats frame_pool_stats() { return pool.stats; }

}  // namespace kvorum::reactor
