#include "kv/snapshot_cursor.h"

#include <algorithm>

#include "base/assert.h"

namespace kvorum::kv {
namespace {

// A look at a record costs a cache miss, a hash and its share of a sort, in bytes that could be copied meanwhile.
constexpr uint64_t kLookBytes = 256;

}  // namespace

SnapshotCursor::SnapshotCursor(HashMap& map, SnapshotCursor*& registered, SnapshotSink& sink,
                               const SnapshotMoment& moment)
    : map_(map), registered_(registered), sink_(sink), moment_(moment) {
    KVORUM_ASSERT(registered_ == nullptr, "a snapshot is taken while another is");
    registered_ = this;
}

SnapshotCursor::~SnapshotCursor() {
    if (!complete_) end();
}

bool SnapshotCursor::advance(uint64_t bytes_max) {
    uint64_t done = 0;
    while (!complete_) {
        for (; next_loaded_ < loaded_.size(); ++next_loaded_) {
            if (done >= bytes_max && done > 0) return false;
            const Record* record = loaded_[next_loaded_].record;
            if (record != nullptr) done += give(*record);
        }
        if (done >= bytes_max && done > 0) return false;
        if (all_loaded_) {
            KVORUM_ASSERT(counts_.records == moment_.key_count, "{} records of {} keys", counts_.records,
                          moment_.key_count);
            complete_ = true;
            end();
        } else {
            done += load_segment();
        }
    }
    return true;
}

uint64_t SnapshotCursor::load_segment() {
    next_loaded_ = 0;
    next_hash_ =
        walks_cleared_ ? map_.next_kept_in_order(next_hash_, loaded_) : map_.next_in_order(next_hash_, loaded_);
    all_loaded_ = next_hash_ == 0;
    const uint64_t looked_at = loaded_.size();
    std::erase_if(loaded_, [this](const HashedRecord& item) { return !is_of_moment(*item.record); });
    return looked_at * kLookBytes;
}

void SnapshotCursor::on_entry(uint64_t state_hash) {
    if (entry_begun_) return;
    KVORUM_ASSERT(state_hash == moment_.state_hash, "a snapshot was begun in the middle of an entry");
    entry_begun_ = true;
}

uint64_t SnapshotCursor::on_removal(const Record& record, uint64_t hash) {
    KVORUM_ASSERT(entry_begun_, "a snapshot was begun in the middle of an entry");
    // What is in the map since it was cleared is later too.
    if (!is_of_moment(record)) return 0;
    if (all_loaded_ || hash < next_hash_) {
        const auto from = loaded_.begin() + static_cast<ptrdiff_t>(next_loaded_);
        auto item =
            std::lower_bound(from, loaded_.end(), hash, [](const HashedRecord& a, uint64_t b) { return a.hash < b; });
        while (item != loaded_.end() && item->hash == hash && item->record != &record)
            ++item;
        if (item == loaded_.end() || item->hash != hash) return 0;
        item->record = nullptr;
    }
    const uint64_t bytes = give(record);
    ++counts_.pre_images;
    counts_.pre_image_bytes += bytes;
    return bytes;
}

bool SnapshotCursor::on_clear() {
    KVORUM_ASSERT(entry_begun_, "a snapshot was begun in the middle of an entry");
    if (walks_cleared_) return false;
    walks_cleared_ = true;
    return true;
}

uint64_t SnapshotCursor::give(const Record& record) {
    const uint64_t bytes = record.key().size() + record.value_size();
    sink_.record(record.fields());
    ++counts_.records;
    counts_.bytes += bytes;
    return bytes;
}

void SnapshotCursor::end() {
    registered_ = nullptr;
    if (walks_cleared_) map_.drop_kept();
    loaded_ = {};
}

}  // namespace kvorum::kv
