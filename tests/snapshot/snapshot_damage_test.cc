// A snapshot that is not whole is refused, whatever is wrong with it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/checksum.h"
#include "tests/snapshot/snapshot_test_util.h"

namespace kvorum::snapshot::test {
namespace {

// The chunks of a file, to be changed and sealed again: so that what is refused is not refused for its checksums.
struct Chunk {
    ChunkHeader header;
    std::string body;
};

std::vector<Chunk> chunks_of(const std::string& bytes) {
    std::vector<Chunk> chunks;
    uint64_t checksum = 0;
    for (size_t at = 0; chunks.empty() || chunks.back().header.kind != ChunkKind::kTrailer;) {
        const auto header = decode_chunk_header(as_bytes(bytes).data() + at, checksum);
        if (!header.has_value()) {
            ADD_FAILURE() << "no chunk at " << at;
            break;
        }
        at += ChunkHeader::kEncodedSize;
        chunks.push_back({*header, bytes.substr(at, header->packed_bytes)});
        at += header->packed_bytes;
    }
    return chunks;
}

std::string sealed(std::vector<Chunk> chunks, bool renumber = true) {
    std::string bytes;
    uint64_t checksum = 0;
    for (size_t i = 0; i < chunks.size(); ++i) {
        ChunkHeader& header = chunks[i].header;
        if (renumber) header.number = i;
        header.body_checksum = checksum64(as_bytes(chunks[i].body));
        std::string encoded(ChunkHeader::kEncodedSize, '\0');
        encode_chunk_header(header, checksum, reinterpret_cast<std::byte*>(encoded.data()));
        bytes += encoded + chunks[i].body;
    }
    bytes.resize(align_up(bytes.size(), kFileBlockBytes));
    return bytes;
}

// One record without compression, so that its bytes can be changed in place.
std::string one_record(const kv::RecordFields& fields,
                       kv::SnapshotMoment moment = {.head = {.revision = Revision{9}}, .key_count = 1}) {
    SnapshotEncoder encoder;
    encoder.record(fields);
    encoder.begin(head_of(moment));
    return finished(encoder);
}

class SnapshotDamage : public testing::Test {
 protected:
    void SetUp() override { ASSERT_TRUE(decode_whole(bytes).ok()); }

    kv::Store store = random_store(11, 3000, 300, 100);
    const std::string bytes = snapshot_of(store);
    std::vector<Chunk> chunks = chunks_of(bytes);
};

TEST_F(SnapshotDamage, EveryTruncationIsRefused) {
    for (size_t size = 0; size < bytes.size(); ++size)
        ASSERT_TRUE(absl::IsDataLoss(decode_whole(std::string_view(bytes).substr(0, size)))) << size;
}

TEST_F(SnapshotDamage, EveryFlippedByteIsRefused) {
    Prng random(1);
    for (size_t at = 0; at < bytes.size(); ++at) {
        std::string flipped = bytes;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << random.below(8)));
        ASSERT_TRUE(absl::IsDataLoss(decode_whole(flipped))) << at;
    }
}

TEST_F(SnapshotDamage, IsToldWithTheByteAndTheReason) {
    std::string flipped = bytes;
    const size_t second_chunk = ChunkHeader::kEncodedSize + chunks[0].body.size();
    flipped[second_chunk + 100] = static_cast<char>(flipped[second_chunk + 100] ^ 1);
    EXPECT_EQ(decode_whole(flipped).message(), fmt::format("byte {}: a chunk is damaged", second_chunk));
}

TEST_F(SnapshotDamage, WhatFollowsTheTrailerIsRefused) {
    EXPECT_FALSE(decode_whole(bytes + std::string(4096, '\0')).ok());
    EXPECT_FALSE(decode_whole(bytes + "x").ok());
    EXPECT_FALSE(decode_whole(bytes + bytes).ok());
}

TEST_F(SnapshotDamage, ChunksOfAnotherSnapshotAreRefused) {
    kv::Store other = random_store(12, 3000, 300, 100);
    const std::string other_bytes = snapshot_of(other);
    const size_t first = ChunkHeader::kEncodedSize + chunks[0].body.size();
    const size_t other_first = ChunkHeader::kEncodedSize + chunks_of(other_bytes)[0].body.size();
    EXPECT_FALSE(decode_whole(bytes.substr(0, first) + other_bytes.substr(other_first)).ok());
}

TEST_F(SnapshotDamage, ChunksInAnotherOrderAreRefused) {
    kv::Store large = random_store(13, 30'000, 30'000, 200);
    std::vector<Chunk> many = chunks_of(snapshot_of(large));
    ASSERT_GE(many.size(), 4u);
    EXPECT_TRUE(decode_whole(sealed(many)).ok());
    std::vector<Chunk> swapped = many;
    std::swap(swapped[1], swapped[2]);
    EXPECT_FALSE(decode_whole(sealed(swapped, false)).ok());
    std::vector<Chunk> without_one = many;
    without_one.erase(without_one.begin() + 1);
    EXPECT_FALSE(decode_whole(sealed(without_one)).ok());
    std::vector<Chunk> two_heads = many;
    two_heads.insert(two_heads.begin() + 1, two_heads[0]);
    EXPECT_FALSE(decode_whole(sealed(two_heads)).ok());
    std::vector<Chunk> without_head = many;
    without_head.erase(without_head.begin());
    EXPECT_FALSE(decode_whole(sealed(without_head)).ok());
}

TEST_F(SnapshotDamage, SizesThatLieAreRefused) {
    for (const uint32_t raw_bytes : {0u, 1u, chunks[1].header.raw_bytes - 1, chunks[1].header.raw_bytes + 1,
                                     uint32_t{kChunkRawBytes}, UINT32_MAX}) {
        std::vector<Chunk> lying = chunks;
        lying[1].header.raw_bytes = raw_bytes;
        EXPECT_TRUE(absl::IsDataLoss(decode_whole(sealed(lying)))) << raw_bytes;
    }
    for (const uint32_t packed_bytes : {0u, 1u, chunks[1].header.packed_bytes + 1, UINT32_MAX}) {
        std::vector<Chunk> lying = chunks;
        lying[1].header.packed_bytes = packed_bytes;
        EXPECT_TRUE(absl::IsDataLoss(decode_whole(sealed(lying)))) << packed_bytes;
    }
}

TEST_F(SnapshotDamage, CountsThatLieAreRefused) {
    const auto refuses = [&](auto change) {
        Trailer trailer = *decode_trailer(as_bytes(chunks.back().body));
        change(trailer);
        std::vector<Chunk> lying = chunks;
        lying.back().body = encode_trailer(trailer);
        return absl::IsDataLoss(decode_whole(sealed(lying)));
    };
    EXPECT_FALSE(refuses([](Trailer&) {}));
    EXPECT_TRUE(refuses([](Trailer& trailer) { ++trailer.chunks; }));
    EXPECT_TRUE(refuses([](Trailer& trailer) { ++trailer.records; }));
    EXPECT_TRUE(refuses([](Trailer& trailer) { ++trailer.tombstones; }));
    EXPECT_TRUE(refuses([](Trailer& trailer) { ++trailer.state_hash; }));
}

TEST_F(SnapshotDamage, FewerOrMoreRecordsThanTheHeadTellsAreRefused) {
    const kv::RecordFields fields{.key = "k", .value = "v", .revision = Revision{1}};
    EXPECT_TRUE(decode_whole(one_record(fields)).ok());
    EXPECT_FALSE(decode_whole(one_record(fields, {.head = {.revision = Revision{9}}, .key_count = 0})).ok());
    EXPECT_FALSE(decode_whole(one_record(fields, {.head = {.revision = Revision{9}}, .key_count = 2})).ok());
}

TEST_F(SnapshotDamage, ARecordThatNoWriterMakesIsRefused) {
    EXPECT_FALSE(decode_whole(one_record({.key = "k", .value = "v"})).ok()) << "no revision";
    EXPECT_FALSE(decode_whole(one_record({.key = "k", .value = "v", .revision = Revision{10}})).ok()) << "of later";
    EXPECT_FALSE(decode_whole(one_record({.key = "k", .value = "v", .revision = Revision{9}, .version = 0})).ok());
}

TEST_F(SnapshotDamage, TombstonesOutOfOrderAreRefused) {
    SnapshotEncoder encoder;
    encoder.tombstone("b", Revision{3});
    encoder.tombstone("a", Revision{2});
    encoder.begin(
        head_of({.head = {.revision = Revision{9}, .settings = {.tombstones_max = 2}}, .tombstone_count = 2}));
    EXPECT_FALSE(decode_whole(finished(encoder)).ok());
}

TEST_F(SnapshotDamage, RandomDamageOfALargeFileIsRefused) {
    Prng random(5);
    kv::Store large = random_store(14, 30'000, 30'000, 200);
    const std::string whole = snapshot_of(large);
    for (int i = 0; i < 200; ++i) {
        std::string damaged = whole;
        const size_t at = random.below(damaged.size());
        const size_t size = std::min<size_t>(1 + random.below(5000), damaged.size() - at);
        for (size_t j = at; j < at + size; ++j)
            damaged[j] = static_cast<char>(random.next());
        ASSERT_FALSE(decode_whole(damaged).ok()) << at << " " << size;
    }
}

}  // namespace
}  // namespace kvorum::snapshot::test
