// The encoding of an entry: the same bytes on every disk and wire, and damage is found wherever it is.
#include <gtest/gtest.h>

#include "base/checksum.h"
#include "raft/entry.h"

namespace kvorum::raft {
namespace {

EntryPtr sample() {
    EntryBuilder builder(EntryType::kCommands);
    builder.buffer().append("SET key value");
    builder.add_command_count(2);
    builder.add_command_count(1);
    builder.set_log_time_ms(1700000000123);
    builder.set_feature_level(3);
    return std::move(builder).seal(ClusterId{7}, GroupId{9}, LogIndex{5}, Term{3}, 0x1234);
}

std::string bytes_of(const EntryPtr& entry) { return std::string(as_text(entry->encoded())); }

// Seals the header anew, so that the field behind the checksum is what a test is about.
void reseal_header(std::string& bytes) {
    const uint64_t checksum = checksum64(as_bytes(bytes).first(EntryHeader::kEncodedSize - sizeof(uint64_t)));
    std::memcpy(bytes.data() + EntryHeader::kEncodedSize - sizeof(uint64_t), &checksum, sizeof(checksum));
}

TEST(EntryCodec, ParsesWhatItSealed) {
    const EntryPtr entry = sample();
    EntryPtr parsed;
    ASSERT_EQ(Entry::parse(entry->encoded(), parsed), EntryParseError::kNone);
    const EntryHeader& header = parsed->header();
    EXPECT_EQ(header.type, EntryType::kCommands);
    EXPECT_EQ(header.cluster, ClusterId{7});
    EXPECT_EQ(header.group, GroupId{9});
    EXPECT_EQ(header.feature_level, 3u);
    EXPECT_EQ(header.index, LogIndex{5});
    EXPECT_EQ(header.term, Term{3});
    EXPECT_EQ(header.log_time_ms, 1700000000123);
    EXPECT_EQ(header.command_count, 3u);
    EXPECT_EQ(header.prev_checksum, 0x1234u);
    EXPECT_EQ(as_text(parsed->body()), "SET key value");
    EXPECT_EQ(parsed->id(), entry->id());
    EXPECT_EQ(bytes_of(parsed), bytes_of(entry));
}

TEST(EntryCodec, EmptyBodyAndNegativeTime) {
    EntryBuilder builder(EntryType::kTick);
    builder.set_log_time_ms(-5);
    const EntryPtr entry = std::move(builder).seal(ClusterId{1}, kFirstGroup, LogIndex{1}, Term{1}, 0);
    EntryPtr parsed;
    ASSERT_EQ(Entry::parse(entry->encoded(), parsed), EntryParseError::kNone);
    EXPECT_EQ(parsed->header().log_time_ms, -5);
    EXPECT_TRUE(parsed->body().empty());
    EXPECT_EQ(parsed->encoded().size(), EntryHeader::kEncodedSize);
}

TEST(EntryCodec, TakesOnlyItsOwnBytes) {
    std::string bytes = bytes_of(sample());
    const size_t size = bytes.size();
    bytes += "what follows";
    EntryPtr parsed;
    ASSERT_EQ(Entry::parse(as_bytes(bytes), parsed), EntryParseError::kNone);
    EXPECT_EQ(parsed->encoded().size(), size);
}

TEST(EntryCodec, EveryPrefixIsShort) {
    const std::string bytes = bytes_of(sample());
    for (size_t size = 0; size < bytes.size(); ++size) {
        EntryPtr parsed;
        EXPECT_EQ(Entry::parse(as_bytes(bytes).first(size), parsed), EntryParseError::kShort) << size;
        EXPECT_EQ(parsed, nullptr);
    }
}

TEST(EntryCodec, EveryFlippedBitIsFound) {
    const std::string bytes = bytes_of(sample());
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        EntryPtr parsed;
        EXPECT_NE(Entry::parse(as_bytes(damaged), parsed), EntryParseError::kNone) << bit;
        EXPECT_EQ(parsed, nullptr);
    }
}

TEST(EntryCodec, NamesWhatIsWrong) {
    const std::string good = bytes_of(sample());
    const auto parse = [](const std::string& bytes) {
        EntryPtr parsed;
        return Entry::parse(as_bytes(bytes), parsed);
    };
    std::string bytes = good;
    bytes[0] = 'x';
    EXPECT_EQ(parse(bytes), EntryParseError::kBadMagic);
    bytes = good;
    bytes[20] = 'x';
    EXPECT_EQ(parse(bytes), EntryParseError::kBadHeaderChecksum);
    bytes = good;
    bytes[4] = 1;
    reseal_header(bytes);
    EXPECT_EQ(parse(bytes), EntryParseError::kBadVersion);
    // The type, the group and the feature level are never none, and what is reserved is zero.
    for (const auto& [at, value] : std::vector<std::pair<size_t, char>>{{6, 0}, {48, 0}, {52, 0}, {54, 1}, {55, 1}}) {
        bytes = good;
        bytes[at] = value;
        reseal_header(bytes);
        EXPECT_EQ(parse(bytes), EntryParseError::kBadField) << at;
    }
    bytes = good;
    bytes[43] = 0x7f;
    reseal_header(bytes);
    EXPECT_EQ(parse(bytes), EntryParseError::kBadSize);
    bytes = good;
    bytes.back() = 'x';
    EXPECT_EQ(parse(bytes), EntryParseError::kBadBodyChecksum);
}

// The layout is on disks and wires: a change needs a new version.
TEST(EntryCodec, LayoutIsFixed) {
    const std::string bytes = bytes_of(sample());
    EXPECT_EQ(bytes.substr(0, 4), "KVEN");
    const auto* raw = as_bytes(bytes).data();
    EXPECT_EQ(load_le<uint16_t>(raw + 4), 2u);
    EXPECT_EQ(load_le<uint64_t>(raw + 8), 7u);
    EXPECT_EQ(load_le<uint64_t>(raw + 16), 5u);
    EXPECT_EQ(load_le<uint64_t>(raw + 24), 3u);
    EXPECT_EQ(load_le<uint32_t>(raw + 40), 13u);
    EXPECT_EQ(load_le<uint32_t>(raw + 48), 9u);
    EXPECT_EQ(load_le<uint16_t>(raw + 52), 3u);
    EXPECT_EQ(load_le<uint16_t>(raw + 54), 0u);
    EXPECT_EQ(EntryHeader::kEncodedSize % 8, 0u);
    EXPECT_EQ(checksum64(as_bytes(bytes)), checksum64(as_bytes(bytes_of(sample()))));
}

// So that whoever reads a log of a newer version can say which one that was.
TEST(EntryCodec, TakesTypesThatThisVersionDoesNotKnow) {
    std::string bytes = bytes_of(sample());
    bytes[6] = 99;
    reseal_header(bytes);
    EntryPtr parsed;
    ASSERT_EQ(Entry::parse(as_bytes(bytes), parsed), EntryParseError::kNone);
    EXPECT_FALSE(is_known_entry_type(parsed->header().type));
    EXPECT_EQ(entry_type_name(parsed->header().type), "unknown");
}

EntryPtr large_sample() {
    EntryBuilder builder(EntryType::kCommands);
    for (int i = 0; i < 100; ++i) {
        builder.buffer().append(1000, static_cast<char>('a' + i % 26));
        if (i % 10 == 0) builder.sum_up();
    }
    builder.add_command_count(1);
    return std::move(builder).seal(ClusterId{7}, kFirstGroup, LogIndex{6}, Term{3}, 0x1234);
}

TEST(EntryBuilder, ABodyThatIsSummedOnTheWayGivesTheSameEntry) {
    EntryBuilder at_once(EntryType::kCommands);
    for (int i = 0; i < 100; ++i)
        at_once.buffer().append(1000, static_cast<char>('a' + i % 26));
    at_once.add_command_count(1);
    EXPECT_EQ(std::move(at_once).seal(ClusterId{7}, kFirstGroup, LogIndex{6}, Term{3}, 0x1234)->id(),
              large_sample()->id());
}

TEST(EntryAssembler, MakesTheSameEntriesHoweverTheBytesWereCut) {
    const std::string bytes = bytes_of(sample()) + bytes_of(large_sample()) + bytes_of(sample());
    for (const size_t piece_bytes : {1u, 71u, 72u, 73u, 1000u, 30'000u, 200'000u}) {
        EntryAssembler assembler;
        std::vector<EntryId> ids;
        for (size_t at = 0; at < bytes.size(); at += piece_bytes) {
            Bytes piece = as_bytes(bytes).subspan(at, std::min(piece_bytes, bytes.size() - at));
            EntryPtr entry;
            while (!piece.empty() && assembler.take(piece, entry) == EntryParseError::kNone)
                ids.push_back(entry->id());
            ASSERT_TRUE(piece.empty());
        }
        EXPECT_FALSE(assembler.mid_entry());
        EXPECT_EQ(ids, (std::vector<EntryId>{sample()->id(), large_sample()->id(), sample()->id()})) << piece_bytes;
    }
}

TEST(EntryAssembler, FindsDamageAsTheParserDoes) {
    const std::string good = bytes_of(large_sample());
    for (const size_t damaged_at : {0u, 20u, 72u, 50'000u, 100'071u}) {
        std::string bytes = good;
        bytes[damaged_at] = '!';
        Bytes first = as_bytes(bytes).first(40'000);
        Bytes second = as_bytes(bytes).subspan(40'000);
        EntryAssembler assembler;
        EntryPtr assembled;
        EntryPtr parsed;
        EntryParseError error = assembler.take(first, assembled);
        if (error == EntryParseError::kShort) error = assembler.take(second, assembled);
        EXPECT_EQ(error, Entry::parse(as_bytes(bytes), parsed)) << damaged_at;
        EXPECT_EQ(assembled, nullptr);
    }
}

TEST(EntryChain, ChecksumCoversEverythingBefore) {
    const auto seal = [](const std::string& body, LogIndex index, uint64_t prev) {
        EntryBuilder builder(EntryType::kCommands);
        builder.buffer().append(body);
        return std::move(builder).seal(ClusterId{1}, kFirstGroup, index, Term{1}, prev)->id().checksum;
    };
    EXPECT_NE(seal("b", LogIndex{2}, seal("a", LogIndex{1}, 0)), seal("b", LogIndex{2}, seal("A", LogIndex{1}, 0)));
}

}  // namespace
}  // namespace kvorum::raft
