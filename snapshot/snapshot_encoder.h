// Makes the bytes of a snapshot file of what a cursor gives, in slices. Pure.
//
//   SnapshotEncoder encoder;
//   auto cursor = store.begin_snapshot(encoder);
//   head.moment = cursor->moment();
//   encoder.begin(head);
//   while (!cursor->advance(n)) { encoder.pack(n); ...encoder.take(buffer)... }
//   encoder.finish();
//   while (!encoder.pack(n)) { ...encoder.take(buffer)... }   // then take the rest
//
// record() and tombstone() only gather; compressing is pack()'s, about 2.5 us a KiB. What is gathered is bounded by who
// calls: by what the cursor is asked for, and by how many pre-images come meanwhile. raw_bytes_waiting() tells.
//
// Thread: one at a time. Suspension: none. Ownership: holds copies. Memory: what waits, a chunk of the file, and 2 to
// 4 MiB of zstd's. Out of memory ends the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ids.h"
#include "kv/snapshot_cursor.h"
#include "snapshot/snapshot_format.h"
#include "snapshot/snapshot_head.h"

struct ZSTD_CCtx_s;

namespace kvorum::snapshot {

class SnapshotEncoder final : public kv::SnapshotSink {
 public:
    // `level` is zstd's, 1 to 9.
    explicit SnapshotEncoder(int level = 1);
    ~SnapshotEncoder();

    // Once, before pack() is called first. The cursor may have given tombstones and records already.
    void begin(const SnapshotHead& head);
    void tombstone(std::string_view key, Revision revision) override;
    void record(const kv::RecordFields& fields) override;
    // No more will come.
    void finish();

    // Compresses about `raw_bytes_max` of what waits, rounded up to kPackSliceBytes. True: nothing waits but less than
    // kPackSliceBytes; after finish(): all of the file can be taken.
    bool pack(uint64_t raw_bytes_max);

    // Moves bytes of whole chunks into `into`, in the order of the file, and returns how many. All of them together are
    // a multiple of kFileBlockBytes.
    size_t take(MutableBytes into);
    [[nodiscard]] uint64_t bytes_to_take() const { return whole_chunks_end_ - taken_; }
    [[nodiscard]] uint64_t raw_bytes_waiting() const { return gathered_.size() + packing_.size() - packed_; }
    // Once the trailer is made: as SnapshotDecoder::file_checksum().
    [[nodiscard]] uint64_t file_checksum() const { return header_checksum_; }
    [[nodiscard]] uint64_t records() const { return records_; }
    [[nodiscard]] uint64_t raw_bytes() const { return raw_bytes_; }    // gathered so far
    [[nodiscard]] uint64_t file_bytes() const { return file_bytes_; }  // of whole chunks so far

 private:
    struct ContextDeleter {
        void operator()(ZSTD_CCtx_s* context) const;
    };

    enum class Compress : uint8_t { kGather, kFlush, kEnd };

    bool next_to_pack();
    uint64_t pack_slice();
    void compress(Bytes raw, Compress how);
    void open_chunk();
    void close_chunk();
    void add_plain_chunk(ChunkKind kind, std::string_view body);
    void seal_chunk(ChunkKind kind, uint64_t raw_bytes);
    void end_file();

    std::unique_ptr<ZSTD_CCtx_s, ContextDeleter> context_;
    std::string gathered_;  // items that wait
    std::string packing_;   // items of before: those up to packed_ are in chunks
    size_t packed_ = 0;
    std::string output_;  // what was not taken, and the chunk that is open
    size_t taken_ = 0;
    size_t whole_chunks_end_ = 0;
    bool chunk_is_open_ = false;
    uint64_t chunk_raw_bytes_ = 0;
    RunningChecksum chunk_checksum_;
    uint64_t header_checksum_ = 0;  // of the last header
    uint64_t chunks_ = 0;
    uint64_t records_ = 0;
    uint64_t tombstones_ = 0;
    uint64_t raw_bytes_ = 0;
    uint64_t file_bytes_ = 0;
    uint64_t state_hash_ = 0;
    bool begun_ = false;
    bool finishing_ = false;
    bool finished_ = false;
    std::vector<std::byte> scratch_;
};

}  // namespace kvorum::snapshot
