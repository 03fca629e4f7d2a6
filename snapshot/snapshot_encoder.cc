#include "snapshot/snapshot_encoder.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "kv/store.h"

namespace kvorum::snapshot {
namespace {

// What one record left behind is given back when it was large.
constexpr size_t kKeptCapacityBytes = 4 * kMiB;

void set_parameter(ZSTD_CCtx_s* context, ZSTD_cParameter parameter, int value) {
    const size_t result = ZSTD_CCtx_setParameter(context, parameter, value);
    KVORUM_ASSERT(ZSTD_isError(result) == 0, "zstd: {}", ZSTD_getErrorName(result));
}

void empty(std::string& buffer) {
    if (buffer.capacity() > kKeptCapacityBytes) {
        buffer = std::string();
    } else {
        buffer.clear();
    }
}

}  // namespace

void SnapshotEncoder::ContextDeleter::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

SnapshotEncoder::SnapshotEncoder(int level)
    : context_(ZSTD_createCCtx()), scratch_(ZSTD_compressBound(kPackSliceBytes)) {
    KVORUM_ASSERT(context_ != nullptr, "no memory to compress a snapshot");
    KVORUM_ASSERT(level >= 1 && level <= 9, "level {}", level);
    set_parameter(context_.get(), ZSTD_c_compressionLevel, level);
    set_parameter(context_.get(), ZSTD_c_windowLog, kWindowLog);
    // The chunk has its own, and its size.
    set_parameter(context_.get(), ZSTD_c_checksumFlag, 0);
    set_parameter(context_.get(), ZSTD_c_contentSizeFlag, 0);
}

SnapshotEncoder::~SnapshotEncoder() = default;

void SnapshotEncoder::begin(const SnapshotHead& head) {
    KVORUM_ASSERT(!begun_, "a snapshot is begun twice");
    begun_ = true;
    state_hash_ = head.moment.state_hash;
    add_plain_chunk(ChunkKind::kHead, encode_snapshot_head(head));
}

void SnapshotEncoder::tombstone(std::string_view key, Revision revision) {
    KVORUM_ASSERT(!finishing_ && records_ == 0, "a tombstone behind {} records", records_);
    const size_t before = gathered_.size();
    ByteWriter writer(gathered_);
    writer.write(static_cast<uint8_t>(ItemKind::kTombstone));
    writer.write(static_cast<uint32_t>(key.size()));
    writer.write(revision.value());
    writer.write_text(key);
    ++tombstones_;
    raw_bytes_ += gathered_.size() - before;
}

void SnapshotEncoder::record(const kv::RecordFields& fields) {
    KVORUM_ASSERT(!finishing_, "a record behind the last one");
    KVORUM_ASSERT(fields.key.size() <= kv::kKeySizeMax && fields.value.size() <= kv::kValueSizeMax, "key {}, value {}",
                  fields.key.size(), fields.value.size());
    const size_t before = gathered_.size();
    const uint64_t age = fields.create_revision.is_none() ? 0 : fields.revision - fields.create_revision;
    const bool has_deadline = fields.expire_at_ms != kv::kNoExpiry;
    const int flags = (has_deadline ? kHasDeadline : 0) | (age != 0 ? kHasAge : 0) |
                      (fields.version != 1 ? kHasVersion : 0) | (fields.lease.is_none() ? 0 : kHasLease);
    ByteWriter writer(gathered_);
    writer.write(static_cast<uint8_t>(ItemKind::kRecord));
    writer.write(static_cast<uint8_t>(flags));
    writer.write(static_cast<uint32_t>(fields.key.size()));
    writer.write(static_cast<uint32_t>(fields.value.size()));
    writer.write(fields.revision.value());
    if (has_deadline) writer.write(fields.expire_at_ms);
    if (age != 0) writer.write(age);
    if (fields.version != 1) writer.write(fields.version);
    if (!fields.lease.is_none()) writer.write(fields.lease.value());
    writer.write_text(fields.key);
    writer.write_text(fields.value);
    ++records_;
    raw_bytes_ += gathered_.size() - before;
}

void SnapshotEncoder::finish() {
    KVORUM_ASSERT(begun_ && !finishing_, "a snapshot is finished twice, or before it was begun");
    finishing_ = true;
}

bool SnapshotEncoder::pack(uint64_t raw_bytes_max) {
    KVORUM_ASSERT(begun_, "a snapshot without its head");
    for (uint64_t done = 0; done < raw_bytes_max;) {
        if (packed_ == packing_.size() && !next_to_pack()) break;
        done += pack_slice();
    }
    if (packed_ < packing_.size() || gathered_.size() >= kPackSliceBytes) return false;
    if (!finishing_) return true;
    if (!gathered_.empty()) return false;
    if (!finished_) end_file();
    return true;
}

// A small rest waits for more.
bool SnapshotEncoder::next_to_pack() {
    empty(packing_);
    packed_ = 0;
    if (gathered_.empty() || (gathered_.size() < kPackSliceBytes && !finishing_)) return false;
    packing_.swap(gathered_);
    return true;
}

uint64_t SnapshotEncoder::pack_slice() {
    if (!chunk_is_open_) open_chunk();
    const uint64_t size = std::min({kPackSliceBytes, packing_.size() - packed_, kChunkRawBytes - chunk_raw_bytes_});
    compress(as_bytes(packing_).subspan(packed_, size), size == kPackSliceBytes ? Compress::kFlush : Compress::kGather);
    packed_ += size;
    chunk_raw_bytes_ += size;
    if (chunk_raw_bytes_ == kChunkRawBytes) close_chunk();
    return size;
}

// Flushed, because zstd would compress a block of 128 KiB at a time.
void SnapshotEncoder::compress(Bytes raw, Compress how) {
    const ZSTD_EndDirective directive =
        how == Compress::kEnd ? ZSTD_e_end : (how == Compress::kFlush ? ZSTD_e_flush : ZSTD_e_continue);
    ZSTD_inBuffer in{raw.data(), raw.size(), 0};
    while (true) {
        ZSTD_outBuffer out{scratch_.data(), scratch_.size(), 0};
        const size_t left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
        KVORUM_ASSERT(ZSTD_isError(left) == 0, "zstd: {}", ZSTD_getErrorName(left));
        const Bytes made = Bytes(scratch_).first(out.pos);
        chunk_checksum_.add(made);
        output_.append(as_text(made));
        if (in.pos == in.size && (left == 0 || how == Compress::kGather)) return;
    }
}

void SnapshotEncoder::open_chunk() {
    if (taken_ >= kChunkRawBytes || taken_ == output_.size()) {
        output_.erase(0, taken_);
        whole_chunks_end_ -= taken_;
        taken_ = 0;
    }
    output_.append(ChunkHeader::kEncodedSize, '\0');
    chunk_is_open_ = true;
    chunk_raw_bytes_ = 0;
    chunk_checksum_ = RunningChecksum();
    static_cast<void>(ZSTD_CCtx_reset(context_.get(), ZSTD_reset_session_only));
}

void SnapshotEncoder::close_chunk() {
    compress({}, Compress::kEnd);
    seal_chunk(ChunkKind::kRecords, chunk_raw_bytes_);
}

void SnapshotEncoder::add_plain_chunk(ChunkKind kind, std::string_view body) {
    open_chunk();
    chunk_checksum_.add(as_bytes(body));
    output_.append(body);
    seal_chunk(kind, body.size());
}

// The open chunk's body is complete, and its header can be written.
void SnapshotEncoder::seal_chunk(ChunkKind kind, uint64_t raw_bytes) {
    const size_t packed_bytes = output_.size() - whole_chunks_end_ - ChunkHeader::kEncodedSize;
    KVORUM_ASSERT(packed_bytes <= kChunkPackedBytesMax, "{} bytes became {}", raw_bytes, packed_bytes);
    const ChunkHeader header{.kind = kind,
                             .number = chunks_++,
                             .raw_bytes = static_cast<uint32_t>(raw_bytes),
                             .packed_bytes = static_cast<uint32_t>(packed_bytes),
                             .body_checksum = chunk_checksum_.value()};
    encode_chunk_header(header, header_checksum_, reinterpret_cast<std::byte*>(output_.data()) + whole_chunks_end_);
    file_bytes_ += output_.size() - whole_chunks_end_;
    whole_chunks_end_ = output_.size();
    chunk_is_open_ = false;
}

void SnapshotEncoder::end_file() {
    if (chunk_is_open_) close_chunk();
    const Trailer trailer{.chunks = chunks_, .records = records_, .tombstones = tombstones_, .state_hash = state_hash_};
    add_plain_chunk(ChunkKind::kTrailer, encode_trailer(trailer));
    const uint64_t padding_bytes = align_up(file_bytes_, kFileBlockBytes) - file_bytes_;
    output_.append(padding_bytes, '\0');
    file_bytes_ += padding_bytes;
    whole_chunks_end_ = output_.size();
    finished_ = true;
}

size_t SnapshotEncoder::take(MutableBytes into) {
    const size_t size = std::min<size_t>(into.size(), bytes_to_take());
    if (size > 0) std::memcpy(into.data(), output_.data() + taken_, size);
    taken_ += size;
    return size;
}

}  // namespace kvorum::snapshot
