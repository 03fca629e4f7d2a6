// The batch that the benchmarks of codec, Raft and log have in common: 64 SETs of 64-byte values, as one entry.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "raft/entry.h"

namespace kvorum::bench {

inline constexpr uint32_t kBatchCommands = 64;
inline constexpr size_t kCommandBytes = 100;
inline constexpr ClusterId kBenchCluster{0xbe};

// As the write batcher leaves it: not sealed yet.
inline raft::EntryBuilder open_batch() {
    raft::EntryBuilder builder(raft::EntryType::kCommands);
    builder.buffer().append(kBatchCommands * kCommandBytes, 'v');
    builder.add_command_count(kBatchCommands);
    builder.set_log_time_ms(1'000'000);
    return builder;
}

// The entries of a log, one after the other.
class EntryChain {
 public:
    raft::EntryPtr next() {
        last_ = open_batch().seal(kBenchCluster, kFirstGroup, last_ == nullptr ? LogIndex{1} : last_->index() + 1,
                                  Term{1}, last_ == nullptr ? 0 : last_->header().header_checksum);
        return last_;
    }

 private:
    raft::EntryPtr last_;
};

}  // namespace kvorum::bench
