// What an operator sees of a segment.
#include "wal/dump.h"

#include <gtest/gtest.h>

#include "tests/wal/image_builder.h"

namespace kvorum::wal::test {
namespace {

std::vector<std::string> dump(const std::string& image) {
    std::vector<std::string> lines;
    dump_segment_bytes(as_bytes(image), [&](std::string_view line) { lines.emplace_back(line); });
    return lines;
}

TEST(WalDump, ShowsGroupsRecordsAndTheEnd) {
    ImageBuilder log;
    EntryMaker maker;
    log.segment(3, kGroupOpening);
    log.state({Term{4}, NodeId{2}, 1500});
    log.entries({maker.next(10)});
    const std::vector<std::string> lines = dump(log.image(3));
    ASSERT_EQ(lines.size(), 9U);
    EXPECT_TRUE(lines[2].starts_with("  segment head: 65536 bytes, before it entry 0")) << lines[2];
    EXPECT_EQ(lines[0], "segment 3 of cluster 00000000000000c1 node 7 log 0000000000000109, 65536 bytes");
    EXPECT_TRUE(
        lines[1].starts_with("offset 0 group 1 epoch 1 head opening: 4096 bytes, 2 records, durable up to group 0"))
        << lines[1];
    EXPECT_EQ(lines[5], "  hard state: term 4 vote 2 longest silence 1500 ms");
    EXPECT_TRUE(lines[7].starts_with("  entry 1 term 1 commands log time 1001 ms, 1 commands, 82 bytes, checksum "))
        << lines[7];
    EXPECT_EQ(lines[8], "offset 12288: the log ends here: never written");
}

TEST(WalDump, ShowsATornGroup) {
    ImageBuilder log;
    EntryMaker maker;
    log.segment(1);
    log.damage_body(log.entries({maker.next()}));
    EXPECT_EQ(dump(log.image(1)).back(), "offset 4096: the log ends here: the body of group 2 is torn or damaged");
}

TEST(WalDump, ShowsASpare) {
    EXPECT_EQ(dump(std::string(kBlockBytes, '\0')).at(0),
              "offset 0: never written; a spare, or a segment whose head is lost");
}

TEST(WalDump, AMissingFileIsAnError) {
    EXPECT_EQ(dump_segment("/nonexistent/file", [](std::string_view) {}).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace kvorum::wal::test
