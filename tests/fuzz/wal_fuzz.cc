// Any bytes as a log: recovery and the dump must end with a verdict, never read outside of the input and never assert.
//
// The first byte says how many segments the input is split into. The header checksums of the blocks are repaired where
// the second byte says so, so that the fuzzer gets past them.
#include <algorithm>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/checksum.h"
#include "wal/damage_survey.h"
#include "wal/dump.h"
#include "wal/format.h"
#include "wal/recovery.h"

namespace {

using namespace kvorum;
using namespace kvorum::wal;

void repair_checksums(std::string& image, uint64_t segment_sequence) {
    for (size_t offset = 0; offset + kBlockBytes <= image.size(); offset += kBlockBytes) {
        auto* at = reinterpret_cast<std::byte*>(image.data()) + offset;
        if (load_le<uint32_t>(at) != GroupHeader::kMagic) continue;
        store_le(at + 24, segment_sequence);
        store_le(at + 32, static_cast<uint32_t>(offset));
        const uint64_t room = image.size() - offset - GroupHeader::kEncodedSize;
        const uint64_t record_bytes = std::min<uint64_t>(load_le<uint32_t>(at + 80), room);
        store_le(at + 80, static_cast<uint32_t>(record_bytes));
        store_le(at + 144, checksum64(Bytes(at + GroupHeader::kEncodedSize, record_bytes)));
        store_le(at + 152, checksum64(Bytes(at, 152)));
    }
}

// The bodies and records that say something of the cluster: what is accepted is encoded again to the same bytes.
void check_facts(Bytes input) {
    if (const auto configuration = raft::decode_configuration(input); configuration.has_value())
        KVORUM_ASSERT(raft::encode_configuration(*configuration) == as_text(input));
    if (const auto raise = raft::decode_feature_level(input); raise.has_value())
        KVORUM_ASSERT(raft::encode_feature_level(*raise) == as_text(input));
    std::vector<std::byte> again(input.size() + RecordFrame::kEncodedSize);
    size_t size = 0;
    if (const auto founding = decode_founding(input); founding.has_value())
        size = encode_founding_record(*founding, again.data());
    if (const auto stated = decode_configuration_record(input); stated.has_value())
        size = encode_configuration_record(*stated, again.data());
    if (const auto stated = decode_feature_level_record(input); stated.has_value())
        size = encode_feature_level_record(*stated, again.data());
    if (const auto base = raft::decode_log_base(input); base.has_value())
        size = encode_base_record(*base, again.data());
    if (size == 0) return;
    KVORUM_ASSERT(as_text(Bytes(again).first(size).subspan(RecordFrame::kEncodedSize)) == as_text(input));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    check_facts(as_bytes({reinterpret_cast<const char*>(data), size}));
    const size_t segments = data[0] % 4 + 1;
    const bool repaired = data[1] % 2 == 1;
    const std::string input(reinterpret_cast<const char*>(data) + 2, size - 2);
    const size_t segment_bytes = std::max<size_t>(input.size() / segments / kBlockBytes, 1) * kBlockBytes;
    PositionIndex index;
    LogScanner scanner(NodeId{1}, index);
    DamageSurvey survey(NodeId{1});
    bool scanning = true;
    bool surveying = true;
    for (uint64_t sequence = 1; sequence <= segments; ++sequence) {
        std::string image = input.substr(std::min(input.size(), (sequence - 1) * segment_bytes), segment_bytes);
        image.resize(segment_bytes, '\0');
        if (repaired) repair_checksums(image, sequence);
        dump_segment_bytes(as_bytes(image), [](std::string_view) {});
        if (scanning) scanning = scanner.add_segment(sequence, as_bytes(image));
        if (surveying) surveying = survey.add_segment(sequence, as_bytes(image)).ok();
    }
    const ScanResult result = scanner.finish();
    KVORUM_ASSERT(!result.message.empty() || is_accepted(result.verdict));
    const absl::StatusOr<SurveyedEnd> end = survey.finish();
    KVORUM_ASSERT(end.ok() || !end.status().message().empty());
    return 0;
}
