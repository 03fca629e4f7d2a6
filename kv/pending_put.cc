#include "kv/pending_put.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/turn_work.h"
#include "base/units.h"
#include "kv/digest.h"

namespace kvorum::kv {
namespace {

// So much of a large value is written, and summed while it is in the cache, between two looks at the work.
constexpr uint64_t kValueSliceBytes = 32 * kKiB;

}  // namespace

uint64_t PendingPut::write_slice() {
    if (written_ < record_->value_size()) {
        const std::span<char> out(record_->value_memory() + written_,
                                  std::min(kValueSliceBytes, record_->value_size() - written_));
        source_->fill(written_, out);
        sum_.add(as_bytes({out.data(), out.size()}));
        written_ += out.size();
        return out.size() / kBytesPerWork + 1;
    }
    if (replaced_ != nullptr && summed_ < replaced_->value_size()) {
        const std::string_view slice = replaced_->value().substr(summed_, kValueSliceBytes);
        replaced_sum_.add(as_bytes(slice));
        summed_ += slice.size();
        return slice.size() / kBytesPerWork + 1;
    }
    return 0;
}

uint64_t PendingPut::digest() const { return kv::digest(hash_, sum_.value()); }

uint64_t PendingPut::replaced_digest() const { return kv::digest(hash_, replaced_sum_.value()); }

}  // namespace kvorum::kv
