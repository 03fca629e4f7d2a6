// Forwarded commands and their replies as bytes, whole and in pieces.
#include "peers/forward_codec.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/peers/peer_messages.h"

namespace kvorum::peers {
namespace {

TEST(ForwardCodec, ForwardedCommandsSurviveTheWire) {
    net::OutputBuffer out;
    EXPECT_EQ(encode_forward_requests(test::sample_requests(), out), 2u);
    const std::string text = out.flatten();
    net::Frame frame;
    std::vector<ForwardRequest> requests;
    ASSERT_TRUE(test::only_frame(text, frame));
    ASSERT_TRUE(decode_forward_requests(frame, requests));
    EXPECT_EQ(requests, test::sample_requests());

    net::OutputBuffer reply_out;
    EXPECT_EQ(encode_forward_replies(test::sample_replies(), reply_out), 2u);
    const std::string reply_text = reply_out.flatten();
    std::vector<ForwardReply> replies;
    ASSERT_TRUE(test::only_frame(reply_text, frame));
    ASSERT_TRUE(decode_forward_replies(frame, replies));
    EXPECT_EQ(replies, test::sample_replies());
}

size_t encoded_bytes(const ForwardRequest& request) {
    net::OutputBuffer out;
    EXPECT_EQ(encode_forward_requests(std::span(&request, 1), out), 1u);
    return out.flatten().size();
}

TEST(ForwardCodec, ARequestOfTheDefaultUserPaysOneByteForIt) {
    ForwardRequest request{.request_id = 1, .session_id = 2, .leader_term = Term{3}, .arguments = {"GET", "k"}};
    const size_t without = encoded_bytes(request);
    // Ids, term, group, RESP version, the flags, the count, and two arguments with their sizes.
    EXPECT_EQ(without, net::kFrameHeaderBytes + 3 * 8 + 4 + 1 + 1 + 4 + (4 + 3) + (4 + 1));
    request.user = "alice";
    EXPECT_EQ(encoded_bytes(request), without + 4 + 5 + 8);
    request.user = std::string_view();
    request.users_revision = 1;
    EXPECT_EQ(encoded_bytes(request), without + 4 + 8);
    const std::string long_name(kForwardUserBytesMax + 1, 'u');
    request.user = long_name;
    EXPECT_FALSE(forward_request_fits(request));
}

// A request has one form, and unknown flags mean nothing yet.
TEST(ForwardCodec, AFlagWithoutItsUserIsRefused) {
    const auto accepts = [](uint8_t flags, std::string_view user, uint32_t user_bytes, uint64_t revision) {
        net::OutputBuffer out;
        net::FrameWriter frame(out, net::FrameType::kForwardRequests);
        ByteWriter writer(frame.payload());
        for (const uint64_t value : {1ul, 2ul, 3ul})
            writer.write<uint64_t>(value);
        writer.write<uint32_t>(1);
        writer.write<uint8_t>(2);
        writer.write<uint8_t>(flags);
        if (flags != 0) {
            writer.write<uint32_t>(user_bytes);
            writer.write_text(user);
            writer.write<uint64_t>(revision);
        }
        writer.write<uint32_t>(1);
        writer.write<uint32_t>(4);
        writer.write_text("PING");
        frame.finish();
        const std::string text = out.flatten();
        net::Frame read;
        std::vector<ForwardRequest> requests;
        return test::only_frame(text, read) && decode_forward_requests(read, requests);
    };
    EXPECT_TRUE(accepts(0, "", 0, 0));
    EXPECT_TRUE(accepts(1, "alice", 5, 0));
    EXPECT_TRUE(accepts(1, "", 0, 7));
    EXPECT_FALSE(accepts(1, "", 0, 0));
    EXPECT_FALSE(accepts(2, "alice", 5, 0));
    EXPECT_FALSE(accepts(3, "alice", 5, 0));
    EXPECT_FALSE(accepts(1, std::string(256, 'u'), 256, 0));
    EXPECT_FALSE(accepts(1, "alice", UINT32_MAX, 0));
}

TEST(ForwardCodec, CreditSurvivesTheWire) {
    const ForwardCredit credit{77, 123'456};
    net::OutputBuffer out;
    encode_forward_credit(credit, out);
    const std::string text = out.flatten();
    net::Frame frame;
    ASSERT_TRUE(test::only_frame(text, frame));
    ForwardCredit decoded;
    ASSERT_TRUE(decode_forward_credit(frame, decoded));
    EXPECT_EQ(decoded, credit);
    frame.payload = frame.payload.first(frame.payload.size() - 1);
    EXPECT_FALSE(decode_forward_credit(frame, decoded));
}

PackedCommand packed(const std::vector<std::string>& words) {
    PackedCommand command(static_cast<uint32_t>(words.size()));
    for (const std::string& word : words) {
        command.begin_argument(static_cast<uint32_t>(word.size()));
        command.append(word);
    }
    return command;
}

TEST(ForwardPieces, ACommandIsWholeHoweverItWasCut) {
    const PackedCommand command = packed({"MSET", "a", "", "b", std::string(300, 'v')});
    const std::string bytes(as_text(command.bytes()));
    const ForwardRequest request{.request_id = 1, .session_id = 7, .arguments = {}};
    for (size_t piece_bytes = 1; piece_bytes <= bytes.size(); ++piece_bytes) {
        ForwardPieces pieces;
        // Of another command, which was given up.
        EXPECT_TRUE(pieces.take({.session_id = 6, .offset = 0, .bytes = bytes.substr(0, 20)}));
        for (size_t at = 0; at < bytes.size(); at += piece_bytes) {
            PackedCommand early;
            EXPECT_FALSE(pieces.finish(request, at, early));
            ASSERT_TRUE(pieces.take({.session_id = 7, .offset = at, .bytes = bytes.substr(at, piece_bytes)}));
        }
        PackedCommand whole;
        ASSERT_TRUE(pieces.finish(request, bytes.size(), whole));
        EXPECT_EQ(as_text(whole.bytes()), bytes);
        EXPECT_EQ(whole.largest_argument_bytes(), 300);
        EXPECT_FALSE(pieces.finish(request, bytes.size(), whole)) << "carried out twice";
    }
}

TEST(ForwardPieces, WhatDoesNotFitTogetherIsRefused) {
    const std::string bytes(as_text(packed({"DEL", "a", "b"}).bytes()));
    const auto begun = [&](ForwardPieces& pieces) {
        return pieces.take({.session_id = 7, .offset = 0, .bytes = bytes.substr(0, 10)});
    };
    ForwardPieces pieces;
    PackedCommand command;
    const std::string rest = bytes.substr(10);
    ASSERT_TRUE(begun(pieces));
    EXPECT_FALSE(pieces.take({.session_id = 8, .offset = 10, .bytes = rest})) << "of another session";
    EXPECT_FALSE(pieces.take({.session_id = 7, .offset = 11, .bytes = rest})) << "a gap";
    EXPECT_TRUE(pieces.take({.session_id = 7, .offset = 10, .bytes = rest}));
    EXPECT_FALSE(pieces.finish({.session_id = 8, .arguments = {}}, bytes.size(), command));
    EXPECT_FALSE(pieces.finish({.session_id = 7, .arguments = {}}, bytes.size() + 1, command));
    EXPECT_FALSE(pieces.take({.session_id = 7, .offset = bytes.size(), .bytes = "more"})) << "behind the last argument";
    EXPECT_FALSE(pieces.take({.session_id = 7, .offset = 0, .bytes = std::string(4, '\0')})) << "no argument at all";
    EXPECT_FALSE(pieces.take({.session_id = 7, .offset = 0, .bytes = "\xff\xff\xff\xff"})) << "too many arguments";
}

TEST(ForwardCodec, ABurstIsSplitIntoFramesOfBoundedSize) {
    const std::string value(10'000, 'v');
    std::vector<ForwardRequest> requests;
    for (uint64_t id = 1; id <= 100; ++id)
        requests.push_back({.request_id = id, .arguments = {"SET", "k", value}});
    net::OutputBuffer out;
    std::span<const ForwardRequest> rest = requests;
    while (!rest.empty())
        rest = rest.subspan(encode_forward_requests(rest, out));
    const std::string text = out.flatten();
    net::FrameReader reader;
    net::Frame frame;
    uint64_t next_id = 1;
    size_t frames = 0;
    reader.feed(as_bytes(text));
    while (reader.next(frame) == net::FrameStatus::kFrame) {
        std::vector<ForwardRequest> decoded;
        ASSERT_TRUE(decode_forward_requests(frame, decoded));
        for (const ForwardRequest& request : decoded)
            EXPECT_EQ(request.request_id, next_id++);
        EXPECT_LE(frame.payload.size(), 256u * 1024);
        ++frames;
    }
    EXPECT_EQ(next_id, 101u);
    EXPECT_EQ(frames, 4u);
}

TEST(ForwardCodec, AReplyTooLargeToForwardBecomesAnError) {
    const std::string huge(kForwardReplyBytesMax + 1, 'x');
    const std::vector<ForwardReply> replies{{.request_id = 5, .reply = huge}};
    net::OutputBuffer out;
    EXPECT_EQ(encode_forward_replies(replies, out), 1u);
    const std::string text = out.flatten();
    net::Frame frame;
    std::vector<ForwardReply> decoded;
    ASSERT_TRUE(test::only_frame(text, frame));
    ASSERT_TRUE(decode_forward_replies(frame, decoded));
    ASSERT_EQ(decoded.size(), 1u);
    EXPECT_TRUE(decoded[0].reply.starts_with("-ERR"));
}

TEST(ForwardCodec, RequestsThatDoNotFitAreToldApart) {
    const std::string half(kForwardRequestBytesMax / 2, 'x');
    EXPECT_TRUE(forward_request_fits({.arguments = {"SET", "k", "v"}}));
    EXPECT_FALSE(forward_request_fits({}));
    EXPECT_FALSE(forward_request_fits({.arguments = {"SET", half, half}}));
    EXPECT_FALSE(forward_request_fits({.arguments = std::vector<std::string_view>(kForwardArgumentsMax + 1, "x")}));
}

}  // namespace
}  // namespace kvorum::peers
