#include "kv/block_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>

#include "base/assert.h"
#include "base/bytes.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KVORUM_POISONS_BLOCKS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define KVORUM_POISONS_BLOCKS
#endif
#if defined(KVORUM_POISONS_BLOCKS)
#include <sanitizer/asan_interface.h>
#endif

namespace kvorum::kv {

BlockPool::BlockPool(size_t block_bytes) : block_bytes_(block_bytes) {
    KVORUM_ASSERT(block_bytes % 16 == 0 && block_bytes <= kChunkBytesMax, "{}", block_bytes);
}

BlockPool::~BlockPool() {
    while (unmap_chunk() != 0) {
    }
}

void BlockPool::free(void* block) {
    auto* freed = static_cast<FreeBlock*>(block);
    freed->next = free_;
    free_ = freed;
    poison(block);
}

void* BlockPool::allocate_fresh() {
    if (static_cast<size_t>(fresh_end_ - fresh_) < block_bytes_) map_chunk();
    void* block = fresh_;
    fresh_ += block_bytes_;
    return block;
}

void BlockPool::map_chunk() {
    const size_t wanted = std::clamp(std::bit_ceil(mapped_bytes_ + 1) / 2, kPageBytes, kChunkBytesMax);
    const size_t size_bytes = align_up(std::max(wanted, block_bytes_), kPageBytes);
    void* begin = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    KVORUM_ASSERT(begin != MAP_FAILED, "out of memory: cannot map {} bytes", size_bytes);
    fresh_ = static_cast<std::byte*>(begin);
    fresh_end_ = fresh_ + size_bytes;
    chunks_.push_back({fresh_, size_bytes});
    mapped_bytes_ += size_bytes;
}

size_t BlockPool::unmap_chunk() {
    free_ = nullptr;
    fresh_ = fresh_end_ = nullptr;
    if (chunks_.empty()) return 0;
    const Chunk chunk = chunks_.back();
    chunks_.pop_back();
    mapped_bytes_ -= chunk.size_bytes;
#if defined(KVORUM_POISONS_BLOCKS)
    // Another mapping may take this address.
    ASAN_UNPOISON_MEMORY_REGION(chunk.begin, chunk.size_bytes);
#endif
    const int unmapped = ::munmap(chunk.begin, chunk.size_bytes);
    KVORUM_ASSERT(unmapped == 0, "munmap of {} bytes", chunk.size_bytes);
    return chunk.size_bytes;
}

void BlockPool::poison([[maybe_unused]] void* block) const {
#if defined(KVORUM_POISONS_BLOCKS)
    ASAN_POISON_MEMORY_REGION(static_cast<std::byte*>(block) + sizeof(FreeBlock), block_bytes_ - sizeof(FreeBlock));
#endif
}

void BlockPool::unpoison([[maybe_unused]] void* block) const {
#if defined(KVORUM_POISONS_BLOCKS)
    ASAN_UNPOISON_MEMORY_REGION(block, block_bytes_);
#endif
}

}  // namespace kvorum::kv
