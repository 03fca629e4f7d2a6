#include "snapshot/snapshot_decoder.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/checksum.h"
#include "kv/store.h"

namespace kvorum::snapshot {
namespace {

constexpr size_t kTombstoneFixedBytes = 1 + 4 + 8;
constexpr size_t kRecordFixedBytes = 1 + 1 + 4 + 4 + 8;

bool sizes_fit(const ChunkHeader& chunk) {
    switch (chunk.kind) {
        case ChunkKind::kHead: return chunk.packed_bytes <= kHeadBytesMax && chunk.raw_bytes == chunk.packed_bytes;
        case ChunkKind::kRecords:
            return chunk.raw_bytes > 0 && chunk.raw_bytes <= kChunkRawBytes && chunk.packed_bytes > 0 &&
                   chunk.packed_bytes <= kChunkPackedBytesMax;
        case ChunkKind::kTrailer:
            return chunk.packed_bytes == Trailer::kEncodedSize && chunk.raw_bytes == chunk.packed_bytes;
    }
    return false;
}

}  // namespace

void SnapshotDecoder::ContextDeleter::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

SnapshotDecoder::SnapshotDecoder(SnapshotVisitor& visitor) : visitor_(visitor), context_(ZSTD_createDCtx()) {
    KVORUM_ASSERT(context_ != nullptr, "no memory to decompress a snapshot");
    const size_t result = ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kWindowLog);
    KVORUM_ASSERT(ZSTD_isError(result) == 0, "zstd: {}", ZSTD_getErrorName(result));
}

SnapshotDecoder::~SnapshotDecoder() = default;

void SnapshotDecoder::feed(Bytes piece) {
    input_.erase(0, position_);
    input_offset_ += position_;
    position_ = 0;
    input_.append(as_text(piece));
}

absl::StatusOr<bool> SnapshotDecoder::decode(uint64_t raw_bytes_max) {
    bool hungry = false;
    for (uint64_t work = 0; failure_.ok() && !hungry && work < raw_bytes_max;)
        failure_ = step(work, hungry);
    if (!failure_.ok()) return failure_;
    return hungry;
}

absl::Status SnapshotDecoder::finish() {
    if (!failure_.ok()) return failure_;
    if (!complete() || file_bytes() != align_up(verified_bytes_, kFileBlockBytes))
        failure_ = damage(fmt::format("the file ends after {} bytes", input_offset_ + input_.size()));
    return failure_;
}

absl::Status SnapshotDecoder::damage(std::string_view reason) const {
    return absl::DataLossError(fmt::format("byte {}: {}", verified_bytes_, reason));
}

absl::Status SnapshotDecoder::step(uint64_t& work, bool& hungry) {
    switch (state_) {
        case State::kHeader: return read_header(hungry);
        case State::kBody: return read_body(hungry);
        case State::kUnpack: return unpack_slice(work);
        case State::kPadding: hungry = true; return read_padding();
    }
    return absl::OkStatus();
}

absl::Status SnapshotDecoder::read_header(bool& hungry) {
    hungry = unread().size() < ChunkHeader::kEncodedSize;
    if (hungry) return absl::OkStatus();
    const auto header = decode_chunk_header(unread().data(), header_checksum_);
    if (!header.has_value()) return damage("a chunk's header is damaged");
    if (header->number != chunks_) return damage(fmt::format("chunk {} in the place of {}", header->number, chunks_));
    if ((header->kind == ChunkKind::kHead) != (chunks_ == 0)) return damage("a chunk that cannot stand here");
    if (!sizes_fit(*header)) {
        return damage(fmt::format("a chunk of {} bytes, {} when unpacked", header->packed_bytes, header->raw_bytes));
    }
    chunk_ = *header;
    position_ += ChunkHeader::kEncodedSize;
    state_ = State::kBody;
    return absl::OkStatus();
}

absl::Status SnapshotDecoder::read_body(bool& hungry) {
    hungry = unread().size() < chunk_.packed_bytes;
    if (hungry) return absl::OkStatus();
    const Bytes body = unread().first(chunk_.packed_bytes);
    if (checksum64(body) != chunk_.body_checksum) return damage("a chunk is damaged");
    if (chunk_.kind == ChunkKind::kHead) return read_head(body);
    if (chunk_.kind == ChunkKind::kTrailer) return read_trailer(body);
    static_cast<void>(ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only));
    body_taken_ = 0;
    body_unpacked_ = 0;
    state_ = State::kUnpack;
    return absl::OkStatus();
}

void SnapshotDecoder::end_chunk() {
    position_ += chunk_.packed_bytes;
    ++chunks_;
    verified_bytes_ = file_bytes();
    state_ = State::kHeader;
}

absl::Status SnapshotDecoder::read_head(Bytes body) {
    absl::StatusOr<SnapshotHead> head = decode_snapshot_head(body);
    if (absl::IsFailedPrecondition(head.status())) return head.status();
    if (!head.ok()) return damage(std::string(head.status().message()));
    head_ = *std::move(head);
    absl::Status visited = visitor_.head(*head_);
    if (visited.ok()) end_chunk();
    return visited;
}

absl::Status SnapshotDecoder::read_trailer(Bytes body) {
    const std::optional<Trailer> trailer = decode_trailer(body);
    const kv::SnapshotMoment& moment = head_->moment;
    if (items_read_ != items_.size()) return damage("the last record is cut off");
    if (!trailer.has_value() || trailer->chunks != chunks_) return damage("the trailer counts other chunks");
    if (trailer->records != records_ || records_ != moment.key_count) {
        return damage(fmt::format("{} records, where the head tells {} and the trailer {}", records_, moment.key_count,
                                  trailer->records));
    }
    if (trailer->tombstones != tombstones_ || tombstones_ != moment.tombstone_count)
        return damage("head and trailer count other tombstones");
    if (trailer->state_hash != moment.state_hash) return damage("head and trailer tell of different states");
    end_chunk();
    state_ = State::kPadding;
    return absl::OkStatus();
}

absl::Status SnapshotDecoder::read_padding() {
    const uint64_t end = align_up(verified_bytes_, kFileBlockBytes);
    const Bytes rest = unread();
    const bool is_zeros = std::all_of(rest.begin(), rest.end(), [](std::byte byte) { return byte == std::byte{0}; });
    if (!is_zeros || rest.size() > end - file_bytes()) return damage("there is something behind the trailer");
    position_ += rest.size();
    return absl::OkStatus();
}

absl::Status SnapshotDecoder::unpack_slice(uint64_t& work) {
    items_.erase(0, items_read_);
    items_read_ = 0;
    const Bytes body = unread().first(chunk_.packed_bytes);
    const size_t before = items_.size();
    items_.resize(before + kPackSliceBytes);
    ZSTD_outBuffer out{items_.data() + before, kPackSliceBytes, 0};
    ZSTD_inBuffer in{body.data(), body.size(), body_taken_};
    const size_t left = ZSTD_decompressStream(context_.get(), &out, &in);
    items_.resize(before + out.pos);
    if (ZSTD_isError(left) != 0) return damage(fmt::format("a chunk cannot be unpacked: {}", ZSTD_getErrorName(left)));
    const bool got_on = out.pos > 0 || in.pos > body_taken_;
    body_taken_ = in.pos;
    body_unpacked_ += out.pos;
    raw_bytes_ += out.pos;
    work += std::max<uint64_t>(out.pos, 1);
    if (body_unpacked_ > chunk_.raw_bytes || (left != 0 && !got_on)) return damage("a chunk has another size unpacked");
    if (absl::Status read = read_items(); !read.ok()) return read;
    if (left != 0) return absl::OkStatus();
    if (body_taken_ != body.size() || body_unpacked_ != chunk_.raw_bytes)
        return damage("a chunk has another size unpacked");
    end_chunk();
    return absl::OkStatus();
}

absl::Status SnapshotDecoder::read_items() {
    for (bool hungry = false; !hungry;) {
        absl::Status read = read_item(hungry);
        if (!read.ok()) return read;
    }
    return absl::OkStatus();
}

absl::Status SnapshotDecoder::read_item(bool& hungry) {
    ByteReader reader(as_bytes(items_).subspan(items_read_));
    hungry = reader.remaining() == 0;
    if (hungry) return absl::OkStatus();
    absl::Status read;
    switch (static_cast<ItemKind>(reader.read<uint8_t>())) {
        case ItemKind::kTombstone: read = read_tombstone(reader, hungry); break;
        case ItemKind::kRecord: read = read_record(reader, hungry); break;
        default: return damage("neither a record nor a tombstone");
    }
    if (read.ok() && !hungry) items_read_ += reader.position();
    return read;
}

absl::Status SnapshotDecoder::read_tombstone(ByteReader& reader, bool& hungry) {
    hungry = reader.remaining() < kTombstoneFixedBytes - 1;
    if (hungry) return absl::OkStatus();
    const auto key_size = reader.read<uint32_t>();
    const Revision revision{reader.read<uint64_t>()};
    if (key_size > kv::kKeySizeMax || revision.is_none() || revision > head_->moment.head.revision)
        return damage("a tombstone that no state has");
    if (records_ > 0 || revision < last_tombstone_) return damage("a tombstone in the wrong place");
    hungry = reader.remaining() < key_size;
    if (hungry) return absl::OkStatus();
    last_tombstone_ = revision;
    if (++tombstones_ > head_->moment.tombstone_count) return damage("more tombstones than the head tells");
    return visitor_.tombstone(reader.read_text(key_size), revision);
}

absl::Status SnapshotDecoder::read_record(ByteReader& reader, bool& hungry) {
    hungry = reader.remaining() < kRecordFixedBytes - 1;
    if (hungry) return absl::OkStatus();
    const auto flags = reader.read<uint8_t>();
    const auto key_size = reader.read<uint32_t>();
    const auto value_size = reader.read<uint32_t>();
    kv::RecordFields fields;
    fields.revision = Revision{reader.read<uint64_t>()};
    if (flags > kHasAll || key_size > kv::kKeySizeMax || value_size > kv::kValueSizeMax)
        return damage("a record of impossible sizes");
    if (fields.revision.is_none() || fields.revision > head_->moment.head.revision)
        return damage("a record of a later revision");
    if ((flags & kHasDeadline) != 0) fields.expire_at_ms = reader.read<int64_t>();
    const uint64_t age = (flags & kHasAge) != 0 ? reader.read<uint64_t>() : 0;
    if ((flags & kHasVersion) != 0) fields.version = reader.read<uint64_t>();
    if ((flags & kHasLease) != 0) fields.lease = kv::LeaseId{reader.read<uint64_t>()};
    hungry = reader.failed() || reader.remaining() < uint64_t{key_size} + value_size;
    if (hungry) return absl::OkStatus();
    const bool says_nothing =
        ((flags & kHasDeadline) != 0 && fields.expire_at_ms == kv::kNoExpiry) || ((flags & kHasAge) != 0 && age == 0) ||
        ((flags & kHasVersion) != 0 && fields.version == 1) || ((flags & kHasLease) != 0 && fields.lease.is_none());
    if (says_nothing || fields.version == 0 || age >= fields.revision.value())
        return damage("a record that no writer makes");
    fields.create_revision = fields.revision - age;
    fields.key = reader.read_text(key_size);
    fields.value = reader.read_text(value_size);
    if (++records_ > head_->moment.key_count) return damage("more records than the head tells");
    return visitor_.record(fields);
}

}  // namespace kvorum::snapshot
