// What entries say of the cluster itself: configurations, feature levels, and how they follow the log.
#include "raft/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "raft/feature_level.h"
#include "raft/log_facts.h"

namespace kvorum::raft {
namespace {

using ::testing::HasSubstr;

ConfiguredMember member(uint64_t id) {
    return {.id = NodeId{id},
            .peer = {.host = fmt::format("10.0.0.{}", id), .port = 17001},
            .client = {.host = fmt::format("node-{}", id), .port = 7001}};
}

EntryHeader header_of(EntryType type, uint64_t index, uint16_t feature_level = 1) {
    EntryHeader header;
    header.type = type;
    header.index = LogIndex{index};
    header.feature_level = feature_level;
    return header;
}

Configuration joint_configuration() {
    Configuration configuration{.voters = {member(1), member(2), member(4)},
                                .outgoing = {member(1), member(2), member(3)},
                                .learners = {member(5)}};
    configuration.voters[0].log_id = LogId{0xabc};
    configuration.voters[1].zone = "zone-b";
    return configuration;
}

TEST(ConfigurationCodec, DecodesWhatItEncoded) {
    const Configuration written = joint_configuration();
    EXPECT_EQ(decode_configuration(as_bytes(encode_configuration(written))), written);
}

TEST(ConfigurationCodec, LayoutIsFixed) {
    const std::string body = encode_configuration({.voters = {member(1)}});
    const std::string expected(
        "\x01\x00\x01\x00\x00\x00\x00\x00"
        "\x01\x00\x00\x00\x00\x00\x00\x00"
        "\x00\x00\x00\x00\x00\x00\x00\x00"
        "\x08\x00"
        "10.0.0.1"
        "\x69\x42"
        "\x06\x00"
        "node-1"
        "\x59\x1b"
        "\x00\x00",
        48);
    EXPECT_EQ(body, expected);
}

TEST(ConfigurationCodec, RefusesEveryTruncationAndWhatFollows) {
    const std::string body = encode_configuration(joint_configuration());
    for (size_t size = 0; size < body.size(); ++size)
        EXPECT_EQ(decode_configuration(as_bytes(body).first(size)), std::nullopt) << size;
    EXPECT_EQ(decode_configuration(as_bytes(body + '\0')), std::nullopt);
}

// No checksum covers it by itself (the entry's does): a flipped bit is refused or makes another usable configuration.
TEST(ConfigurationCodec, AFlippedBitIsRefusedOrUsable) {
    const Configuration written = joint_configuration();
    const std::string body = encode_configuration(written);
    for (size_t bit = 0; bit < body.size() * 8; ++bit) {
        std::string damaged = body;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        const std::optional<Configuration> read = decode_configuration(as_bytes(damaged));
        if (!read.has_value()) continue;
        EXPECT_NE(*read, written) << bit;
        EXPECT_EQ(problem(*read), "") << bit;
        EXPECT_EQ(encode_configuration(*read), damaged) << bit;
    }
}

TEST(ConfigurationProblem, NamesWhatIsWrong) {
    const auto changed = [](auto change) {
        Configuration configuration = joint_configuration();
        change(configuration);
        return problem(configuration);
    };
    EXPECT_EQ(problem(joint_configuration()), "");
    EXPECT_THAT(problem({}), HasSubstr("no voter"));
    EXPECT_THAT(changed([](auto& c) { c.voters[1].id = NodeId{1}; }), HasSubstr("node 1 is named twice"));
    EXPECT_THAT(changed([](auto& c) { c.learners[0].id = NodeId{2}; }), HasSubstr("node 2 is named twice"));
    EXPECT_THAT(changed([](auto& c) { c.outgoing[0].id = NodeId{2}; }), HasSubstr("node 2 is named twice"));
    EXPECT_THAT(changed([](auto& c) { c.voters[0].id = NodeId{}; }), HasSubstr("at least 1"));
    EXPECT_THAT(changed([](auto& c) { c.voters[0].peer.port = 0; }), HasSubstr("peer port"));
    EXPECT_THAT(changed([](auto& c) { c.voters[0].client.port = 0; }), HasSubstr("client port"));
    EXPECT_THAT(changed([](auto& c) { c.voters[0].peer.host.clear(); }), HasSubstr("peer host"));
    EXPECT_THAT(changed([](auto& c) { c.voters[0].client.host.assign(256, 'h'); }), HasSubstr("client host"));
    EXPECT_THAT(changed([](auto& c) { c.voters[0].zone.assign(65, 'z'); }), HasSubstr("zone"));
    EXPECT_THAT(changed([](auto& c) { c.learners.resize(32, member(9)); }), HasSubstr("more than 31"));
    EXPECT_THAT(changed([](auto& c) {
                    for (uint64_t id = 10; id < 30; ++id) {
                        c.voters.push_back(member(id));
                        c.voters.back().peer.host.assign(255, 'h');
                        c.voters.back().client.host.assign(255, 'h');
                    }
                }),
                HasSubstr("shorter host names"));
}

TEST(FeatureLevelCodec, DecodesWhatItEncodedAndNothingElse) {
    const FeatureLevelRaise written{.level = 258, .raised_by = "0.2.0"};
    const std::string body = encode_feature_level(written);
    EXPECT_EQ(decode_feature_level(as_bytes(body)), written);
    for (size_t size = 0; size < body.size(); ++size)
        EXPECT_EQ(decode_feature_level(as_bytes(body).first(size)), std::nullopt) << size;
    EXPECT_EQ(decode_feature_level(as_bytes(body + "x")), std::nullopt);
    for (size_t bit = 0; bit < body.size() * 8; ++bit) {
        std::string damaged = body;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        const std::optional<FeatureLevelRaise> read = decode_feature_level(as_bytes(damaged));
        if (read.has_value()) {
            EXPECT_EQ(encode_feature_level(*read), damaged) << bit;
        }
    }
}

TEST(FeatureLevelCodec, ALevelThatIsNoRaiseIsRefused) {
    std::string body = encode_feature_level({.level = 2, .raised_by = "0.2.0"});
    body[0] = 1;
    EXPECT_EQ(decode_feature_level(as_bytes(body)), std::nullopt);
    body[0] = 2;
    body[2] = 1;  // 65538
    EXPECT_EQ(decode_feature_level(as_bytes(body)), std::nullopt);
}

class LogFactsTest : public ::testing::Test {
 protected:
    void config(uint64_t index, uint64_t voter) {
        const std::string body = encode_configuration({.voters = {member(voter)}});
        ASSERT_TRUE(facts_.note(header_of(EntryType::kConfig, index), as_bytes(body)));
    }
    void raise(uint64_t index, uint16_t level) {
        const std::string body = encode_feature_level({.level = level, .raised_by = "0.2.0"});
        ASSERT_TRUE(facts_.note(header_of(EntryType::kFeatureLevel, index), as_bytes(body)));
    }
    [[nodiscard]] uint64_t first_voter() const { return facts_.configurations.last()->fact.voters[0].id.value(); }

    LogFacts facts_;
};

TEST_F(LogFactsTest, AConfigurationIsInForceWhenItIsAppendedAndUndoneWhenItIsCutOff) {
    EXPECT_EQ(facts_.configurations.last(), nullptr);
    config(1, 1);
    config(5, 2);
    EXPECT_EQ(first_voter(), 2u);
    facts_.cut_from(LogIndex{6});
    EXPECT_EQ(first_voter(), 2u);
    facts_.cut_from(LogIndex{5});
    EXPECT_EQ(first_voter(), 1u);
    facts_.cut_from(LogIndex{1});
    EXPECT_EQ(facts_.configurations.last(), nullptr);
}

TEST_F(LogFactsTest, ALevelIsInForceWhenItIsCommitted) {
    raise(5, 2);
    EXPECT_EQ(facts_.level_at(LogIndex{4}), 1u);
    EXPECT_EQ(facts_.level_at(LogIndex{5}), 2u);
    EXPECT_EQ(facts_.highest_level(), 2u);
    facts_.cut_from(LogIndex{5});
    EXPECT_EQ(facts_.highest_level(), 1u);
}

// Its writer knew the raise to be committed.
TEST_F(LogFactsTest, AnEntryWrittenAtALevelProvesIt) {
    ASSERT_TRUE(facts_.note(header_of(EntryType::kNoop, 7, 3), {}));
    facts_.cut_from(LogIndex{7});
    EXPECT_EQ(facts_.level_at(LogIndex{}), 3u);
}

TEST_F(LogFactsTest, ABodyThatStatesNothingChangesNothing) {
    EXPECT_FALSE(facts_.note(header_of(EntryType::kConfig, 1, 2), {}));
    EXPECT_FALSE(facts_.note(header_of(EntryType::kFeatureLevel, 1, 2), {}));
    EXPECT_EQ(facts_.highest_level(), 1u);
    EXPECT_EQ(facts_.configurations.last(), nullptr);
}

TEST(UnreadableReason, SaysWhatIsNewerAndWhatToDo) {
    EXPECT_EQ(unreadable_reason(header_of(EntryType::kTick, 1, 2), {}, 2, ""), "");
    EXPECT_THAT(unreadable_reason(header_of(EntryType::kTick, 9, 3), {}, 2, "0.9.1"),
                HasSubstr("entry 9: the cluster is at feature level 3, raised by version 0.9.1, and this program knows "
                          "levels up to 2: run version 0.9.1 or a newer one"));
    EXPECT_THAT(unreadable_reason(header_of(EntryType{77}, 9), {}, 2, ""), HasSubstr("type 77"));
    const std::string raise = encode_feature_level({.level = 3, .raised_by = "0.9.1"});
    EXPECT_EQ(unreadable_reason(header_of(EntryType::kFeatureLevel, 1), as_bytes(raise), 3, ""), "");
    EXPECT_THAT(unreadable_reason(header_of(EntryType::kFeatureLevel, 1), as_bytes(raise), 2, ""),
                HasSubstr("level 3, raised by version 0.9.1"));
}

// --- learners that are to be promoted ---

Configuration with_promotion() {
    Configuration configuration{.voters = {member(1), member(2)}, .learners = {member(3), member(4)}};
    configuration.learners[1].promote = true;
    configuration.learners[1].replaces = NodeId{2};
    return configuration;
}

TEST(Promotions, AreReadAsTheyWereWritten) {
    EXPECT_EQ(decode_configuration(as_bytes(encode_configuration(with_promotion()))), with_promotion());
}

TEST(Promotions, AConfigurationWithoutAnyIsWrittenAsBefore) {
    Configuration plain = with_promotion();
    plain.learners[1].promote = false;
    plain.learners[1].replaces = NodeId{};
    EXPECT_EQ(encode_configuration(plain)[0], 1);
    EXPECT_EQ(encode_configuration(with_promotion())[0], 2);
}

TEST(Promotions, WhatNoWriterProducesIsRefused) {
    const std::string body = encode_configuration(with_promotion());
    std::string not_a_flag = body;
    not_a_flag[body.size() - 9] = 2;
    EXPECT_FALSE(decode_configuration(as_bytes(not_a_flag)).has_value());
    std::string none = body;
    std::fill(none.end() - 9, none.end(), '\0');
    EXPECT_FALSE(decode_configuration(as_bytes(none)).has_value()) << "version 2 without a promotion";
    EXPECT_FALSE(decode_configuration(as_bytes(body.substr(0, body.size() - 1))).has_value());
}

TEST(Promotions, AreOfLearnersAlone) {
    Configuration voter = with_promotion();
    voter.voters[0].promote = true;
    EXPECT_FALSE(problem(voter).empty());
    Configuration unwanted = with_promotion();
    unwanted.learners[1].promote = false;
    EXPECT_FALSE(problem(unwanted).empty());
}

}  // namespace
}  // namespace kvorum::raft
