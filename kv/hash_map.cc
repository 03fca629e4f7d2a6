#include "kv/hash_map.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/assert.h"

namespace kvorum::kv {
namespace {

constexpr size_t kBatchSize = 16;
constexpr size_t kReleaseBytesPerSlice = size_t{1} << 20;
// Beyond so many links a segment stays as it is: splitting it would take as long as the chain is.
constexpr unsigned kSplitLinksMax = 4;
// Of the next directory; it is complete long before a balanced map needs it.
constexpr size_t kEntriesPerSplit = 16;
// A segment looks for a neighbour to merge with when it has lost so many more keys.
constexpr uint32_t kMergeStep = 8;

unsigned link_count(const Segment& segment) {
    unsigned count = 1;
    for (const Segment* link = segment.next(); link != nullptr; link = link->next())
        ++count;
    return count;
}

bool comes_before(const HashedRecord& a, const HashedRecord& b) {
    if (a.hash != b.hash) return a.hash < b.hash;
    return a.record->key() < b.record->key();
}

}  // namespace

HashMap::HashMap(uint64_t hash_seed, SegmentShape shape)
    : hash_seed_(hash_seed), shape_(shape), merge_count_max_((shape.bucket_count + shape.stash_count) * 7 / 4) {
    KVORUM_ASSERT(shape.bucket_count % 2 == 0 && shape.bucket_count >= 2 && shape.stash_count >= 2);
    start_empty();
}

HashMap::~HashMap() {
    reclamation_.collect();
    KVORUM_ASSERT(reclamation_.retired_count() == 0, "a reader outlives the map");
    Directory::destroy(directory());
    Directory::destroy(next_directory_);
    for (const auto& contents : cleared_)
        Directory::destroy(contents->directory);
}

void HashMap::find_batch(std::span<const std::string_view> keys, std::span<const Record*> found) const {
    std::array<uint64_t, kBatchSize> hashes;
    for (size_t begin = 0; begin < keys.size(); begin += kBatchSize) {
        const auto group = keys.subspan(begin, std::min(kBatchSize, keys.size() - begin));
        for (size_t i = 0; i < group.size(); ++i)
            hashes[i] = hash(group[i]);
        prefetch(std::span(hashes).first(group.size()));
        for (size_t i = 0; i < group.size(); ++i)
            found[begin + i] = find(group[i], hashes[i]);
    }
}

void HashMap::prefetch(std::span<const uint64_t> hashes) const {
    const Directory* directory = directory_.load(std::memory_order_acquire);
    for (const uint64_t hash : hashes)
        __builtin_prefetch(&directory->segment_of(hash)->bucket(shape_.home_of(hash)));
    for (const uint64_t hash : hashes) {
        const Bucket& home = directory->segment_of(hash)->bucket(shape_.home_of(hash));
        const uint64_t hits = home.meta().matches(BucketMeta::fingerprint_of(hash));
        if (hits == 0) continue;
        const auto* record = reinterpret_cast<const char*>(home.slot(BucketMeta::slot_of(hits)).record());
        // memcmp reads up to 32 bytes of a key at once, often in two lines where the key is in one; and who puts
        // another value reads all of a small old one, to sum it.
        __builtin_prefetch(record);
        __builtin_prefetch(record + kCacheLineBytes);
        __builtin_prefetch(record + 2 * kCacheLineBytes);
    }
}

void HashMap::replace(const Record* record, const Segment::Place& place) {
    place.bucket->replace(place.index, place.bucket->slot(place.index).with_record(record));
    retire(place.record);
}

HashMap::PutResult HashMap::put(const Record* record, uint64_t hash, const Segment::Place& place) {
    if (place.record != nullptr) {
        replace(record, place);
        return {record, place.record};
    }
    Segment* segment = directory()->segment_of(hash);
    while (!segment->place(shape_, hash, record)) {
        if (!may_split(*segment)) {
            place_chained(*segment, hash, record);
            break;
        }
        split(*segment, hash);
        segment = directory()->segment_of(hash);
    }
    segment->add_count(1);
    ++range_counts_[range_of(hash)];
    ++size_;
    return {record, nullptr};
}

const Record* HashMap::erase(std::string_view key, uint64_t hash) {
    Segment* segment = directory()->segment_of(hash);
    const Segment::Place place = segment->find(shape_, hash, key);
    if (place.record == nullptr) return nullptr;
    Segment::erase(place);
    segment->add_count(-1);
    --range_counts_[range_of(hash)];
    --size_;
    retire(place.record);
    if (segment->count() <= merge_count_max_ && segment->count() % kMergeStep == 0) merge_around(segment, hash);
    return place.record;
}

void HashMap::clear() {
    contents_->directory = directory();
    contents_->range_counts = std::move(range_counts_);
    contents_->hash_seed = hash_seed_.load(std::memory_order_relaxed);
    Directory::destroy(std::exchange(next_directory_, nullptr));
    // In the order of retirement, so after all records of its own that were retired before.
    reclamation_.retire(this, contents_.release(), [](void* map, void* contents) {
        static_cast<HashMap*>(map)->cleared_.emplace_back(static_cast<Contents*>(contents));
    });
    start_empty();
}

void HashMap::clear_and_keep() {
    KVORUM_ASSERT(kept_ == nullptr, "what was cleared before is kept already");
    kept_ = contents_.get();
    clear();
}

// A reader with a hash of before finds nothing, and nothing was there when it began.
void HashMap::reseed(uint64_t hash_seed) {
    KVORUM_ASSERT(size_ == 0, "{} keys are where another seed put them", size_);
    hash_seed_.store(hash_seed, std::memory_order_relaxed);
}

bool HashMap::release_cleared() {
    size_t budget = kReleaseBytesPerSlice;
    const auto first_released = [this] {
        return cleared_.begin() + (!cleared_.empty() && cleared_.front().get() == kept_ ? 1 : 0);
    };
    for (auto next = first_released(); next != cleared_.end(); next = first_released()) {
        Contents& contents = **next;
        budget = contents.records.release(budget);
        while (budget > 0 && contents.segments.mapped_bytes() > 0)
            budget -= std::min(budget, contents.segments.unmap_chunk());
        if (budget == 0) return true;
        Directory::destroy(contents.directory);
        cleared_.erase(next);
    }
    return false;
}

uint64_t HashMap::memory_bytes() const {
    uint64_t bytes = sizeof(HashMap) + range_counts_.capacity() * sizeof(uint32_t) + directory()->size_bytes();
    if (next_directory_ != nullptr) bytes += next_directory_->size_bytes();
    bytes += contents_->segments.mapped_bytes() + contents_->records.memory_bytes();
    for (const auto& contents : cleared_) {
        bytes += contents->segments.mapped_bytes() + contents->records.memory_bytes();
        bytes += contents->directory->size_bytes();
    }
    return bytes;
}

uint64_t HashMap::next_kept_in_order(uint64_t first_hash, std::vector<HashedRecord>& out) const {
    return next_in_order({kept_->directory, kept_->range_counts, kept_->hash_seed}, first_hash, out);
}

uint64_t HashMap::next_in_order(const Walked& walked, uint64_t first_hash, std::vector<HashedRecord>& out) const {
    out.clear();
    size_t range = range_of(first_hash);
    while (range < walked.range_counts.size() && walked.range_counts[range] == 0)
        ++range;
    if (range == walked.range_counts.size()) return 0;
    first_hash = std::max(first_hash, uint64_t{range} << (64 - kRangeBits));

    Segment& segment = *walked.directory->segment_of(first_hash);
    for (Segment* link = &segment; link != nullptr; link = link->next()) {
        for (unsigned i = 0; i < shape_.bucket_count + shape_.stash_count; ++i) {
            const Bucket& bucket = link->bucket(i);
            for (unsigned slot = 0; slot < kSlotsPerBucket; ++slot) {
                const Record* record = bucket.slot(slot).record();
                if (record == nullptr) continue;
                __builtin_prefetch(record);
                out.push_back({0, record});
            }
        }
    }
    for (HashedRecord& item : out)
        item.hash = checksum64(as_bytes(item.record->key()), walked.hash_seed);
    std::erase_if(out, [first_hash](const HashedRecord& item) { return item.hash < first_hash; });
    std::sort(out.begin(), out.end(), comes_before);
    if (segment.depth() == 0) return 0;
    // Wraps around to 0 behind the last segment.
    const unsigned shift = 64 - segment.depth();
    return ((first_hash >> shift) + 1) << shift;
}

const Record* HashMap::at_rank(uint64_t rank) const {
    size_t range = 0;
    while (rank >= range_counts_.at(range))
        rank -= range_counts_[range++];
    std::vector<HashedRecord> items;
    for (uint64_t hash = uint64_t{range} << (64 - kRangeBits);;) {
        hash = next_in_order(hash, items);
        if (rank < items.size()) return items[rank].record;
        rank -= items.size();
    }
}

void HashMap::start_empty() {
    contents_ = std::make_unique<Contents>(shape_);
    size_ = 0;
    segment_count_ = 1;
    range_counts_.assign(size_t{1} << kRangeBits, 0);
    directory_.store(Directory::create(make_segment(0)), std::memory_order_release);
}

Segment* HashMap::make_segment(unsigned depth) {
    return Segment::create_at(contents_->segments.allocate(), shape_, depth);
}

bool HashMap::may_split(Segment& segment) const {
    const auto balanced_depth = static_cast<unsigned>(std::bit_width(segment_count_)) - 1;
    return segment.depth() < balanced_depth + kDepthSlack && link_count(segment) <= kSplitLinksMax;
}

// Readers that are in the old segment find everything as it was when they loaded its address.
void HashMap::split(Segment& segment, uint64_t hash) {
    const unsigned depth = segment.depth();
    if (depth == directory()->depth()) double_directory();
    prepare_doubling(kEntriesPerSplit);
    const std::array<Segment*, 2> halves{make_segment(depth + 1), make_segment(depth + 1)};
    move_records(segment, halves);
    const uint64_t upper_half = uint64_t{1} << (63 - depth);
    publish(halves[0], hash & ~upper_half);
    publish(halves[1], hash | upper_half);
    ++segment_count_;
    retire(&segment);
}

void HashMap::merge_around(Segment* segment, uint64_t hash) {
    while (segment->depth() > 0) {
        const unsigned depth = segment->depth();
        Segment* neighbour = directory()->segment_of(hash ^ (uint64_t{1} << (64 - depth)));
        if (neighbour->depth() != depth || segment->count() + neighbour->count() > merge_count_max_) return;
        if (segment->next() != nullptr || neighbour->next() != nullptr) return;
        Segment* merged = make_segment(depth - 1);
        const std::array<Segment*, 2> both{merged, merged};
        move_records(*segment, both);
        move_records(*neighbour, both);
        publish(merged, hash);
        --segment_count_;
        retire(segment);
        retire(neighbour);
        segment = merged;
    }
}

// To the halves of a split, or to one segment that stands for both. Those that lie in their home bucket go there again;
// the others, which are few, are placed anew.
void HashMap::move_records(Segment& from, std::span<Segment* const, 2> to) {
    const unsigned depth = from.depth();
    displaced_.clear();
    for (Segment* link = &from; link != nullptr; link = link->next()) {
        for (unsigned i = 0; i < shape_.bucket_count + shape_.stash_count; ++i) {
            const Bucket& bucket = link->bucket(i);
            const BucketMeta meta = bucket.meta();
            for (unsigned slot = 0; slot < kSlotsPerBucket; ++slot) {
                if (meta.fingerprint(slot) == 0) continue;
                const SlotWord word = bucket.slot(slot);
                Segment* half = word.displaced() ? nullptr : to[side_of(word, depth) ? 1 : 0];
                if (half != nullptr && half->place_home(i, meta.fingerprint(slot), word)) {
                    half->add_count(1);
                } else {
                    __builtin_prefetch(word.record());
                    displaced_.push_back(word.record());
                }
            }
        }
    }
    for (const Record* record : displaced_) {
        const uint64_t record_hash = hash(record->key());
        Segment& half = *to[(record_hash >> (63 - depth)) & 1];
        if (!half.place(shape_, record_hash, record)) place_chained(half, record_hash, record);
        half.add_count(1);
    }
}

bool HashMap::side_of(SlotWord word, unsigned depth) const {
    const unsigned bit = 63 - depth;
    const bool in_tag = bit >= SlotWord::kTagLowBit && bit < SlotWord::kTagLowBit + SlotWord::kTagBits;
    if (in_tag) return ((word.tag() >> (bit - SlotWord::kTagLowBit)) & 1) != 0;
    return ((hash(word.record()->key()) >> bit) & 1) != 0;
}

void HashMap::place_chained(Segment& segment, uint64_t hash, const Record* record) {
    Segment* link = &segment;
    while (!link->place(shape_, hash, record)) {
        if (link->next() == nullptr) link->set_next(make_segment(segment.depth()));
        Bucket& home = link->bucket(shape_.home_of(hash));
        home.set_meta(home.meta().with_chain());
        link = link->next();
    }
}

void HashMap::prepare_doubling(size_t entries_max) {
    const Directory& present = *directory();
    if (next_directory_ == nullptr) {
        next_directory_ = Directory::create_deeper(present);
        next_copied_ = 0;
    }
    const size_t end = next_copied_ + std::min(entries_max, present.size() - next_copied_);
    for (; next_copied_ < end; ++next_copied_)
        next_directory_->copy_entry(present, next_copied_);
}

void HashMap::double_directory() {
    Directory* old = directory();
    prepare_doubling(old->size());
    directory_.store(std::exchange(next_directory_, nullptr), std::memory_order_release);
    retire(old);
}

// `hash` is any of the segment's range.
void HashMap::publish(Segment* segment, uint64_t hash) {
    Directory& entries = *directory();
    const size_t count = size_t{1} << (entries.depth() - segment->depth());
    const size_t first = entries.index_of(hash) & ~(count - 1);
    for (size_t i = first; i < first + count; ++i) {
        entries.set(i, segment);
        if (next_directory_ != nullptr && i < next_copied_) next_directory_->set_pair(i, segment);
    }
}

void HashMap::retire(const Record* record) {
    reclamation_.retire(&contents_->records, const_cast<Record*>(record), [](void* slabs, void* retired) {
        static_cast<RecordSlabs*>(slabs)->destroy(static_cast<Record*>(retired));
    });
}

void HashMap::retire(Segment* segment) {
    for (Segment* link = segment; link != nullptr; link = link->next()) {
        reclamation_.retire(&contents_->segments, link,
                            [](void* pool, void* retired) { static_cast<BlockPool*>(pool)->free(retired); });
    }
}

void HashMap::retire(Directory* directory) {
    reclamation_.retire(nullptr, directory,
                        [](void*, void* retired) { Directory::destroy(static_cast<Directory*>(retired)); });
}

}  // namespace kvorum::kv
