// The secret of the cluster: what a proof says, and who gets a connection with which secret.
#include "peers/peer_secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/peers/peer_link_fixture.h"

namespace kvorum::peers {
namespace {

using test::hello_text;
using test::kEndpoint;
using test::kLog;
using test::kOtherLog;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kFirst = "the first secret of this cluster";
const std::string kSecond = "the second secret of this cluster";

TEST(SecretFileTest, HasOneLineOrTwo) {
    EXPECT_THAT(*parse_secrets("  " + kFirst + "\r\n\n"), ElementsAre(kFirst));
    EXPECT_THAT(*parse_secrets(kFirst + "\n" + kSecond), ElementsAre(kFirst, kSecond));
    EXPECT_FALSE(parse_secrets(kFirst + "\n" + kSecond + "\n" + kFirst).ok());
}

TEST(SecretFileTest, SaysWhatToDoAboutASecretThatIsMissingOrShort) {
    for (const char* text : {"", "\n \n", "too short", "fifteen letters"})
        EXPECT_THAT(parse_secrets(text).status().message(), HasSubstr("openssl rand -hex 32")) << text;
}

class ProofTest : public testing::Test {
 protected:
    const PeerSecrets secrets_{{kFirst}};
    const Hello hello_{.cluster = test::kCluster,
                       .from = NodeId{1},
                       .incarnation = 9,
                       .log_id = kLog,
                       .dialled = NodeId{2},
                       .nonce = {std::byte{1}}};
    const Nonce challenge_{std::byte{2}};
    const HelloAck ack_{.from = NodeId{2}, .incarnation = 4, .log_id = kOtherLog};
};

TEST_F(ProofTest, IsAcceptedForWhatItWasMadeAndNothingElse) {
    const Digest proof = secrets_.prove_dialler(hello_, challenge_);
    EXPECT_TRUE(secrets_.accepts_dialler(hello_, challenge_, proof));
    EXPECT_FALSE(secrets_.accepts_dialler(hello_, Nonce{std::byte{3}}, proof)) << "a replay";
    std::vector<Hello> others(7, hello_);
    others[0].cluster = ClusterId{7};
    others[1].from = NodeId{3};
    others[2].incarnation = 10;
    others[3].log_id = kOtherLog;
    others[4].dialled = NodeId{3};
    others[5].nonce = {std::byte{9}};
    others[6].feature_level = 7;
    for (const Hello& other : others)
        EXPECT_FALSE(secrets_.accepts_dialler(other, challenge_, proof));
}

TEST_F(ProofTest, OfOneRoleIsNoneOfAnother) {
    HelloAck reflected = ack_;
    reflected.proof = secrets_.prove_dialler(hello_, challenge_);
    EXPECT_FALSE(secrets_.accepts_dialled(hello_, challenge_, reflected));
    EXPECT_FALSE(
        secrets_.accepts_dialler(hello_, challenge_, secrets_.prove_rejecting(hello_, challenge_, RejectCode::kOther)));
    HelloAck own = ack_;
    own.proof = secrets_.prove_dialled(hello_, challenge_, ack_);
    EXPECT_TRUE(secrets_.accepts_dialled(hello_, challenge_, own));
    own.log_id = kLog;
    EXPECT_FALSE(secrets_.accepts_dialled(hello_, challenge_, own)) << "of another log than was said";
}

TEST_F(ProofTest, WhileTheSecretIsReplacedEitherIsAccepted) {
    const PeerSecrets both({kSecond, kFirst});
    EXPECT_TRUE(both.accepts_dialler(hello_, challenge_, secrets_.prove_dialler(hello_, challenge_)));
    EXPECT_TRUE(PeerSecrets({kSecond}).accepts_dialler(hello_, challenge_, both.prove_dialler(hello_, challenge_)));
    EXPECT_FALSE(secrets_.accepts_dialler(hello_, challenge_, both.prove_dialler(hello_, challenge_)));
}

// Node 1 dials node 2, each with secrets of its own.
class SecretLinkTest : public test::PeerLinkTest {
 protected:
    void start(std::vector<std::string> dialling, std::vector<std::string> dialled) {
        dialling_.set(std::move(dialling));
        dialled_.set(std::move(dialled));
        start_listener({.cluster = test::kCluster,
                        .self = NodeId{2},
                        .incarnation = 20,
                        .log_id = kOtherLog,
                        .secrets = &dialled_,
                        .unproved_max = 2});
        PeerLinkConfig config = link_config();
        config.secrets = &dialling_;
        start_link(config);
    }
    bool connected() {
        return until([this] { return link_->connected(); });
    }
    void expect_nobody_was_met() {
        EXPECT_FALSE(link_->connected());
        EXPECT_EQ(listener_->stats().handshakes, 0u);
        EXPECT_TRUE(sender_.events.empty());
        EXPECT_TRUE(receiver_.events.empty());
        EXPECT_TRUE(sender_.known_logs.empty());
        EXPECT_TRUE(receiver_.known_logs.empty());
    }

    PeerSecrets dialling_;
    PeerSecrets dialled_;
};

TEST_F(SecretLinkTest, TheSameSecretConnects) {
    start({kFirst}, {kFirst});
    EXPECT_TRUE(connected());
    EXPECT_THAT(receiver_.known_logs, ElementsAre(std::pair(NodeId{1}, kLog)));
}

TEST_F(SecretLinkTest, AnotherSecretDoesNot) {
    start({kFirst}, {kSecond});
    ASSERT_TRUE(until([this] { return listener_->stats().unproved >= 3; }));
    expect_nobody_was_met();
    EXPECT_THAT(log_, HasSubstr("does not know the secret of the cluster"));
    EXPECT_THAT(log_, testing::Not(HasSubstr(kFirst)));
    EXPECT_THAT(log_, testing::Not(HasSubstr(kSecond)));
}

TEST_F(SecretLinkTest, ADiallingNodeWithoutOneLearnsThatItIsAsked) {
    start({}, {kFirst});
    ASSERT_TRUE(until([this] { return link_->stats().unproved >= 3; }));
    expect_nobody_was_met();
    EXPECT_THAT(log_, HasSubstr("this node has none"));
}

TEST_F(SecretLinkTest, ADialledNodeWithoutOneIsNotTrusted) {
    start({kFirst}, {});
    ASSERT_TRUE(until([this] { return link_->stats().unproved >= 3; }));
    EXPECT_FALSE(link_->connected());
    EXPECT_TRUE(sender_.events.empty());
    EXPECT_TRUE(sender_.known_logs.empty());
    EXPECT_THAT(log_, HasSubstr("does not ask for the secret of the cluster"));
}

TEST_F(SecretLinkTest, EachStepOfAReplacementConnects) {
    const std::vector<std::string> steps[] = {{kFirst}, {kFirst, kSecond}, {kSecond, kFirst}, {kSecond}};
    start({kFirst}, {kFirst});
    ASSERT_TRUE(connected());
    for (size_t step = 1; step < std::size(steps); ++step) {
        for (const bool dialling_first : {true, false}) {
            (dialling_first ? dialling_ : dialled_).set(steps[step]);
            EXPECT_TRUE(link_->connected()) << "a connection that stands stays";
            test::stop_and_join(reactor_, *link_);
            PeerLinkConfig config = link_config();
            config.secrets = &dialling_;
            start_link(config);
            ASSERT_TRUE(connected()) << "step " << step;
        }
    }
    EXPECT_EQ(listener_->stats().unproved, 0u);
}

TEST_F(SecretLinkTest, AProofThatWasOverheardIsOfNoUse) {
    dialled_.set({kFirst});
    start_listener({.cluster = test::kCluster, .self = NodeId{2}, .log_id = kOtherLog, .secrets = &dialled_});
    test::RawPeer overheard(reactor_, flusher_);
    overheard.dial(kEndpoint, hello_text(good_hello()));
    ASSERT_TRUE(until([&] { return !overheard.received().empty(); }));
    net::FrameReader reader;
    reader.feed(as_bytes(overheard.received()));
    net::Frame frame;
    Nonce challenge;
    ASSERT_EQ(reader.next(frame), net::FrameStatus::kFrame);
    ASSERT_TRUE(decode_hello_challenge(frame, challenge));
    net::OutputBuffer proof;
    encode_hello_proof(dialled_.prove_dialler(good_hello(), challenge), proof);

    test::RawPeer replayer(reactor_, flusher_);
    network_.receive_bytes_max = hello_text(good_hello()).size();
    replayer.dial(kEndpoint, hello_text(good_hello()) + proof.flatten());
    ASSERT_TRUE(until([&] { return replayer.ended(); }));
    EXPECT_EQ(listener_->stats().unproved, 1u);
    EXPECT_TRUE(receiver_.known_logs.empty());
}

TEST_F(SecretLinkTest, NothingButAProofIsTakenFromAStranger) {
    dialled_.set({kFirst});
    start_listener({.cluster = test::kCluster, .self = NodeId{2}, .log_id = kOtherLog, .secrets = &dialled_});
    for (const std::string& text : {test::encoded(raft::RequestVote{}), hello_text(good_hello())}) {
        test::RawPeer stranger(reactor_, flusher_);
        network_.receive_bytes_max = hello_text(good_hello()).size();
        stranger.dial(kEndpoint, hello_text(good_hello()) + text);
        ASSERT_TRUE(until([&] { return stranger.ended(); }));
    }
    EXPECT_EQ(listener_->stats().rejected, 2u);
    EXPECT_TRUE(receiver_.events.empty());
    EXPECT_TRUE(receiver_.known_logs.empty());
}

// A node ends itself when its peers know it by another log: a stranger must not be able to say that.
TEST_F(SecretLinkTest, ARejectionIsBelievedOnlyWithAProof) {
    net::OutputBuffer answer;
    encode_hello_challenge({std::byte{1}}, answer);
    encode_hello_reject({RejectCode::kOtherLog, {}, "go away"}, answer);
    test::RawPeer stranger(reactor_, flusher_);
    stranger.answer(network_.listen(kEndpoint).value(), answer.flatten());
    dialling_.set({kFirst});
    PeerLinkConfig config = link_config();
    config.secrets = &dialling_;
    start_link(config);
    ASSERT_TRUE(until([this] { return link_->stats().rejected == 1; }));
    EXPECT_TRUE(sender_.events.empty());
}

TEST_F(SecretLinkTest, APeerThatKnowsTheSecretIsBelievedAboutTheLog) {
    receiver_.known_logs[NodeId{1}] = LogId{0xabc};
    start({kFirst}, {kFirst});
    ASSERT_TRUE(until([this] { return !sender_.events.empty(); }));
    EXPECT_THAT(sender_.events.front(), HasSubstr("disowned by 2"));
}

TEST_F(SecretLinkTest, StrangersDisplaceStrangersNotPeers) {
    start({kFirst}, {kFirst});
    ASSERT_TRUE(connected());
    test::RawPeer first(reactor_, flusher_);
    test::RawPeer second(reactor_, flusher_);
    test::RawPeer third(reactor_, flusher_);
    for (test::RawPeer* stranger : {&first, &second, &third}) {
        const uint64_t before = listener_->stats().accepted;
        stranger->dial(kEndpoint, "");
        ASSERT_TRUE(until([&] { return listener_->stats().accepted > before; }));
        run_for(kMillisecondNs);
    }
    ASSERT_TRUE(until([&] { return first.ended(); }));
    EXPECT_EQ(listener_->stats().displaced, 1u);
    EXPECT_FALSE(second.ended());
    EXPECT_FALSE(third.ended());
    EXPECT_TRUE(link_->connected());
}

}  // namespace
}  // namespace kvorum::peers
