// One test for each row of the table in wal/recovery.h, on logs built byte by byte.
#include <gtest/gtest.h>

#include "tests/wal/image_builder.h"

namespace kvorum::wal::test {
namespace {

using Group = ImageBuilder::Group;

class DecisionTable : public testing::Test {
 protected:
    // A log of one segment: head (group 1), then `count` groups of one entry each. `durable` of them are certified by
    // the ones behind.
    std::vector<Group> log_of(size_t count, bool certified) {
        std::vector<Group> groups{log.segment(1, kGroupOpening)};
        log.set_durable(groups[0]);
        for (size_t i = 0; i < count; ++i) {
            groups.push_back(log.entries({maker.next()}));
            if (certified) log.set_durable(groups.back());
        }
        return groups;
    }
    void expect_refused(Verdict verdict, GroupPlace place) {
        const ScanResult result = log.scan();
        EXPECT_EQ(verdict_name(result.verdict), verdict_name(verdict)) << result.message;
        EXPECT_FALSE(is_accepted(result.verdict));
        EXPECT_EQ(result.end, place) << result.message;
        const std::string where = fmt::format("{} offset {}: {}", segment_file_name(place.segment_sequence),
                                              place.offset_bytes, verdict_name(verdict));
        EXPECT_NE(result.message.find(where), std::string::npos) << result.message;
        EXPECT_NE(result.message.find("up to index"), std::string::npos) << result.message;
    }
    void expect_accepted(Verdict verdict, const Group& last, LogIndex last_index) {
        const ScanResult result = log.scan();
        EXPECT_EQ(verdict_name(result.verdict), verdict_name(verdict)) << result.message;
        EXPECT_EQ(result.last_group.group_sequence, last.header.group_sequence);
        EXPECT_EQ(result.end,
                  (GroupPlace{last.place.segment_sequence, last.place.offset_bytes + last.header.size_bytes()}));
        EXPECT_EQ(log.replay().last().index, last_index);
    }

    ImageBuilder log;
    EntryMaker maker;
};

TEST_F(DecisionTable, ValidGroupsAreReplayedAcrossSegments) {
    log_of(3, true);
    log.segment(2);
    log.state({Term{5}, kNode});
    const Group last = log.entries(maker.next_batch(3));
    expect_accepted(Verdict::kCleanEnd, last, LogIndex{6});
    EXPECT_EQ(log.replay().hard_state(), (raft::HardState{Term{5}, kNode}));
    EXPECT_EQ(log.replay().last(), maker.ids().back());
}

TEST_F(DecisionTable, ZerosAreACleanEnd) {
    const auto groups = log_of(3, true);
    log.blank_segment(2);
    expect_accepted(Verdict::kCleanEnd, groups.back(), LogIndex{3});
}

TEST_F(DecisionTable, AnOlderGenerationIsACleanEnd) {
    // Segment 1 lived on as segment 2: what is behind its new head is a sound group of segment 1.
    log_of(5, true);
    const std::string old_life = log.image(1);
    const Group head = log.segment(2);
    log.image(2).replace(kBlockBytes, std::string::npos, old_life.substr(kBlockBytes));
    expect_accepted(Verdict::kCleanEnd, head, LogIndex{5});
}

TEST_F(DecisionTable, AFullSegmentIsACleanEnd) {
    Group last = log_of(0, true)[0];
    while (last.place.offset_bytes + last.header.size_bytes() < ImageBuilder::kSegmentBytes)
        last = log.entries({maker.next()});
    expect_accepted(Verdict::kCleanEnd, last, maker.last_index());
}

TEST_F(DecisionTable, ATornBodyAtTheEndIsCut) {
    const auto groups = log_of(3, true);
    log.damage_body(groups[3]);
    expect_accepted(Verdict::kTornTail, groups[2], LogIndex{2});
}

TEST_F(DecisionTable, ATornHeaderAtTheEndIsCut) {
    const auto groups = log_of(3, true);
    log.damage_header(groups[3]);
    expect_accepted(Verdict::kTornTail, groups[2], LogIndex{2});
}

TEST_F(DecisionTable, AHoleThatNoSuccessorCertifiesIsCutWithItsSuccessors) {
    const auto groups = log_of(4, false);
    log.erase(groups[2]);
    expect_accepted(Verdict::kHole, groups[1], LogIndex{1});
    EXPECT_EQ(log.scan().witnesses, 2U);
}

TEST_F(DecisionTable, AnUnfinishedHeadWithSuccessorsIsAHole) {
    const Group last = log_of(2, true).back();
    const Group head = log.segment(2);
    log.entries({maker.next()});
    log.damage_body(head);
    expect_accepted(Verdict::kHole, last, LogIndex{2});
}

TEST_F(DecisionTable, AfterACutTheOpeningGroupKeepsTheOldSuccessorsDead) {
    const auto groups = log_of(4, false);
    log.erase(groups[2]);
    ASSERT_EQ(log.scan().verdict, Verdict::kHole);
    log.go_back_to(groups[1]);
    const Group opening = log.opening();
    expect_accepted(Verdict::kCleanEnd, opening, LogIndex{1});
}

TEST_F(DecisionTable, ACrashWhileTheOpeningGroupIsWrittenGivesTheSameCut) {
    const auto groups = log_of(4, false);
    log.erase(groups[2]);
    log.go_back_to(groups[1]);
    log.damage_body(log.opening());
    expect_accepted(Verdict::kHole, groups[1], LogIndex{1});
    EXPECT_EQ(log.scan().epoch_max, 2U) << "the next process must take an epoch above the torn one";
}

TEST_F(DecisionTable, DamageBelowADurableMarkIsRefused) {
    const auto groups = log_of(4, true);
    log.damage_body(groups[2]);
    expect_refused(Verdict::kDamagedBelowMark, groups[2].place);
}

TEST_F(DecisionTable, DamageOfTheOpeningGroupIsRefused) {
    log_of(2, true);
    const Group opening = log.opening();
    log.entries({maker.next()});
    log.damage_header(opening);
    expect_refused(Verdict::kDamagedBelowMark, opening.place);
}

TEST_F(DecisionTable, AHoleFartherBackThanTheWindowIsRefused) {
    log.groups_in_flight_max = 2;
    const auto groups = log_of(4, false);
    log.erase(groups[2]);
    expect_refused(Verdict::kDamagedOutsideWindow, groups[2].place);
}

TEST_F(DecisionTable, TheWindowIsTheWritersNotTheReaders) {
    log.groups_in_flight_max = 3;
    const auto groups = log_of(4, false);
    log.erase(groups[2]);
    expect_accepted(Verdict::kHole, groups[1], LogIndex{1});
}

TEST_F(DecisionTable, DamageInACompletedSegmentIsRefused) {
    const auto groups = log_of(4, true);
    log.segment(2);
    log.entries({maker.next()});
    log.damage_body(groups[4]);
    expect_refused(Verdict::kDamagedSegment, groups[4].place);
}

TEST_F(DecisionTable, ABadHeadInTheMiddleIsRefused) {
    log_of(2, true);
    const Group head = log.segment(2);
    log.entries({maker.next()});
    log.set_durable(head);
    log.entries({maker.next()});
    log.damage_body(head);
    expect_refused(Verdict::kBadSegmentHead, {2, 0});
}

TEST_F(DecisionTable, ABadHeadOfTheFirstSegmentIsRefused) {
    const auto groups = log_of(2, true);
    log.damage_body(groups[0]);
    expect_refused(Verdict::kBadSegmentHead, {1, 0});
}

TEST_F(DecisionTable, AHeadThatContradictsTheLogIsRefused) {
    log_of(2, true);
    log.last.checksum ^= 1;
    log.segment(2);
    expect_refused(Verdict::kBadSegmentHead, {2, 0});
}

TEST_F(DecisionTable, ASegmentOfAnotherLogIsRefused) {
    // The same node once had another directory, and one of its files came into this one.
    log_of(2, true);
    log.log_id = LogId{0x999};
    log.segment(2);
    expect_refused(Verdict::kBadSegmentHead, {2, 0});
}

TEST_F(DecisionTable, AHeadWithoutALogIdIsRefused) {
    log.log_id = LogId{};
    log.segment(1);
    expect_refused(Verdict::kBadSegmentHead, {1, 0});
}

TEST_F(DecisionTable, APeerThatIsKnownByTwoLogsIsRefused) {
    log_of(1, true);
    log.known_peer({NodeId{3}, LogId{30}});
    log.known_peer({NodeId{4}, LogId{40}});
    log.known_peer({NodeId{3}, LogId{30}});
    const Group bad = log.known_peer({NodeId{3}, LogId{31}});
    expect_refused(Verdict::kBadRecord, bad.place);
}

TEST_F(DecisionTable, APeerWithoutALogIsRefused) {
    log_of(1, true);
    const Group bad = log.known_peer({NodeId{3}, LogId{}});
    expect_refused(Verdict::kBadRecord, bad.place);
}

TEST_F(DecisionTable, NoGroupInSegmentOneIsANewLog) {
    log.blank_segment(1);
    log.blank_segment(2);
    EXPECT_EQ(log.scan().verdict, Verdict::kEmpty);
}

TEST_F(DecisionTable, ATornFirstGroupIsANewLog) {
    const Group head = log.segment(1, kGroupOpening);
    log.damage_body(head);
    const ScanResult result = log.scan();
    EXPECT_EQ(result.verdict, Verdict::kEmpty);
    EXPECT_EQ(result.epoch_max, 1U);
}

TEST_F(DecisionTable, NoFilesAreANewLog) { EXPECT_EQ(log.scan().verdict, Verdict::kEmpty); }

TEST_F(DecisionTable, NoGroupInALogThatHadReleasedSegmentsIsRefused) {
    log.blank_segment(5);
    expect_refused(Verdict::kBadSegmentHead, {5, 0});
}

TEST_F(DecisionTable, ALogMayStartAtALaterSegment) {
    log_of(3, true);
    log.segment(2);
    const Group last = log.entries(maker.next_batch(2));
    log.remove(1);
    expect_accepted(Verdict::kCleanEnd, last, LogIndex{5});
    EXPECT_EQ(log.replay().first_index(), LogIndex{4});
    EXPECT_EQ(log.replay().before_first(), maker.ids()[2]);
}

TEST_F(DecisionTable, AMissingSegmentIsRefused) {
    log_of(3, true);
    log.segment(2);
    log.segment(3);
    log.remove(2);
    expect_refused(Verdict::kMissingSegment, {3, 0});
}

TEST_F(DecisionTable, ASegmentOfAnotherSizeIsRefused) {
    log_of(3, true);
    log.blank_segment(2);
    log.image(2).resize(kBlockBytes);
    expect_refused(Verdict::kWrongSize, {2, 0});
}

TEST_F(DecisionTable, AnotherClusterIsRefused) {
    log_of(2, true);
    log.cluster = ClusterId{99};
    log.segment(2);
    expect_refused(Verdict::kWrongCluster, {2, 0});
}

TEST_F(DecisionTable, AnotherNodeIsRefused) {
    log.node = NodeId{99};
    log.segment(1);
    expect_refused(Verdict::kWrongNode, {1, 0});
}

TEST_F(DecisionTable, AnUnknownVersionIsRefused) {
    const auto groups = log_of(2, true);
    std::string& image = log.image(1);
    auto* header = reinterpret_cast<std::byte*>(image.data()) + groups[1].place.offset_bytes;
    store_le(header + 4, uint16_t{1});
    store_le(header + 152, checksum64(Bytes(header, 152)));
    expect_refused(Verdict::kUnknownVersion, groups[1].place);
    const std::string message = log.scan().message;
    EXPECT_NE(message.find("Kvorum 0.1 wrote this log, in format 1, and this version reads format 3 only: keep Kvorum "
                           "0.1 to read it"),
              std::string::npos)
        << message;
}

// Whoever made it: its cluster may have been made by other rules.
TEST_F(DecisionTable, ALogOfVersionTwoIsRefusedAsSuch) {
    log_of(2, true);
    auto* header = reinterpret_cast<std::byte*>(log.image(1).data());
    store_le(header + 4, uint16_t{2});
    store_le(header + 36, uint32_t{0});  // the upper half of its offset
    store_le(header + 152, checksum64(Bytes(header, 152)));
    expect_refused(Verdict::kUnknownVersion, {1, 0});
}

TEST_F(DecisionTable, AnEntryOfANewerFeatureLevelIsRefused) {
    log_of(2, true);
    raft::EntryBuilder builder(raft::EntryType::kTick);
    builder.set_feature_level(raft::known_feature_level() + 1);
    const raft::EntryId before = maker.ids().back();
    const Group newer =
        log.entries({std::move(builder).seal(kCluster, kFirstGroup, LogIndex{3}, before.term, before.checksum)});
    expect_refused(Verdict::kNewerLevel, newer.place);
    EXPECT_NE(log.scan().message.find("the cluster is at feature level 2, raised by a newer version"),
              std::string::npos)
        << log.scan().message;
}

TEST_F(DecisionTable, AnEntryOfATypeThatOnlyANewerVersionKnowsIsRefused) {
    log_of(2, true);
    raft::EntryBuilder builder(raft::EntryType{77});
    const raft::EntryId before = maker.ids().back();
    const Group newer =
        log.entries({std::move(builder).seal(kCluster, kFirstGroup, LogIndex{3}, before.term, before.checksum)});
    expect_refused(Verdict::kNewerLevel, newer.place);
}

TEST_F(DecisionTable, AnEntryOfAnotherGroupIsRefused) {
    log_of(2, true);
    raft::EntryBuilder builder(raft::EntryType::kTick);
    const raft::EntryId before = maker.ids().back();
    const Group other =
        log.entries({std::move(builder).seal(kCluster, GroupId{2}, LogIndex{3}, before.term, before.checksum)});
    expect_refused(Verdict::kWrongCluster, other.place);
}

TEST_F(DecisionTable, AConfigurationEntryThatStatesNoneIsRefused) {
    log_of(2, true);
    std::vector<std::byte> record(256);
    raft::EntryBuilder builder(raft::EntryType::kConfig);
    const raft::EntryId before = maker.ids().back();
    const raft::EntryPtr entry =
        std::move(builder).seal(kCluster, kFirstGroup, LogIndex{3}, before.term, before.checksum);
    const size_t size = encode_record(RecordKind::kEntry, entry->encoded(), record.data());
    expect_refused(Verdict::kBadRecord, log.raw(Bytes(record).first(size), 1).place);
}

// --- what the heads of segments say of the cluster ---

TEST_F(DecisionTable, ALogThatBeginsLaterKnowsItsFoundingConfigurationAndFeatureLevel) {
    log.segment(1, kGroupOpening);
    log.entries({maker.config({1, 2, 3}), maker.raise(2), maker.next()});
    log.segment(2);
    const Group last = log.entries(maker.next_batch(2));
    log.remove(1);
    expect_accepted(Verdict::kCleanEnd, last, LogIndex{5});
    EXPECT_EQ(log.replay().founding(), (Founding{kCluster, kClusterName}));
    const auto* configuration = log.replay().facts().configurations.last();
    ASSERT_NE(configuration, nullptr);
    EXPECT_EQ(configuration->index, LogIndex{1});
    EXPECT_EQ(configuration->fact.voter_ids(), (std::vector{NodeId{1}, NodeId{2}, NodeId{3}}));
    ASSERT_NE(log.replay().facts().raises.last(), nullptr);
    EXPECT_EQ(log.replay().facts().raises.last()->fact.level, 2);
    EXPECT_EQ(log.replay().base().last, maker.ids()[2]);
    EXPECT_EQ(log.replay().base().proven_level, 2) << "what was released was committed";
    EXPECT_EQ(log.replay().facts().proven_level(), 2);
}

TEST_F(DecisionTable, ABaseIsTheBeginningOfTheLogWhateverIsLeftBeforeIt) {
    log_of(3, true);
    maker.next_batch(5);
    log.base_segment(2, {.last = maker.ids().back(), .log_time_ms = 7});
    const Group last = log.entries(maker.next_batch(2));
    for (const bool is_kept : {true, false}) {
        if (!is_kept) log.remove(1);
        expect_accepted(Verdict::kCleanEnd, last, LogIndex{10});
        EXPECT_EQ(log.replay().first_index(), LogIndex{9});
        EXPECT_EQ(log.replay().base().last, maker.ids()[7]);
    }
}

TEST_F(DecisionTable, ABaseThatIsTornLeavesTheLogAsItWas) {
    const auto groups = log_of(3, true);
    maker.next_batch(5);
    log.damage_body(log.base_segment(2, {.last = maker.ids().back()}));
    expect_accepted(Verdict::kTornTail, groups.back(), LogIndex{3});
    EXPECT_EQ(log.replay().first_index(), LogIndex{1});
}

TEST_F(DecisionTable, ABaseThatWasDurableAndIsDamagedIsRefused) {
    log_of(3, true);
    maker.next_batch(5);
    const Group head = log.base_segment(2, {.last = maker.ids().back()});
    log.set_durable(head);
    log.entries(maker.next_batch(2));
    log.damage_body(head);
    expect_refused(Verdict::kBadSegmentHead, {2, 0});
}

TEST_F(DecisionTable, AnEntryInThePlaceOfWhatABaseStandsForIsRefused) {
    log_of(3, true);
    maker.next_batch(5);
    log.base_segment(2, {.last = maker.ids().back()});
    maker.rewind(LogIndex{7});
    const Group bad = log.entries({maker.next()});
    expect_refused(Verdict::kBrokenEntryChain, bad.place);
}

TEST_F(DecisionTable, ABaseThatItsHeadDoesNotNameIsRefused) {
    log_of(3, true);
    maker.next_batch(5);
    const raft::LogBase base{.last = maker.ids().back()};
    log.base_segment(2, base, maker.ids()[2]);
    expect_refused(Verdict::kBadSegmentHead, {2, 0});
}

TEST_F(DecisionTable, ABaseOutsideOfAHeadIsRefused) {
    log_of(3, true);
    std::vector<std::byte> records(256);
    const size_t size = encode_base_record({.last = maker.ids().back()}, records.data());
    const Group bad = log.raw(Bytes(records).first(size), 1);
    expect_refused(Verdict::kBadSegmentHead, bad.place);
}

// A crash while segments were released: the lowest one that is left was to go as well.
TEST_F(DecisionTable, AFirstHeadWhoseEntryWasReplacedIsPassedOver) {
    log_of(3, true);
    log.segment(2);
    maker.rewind(LogIndex{2});
    log.entries(maker.next_batch(2));
    log.segment(3);
    const Group last = log.entries(maker.next_batch(2));
    log.remove(1);
    expect_accepted(Verdict::kCleanEnd, last, LogIndex{6});
    EXPECT_EQ(log.replay().first_index(), LogIndex{5});
    EXPECT_EQ(log.replay().base().last, maker.ids()[3]);
}

TEST_F(DecisionTable, AFirstHeadWhoseEntryWasReplacedIsRefusedWithoutAnother) {
    log_of(3, true);
    log.segment(2);
    maker.rewind(LogIndex{2});
    log.entries(maker.next_batch(2));
    log.remove(1);
    expect_refused(Verdict::kBadSegmentHead, {2, 0});
}

TEST_F(DecisionTable, AConfigurationThatWasReplacedIsNotInForce) {
    log.segment(1, kGroupOpening);
    log.entries({maker.config({1, 2, 3}), maker.config({4})});
    maker.rewind(LogIndex{1});
    const Group last = log.entries({maker.next()});
    expect_accepted(Verdict::kCleanEnd, last, LogIndex{2});
    EXPECT_EQ(log.replay().facts().configurations.last()->index, LogIndex{1});
}

TEST_F(DecisionTable, AHeadThatStatesAnotherConfigurationIsRefused) {
    log.segment(1, kGroupOpening);
    log.entries({maker.config({1, 2, 3}), maker.next()});
    log.facts.cut_from(LogIndex{1});
    log.segment(2);
    expect_refused(Verdict::kBadSegmentHead, {2, 0});
}

TEST_F(DecisionTable, AHeadWithoutAFoundingIsRefused) {
    std::vector<std::byte> records(256);
    const size_t size = encode_segment_head_record({ImageBuilder::kSegmentBytes, {}, 0, false}, records.data());
    log.raw_segment(1, Bytes(records).first(size), 1);
    expect_refused(Verdict::kBadSegmentHead, {1, 0});
}

TEST_F(DecisionTable, ASoundGroupThatDoesNotFollowIsRefused) {
    log_of(2, true);
    log.skip_sequences(3);
    const Group stray = log.entries({maker.next()});
    expect_refused(Verdict::kBrokenGroupChain, stray.place);
}

TEST_F(DecisionTable, ANewerEpochThatContradictsTheLogIsRefused) {
    // A later process cut the log at entry 1 and went on, but the disk gives back the older groups there.
    const auto groups = log_of(5, true);
    const std::string older = log.image(1);
    log.go_back_to(groups[1]);
    log.set_durable(groups[0]);
    ++log.epoch;
    log.state(log.hard_state);
    const Group second = log.state(log.hard_state);
    log.state(log.hard_state);
    const std::string newer = log.image(1);
    log.image(1) = older;
    const uint64_t at = second.place.offset_bytes + 4 * kBlockBytes;
    std::string moved = newer.substr(second.place.offset_bytes, kBlockBytes);
    GroupHeader header = second.header;
    header.offset_bytes = at;
    encode_group_header(header, as_bytes(moved).subspan(GroupHeader::kEncodedSize, header.record_bytes),
                        reinterpret_cast<std::byte*>(moved.data()));
    log.image(1).replace(at, kBlockBytes, moved);
    const Group& last = groups.back();
    expect_refused(Verdict::kBrokenGroupChain, {1, last.place.offset_bytes + last.header.size_bytes()});
}

TEST_F(DecisionTable, RecordsThatNoWriterProducesAreRefused) {
    log_of(1, true);
    std::vector<std::byte> garbage(40, std::byte{0x7f});
    const Group bad = log.raw(garbage, 1);
    expect_refused(Verdict::kBadRecord, bad.place);
}

TEST_F(DecisionTable, AnEntryThatSkipsAnIndexIsRefused) {
    log_of(2, true);
    maker.next();
    const Group bad = log.entries({maker.next()});
    expect_refused(Verdict::kBrokenEntryChain, bad.place);
}

TEST_F(DecisionTable, AnEntryWithAnotherPredecessorIsRefused) {
    log_of(2, true);
    maker.rewind(LogIndex{1});
    maker.next();
    const Group bad = log.entries({maker.next()});
    expect_refused(Verdict::kBrokenEntryChain, bad.place);
}

TEST_F(DecisionTable, AnEntryOfALowerTermIsRefused) {
    maker.set_term(Term{5});
    log_of(2, true);
    maker.set_term(Term{4});
    const Group bad = log.entries({maker.next()});
    expect_refused(Verdict::kBrokenEntryChain, bad.place);
}

TEST_F(DecisionTable, AnEntryOfAnotherClusterIsRefused) {
    log_of(0, true);
    EntryMaker stranger(ClusterId{99});
    const Group bad = log.entries({stranger.next()});
    expect_refused(Verdict::kWrongCluster, bad.place);
}

TEST_F(DecisionTable, ALowerTermInAHardStateIsRefused) {
    log_of(1, true);
    log.state({Term{5}, kNode});
    const Group bad = log.state({Term{4}, NodeId{}});
    expect_refused(Verdict::kHardStateBackwards, bad.place);
}

TEST_F(DecisionTable, ASecondVoteInATermIsRefused) {
    log_of(1, true);
    log.state({Term{5}, NodeId{1}});
    const Group bad = log.state({Term{5}, NodeId{2}});
    expect_refused(Verdict::kHardStateBackwards, bad.place);
}

// Unlike a term: raft/election.cc settles it when what earlier options promised is over.
TEST_F(DecisionTable, AShorterLongestSilenceIsTheNewOne) {
    log_of(1, true);
    log.state({Term{5}, NodeId{1}, 3000});
    const Group last = log.state({Term{5}, NodeId{1}, 600});
    expect_accepted(Verdict::kCleanEnd, last, LogIndex{1});
    EXPECT_EQ(log.replay().hard_state(), (raft::HardState{Term{5}, NodeId{1}, 600}));
}

TEST_F(DecisionTable, AnEntryThatWasNotFinishedBeforeTheNextEpochIsDropped) {
    log_of(2, true);
    const raft::EntryPtr large = maker.next(9000);
    std::vector<std::byte> records(6000);
    const size_t used = encode_record(RecordKind::kEntryFirst, large->encoded().first(5000), records.data());
    log.raw(Bytes(records).first(used), 1);
    const Group opening = log.opening();
    expect_accepted(Verdict::kCleanEnd, opening, LogIndex{2});
    maker.rewind(LogIndex{2});
    const Group last = log.entries({maker.next()});
    expect_accepted(Verdict::kCleanEnd, last, LogIndex{3});
}

TEST_F(DecisionTable, BytesOfAClientThatLookLikeAGroupAreNotBelieved) {
    // A value in the last group holds a whole sound group of this log, aligned, that certifies everything.
    log_of(2, true);
    ImageBuilder forged = log;
    raft::EntryBuilder builder(raft::EntryType::kCommands);
    forged.entries({maker.next(8)});
    maker.rewind(LogIndex{2});
    const Group stored = forged.entries({maker.next(8)});
    maker.rewind(LogIndex{2});
    const std::string bytes = forged.image(1).substr(stored.place.offset_bytes, kBlockBytes);
    const size_t to_boundary =
        kBlockBytes - GroupHeader::kEncodedSize - RecordFrame::kEncodedSize - raft::EntryHeader::kEncodedSize;
    builder.buffer().append(to_boundary, 'x');
    builder.buffer().append(bytes);
    const raft::EntryPtr entry = std::move(builder).seal(kCluster, kFirstGroup, LogIndex{3}, maker.ids().back().term,
                                                         maker.ids().back().checksum);
    const Group last = log.entries({entry});
    expect_accepted(Verdict::kCleanEnd, last, LogIndex{3});
    log.damage_body(last);
    const ScanResult result = log.scan();
    EXPECT_EQ(result.witnesses, 0U) << "a block inside a group whose header is sound is no witness";
}

}  // namespace
}  // namespace kvorum::wal::test
