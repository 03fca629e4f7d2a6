// What is said about snapshots, over the wire.
#include <gtest/gtest.h>

#include <string>

#include "peers/snapshot_codec.h"
#include "tests/peers/peer_messages.h"

namespace kvorum::peers {
namespace {

using test::kSnapshotName;

template <typename Message, typename Encode, typename Decode>
bool survives(const Message& message, Encode encode, Decode decode, Message& out) {
    net::OutputBuffer buffer;
    encode(message, buffer);
    // The frame borrows from the text.
    static std::string text;
    text = buffer.flatten();
    net::Frame frame;
    return test::only_frame(text, frame) && decode(frame, out);
}

TEST(SnapshotCodec, AnOfferSurvivesTheWire) {
    const SnapshotOffer offer{.term = Term{4}, .name = kSnapshotName};
    SnapshotOffer out;
    ASSERT_TRUE(survives(offer, encode_snapshot_offer, decode_snapshot_offer, out));
    EXPECT_EQ(out, offer);
}

TEST(SnapshotCodec, AnOfferOfWhatItsLeaderCannotHaveIsRefused) {
    SnapshotOffer out;
    EXPECT_FALSE(survives(SnapshotOffer{.term = Term{2}, .name = kSnapshotName}, encode_snapshot_offer,
                          decode_snapshot_offer, out));
    EXPECT_FALSE(survives(SnapshotOffer{.term = Term{4}, .name = {LogIndex{22}, Term{3}, 0, 5}}, encode_snapshot_offer,
                          decode_snapshot_offer, out));
    EXPECT_FALSE(
        survives(SnapshotOffer{.term = Term{4}, .name = {}}, encode_snapshot_offer, decode_snapshot_offer, out));
}

TEST(SnapshotCodec, AReportAndAFetchSurviveTheWire) {
    const SnapshotReport report{.name = kSnapshotName, .installed = true};
    SnapshotReport report_out;
    ASSERT_TRUE(survives(report, encode_snapshot_report, decode_snapshot_report, report_out));
    EXPECT_EQ(report_out, report);
    const SnapshotFetch fetch{.name = kSnapshotName, .offset = 77};
    SnapshotFetch fetch_out;
    ASSERT_TRUE(survives(fetch, encode_snapshot_fetch, decode_snapshot_fetch, fetch_out));
    EXPECT_EQ(fetch_out, fetch);
}

TEST(SnapshotCodec, TheNewestMayBeFetchedWithoutItsName) {
    SnapshotFetch out;
    EXPECT_TRUE(survives(SnapshotFetch{}, encode_snapshot_fetch, decode_snapshot_fetch, out));
    EXPECT_TRUE(out.name.is_none());
}

TEST(SnapshotCodec, APartLiesWithinTheWhole) {
    const auto accepts = [](uint64_t size_bytes, uint64_t offset, std::string_view bytes) {
        SnapshotPart out;
        return survives(
            SnapshotPart{.name = {LogIndex{22}, Term{3}, size_bytes, 5}, .offset = offset, .bytes = as_bytes(bytes)},
            encode_snapshot_part, decode_snapshot_part, out);
    };
    EXPECT_TRUE(accepts(10, 4, "abcdef"));
    EXPECT_TRUE(accepts(10, 10, ""));
    EXPECT_FALSE(accepts(10, 5, "abcdef"));
    EXPECT_FALSE(accepts(10, 11, ""));
    EXPECT_FALSE(accepts(10, 4, "")) << "a fetch would never end";
    EXPECT_FALSE(accepts(10, UINT64_MAX, "abcdef"));
}

TEST(SnapshotCodec, ThatThereIsNoneHasNoBytes) {
    SnapshotPart out;
    EXPECT_TRUE(survives(SnapshotPart{}, encode_snapshot_part, decode_snapshot_part, out));
    EXPECT_FALSE(survives(SnapshotPart{.name = {LogIndex{}, Term{}, 9, 0}, .bytes = as_bytes("a")},
                          encode_snapshot_part, decode_snapshot_part, out));
}

}  // namespace
}  // namespace kvorum::peers
