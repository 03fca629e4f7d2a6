// The memory of a map's records: size classes, of 16 bytes up to kFineBytesMax and of 128 up to kSmallBytesMax, malloc
// above. A block of malloc's costs more than its own cache misses: its neighbours in the list of all are written to.
//
// Thread: the map's owner. Ownership: all records that it created end with it; a map that was cleared ends its slabs in
// slices. See kv/block_pool.h for what is given back when.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kv/block_pool.h"
#include "kv/record.h"

namespace kvorum::kv {

class RecordSlabs {
 public:
    static constexpr size_t kFineBytesMax = 1024;
    static constexpr size_t kSmallBytesMax = 2048;

    // Of blocks for records of at most kSmallBytesMax.
    [[nodiscard]] static constexpr size_t class_of(size_t size_bytes) {
        return size_bytes <= kFineBytesMax ? (size_bytes - 1) / kFineClassBytes
                                           : kFineClassCount + (size_bytes - kFineBytesMax - 1) / kCoarseClassBytes;
    }
    [[nodiscard]] static constexpr size_t block_bytes(size_t size_class) {
        return size_class < kFineClassCount ? (size_class + 1) * kFineClassBytes
                                            : kFineBytesMax + (size_class + 1 - kFineClassCount) * kCoarseClassBytes;
    }

    RecordSlabs();
    ~RecordSlabs();
    RecordSlabs(const RecordSlabs&) = delete;
    RecordSlabs& operator=(const RecordSlabs&) = delete;

    [[nodiscard]] const Record* create(const RecordFields& fields) {
        return Record::create_at(allocate(Record::size_bytes(fields)), fields);
    }
    [[nodiscard]] const Record* create(const Record::ChangedFields& fields) {
        return Record::create_changed_at(allocate(fields.size_bytes()), fields);
    }
    // Without its value (Record::begin_at).
    [[nodiscard]] Record* begin(const RecordFields& fields, size_t value_bytes) {
        return Record::begin_at(allocate(Record::size_bytes(fields, value_bytes)), fields, value_bytes);
    }
    void destroy(const Record* record);

    // Frees about `budget_bytes`, whatever is in use, and returns what is left of the budget: above 0, nothing is left.
    // From the first call on no record may be used or created.
    size_t release(size_t budget_bytes);

    [[nodiscard]] uint64_t memory_bytes() const;

 private:
    static constexpr size_t kFineClassBytes = 16;
    static constexpr size_t kCoarseClassBytes = 128;
    static constexpr size_t kFineClassCount = kFineBytesMax / kFineClassBytes;
    static constexpr size_t kClassCount = kFineClassCount + (kSmallBytesMax - kFineBytesMax) / kCoarseClassBytes;

    // In front of each record that malloc holds, so that all can be found again.
    struct LargeBlock {
        LargeBlock* previous;
        LargeBlock* next;
        size_t size_bytes;
        size_t padding;  // keeps what follows aligned to 16
    };

    void* allocate(size_t size_bytes) {
        return size_bytes <= kSmallBytesMax ? pool_for(size_bytes).allocate() : allocate_large(size_bytes);
    }
    void* allocate_large(size_t size_bytes);
    void free_large(LargeBlock* block);
    [[nodiscard]] BlockPool& pool_for(size_t size_bytes) { return pools_[class_of(size_bytes)]; }

    std::array<BlockPool, kClassCount> pools_;
    LargeBlock* large_ = nullptr;
    uint64_t large_bytes_ = 0;
};

}  // namespace kvorum::kv
