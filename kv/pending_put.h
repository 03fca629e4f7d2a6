// A large value that is written and not in the map yet. Private to the store.
//
// Thread: the owning core. What the source refers to stays until it is put.
#pragma once

#include <cstdint>
#include <memory>

#include "base/checksum.h"
#include "kv/record.h"
#include "kv/value_source.h"

namespace kvorum::kv {

class PendingPut {
 public:
    // `known_sum` is the value's, or 0: it is summed while it is written.
    PendingPut(Record* record, std::unique_ptr<ValueSource> source, uint64_t hash, uint64_t known_sum)
        : record_(record), source_(std::move(source)), hash_(hash), known_sum_(known_sum) {}

    // Returns the work that it did; 0: nothing is left.
    uint64_t write_slice();

    [[nodiscard]] uint64_t hash() const { return hash_; }  // of the key
    // Once nothing is left.
    [[nodiscard]] uint64_t value_sum() const { return known_sum_ != 0 ? known_sum_ : sum_.value(); }
    // The whole record, with its sum.
    [[nodiscard]] const Record* finish();

 private:
    Record* record_;
    std::unique_ptr<ValueSource> source_;
    uint64_t hash_;
    uint64_t known_sum_;
    RunningChecksum sum_;
    uint64_t written_ = 0;
};

}  // namespace kvorum::kv
