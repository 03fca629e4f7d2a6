#include "snapshot/snapshot_format.h"

#include "base/checksum.h"

namespace kvorum::snapshot {
namespace {

constexpr size_t kKindOffset = 4;
constexpr size_t kNumberOffset = 8;
constexpr size_t kRawBytesOffset = 16;
constexpr size_t kPackedBytesOffset = 20;
constexpr size_t kBodyChecksumOffset = 24;
constexpr size_t kHeaderChecksumOffset = 32;
static_assert(kHeaderChecksumOffset + sizeof(uint64_t) == ChunkHeader::kEncodedSize);

}  // namespace

void encode_chunk_header(const ChunkHeader& header, uint64_t& checksum, std::byte* out) {
    store_le(out, ChunkHeader::kMagic);
    store_le(out + kKindOffset, static_cast<uint32_t>(header.kind));
    store_le(out + kNumberOffset, header.number);
    store_le(out + kRawBytesOffset, header.raw_bytes);
    store_le(out + kPackedBytesOffset, header.packed_bytes);
    store_le(out + kBodyChecksumOffset, header.body_checksum);
    checksum = checksum64(Bytes(out, kHeaderChecksumOffset), checksum);
    store_le(out + kHeaderChecksumOffset, checksum);
}

std::optional<ChunkHeader> decode_chunk_header(const std::byte* bytes, uint64_t& checksum) {
    const uint64_t sum = checksum64(Bytes(bytes, kHeaderChecksumOffset), checksum);
    const auto kind = load_le<uint32_t>(bytes + kKindOffset);
    const bool is_kind =
        kind >= static_cast<uint32_t>(ChunkKind::kHead) && kind <= static_cast<uint32_t>(ChunkKind::kTrailer);
    if (load_le<uint32_t>(bytes) != ChunkHeader::kMagic || !is_kind) return std::nullopt;
    if (load_le<uint64_t>(bytes + kHeaderChecksumOffset) != sum) return std::nullopt;
    checksum = sum;
    return ChunkHeader{.kind = static_cast<ChunkKind>(kind),
                       .number = load_le<uint64_t>(bytes + kNumberOffset),
                       .raw_bytes = load_le<uint32_t>(bytes + kRawBytesOffset),
                       .packed_bytes = load_le<uint32_t>(bytes + kPackedBytesOffset),
                       .body_checksum = load_le<uint64_t>(bytes + kBodyChecksumOffset)};
}

std::string encode_trailer(const Trailer& trailer) {
    std::string out;
    ByteWriter writer(out);
    writer.write(trailer.chunks);
    writer.write(trailer.records);
    writer.write(trailer.tombstones);
    writer.write(trailer.state_hash);
    return out;
}

std::optional<Trailer> decode_trailer(Bytes bytes) {
    ByteReader reader(bytes);
    Trailer trailer;
    trailer.chunks = reader.read<uint64_t>();
    trailer.records = reader.read<uint64_t>();
    trailer.tombstones = reader.read<uint64_t>();
    trailer.state_hash = reader.read<uint64_t>();
    if (!reader.finished()) return std::nullopt;
    return trailer;
}

}  // namespace kvorum::snapshot
