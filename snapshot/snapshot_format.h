// The bytes of a snapshot file. Private to the room.
//
//   file    = chunk "head", chunks "records", chunk "trailer", zeros up to a multiple of kFileBlockBytes
//   chunk   = u32 magic  u8 kind  3 zero bytes  u64 number  u32 raw bytes  u32 packed bytes
//             u64 checksum of the body  u64 checksum of the header so far, seeded by that of the header before
//             body of `packed bytes`
//   records = a zstd frame of `raw bytes`. Unpacked and put together, the chunks are one stream of items, which are cut
//             anywhere: so a chunk has at most kChunkRawBytes, whatever the sizes of values are
//   item    = u8 1 (tombstone)  u32 key size  u64 revision  key
//           | u8 2 (record)  u8 what is there  u32 key size  u32 value size  u64 revision
//             [i64 deadline] [u64 revision less create revision] [u64 version] [u64 lease]  key  value
//   trailer = u64 chunks before it  u64 records  u64 tombstones  u64 state hash
//
// Chunks are numbered from 0. The checksum of a chunk's header depends on all headers before it, and each of them holds
// that of its body: so the trailer's is one of the whole file, and no chunk passes for one of another snapshot or
// place. All tombstones stand before all records, the oldest first. Integers are little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/units.h"

namespace kvorum::snapshot {

inline constexpr uint64_t kFileBlockBytes = 4096;  // O_DIRECT writes whole ones
inline constexpr uint64_t kChunkRawBytes = 1 * kMiB;
// zstd stores what it cannot make smaller, in blocks with a few bytes of their own.
inline constexpr uint64_t kChunkPackedBytesMax = kChunkRawBytes + 16 * kKiB;
// So much is compressed, or decompressed, in one step: below 100 us.
inline constexpr uint64_t kPackSliceBytes = 32 * kKiB;
// No chunk refers further back, so this is what decompressing one takes.
inline constexpr int kWindowLog = 20;
static_assert(uint64_t{1} << kWindowLog >= kChunkRawBytes);

enum class ChunkKind : uint8_t { kHead = 1, kRecords = 2, kTrailer = 3 };

struct ChunkHeader {
    static constexpr uint32_t kMagic = 0x6e53764bu;  // "KvSn"
    static constexpr size_t kEncodedSize = 40;

    ChunkKind kind = ChunkKind::kHead;
    uint64_t number = 0;
    uint32_t raw_bytes = 0;
    uint32_t packed_bytes = 0;
    uint64_t body_checksum = 0;
};

// `checksum` is that of the header before, 0 for the first; it becomes this one's.
void encode_chunk_header(const ChunkHeader& header, uint64_t& checksum, std::byte* out);
// Of kEncodedSize bytes. None, and `checksum` is as before: they are damaged, or not the header that comes next.
[[nodiscard]] std::optional<ChunkHeader> decode_chunk_header(const std::byte* bytes, uint64_t& checksum);

enum class ItemKind : uint8_t { kTombstone = 1, kRecord = 2 };
inline constexpr uint8_t kHasDeadline = 1;
inline constexpr uint8_t kHasAge = 2;      // it was not created by its last change
inline constexpr uint8_t kHasVersion = 4;  // that is not 1
inline constexpr uint8_t kHasLease = 8;
inline constexpr uint8_t kHasAll = 15;

struct Trailer {
    static constexpr size_t kEncodedSize = 32;

    uint64_t chunks = 0;  // before it
    uint64_t records = 0;
    uint64_t tombstones = 0;
    uint64_t state_hash = 0;
};
[[nodiscard]] std::string encode_trailer(const Trailer& trailer);
[[nodiscard]] std::optional<Trailer> decode_trailer(Bytes bytes);

}  // namespace kvorum::snapshot
