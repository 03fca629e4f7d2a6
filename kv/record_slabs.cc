#include "kv/record_slabs.h"

#include <cstdlib>
#include <utility>

#include "base/assert.h"

namespace kvorum::kv {
namespace {

constexpr size_t kMallocOverhead = 8;

template <size_t... kIndices>
std::array<BlockPool, sizeof...(kIndices)> make_pools(std::index_sequence<kIndices...> /*indices*/) {
    return {BlockPool(RecordSlabs::block_bytes(kIndices))...};
}

}  // namespace

RecordSlabs::RecordSlabs() : pools_(make_pools(std::make_index_sequence<kClassCount>())) {}

RecordSlabs::~RecordSlabs() {
    while (large_ != nullptr)
        free_large(large_);
}

void RecordSlabs::destroy(const Record* record) {
    const size_t size_bytes = record->size_bytes();
    auto* memory = const_cast<Record*>(record);
    if (size_bytes <= kSmallBytesMax) {
        pool_for(size_bytes).free(memory);
    } else {
        free_large(reinterpret_cast<LargeBlock*>(memory) - 1);
    }
}

size_t RecordSlabs::release(size_t budget_bytes) {
    size_t left = budget_bytes;
    const auto spend = [&left](size_t bytes) { left -= bytes < left ? bytes : left; };
    while (left > 0 && large_ != nullptr) {
        spend(large_->size_bytes);
        free_large(large_);
    }
    for (BlockPool& pool : pools_) {
        while (left > 0 && pool.mapped_bytes() > 0)
            spend(pool.unmap_chunk());
    }
    return left;
}

uint64_t RecordSlabs::memory_bytes() const {
    uint64_t bytes = large_bytes_;
    for (const BlockPool& pool : pools_)
        bytes += pool.mapped_bytes();
    return bytes;
}

void* RecordSlabs::allocate_large(size_t size_bytes) {
    const size_t block_bytes = sizeof(LargeBlock) + size_bytes;
    auto* block = static_cast<LargeBlock*>(std::malloc(block_bytes));
    KVORUM_ASSERT(block != nullptr, "out of memory: cannot allocate {} bytes", block_bytes);
    *block = {nullptr, large_, block_bytes + kMallocOverhead, 0};
    if (large_ != nullptr) large_->previous = block;
    large_ = block;
    large_bytes_ += block->size_bytes;
    return block + 1;
}

void RecordSlabs::free_large(LargeBlock* block) {
    if (block->previous != nullptr) block->previous->next = block->next;
    if (block->next != nullptr) block->next->previous = block->previous;
    if (large_ == block) large_ = block->next;
    large_bytes_ -= block->size_bytes;
    std::free(block);
}

}  // namespace kvorum::kv
