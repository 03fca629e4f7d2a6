// A record tells what it was made from, in as few bytes as that takes.
#include "kv/record.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kvorum::kv {
namespace {

struct alignas(16) Memory {
    std::array<std::byte, 512> bytes;
};

RecordFields changed(uint64_t create_revision, uint64_t revision, uint64_t version) {
    return {.key = "key",
            .value = "value",
            .revision = Revision{revision},
            .create_revision = Revision{create_revision},
            .version = version};
}

// Each with all combinations of what is optional beside it.
std::vector<RecordFields> samples() {
    std::vector<RecordFields> all{{.key = "key", .value = "value", .revision = Revision{9}}};
    for (const uint64_t version : {uint64_t{1}, uint64_t{2}, (uint64_t{1} << 24) - 1, uint64_t{1} << 24, UINT64_MAX}) {
        for (const uint64_t age :
             {uint64_t{0}, uint64_t{1}, (uint64_t{1} << 40) - 1, uint64_t{1} << 40, UINT64_MAX - 1})
            all.push_back(changed(1, 1 + age, version));
    }
    const size_t plain = all.size();
    for (size_t i = 0; i < plain; ++i) {
        for (const uint64_t choice : {1u, 2u, 3u}) {
            RecordFields fields = all[i];
            if ((choice & 1) != 0) fields.expire_at_ms = -7;
            if ((choice & 2) != 0) fields.lease = LeaseId{UINT64_MAX};
            all.push_back(fields);
        }
    }
    return all;
}

TEST(Record, TellsWhatItWasMadeFrom) {
    for (const RecordFields& fields : samples()) {
        SCOPED_TRACE(fmt::format("revisions {} to {}, version {}, deadline {}, lease {}", fields.create_revision,
                                 fields.revision, fields.version, fields.expire_at_ms, fields.lease));
        Memory memory;
        const Record* record = Record::create_at(&memory, fields);
        EXPECT_EQ(record->key(), "key");
        EXPECT_EQ(record->value(), "value");
        EXPECT_EQ(record->expire_at_ms(), fields.expire_at_ms);
        EXPECT_EQ(record->revision(), fields.revision);
        EXPECT_EQ(record->create_revision(),
                  fields.create_revision.is_none() ? fields.revision : fields.create_revision);
        EXPECT_EQ(record->version(), fields.version);
        EXPECT_EQ(record->lease(), fields.lease);
        EXPECT_EQ(record->size_bytes(), Record::size_bytes(fields));
        Memory again;
        const Record* copy = Record::create_at(&again, record->fields());
        EXPECT_EQ(copy->size_bytes(), record->size_bytes());
        EXPECT_EQ(copy->meta_hash(), record->meta_hash());
    }
}

TEST(Record, HasNoDeadlineUnlessGivenOne) {
    Memory memory;
    EXPECT_EQ(Record::create_at(&memory, RecordFields{.key = "k", .value = ""})->expire_at_ms(), kNoExpiry);
}

TEST(Record, TakesRoomOnlyForWhatItHas) {
    constexpr size_t kPlain = 16 + 3 + 5;
    EXPECT_EQ(Record::size_bytes(changed(0, 9, 1)), kPlain);
    EXPECT_EQ(Record::size_bytes(changed(9, 9, 1)), kPlain) << "it was put once";
    EXPECT_EQ(Record::size_bytes(changed(1, 9'000'000'000, 1'000'000)), kPlain + 8);
    EXPECT_EQ(Record::size_bytes(changed(1, 1ull << 41, 3)), kPlain + 16) << "too far from its creation for one word";
    EXPECT_EQ(Record::size_bytes(changed(1, 1ull << 25, 1ull << 25)), kPlain + 16);
    RecordFields all = changed(1, 2, 2);
    all.expire_at_ms = 1;
    all.lease = LeaseId{1};
    EXPECT_EQ(Record::size_bytes(all), kPlain + 24);
}

// Byte for byte.
std::string_view bytes_of(const Memory& memory, const Record& record) {
    return {reinterpret_cast<const char*>(memory.bytes.data()), record.size_bytes()};
}

TEST(Record, AChangeWithTheMetaOfWhatItReplacesIsTheSameAsOneMadeFromAllItsFields) {
    for (const RecordFields& fields : samples()) {
        Memory old_memory;
        const Record& old = *Record::create_at(&old_memory, fields);
        const Revision revision = fields.revision + 1;
        const uint64_t meta = old.meta_when_changed(revision);
        if (meta == 0) continue;
        Memory memory;
        const Record::ChangedFields change{"key", "another", revision, meta, checksum64(as_bytes("another"))};
        const Record& record = *Record::create_changed_at(&memory, change);
        Memory same_memory;
        const Record& same = *Record::create_at(&same_memory, RecordFields{.key = "key",
                                                                           .value = "another",
                                                                           .revision = revision,
                                                                           .create_revision = old.create_revision(),
                                                                           .version = old.version() + 1});
        EXPECT_EQ(bytes_of(memory, record), bytes_of(same_memory, same));
        EXPECT_EQ(change.size_bytes(), same.size_bytes());
        EXPECT_EQ(change.meta_hash(), same.meta_hash());
    }
}

uint64_t meta_of_change(const RecordFields& old, uint64_t revision) {
    Memory memory;
    return Record::create_at(&memory, old)->meta_when_changed(Revision{revision});
}

TEST(Record, ThereIsNoMetaForAChangeThatNeedsMoreThanOneWord) {
    constexpr uint64_t kVersionMax = (1ull << 24) - 1;
    constexpr uint64_t kAgeMax = (1ull << 40) - 1;
    EXPECT_NE(meta_of_change(changed(5, 5, 1), 6), 0u) << "it was put once";
    EXPECT_NE(meta_of_change(changed(5, 6, kVersionMax - 1), 7), 0u);
    EXPECT_EQ(meta_of_change(changed(5, 6, kVersionMax), 7), 0u);
    EXPECT_NE(meta_of_change(changed(5, 6, 2), 5 + kAgeMax), 0u);
    EXPECT_EQ(meta_of_change(changed(5, 6, 2), 6 + kAgeMax), 0u);
    EXPECT_EQ(meta_of_change(changed(5, 6 + kAgeMax, 2), 7 + kAgeMax), 0u) << "it has two words";
    EXPECT_EQ(meta_of_change(changed(5, 6, 2), 6), 0u) << "it was made by the same operation";
    RecordFields old = changed(5, 6, 2);
    old.expire_at_ms = 0;
    EXPECT_EQ(meta_of_change(old, 7), 0u) << "a deadline";
    old = changed(5, 6, 2);
    old.lease = LeaseId{1};
    EXPECT_EQ(meta_of_change(old, 7), 0u) << "a lease";
}

TEST(Record, KeepsTheSumOfALargeValueBehindAllElse) {
    const std::string large(Record::kSummedValueBytes, 'v');
    const std::string small(Record::kSummedValueBytes - 1, 'v');
    for (RecordFields fields : samples()) {
        fields.value = small;
        const size_t plain_bytes = Record::size_bytes(fields) - small.size();
        for (const std::string_view value : {std::string_view(small), std::string_view(large)}) {
            fields.value = value;
            Memory memory;
            const Record* record = Record::create_at(&memory, fields);
            EXPECT_EQ(record->value_sum(), checksum64(as_bytes(value)));
            EXPECT_EQ(record->size_bytes(), plain_bytes + value.size() + (value == large ? 8 : 0));
            EXPECT_EQ(record->size_bytes(), Record::size_bytes(fields));
            EXPECT_EQ(record->value(), value);
            EXPECT_EQ(record->expire_at_ms(), fields.expire_at_ms);
            EXPECT_EQ(record->version(), fields.version);
            EXPECT_EQ(record->lease(), fields.lease);
        }
    }
}

TEST(Record, TakesASumThatIsKnown) {
    const std::string large(Record::kSummedValueBytes, 'v');
    Memory memory;
    EXPECT_EQ(Record::create_at(&memory, {.key = "k", .value = large, .value_sum = 7})->value_sum(), 7u);
    Record* begun = Record::begin_at(&memory, {.key = "k", .value = {}}, large.size());
    begun->keep_sum(8);
    EXPECT_EQ(begun->value_sum(), 8u);
}

TEST(Record, ItsMetaHashDependsOnAllBesideKeyAndValue) {
    std::set<uint64_t> hashes;
    for (const RecordFields& fields : samples()) {
        if (!fields.create_revision.is_none() && fields.revision == fields.create_revision && fields.version == 1)
            continue;
        Memory memory;
        EXPECT_TRUE(hashes.insert(Record::create_at(&memory, fields)->meta_hash()).second)
            << fields.revision.value() << " " << fields.version << " " << fields.lease.value();
    }
}

}  // namespace
}  // namespace kvorum::kv
