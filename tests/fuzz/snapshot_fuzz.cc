// Any bytes as a snapshot: the decoder ends with a verdict, in pieces of any size, keeps at most what one chunk and one
// record may take, and gives the visitor only what a store may be restored from.
//
// The first byte says how the input is cut into pieces. The checksums of the chunks are repaired where the second byte
// says so, so that the fuzzer gets past them.
#include <algorithm>
#include <string>

#include "base/assert.h"
#include "base/checksum.h"
#include "kv/store.h"
#include "snapshot/snapshot_decoder.h"
#include "snapshot/snapshot_format.h"

namespace {

using namespace kvorum;
using namespace kvorum::snapshot;

constexpr size_t kHeaderChecksumOffset = ChunkHeader::kEncodedSize - sizeof(uint64_t);

void repair_checksums(std::string& bytes) {
    uint64_t checksum = 0;
    uint64_t number = 0;
    for (size_t at = 0; at + ChunkHeader::kEncodedSize <= bytes.size(); ++number) {
        auto* header = reinterpret_cast<std::byte*>(bytes.data()) + at;
        const uint64_t room = bytes.size() - at - ChunkHeader::kEncodedSize;
        const auto body_bytes = static_cast<uint32_t>(std::min<uint64_t>(load_le<uint32_t>(header + 20), room));
        store_le(header, ChunkHeader::kMagic);
        store_le(header + 8, number);
        store_le(header + 20, body_bytes);
        store_le(header + 24, checksum64(Bytes(header + ChunkHeader::kEncodedSize, body_bytes)));
        checksum = checksum64(Bytes(header, kHeaderChecksumOffset), checksum);
        store_le(header + kHeaderChecksumOffset, checksum);
        at += ChunkHeader::kEncodedSize + body_bytes;
    }
}

class CheckingVisitor final : public SnapshotVisitor {
 public:
    absl::Status head(const SnapshotHead& head) override {
        KVORUM_ASSERT(decode_snapshot_head(as_bytes(encode_snapshot_head(head))).ok());
        store_.restore_head(head.moment.head);
        return absl::OkStatus();
    }
    absl::Status tombstone(std::string_view key, Revision) override {
        KVORUM_ASSERT(key.size() <= kv::kKeySizeMax);
        return absl::OkStatus();
    }
    absl::Status record(const kv::RecordFields& fields) override {
        // The decoder is what is fuzzed: a chunk of 20 bytes may hold 50,000 records.
        if (store_.size() < kRestoredMax) store_.restore(fields);
        return absl::OkStatus();
    }

 private:
    static constexpr uint64_t kRestoredMax = 1000;

    kv::Store store_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    const size_t piece_bytes = data[0] == 0 ? SIZE_MAX : data[0];
    std::string input(reinterpret_cast<const char*>(data) + 2, size - 2);
    if (data[1] % 2 == 1) repair_checksums(input);
    CheckingVisitor visitor;
    SnapshotDecoder decoder(visitor);
    for (size_t at = 0; at < input.size();) {
        const std::string_view piece = std::string_view(input).substr(at, piece_bytes);
        decoder.feed(as_bytes(piece));
        at += piece.size();
        if (const auto decoded = decoder.decode(UINT64_MAX); !decoded.ok()) {
            KVORUM_ASSERT(!decoded.status().message().empty() && !decoder.finish().ok());
            return 0;
        }
    }
    KVORUM_ASSERT(decoder.finish().ok() || !decoder.complete() || input.size() % kFileBlockBytes != 0);
    return 0;
}
