#include "kv/pending_put.h"

#include <algorithm>
#include <span>

#include "base/bytes.h"
#include "base/turn_work.h"
#include "base/units.h"

namespace kvorum::kv {
namespace {

// So much of a large value is written, and summed while it is in the cache, between two looks at the work.
constexpr uint64_t kValueSliceBytes = 32 * kKiB;

}  // namespace

uint64_t PendingPut::write_slice() {
    if (written_ == record_->value_size()) return 0;
    const std::span<char> out(record_->value_memory() + written_,
                              std::min(kValueSliceBytes, record_->value_size() - written_));
    source_->fill(written_, out);
    if (known_sum_ == 0) sum_.add(as_bytes({out.data(), out.size()}));
    written_ += out.size();
    return out.size() / kBytesPerWork + 1;
}

const Record* PendingPut::finish() {
    record_->keep_sum(value_sum());
    return record_;
}

}  // namespace kvorum::kv
