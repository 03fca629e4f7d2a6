#include "net/frame.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/prng.h"
#include "tests/peers/peer_messages.h"

namespace kvorum::net {
namespace {

struct Outcome {
    std::vector<std::string> frames;  // type and payload
    std::string error;

    bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
    *out << outcome.frames.size() << " frames, error '" << outcome.error << "'";
}

Outcome read(const std::vector<std::string_view>& chunks) {
    FrameReader reader;
    Outcome outcome;
    for (const std::string_view chunk : chunks) {
        const std::vector<char> copy(chunk.begin(), chunk.end());
        reader.feed(as_bytes({copy.data(), copy.size()}));
        Frame frame;
        while (reader.next(frame) == FrameStatus::kFrame) {
            outcome.frames.push_back(std::to_string(static_cast<int>(frame.type)) +
                                     std::string(as_text(frame.payload)));
        }
    }
    outcome.error = reader.error();
    return outcome;
}

std::string all_frames() {
    std::string text;
    for (const std::string& frame : peers::test::sample_frames())
        text += frame;
    return text;
}

// A frame whose header says what the test wants, with checksums that fit.
std::string forged(uint32_t magic, uint16_t version, uint16_t type, uint32_t payload_size, uint32_t covered_size) {
    std::string text;
    ByteWriter writer(text);
    writer.write(magic);
    writer.write(version);
    writer.write(type);
    writer.write(payload_size);
    writer.write(covered_size);
    writer.write(checksum64({}));
    writer.write(checksum64(as_bytes(text)));
    return text;
}

constexpr uint32_t kMagic = 0x4650564b;

TEST(FrameReader, EveryCutGivesTheSameFrames) {
    const std::string text = all_frames();
    const std::string_view view = text;
    const Outcome whole = read({view});
    ASSERT_EQ(whole.frames.size(), peers::test::sample_frames().size());
    std::vector<std::string_view> bytes;
    for (size_t cut = 0; cut < text.size(); ++cut) {
        ASSERT_EQ(read({view.substr(0, cut), view.substr(cut)}), whole) << cut;
        bytes.push_back(view.substr(cut, 1));
    }
    EXPECT_EQ(read(bytes), whole);
}

TEST(FrameReader, RandomCutsGiveTheSameFrames) {
    Prng prng(3);
    const std::string text = all_frames() + all_frames();
    const Outcome whole = read({text});
    for (int round = 0; round < 200; ++round) {
        std::vector<std::string_view> chunks;
        std::string_view rest = text;
        while (!rest.empty()) {
            const size_t size = std::min<size_t>(1 + prng.below(400), rest.size());
            chunks.push_back(rest.substr(0, size));
            rest.remove_prefix(size);
        }
        ASSERT_EQ(read(chunks), whole);
    }
}

TEST(FrameReader, DoesNotCopyAFrameThatLiesWholeInItsInput) {
    const std::string text = peers::test::encoded(peers::test::sample_append_entries());
    FrameReader reader;
    Frame frame;
    reader.feed(as_bytes(text));
    ASSERT_EQ(reader.next(frame), FrameStatus::kFrame);
    EXPECT_EQ(as_text(frame.payload).data(), text.data() + kFrameHeaderBytes);
    EXPECT_EQ(reader.allocated_bytes(), 0u);
}

TEST(FrameReader, SaysWhatIsWrongWithAHeader) {
    EXPECT_EQ(read({"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n"}).error,
              "not a frame of the peer protocol");
    EXPECT_EQ(read({forged(kMagic, kPeerProtocolVersion + 1, 1, 0, 0)}).error,
              fmt::format("protocol version {}, this node speaks {}", kPeerProtocolVersion + 1, kPeerProtocolVersion));
    EXPECT_EQ(read({forged(kMagic, kPeerProtocolVersion, 0, 0, 0)}).error, "unknown frame type");
    EXPECT_EQ(read({forged(kMagic, kPeerProtocolVersion, 24, 0, 0)}).error, "unknown frame type");
    EXPECT_EQ(
        read({forged(kMagic, kPeerProtocolVersion, 1, kFramePayloadBytesMax + 1, kFramePayloadBytesMax + 1)}).error,
        "frame too large");
    EXPECT_EQ(read({forged(kMagic, kPeerProtocolVersion, 6, 10, 11)}).error, "frame not covered by its checksum");
    EXPECT_EQ(read({forged(kMagic, kPeerProtocolVersion, 4, 10, 9)}).error, "frame not covered by its checksum");
}

TEST(FrameReader, AForgedEmptyFrameIsWellFormed) {
    const Outcome outcome = read({forged(kMagic, kPeerProtocolVersion, 1, 0, 0)});
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.frames.size(), 1u);
}

TEST(FrameReader, ReservesNothingForWhatAHeaderClaims) {
    FrameReader reader;
    Frame frame;
    const std::string text =
        forged(kMagic, kPeerProtocolVersion, 1, kFramePayloadBytesMax, kFramePayloadBytesMax) + "abc";
    reader.feed(as_bytes(text));
    EXPECT_EQ(reader.next(frame), FrameStatus::kNeedMore);
    EXPECT_LT(reader.allocated_bytes(), 256u);
}

TEST(FrameReader, TheLimitOfTheHandshakeIsSmall) {
    FrameReader reader(100);
    Frame frame;
    const std::string text = forged(kMagic, kPeerProtocolVersion, 1, 101, 101);
    reader.feed(as_bytes(text));
    EXPECT_EQ(reader.next(frame), FrameStatus::kError);
    EXPECT_EQ(reader.error(), "frame too large");
}

TEST(FrameReader, StaysInError) {
    FrameReader reader;
    Frame frame;
    const std::string garbage(64, 'x');
    const std::string good = all_frames();
    reader.feed(as_bytes(garbage));
    EXPECT_EQ(reader.next(frame), FrameStatus::kError);
    reader.feed(as_bytes(good));
    EXPECT_EQ(reader.next(frame), FrameStatus::kError);
}

TEST(FrameReader, GivesABigFramesMemoryBack) {
    OutputBuffer out;
    FrameWriter writer(out, FrameType::kForwardReplies);
    writer.payload().append(1 << 20, 'x');
    writer.finish();
    const std::string text = out.flatten();
    FrameReader reader;
    Frame frame;
    reader.feed(as_bytes(std::string_view(text).substr(0, 100)));
    ASSERT_EQ(reader.next(frame), FrameStatus::kNeedMore);
    reader.feed(as_bytes(std::string_view(text).substr(100)));
    ASSERT_EQ(reader.next(frame), FrameStatus::kFrame);
    EXPECT_EQ(reader.allocated_bytes(), text.size());
    ASSERT_EQ(reader.next(frame), FrameStatus::kNeedMore);
    EXPECT_EQ(reader.allocated_bytes(), 0u);
}

}  // namespace
}  // namespace kvorum::net
