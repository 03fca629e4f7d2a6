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
    ASSERT_EQ(lines.size(), 10U);
    EXPECT_TRUE(lines[2].starts_with("  segment head: 65536 bytes, before it entry 0")) << lines[2];
    EXPECT_EQ(lines[0], "segment 3 of cluster 00000000000000c1 group 1 node 7 log 0000000000000109, 65536 bytes");
    EXPECT_TRUE(
        lines[1].starts_with("offset 0 group 1 epoch 1 head opening: 4096 bytes, 3 records, durable up to group 0"))
        << lines[1];
    EXPECT_EQ(lines[3], "  founding: cluster 00000000000000c1 named 'test'");
    EXPECT_EQ(lines[6], "  hard state: term 4 vote 2 longest silence 1500 ms");
    EXPECT_TRUE(
        lines[8].starts_with("  entry 1 term 1 group 1 level 1 commands log time 1001 ms, 1 commands, 90 bytes, "
                             "checksum "))
        << lines[8];
    EXPECT_EQ(lines[9], "offset 12288: the log ends here: never written");
}

TEST(WalDump, ShowsWhatTheLogSaysOfTheCluster) {
    ImageBuilder log;
    EntryMaker maker;
    log.segment(1);
    log.entries({maker.config({1, 2}), maker.raise(2)});
    log.segment(2);
    const std::vector<std::string> entries = dump(log.image(1));
    EXPECT_TRUE(entries[6].ends_with(": 1=host:17001/host:7001 2=host:17001/host:7001")) << entries[6];
    EXPECT_TRUE(entries[7].ends_with(": 2, raised by version 0.9.1")) << entries[7];
    const std::vector<std::string> head = dump(log.image(2));
    EXPECT_EQ(head[4], "  configuration of entry 1: 1=host:17001/host:7001 2=host:17001/host:7001");
    EXPECT_EQ(head[5], "  feature level of entry 2: 2, raised by version 0.9.1");
}

TEST(WalDump, ShowsWhatALogBeginsBehind) {
    ImageBuilder log;
    raft::LogBase base{.last = {LogIndex{50}, Term{3}, 0xab}, .log_time_ms = 7};
    base.configuration = {LogIndex{1}, {.voters = {{NodeId{1}, {}, {"host", 17001}, {"host", 7001}}}}};
    log.base_segment(4, base);
    EXPECT_EQ(dump(log.image(4)).at(4),
              "  base: the log begins behind entry 50 term 3 checksum 00000000000000ab, log time 7 ms, level 1; "
              "configuration of entry 1: 1=host:17001/host:7001");
}

TEST(WalDump, SaysInWhichFormatAnotherVersionWrote) {
    ImageBuilder log;
    log.segment(1);
    auto* header = reinterpret_cast<std::byte*>(log.image(1).data());
    store_le(header + 4, uint16_t{2});
    store_le(header + 152, checksum64(Bytes(header, 152)));
    EXPECT_EQ(dump(log.image(1)).at(0), "offset 0: written in format 2; this version reads format 3");
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
