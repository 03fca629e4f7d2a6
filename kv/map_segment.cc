#include "kv/map_segment.h"

#include <new>
#include <type_traits>

namespace kvorum::kv {

Segment* Segment::create_at(void* memory, const SegmentShape& shape, unsigned depth) {
    auto* segment = new (memory) Segment(depth);
    for (unsigned i = 0; i < shape.bucket_count + shape.stash_count; ++i)
        new (&segment->bucket(i)) Bucket();
    return segment;
}

bool Segment::place(const SegmentShape& shape, uint64_t hash, const Record* record) {
    const unsigned home_index = shape.home_of(hash);
    const uint8_t fingerprint = BucketMeta::fingerprint_of(hash);
    Bucket& home = bucket(home_index);
    if (home.insert(fingerprint, SlotWord(record, hash, false))) return true;
    // The count in the home bucket comes last: with it the key appears to readers.
    const SlotWord displaced(record, hash, true);
    if (bucket(home_index ^ 1).insert(fingerprint, displaced)) {
        home.set_meta(home.meta().with_buddies(1));
        return true;
    }
    for (unsigned choice = 0; choice < kStashChoices; ++choice) {
        if (!stash(shape, home_index, choice).insert(fingerprint, displaced)) continue;
        home.set_meta(home.meta().with_stashed(1));
        return true;
    }
    return false;
}

void Segment::erase(const Place& place) {
    place.bucket->erase(place.index);
    switch (place.level) {
        case SlotLevel::kHome: break;
        case SlotLevel::kBuddy: place.home->set_meta(place.home->meta().with_buddies(-1)); break;
        case SlotLevel::kStash: place.home->set_meta(place.home->meta().with_stashed(-1)); break;
    }
}

Directory* Directory::create(Segment* only) {
    Directory* directory = allocate(0);
    directory->set(0, only);
    return directory;
}

void Directory::destroy(Directory* directory) { ::operator delete(directory); }

// The entries stay untouched, so that the kernel provides their pages as they are filled.
Directory* Directory::allocate(unsigned depth) {
    static_assert(std::is_trivially_destructible_v<std::atomic<Segment*>> && sizeof(std::atomic<Segment*>) == 8);
    const size_t entries_bytes = (size_t{1} << depth) * sizeof(std::atomic<Segment*>);
    return new (::operator new(sizeof(Directory) + entries_bytes)) Directory(depth);
}

}  // namespace kvorum::kv
