// What is said of a snapshot file.
#include "tools/snapshot_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "tests/snapshot/snapshot_test_util.h"

namespace kvorum::tools {
namespace {

using testing::HasSubstr;

class SnapshotReportTest : public testing::Test {
 protected:
    void write(const std::string& contents) { std::ofstream(path, std::ios::binary) << contents; }
    void TearDown() override { std::remove(path.c_str()); }

    kv::Store store = snapshot::test::random_store(3, 5000);
    const std::string bytes = snapshot::test::snapshot_of(store);
    const std::string path = testing::TempDir() + "snapshot_report_test.kvs";
};

TEST_F(SnapshotReportTest, SaysWhoseItIsAndHowLarge) {
    write(bytes);
    const auto report = read_snapshot_report(path);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->records, store.size());
    EXPECT_EQ(report->file_bytes, bytes.size());
    const std::string text = format_report(*report);
    EXPECT_THAT(text, HasSubstr("\"test\""));
    EXPECT_THAT(text, HasSubstr(fmt::format("{} of term 4", store.applied_index() + 1)));
    EXPECT_THAT(text, HasSubstr(fmt::format("{:016x}", store.state_hash())));
}

TEST_F(SnapshotReportTest, DamageIsToldWithFileByteAndReason) {
    std::string damaged = bytes;
    damaged[1000] = static_cast<char>(damaged[1000] ^ 1);
    write(damaged);
    const absl::Status status = read_snapshot_report(path).status();
    EXPECT_TRUE(absl::IsDataLoss(status));
    EXPECT_THAT(std::string(status.message()), HasSubstr(path + ": byte "));
    EXPECT_THAT(std::string(status.message()), HasSubstr("a chunk is damaged"));
}

TEST_F(SnapshotReportTest, AFileThatIsNotThereIsNotFound) {
    EXPECT_TRUE(absl::IsNotFound(read_snapshot_report(path + ".none").status()));
}

TEST(FormatBytes, IsShort) {
    EXPECT_EQ(format_bytes(0), "0 B");
    EXPECT_EQ(format_bytes(1023), "1023 B");
    EXPECT_EQ(format_bytes(1536), "1.5 KiB");
    EXPECT_EQ(format_bytes(UINT64_MAX), "16777216.0 TiB");
}

}  // namespace
}  // namespace kvorum::tools
