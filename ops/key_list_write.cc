#include "ops/key_list_write.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/turn_work.h"

namespace kvorum::ops {
namespace {

// So many keys are looked at together, so that their cache misses overlap; what they replace is freed behind them.
constexpr uint32_t kKeysPerStep = 16;

}  // namespace

KeyListWrite::KeyListWrite(OperationCode code, uint16_t flags, ByteReader payload)
    : code_(code), flags_(flags), count_(payload.read<uint32_t>()), unchecked_(payload), unchanged_(payload) {}

ApplyProgress KeyListWrite::run(kv::Store& store, uint64_t work_end) {
    const uint16_t known_flags = code_ == OperationCode::kMset ? uint16_t{kMsetIfAllAbsent} : kNoFlags;
    if ((flags_ & ~known_flags) != 0) return ApplyProgress::kMalformed;
    for (bool first = true; first || store.work() < work_end; first = false) {
        if (!store.finish_put(work_end - std::min(work_end, store.work()))) continue;
        if (checked_ < count_) {
            check(store, std::min(kKeysPerStep, count_ - checked_));
            if (unchecked_.failed()) return ApplyProgress::kMalformed;
            continue;
        }
        if (!unchecked_.finished()) return ApplyProgress::kMalformed;
        if (any_present_ || changed_ == count_) return ApplyProgress::kDone;
        change(store, std::min(kKeysPerStep, count_ - changed_), work_end);
    }
    return ApplyProgress::kMore;
}

std::string_view KeyListWrite::read_key(ByteReader& items) const {
    const std::string_view key = read_sized(items);
    if (code_ == OperationCode::kMset) read_sized(items);
    return key;
}

void KeyListWrite::check(kv::Store& store, uint32_t count) {
    if (looks_at_keys()) prefetch(store, unchecked_, count);
    for (uint32_t i = 0; i < count && !unchecked_.failed(); ++i) {
        const std::string_view key = read_key(unchecked_);
        if (looks_at_keys() && !unchecked_.failed() && store.find(key) != nullptr) any_present_ = true;
    }
    checked_ += count;
    store.add_work(count * (looks_at_keys() ? kKeyReadWork : kArgumentWork));
}

// Fewer than `count` when the values are large.
void KeyListWrite::change(kv::Store& store, uint32_t count, uint64_t work_end) {
    store.recycle();
    if (count_ > kKeysPerStep) prefetch(store, unchanged_, count);
    for (uint32_t i = 0; i < count; ++i) {
        const std::string_view key = read_sized(unchanged_);
        if (code_ == OperationCode::kMset) {
            store.begin_put(key, read_sized(unchanged_), kv::kNoExpiry);
        } else if (store.erase(key)) {
            ++removed_;
        }
        ++changed_;
        store.add_work(kArgumentWork);
        if (store.put_pending() || store.work() >= work_end) return;
    }
}

void KeyListWrite::prefetch(const kv::Store& store, ByteReader items, uint32_t count) const {
    std::array<std::string_view, kKeysPerStep> keys;
    for (uint32_t i = 0; i < count; ++i)
        keys[i] = read_key(items);
    store.prefetch(std::span(keys).first(count));
}

void KeyListWrite::reply(ReplySink& reply) const {
    if (code_ == OperationCode::kDel) {
        reply.integer(removed_);
    } else if (looks_at_keys()) {
        reply.integer(any_present_ ? 0 : 1);
    } else {
        reply.done();
    }
}

}  // namespace kvorum::ops
