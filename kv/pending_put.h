// A large value that is not in the map yet, and the one that it will replace, whose sum leaves the state's hash.
// Private to the store.
//
// Thread: the owning core. What the source refers to and the replaced record stay until it is put.
#pragma once

#include <cstdint>
#include <memory>

#include "base/checksum.h"
#include "kv/record.h"
#include "kv/value_source.h"

namespace kvorum::kv {

class PendingPut {
 public:
    // `replaced` is null for none.
    PendingPut(Record* record, std::unique_ptr<ValueSource> source, uint64_t hash, const Record* replaced)
        : record_(record),
          source_(std::move(source)),
          hash_(hash),
          replaced_(replaced),
          sum_(record->meta_hash()),
          replaced_sum_(replaced == nullptr ? 0 : replaced->meta_hash()) {}

    // Returns the work that it did; 0: nothing is left.
    uint64_t write_slice();

    [[nodiscard]] const Record* record() const { return record_; }
    [[nodiscard]] uint64_t hash() const { return hash_; }  // of the key
    // As digest() of kv/digest.h, of the record and of the replaced one.
    [[nodiscard]] uint64_t digest() const;
    [[nodiscard]] uint64_t replaced_digest() const;

 private:
    Record* record_;
    std::unique_ptr<ValueSource> source_;
    uint64_t hash_;
    const Record* replaced_;
    RunningChecksum sum_;
    RunningChecksum replaced_sum_;
    uint64_t written_ = 0;
    uint64_t summed_ = 0;
};

}  // namespace kvorum::kv
