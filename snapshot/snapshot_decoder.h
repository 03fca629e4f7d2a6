// Reads the bytes of a snapshot file, which come in any pieces, in slices. Pure.
//
// The bytes are from a disk or a peer, so nothing in them is believed before its checksum is verified, no length is
// allocated before it is checked, and damage is a Status that names the byte of the file and the reason. What the
// checksums say is whole is checked all the same: items that no writer makes are refused, counts are held against the
// head and the trailer. What the decoder cannot know is whether the records make up the state that the head tells: who
// restores them compares Store::state_hash().
//
// Memory: what was fed and not decoded, a chunk and its window of zstd (3 MiB), and the largest record. Thread: one at
// a time. Suspension: none. Ownership: holds copies; the visitor outlives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "kv/record.h"
#include "snapshot/snapshot_format.h"
#include "snapshot/snapshot_head.h"

struct ZSTD_DCtx_s;

namespace kvorum::snapshot {

// Told what a snapshot holds, in its order: the head, tombstones from the oldest on, records. Views last as long as the
// call.
class SnapshotVisitor {
 public:
    SnapshotVisitor() = default;
    SnapshotVisitor(const SnapshotVisitor&) = delete;
    SnapshotVisitor& operator=(const SnapshotVisitor&) = delete;
    // What is not OK ends the decoding with it.
    [[nodiscard]] virtual absl::Status head(const SnapshotHead& head) = 0;
    [[nodiscard]] virtual absl::Status tombstone(std::string_view key, Revision revision) = 0;
    [[nodiscard]] virtual absl::Status record(const kv::RecordFields& fields) = 0;

 protected:
    ~SnapshotVisitor() = default;
};

class SnapshotDecoder {
 public:
    explicit SnapshotDecoder(SnapshotVisitor& visitor);
    ~SnapshotDecoder();
    SnapshotDecoder(const SnapshotDecoder&) = delete;
    SnapshotDecoder& operator=(const SnapshotDecoder&) = delete;

    // Copies the next bytes of the file.
    void feed(Bytes piece);
    // Decodes about `raw_bytes_max` of what was fed, rounded up to kPackSliceBytes. True: more must be fed, or the file
    // is at its end. DataLoss: damage; FailedPrecondition: a format of a newer program; or what the visitor said. An
    // error is final.
    [[nodiscard]] absl::StatusOr<bool> decode(uint64_t raw_bytes_max);
    // All of the file was fed and decoded. DataLoss: it ends too early.
    [[nodiscard]] absl::Status finish();

    [[nodiscard]] const std::optional<SnapshotHead>& head() const { return head_; }
    // The trailer was read, and agrees with everything before it.
    [[nodiscard]] bool complete() const { return state_ == State::kPadding; }
    [[nodiscard]] uint64_t chunks() const { return chunks_; }
    [[nodiscard]] uint64_t records() const { return records_; }
    [[nodiscard]] uint64_t tombstones() const { return tombstones_; }
    [[nodiscard]] uint64_t raw_bytes() const { return raw_bytes_; }  // of records and tombstones, unpacked
    [[nodiscard]] uint64_t file_bytes() const { return input_offset_ + position_; }  // decoded so far
    // Once complete(): differs for files that differ anywhere.
    [[nodiscard]] uint64_t file_checksum() const { return header_checksum_; }
    // Everything before it is whole chunks that were decoded without fault.
    [[nodiscard]] uint64_t verified_bytes() const { return verified_bytes_; }

 private:
    enum class State : uint8_t { kHeader, kBody, kUnpack, kPadding };
    struct ContextDeleter {
        void operator()(ZSTD_DCtx_s* context) const;
    };

    absl::Status step(uint64_t& work, bool& hungry);
    absl::Status read_header(bool& hungry);
    absl::Status read_body(bool& hungry);
    absl::Status unpack_slice(uint64_t& work);
    absl::Status read_head(Bytes body);
    absl::Status read_trailer(Bytes body);
    absl::Status read_padding();
    absl::Status read_items();
    absl::Status read_item(bool& hungry);
    absl::Status read_tombstone(ByteReader& reader, bool& hungry);
    absl::Status read_record(ByteReader& reader, bool& hungry);
    void end_chunk();
    [[nodiscard]] Bytes unread() const { return as_bytes(input_).subspan(position_); }
    [[nodiscard]] absl::Status damage(std::string_view reason) const;

    SnapshotVisitor& visitor_;
    std::unique_ptr<ZSTD_DCtx_s, ContextDeleter> context_;
    std::string input_;  // from input_offset_ of the file on; what is before position_ was decoded
    uint64_t input_offset_ = 0;
    size_t position_ = 0;
    State state_ = State::kHeader;
    ChunkHeader chunk_;
    uint64_t header_checksum_ = 0;
    size_t body_taken_ = 0;       // of the chunk, by zstd
    uint64_t body_unpacked_ = 0;  // of the chunk
    std::string items_;           // unpacked; what is before items_read_ was given to the visitor
    size_t items_read_ = 0;
    std::optional<SnapshotHead> head_;
    Revision last_tombstone_{};
    uint64_t chunks_ = 0;
    uint64_t records_ = 0;
    uint64_t tombstones_ = 0;
    uint64_t raw_bytes_ = 0;
    uint64_t verified_bytes_ = 0;
    absl::Status failure_;
};

}  // namespace kvorum::snapshot
