// Blocks of one size, cut from chunks that the kernel maps: what the map's segments and small records live in.
//
// malloc would do the same work, but gives memory back in one piece: after FLUSHALL of 10 million keys one free() would
// unmap hundreds of megabytes. Here the owner of a pool that is no longer used unmaps it chunk by chunk. A freed block
// is used again by this pool; only the end of the pool returns chunks. Chunks grow with the pool from a page to
// kChunkBytesMax, so that a size that is hardly used takes little.
//
// Thread: the owner's. Out of memory ends the process, as it does everywhere else. Under AddressSanitizer a freed block
// is poisoned but for its first 8 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvorum::kv {

inline constexpr size_t kCacheLineBytes = 64;

class BlockPool {
 public:
    static constexpr size_t kPageBytes = 4096;
    static constexpr size_t kChunkBytesMax = size_t{256} * 1024;

    // A multiple of 16, at most kChunkBytesMax. Blocks are aligned to the largest power of two that divides the size,
    // up to a page.
    explicit BlockPool(size_t block_bytes);
    ~BlockPool();
    BlockPool(const BlockPool&) = delete;
    BlockPool& operator=(const BlockPool&) = delete;

    [[nodiscard]] void* allocate() {
        if (free_ == nullptr) return allocate_fresh();
        FreeBlock* block = free_;
        free_ = block->next;
        // It may have been freed long ago and be out of the caches; the next allocation finds its link there.
        if (free_ != nullptr) {
            __builtin_prefetch(free_, 1);
            __builtin_prefetch(reinterpret_cast<std::byte*>(free_) + kCacheLineBytes, 1);
        }
        unpoison(block);
        return block;
    }
    void free(void* block);

    // Gives one chunk back whether or not it is in use, and returns its size; 0: none is left. From the first call on
    // no block may be used or allocated.
    size_t unmap_chunk();

    [[nodiscard]] uint64_t mapped_bytes() const { return mapped_bytes_; }

 private:
    struct FreeBlock {
        FreeBlock* next;
    };
    struct Chunk {
        std::byte* begin;
        size_t size_bytes;
    };

    void* allocate_fresh();
    void map_chunk();
    void poison(void* block) const;
    void unpoison(void* block) const;

    const size_t block_bytes_;
    FreeBlock* free_ = nullptr;
    std::byte* fresh_ = nullptr;  // of the newest chunk: what was never allocated
    std::byte* fresh_end_ = nullptr;
    uint64_t mapped_bytes_ = 0;
    std::vector<Chunk> chunks_;
};

}  // namespace kvorum::kv
