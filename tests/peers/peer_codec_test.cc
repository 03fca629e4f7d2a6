#include "peers/forward_codec.h"
#include "peers/handshake_codec.h"
#include "peers/raft_codec.h"
#include "peers/repair_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "tests/peers/peer_messages.h"

namespace kvorum::peers {
namespace {

using test::kCluster;

// A frame of `type` around `payload`, with checksums that fit: what a faulty peer could send.
std::string framed(net::FrameType type, std::string_view payload) {
    net::OutputBuffer out;
    net::FrameWriter writer(out, type);
    writer.payload().append(payload);
    writer.finish();
    return out.flatten();
}

TEST(PeerCodec, RaftMessagesSurviveTheWire) {
    for (const raft::MessageBody& body : test::sample_raft_messages()) {
        const std::string text = test::encoded(body);
        net::Frame frame;
        raft::MessageBody decoded;
        ASSERT_TRUE(test::only_frame(text, frame));
        ASSERT_TRUE(is_raft_frame(frame.type));
        ASSERT_TRUE(decode_raft_message(frame, kCluster, kFirstGroup, decoded));
        EXPECT_EQ(decoded.index(), body.index());
        EXPECT_EQ(test::encoded(decoded), text);
    }
}

TEST(PeerCodec, FieldsArriveWhereTheyBelong) {
    raft::AppendEntriesReply reply{.term = Term{1},
                                   .success = true,
                                   .match_index = LogIndex{2},
                                   .rejected_prev_index = LogIndex{3},
                                   .hint_index = LogIndex{4},
                                   .hint_term = Term{5},
                                   .read_round = 6,
                                   .silence_ns = 7,
                                   .memory_limit_bytes = 8};
    const std::string text = test::encoded(reply);
    net::Frame frame;
    raft::MessageBody body;
    ASSERT_TRUE(test::only_frame(text, frame));
    ASSERT_TRUE(decode_raft_message(frame, kCluster, kFirstGroup, body));
    const auto& decoded = std::get<raft::AppendEntriesReply>(body);
    EXPECT_EQ(decoded.term, Term{1});
    EXPECT_TRUE(decoded.success);
    EXPECT_EQ(decoded.match_index, LogIndex{2});
    EXPECT_EQ(decoded.rejected_prev_index, LogIndex{3});
    EXPECT_EQ(decoded.hint_index, LogIndex{4});
    EXPECT_EQ(decoded.hint_term, Term{5});
    EXPECT_EQ(decoded.read_round, 6u);
    EXPECT_EQ(decoded.silence_ns, 7u);
    EXPECT_EQ(decoded.memory_limit_bytes, 8u);
}

TEST(PeerCodec, AVoteRequestNamesWhoHandedOver) {
    const std::string text = test::encoded(raft::RequestVote{.term = Term{7}, .handed_over_by = NodeId{3}});
    net::Frame frame;
    raft::MessageBody body;
    ASSERT_TRUE(test::only_frame(text, frame));
    ASSERT_TRUE(decode_raft_message(frame, kCluster, kFirstGroup, body));
    EXPECT_EQ(std::get<raft::RequestVote>(body).handed_over_by, NodeId{3});
    EXPECT_FALSE(std::get<raft::RequestVote>(body).pre_vote);
}

TEST(PeerCodec, VoteFlagsAreKeptApart) {
    for (const bool pre_vote : {false, true}) {
        for (const bool granted : {false, true}) {
            const std::string text =
                test::encoded(raft::RequestVoteReply{.term = Term{1}, .pre_vote = pre_vote, .granted = granted});
            net::Frame frame;
            raft::MessageBody body;
            ASSERT_TRUE(test::only_frame(text, frame));
            ASSERT_TRUE(decode_raft_message(frame, kCluster, kFirstGroup, body));
            EXPECT_EQ(std::get<raft::RequestVoteReply>(body).pre_vote, pre_vote);
            EXPECT_EQ(std::get<raft::RequestVoteReply>(body).granted, granted);
        }
    }
}

TEST(PeerCodec, LargeEntriesAreSentFromWhereTheyLie) {
    const raft::AppendEntries message = test::sample_append_entries();
    net::OutputBuffer out;
    encode_raft_message(kFirstGroup, message, out);
    std::vector<iovec> pieces;
    out.pieces(pieces);
    const Bytes large = message.entries[2]->encoded();
    ASSERT_EQ(pieces.size(), 2u);
    EXPECT_EQ(pieces[1].iov_base, large.data());
    EXPECT_EQ(pieces[1].iov_len, large.size());
}

TEST(PeerCodec, HandshakeSurvivesTheWire) {
    const Hello hello{.cluster = kCluster,
                      .from = NodeId{1},
                      .incarnation = 9,
                      .log_id = LogId{UINT64_MAX},
                      .feature_level = 2,
                      .dialled = NodeId{2}};
    net::OutputBuffer out;
    encode_hello(hello, out);
    const std::string text = out.flatten();
    net::Frame frame;
    Hello decoded;
    ASSERT_TRUE(test::only_frame(text, frame));
    ASSERT_TRUE(decode_hello(frame, decoded));
    EXPECT_EQ(decoded, hello);

    const HelloAck ack{.from = NodeId{2}, .incarnation = 4, .log_id = LogId{1}, .feature_level = 3};
    net::OutputBuffer ack_out;
    encode_hello_ack(ack, ack_out);
    const std::string ack_text = ack_out.flatten();
    HelloAck decoded_ack;
    ASSERT_TRUE(test::only_frame(ack_text, frame));
    ASSERT_TRUE(decode_hello_ack(frame, decoded_ack));
    EXPECT_EQ(decoded_ack, ack);
    EXPECT_FALSE(decode_hello(frame, decoded));
}

TEST(PeerCodec, AHandshakeWithoutALogIsMalformed) {
    net::OutputBuffer out;
    encode_hello({.cluster = kCluster, .from = NodeId{1}, .incarnation = 9, .dialled = NodeId{2}}, out);
    const std::string text = out.flatten();
    net::Frame frame;
    Hello hello;
    ASSERT_TRUE(test::only_frame(text, frame));
    EXPECT_FALSE(decode_hello(frame, hello));

    net::OutputBuffer ack_out;
    encode_hello_ack({.from = NodeId{2}, .incarnation = 4}, ack_out);
    const std::string ack_text = ack_out.flatten();
    HelloAck ack;
    ASSERT_TRUE(test::only_frame(ack_text, frame));
    EXPECT_FALSE(decode_hello_ack(frame, ack));
}

// Whatever follows it: what a later version puts there is its own business.
TEST(PeerCodec, OfAHelloInAnotherVersionOnlyTheVersionIsRead) {
    for (const std::string& rest : {std::string(), std::string("anything"), std::string(500, 'x')}) {
        net::OutputBuffer out;
        net::FrameWriter writer(out, net::FrameType::kHello);
        ByteWriter(writer.payload()).write<uint16_t>(net::kPeerProtocolVersion + 1);
        writer.payload() += rest;
        writer.finish();
        const std::string text = out.flatten();
        net::Frame frame;
        Hello hello;
        ASSERT_TRUE(test::only_frame(text, frame));
        ASSERT_TRUE(decode_hello(frame, hello));
        EXPECT_EQ(hello.protocol_version, net::kPeerProtocolVersion + 1);
        EXPECT_TRUE(hello.cluster.is_none());
    }
}

TEST(PeerCodec, ARejectionSaysWhyToPeopleAndToPrograms) {
    net::OutputBuffer out;
    encode_hello_reject({RejectCode::kOtherLog, {}, "another log"}, out);
    const std::string text = out.flatten();
    net::Frame frame;
    HelloReject reject;
    ASSERT_TRUE(test::only_frame(text, frame));
    ASSERT_TRUE(decode_hello_reject(frame, reject));
    EXPECT_EQ(reject.code, RejectCode::kOtherLog);
    EXPECT_EQ(reject.reason, "another log");
}

TEST(PeerCodec, ARejectionIsCutToItsLimit) {
    net::OutputBuffer out;
    const std::string long_reason(5000, 'r');
    encode_hello_reject({RejectCode::kOther, {}, long_reason}, out);
    const std::string text = out.flatten();
    net::Frame frame;
    HelloReject reject;
    ASSERT_TRUE(test::only_frame(text, frame));
    ASSERT_TRUE(decode_hello_reject(frame, reject));
    EXPECT_EQ(reject.reason, std::string(kHelloRejectTextMax, 'r'));
}

// Three entries of 200 kB, the middle one of which is empty.
raft::AppendEntries large_append_entries() {
    raft::AppendEntries message = test::sample_append_entries();
    message.entries = {test::make_entry(11, 3, std::string(200'000, 'L')), test::make_entry(12, 3, ""),
                       test::make_entry(13, 3, std::string(200'000, 'M'))};
    return message;
}

// Reads `text` in chunks of `chunk_bytes`; none when something was found wrong or missing.
std::optional<raft::AppendEntries> read_streamed(const std::string& text, size_t chunk_bytes) {
    net::FrameReader reader;
    reader.stream_entries();
    AppendEntriesReader entries;
    net::Frame frame;
    for (size_t at = 0; at < text.size(); at += chunk_bytes) {
        reader.feed(as_bytes(text).subspan(at, std::min(chunk_bytes, text.size() - at)));
        for (auto status = reader.next(frame); status != net::FrameStatus::kNeedMore; status = reader.next(frame)) {
            if (status == net::FrameStatus::kError) return std::nullopt;
            const bool is_head = status == net::FrameStatus::kFrame;
            EXPECT_TRUE(!is_head || frame.streamed_bytes > 0);
            if (!(is_head ? entries.begin(frame, kFirstGroup) : entries.take(frame.payload, test::kCluster)))
                return std::nullopt;
        }
        EXPECT_LT(reader.allocated_bytes(), 200u) << "the entries were gathered";
    }
    if (!entries.done()) return std::nullopt;
    return entries.take_message();
}

TEST(PeerCodec, LargeEntriesAreReadInPiecesHoweverTheyWereCut) {
    const std::string text = test::encoded(large_append_entries());
    for (const size_t chunk_bytes : {50u, 1000u, 16'384u, 1'000'000u}) {
        const auto message = read_streamed(text, chunk_bytes);
        ASSERT_TRUE(message.has_value()) << chunk_bytes;
        EXPECT_EQ(test::encoded(*message), text);
    }
}

TEST(PeerCodec, DamageOfLargeEntriesIsFound) {
    const std::string text = test::encoded(large_append_entries());
    for (const size_t at : {10u, 40u, 90u, 5000u, 200'300u, 300'000u}) {
        std::string damaged = text;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        EXPECT_FALSE(read_streamed(damaged, 16'384).has_value()) << at;
    }
    raft::AppendEntries gap = large_append_entries();
    gap.entries.erase(gap.entries.begin() + 1);
    EXPECT_FALSE(read_streamed(test::encoded(gap), 16'384).has_value());
    raft::AppendEntries stranger = large_append_entries();
    stranger.entries[1] = test::make_entry(12, 3, "", ClusterId{9});
    EXPECT_FALSE(read_streamed(test::encoded(stranger), 16'384).has_value());
}

TEST(PeerCodec, MessagesOfAnotherGroupAreRefused) {
    for (const raft::MessageBody& message : test::sample_raft_messages()) {
        const std::string text = test::encoded(message);
        net::Frame frame;
        raft::MessageBody body;
        ASSERT_TRUE(test::only_frame(text, frame));
        EXPECT_TRUE(decode_raft_message(frame, kCluster, kFirstGroup, body));
        EXPECT_FALSE(decode_raft_message(frame, kCluster, GroupId{2}, body));
    }
}

TEST(PeerCodec, EveryBitFlipIsRefused) {
    for (const std::string& text : test::sample_frames()) {
        net::Frame frame;
        ASSERT_TRUE(test::only_frame(text, frame) && test::decodes(frame));
        for (size_t bit = 0; bit < text.size() * 8; ++bit) {
            std::string damaged = text;
            damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
            ASSERT_FALSE(test::only_frame(damaged, frame) && test::decodes(frame)) << "bit " << bit;
        }
    }
}

TEST(PeerCodec, EveryTruncationIsRefused) {
    for (const std::string& text : test::sample_frames()) {
        for (size_t size = 0; size < text.size(); ++size) {
            net::Frame frame;
            const std::string cut = text.substr(0, size);
            ASSERT_FALSE(test::only_frame(cut, frame)) << size;
        }
    }
}

TEST(PeerCodec, EveryTruncatedOrLengthenedPayloadIsRefused) {
    for (const std::string& text : test::sample_frames()) {
        net::Frame original;
        ASSERT_TRUE(test::only_frame(text, original));
        const bool has_entries =
            original.type == net::FrameType::kAppendEntries || original.type == net::FrameType::kRepairReply;
        const bool ends_anywhere =
            original.type == net::FrameType::kHelloReject || original.type == net::FrameType::kForwardPiece;
        if (ends_anywhere || has_entries) continue;  // see below
        const std::string payload(as_text(original.payload));
        const bool batch =
            original.type == net::FrameType::kForwardRequests || original.type == net::FrameType::kForwardReplies;
        size_t accepted = 0;
        for (size_t size = 0; size < payload.size(); ++size) {
            const std::string cut = framed(original.type, std::string_view(payload).substr(0, size));
            net::Frame frame;
            ASSERT_TRUE(test::only_frame(cut, frame));
            accepted += test::decodes(frame) ? 1 : 0;
        }
        // A batch cut between two of its commands is a smaller batch.
        EXPECT_EQ(accepted, batch ? 1u : 0u);
        const std::string longer = framed(original.type, payload + '\0');
        net::Frame frame;
        ASSERT_TRUE(test::only_frame(longer, frame));
        EXPECT_FALSE(test::decodes(frame));
    }
}

TEST(PeerCodec, AppendEntriesMustAddUp) {
    const auto accepts = [](const raft::AppendEntries& message) {
        const std::string text = test::encoded(message);
        net::Frame frame;
        raft::MessageBody body;
        return test::only_frame(text, frame) && decode_raft_message(frame, kCluster, kFirstGroup, body);
    };
    raft::AppendEntries gap = test::sample_append_entries();
    EXPECT_TRUE(accepts(gap));
    gap.entries.erase(gap.entries.begin() + 1);
    EXPECT_FALSE(accepts(gap)) << "entries must be consecutive";
    raft::AppendEntries shifted = test::sample_append_entries();
    shifted.prev_log_index = LogIndex{9};
    EXPECT_FALSE(accepts(shifted)) << "entries must follow prev_log_index";
    raft::AppendEntries future = test::sample_append_entries();
    future.term = Term{2};
    EXPECT_FALSE(accepts(future)) << "entries must not be of a later term than their leader";
    raft::AppendEntries foreign = test::sample_append_entries();
    foreign.entries = {test::make_entry(11, 3, "x", ClusterId{0xbad})};
    EXPECT_FALSE(accepts(foreign)) << "entries of another cluster";
    raft::AppendEntries other_group = test::sample_append_entries();
    raft::EntryBuilder builder(raft::EntryType::kNoop);
    other_group.entries = {std::move(builder).seal(kCluster, GroupId{2}, LogIndex{11}, Term{3}, 77)};
    EXPECT_FALSE(accepts(other_group)) << "entries of another group";
    raft::AppendEntries overflow = test::sample_append_entries();
    overflow.prev_log_index = LogIndex{UINT64_MAX};
    EXPECT_FALSE(accepts(overflow)) << "index overflow";
}

TEST(PeerCodec, QuestionsForAReadIndexAndAnswersSurviveTheWire) {
    net::OutputBuffer out;
    encode_read_index_request(test::sample_read_index_request(), out);
    const std::string question = out.flatten();
    net::Frame frame;
    ASSERT_TRUE(test::only_frame(question, frame));
    ReadIndexRequest request;
    ASSERT_TRUE(decode_read_index_request(frame, request));
    EXPECT_EQ(request, test::sample_read_index_request());

    net::OutputBuffer out_of_leader;
    encode_read_index_reply(test::sample_read_index_reply(), out_of_leader);
    const std::string answer = out_of_leader.flatten();
    ASSERT_TRUE(test::only_frame(answer, frame));
    ReadIndexReply reply;
    ASSERT_TRUE(decode_read_index_reply(frame, reply));
    EXPECT_EQ(reply, test::sample_read_index_reply());
    EXPECT_FALSE(decode_read_index_request(frame, request));
}

TEST(PeerCodec, RepairRepliesArriveWhole) {
    const auto decode = [](const RepairReply& reply, RepairReply& decoded) {
        net::OutputBuffer out;
        encode_repair_reply(reply, out);
        const std::string text = out.flatten();
        net::Frame frame;
        return test::only_frame(text, frame) && decode_repair_reply(frame, kCluster, decoded);
    };
    RepairReply decoded;
    const RepairReply held = test::sample_repair_reply();
    ASSERT_TRUE(decode(held, decoded));
    EXPECT_EQ(decoded.outcome, RepairOutcome::kHeld);
    ASSERT_EQ(decoded.entries.size(), 2U);
    EXPECT_EQ(decoded.entries.back()->id(), held.entries.back()->id());

    const raft::EntryId at{LogIndex{7}, Term{2}, 99};
    ASSERT_TRUE(decode({LogIndex{8}, 5, RepairOutcome::kOther, at, {}}, decoded));
    EXPECT_EQ(decoded.outcome, RepairOutcome::kOther);
    EXPECT_EQ(decoded.at, at);
    EXPECT_EQ(decoded.index, LogIndex{8});
    EXPECT_EQ(decoded.checksum, 5U);
    const raft::EntryId base{LogIndex{900}, {}, 0};
    ASSERT_TRUE(decode({LogIndex{8}, 5, RepairOutcome::kInSnapshot, base, {}}, decoded));
    EXPECT_EQ(decoded.outcome, RepairOutcome::kInSnapshot);
    EXPECT_EQ(decoded.at, base);
}

TEST(PeerCodec, RepairRepliesMustAddUp) {
    const auto accepts = [](const RepairReply& reply) {
        net::OutputBuffer out;
        encode_repair_reply(reply, out);
        const std::string text = out.flatten();
        net::Frame frame;
        RepairReply decoded;
        return test::only_frame(text, frame) && decode_repair_reply(frame, kCluster, decoded);
    };
    const RepairReply sample = test::sample_repair_reply();
    EXPECT_TRUE(accepts(sample));
    RepairReply reply = sample;
    reply.checksum ^= 1;
    EXPECT_FALSE(accepts(reply)) << "the last entry must be the one asked for";
    reply = sample;
    reply.entries.erase(reply.entries.begin());
    EXPECT_TRUE(accepts(reply)) << "one entry is enough";
    reply.entries.clear();
    EXPECT_FALSE(accepts(reply)) << "held, but not sent";
    reply = sample;
    reply.entries.front() = test::make_entry(21, 3, "another");
    EXPECT_FALSE(accepts(reply)) << "entries must be chained";
    reply = sample;
    reply.outcome = RepairOutcome::kMissing;
    EXPECT_FALSE(accepts(reply)) << "missing, but sent";
    const raft::EntryId above{LogIndex{9}, Term{2}, 99};
    EXPECT_FALSE(accepts({LogIndex{8}, 5, RepairOutcome::kOther, above, {}})) << "not what was asked about";
    EXPECT_FALSE(accepts({LogIndex{10}, 5, RepairOutcome::kInSnapshot, above, {}})) << "a snapshot that lacks it";
}

TEST(PeerCodec, AnEntryCountThatLiesIsRefused) {
    for (const uint32_t count : {0u, 1u, 2u, 4u, 0x7fffffffu, 0xffffffffu}) {
        const raft::AppendEntries message = test::sample_append_entries();
        net::OutputBuffer out;
        net::FrameWriter writer(out, net::FrameType::kAppendEntries);
        ByteWriter fields(writer.payload());
        fields.write<uint32_t>(1);
        for (const uint64_t value : {3ul, 10ul, 2ul, 9ul, 5ul})
            fields.write<uint64_t>(value);
        fields.write<uint32_t>(count);
        writer.finish_with_entries(message.entries);
        const std::string text = out.flatten();
        net::Frame frame;
        raft::MessageBody body;
        ASSERT_TRUE(test::only_frame(text, frame));
        EXPECT_FALSE(decode_raft_message(frame, kCluster, kFirstGroup, body)) << count;
    }
}

TEST(PeerCodec, RandomPayloadsNeverCrashADecoder) {
    Prng prng(11);
    for (int round = 0; round < 20'000; ++round) {
        std::string payload(prng.below(200), '\0');
        for (char& c : payload)
            c = static_cast<char>(prng.chance(1, 2) ? prng.below(4) : prng.below(256));
        const std::string text = framed(static_cast<net::FrameType>(prng.between(1, 11)), payload);
        net::Frame frame;
        ASSERT_TRUE(test::only_frame(text, frame));
        maybe(test::decodes(frame));
    }
}

}  // namespace
}  // namespace kvorum::peers
