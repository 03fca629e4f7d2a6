// When a key changed last, also when it is not there any more.
#include "kv/tombstones.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "tests/ops/database.h"
#include "tests/ops/random_commands.h"

namespace kvorum::kv {
namespace {

constexpr LastChange known(uint64_t revision) { return {Revision{revision}, true}; }
constexpr LastChange unknown(uint64_t floor) { return {Revision{floor}, false}; }

// A key space that keeps some removals.
ops::Database keeping(uint64_t count_max, uint64_t bytes_max = 1'000'000) {
    ops::Database db;
    EXPECT_TRUE(db.store().set(Setting::kTombstonesMax, count_max));
    EXPECT_TRUE(db.store().set(Setting::kTombstoneBytesMax, bytes_max));
    return db;
}

TEST(LastChange, IsToldByTheRecordOrTheTombstone) {
    ops::Database db = keeping(10);
    EXPECT_EQ(db.store().last_change("k"), unknown(0)) << "never, as far as anybody can know";
    db("SET k v");
    EXPECT_EQ(db.store().last_change("k"), known(1));
    db("EXPIRE k 100");
    EXPECT_EQ(db.store().last_change("k"), known(2));
    db("DEL k");
    EXPECT_EQ(db.store().last_change("k"), known(3)) << "SET and DEL of a missing key are seen";
    db("SET other v");
    EXPECT_EQ(db.store().last_change("k"), known(3));
    db("SET k v");
    EXPECT_EQ(db.store().last_change("k"), known(5));
    EXPECT_EQ(db.store().tombstone_count(), 0u);
}

TEST(LastChange, WithoutTombstonesAnyRemovalRaisesTheFloor) {
    ops::Database db;
    db("MSET a 1 b 1 c 1");
    db("DEL a");
    EXPECT_EQ(db.store().last_change("a"), unknown(2));
    EXPECT_EQ(db.store().last_change("never"), unknown(2));
    EXPECT_EQ(db.store().last_change("b"), known(1));
    db("SET d 1");
    EXPECT_EQ(db.store().last_change("a"), unknown(2)) << "nothing was removed since";
    EXPECT_EQ(db.store().tombstone_count(), 0u);
}

TEST(LastChange, OfADueKeyIsNowUntilItIsRemoved) {
    ops::Database db = keeping(10);
    ASSERT_TRUE(db.store().set(Setting::kExpiriesPerEntryMax, 1));
    db("MSET a 1 b 1");
    db("PEXPIRE a 10");
    db("PEXPIRE b 20");
    db.pass_ms(50);
    db.tick();
    EXPECT_EQ(db.store().last_change("a"), known(4)) << "removed";
    ASSERT_TRUE(db.store().due_remain());
    EXPECT_EQ(db.store().last_change("b"), known(4)) << "due by the same entry";
    db.tick();
    EXPECT_EQ(db.store().last_change("b"), known(5));
}

TEST(Tombstones, AreLeftByEveryWayToRemoveAKey) {
    for (const char* line : {"DEL k", "UNLINK k", "GETDEL k", "EXPIRE k -1", "GETEX k PXAT 1", "RENAME k elsewhere",
                             "BITOP NOT k missing", "SET k v PXAT 1", "RESTORE k 1 x ABSTTL REPLACE"}) {
        ops::Database db = keeping(10);
        db("SET k v");
        if (std::string_view(line).starts_with("RESTORE")) {
            db.run({"RESTORE", "k", "1", ops::dump_payload("v"), "ABSTTL", "REPLACE"});
        } else {
            db(line);
        }
        EXPECT_EQ(db.store().last_change("k"), known(2)) << line;
    }
}

TEST(Tombstones, OfKeysThatAnEntryRemovesBecauseTheyAreDueHaveOneRevision) {
    ops::Database db = keeping(10);
    db("SET a v PX 10");
    db("SET b v PX 20");
    db.pass_ms(50);
    db.tick();
    EXPECT_EQ(db.store().last_change("a"), known(3));
    EXPECT_EQ(db.store().last_change("b"), known(3));
}

TEST(Tombstones, TheOldestGoAndRaiseTheFloor) {
    ops::Database db = keeping(2);
    db("MSET a 1 b 1 c 1");
    db("DEL a");
    db("DEL b");
    EXPECT_EQ(db.store().last_change("never"), unknown(0));
    db("DEL c");
    EXPECT_EQ(db.store().last_change("a"), unknown(2));
    EXPECT_EQ(db.store().last_change("b"), known(3));
    EXPECT_EQ(db.store().last_change("c"), known(4));
}

TEST(Tombstones, AreBoundedInBytesToo) {
    ops::Database db = keeping(1000, 2 * (Tombstones::kCountedBytes + 10));
    const std::string longest(400, 'k');
    for (const std::string& key : {std::string(10, 'a'), std::string(10, 'b'), longest})
        db.run({"SET", key, "v"});
    db.run({"DEL", std::string(10, 'a')});
    db.run({"DEL", std::string(10, 'b')});
    EXPECT_EQ(db.store().tombstone_count(), 2u);
    db.run({"DEL", longest});
    EXPECT_EQ(db.store().tombstone_count(), 0u)
        << "one that is too large for all of the room leaves none of the others";
    EXPECT_EQ(db.store().last_change(longest), unknown(6));
}

TEST(Tombstones, ALowerLimitCountsAtOnce) {
    ops::Database db = keeping(10);
    db("MSET a 1 b 1");
    db("DEL a");
    db("DEL b");
    ASSERT_TRUE(db.store().set(Setting::kTombstonesMax, 1));
    EXPECT_EQ(db.store().last_change("a"), unknown(2));
    EXPECT_EQ(db.store().last_change("b"), known(3));
    ASSERT_TRUE(db.store().set(Setting::kTombstoneBytesMax, 0));
    EXPECT_EQ(db.store().tombstone_count(), 0u);
    EXPECT_EQ(db.store().last_change("b"), unknown(3));
}

TEST(Tombstones, AreDroppedByFlushallWhichRaisesTheFloor) {
    ops::Database db = keeping(10);
    db("MSET a 1 b 1");
    db("DEL a");
    db("FLUSHALL");
    EXPECT_EQ(db.store().tombstone_count(), 0u);
    EXPECT_EQ(db.store().last_change("a"), unknown(3));
    EXPECT_EQ(db.store().last_change("b"), unknown(3));
    db("FLUSHALL");
    EXPECT_EQ(db.store().last_change("a"), unknown(3)) << "there was nothing to remove";
}

TEST(Tombstones, OfFlushallAreFreedInSlices) {
    Tombstones tombstones;
    tombstones.set_limits(100'000, UINT64_MAX);
    for (uint64_t i = 1; i <= 20'000; ++i)
        tombstones.add(std::to_string(i), Revision{i});
    tombstones.clear(Revision{20'001});
    tombstones.add("1", Revision{20'002});
    int slices = 1;
    while (tombstones.release_cleared())
        ++slices;
    EXPECT_GT(slices, 5);
    EXPECT_EQ(tombstones.find("1"), Revision{20'002});
}

TEST(Tombstones, ArePartOfTheStateHashWhateverTheirOrderWas) {
    const auto hash_after = [](const std::vector<const char*>& lines) {
        ops::Database db = keeping(10);
        db("MSET a 1 b 1 c 1");
        for (const char* line : lines)
            db(line);
        return db.store().state_hash();
    };
    EXPECT_EQ(hash_after({"DEL a b"}), hash_after({"DEL b a"}));
    EXPECT_NE(hash_after({"DEL a", "DEL b"}), hash_after({"DEL b", "DEL a"})) << "each has its revision";
}

// Against an account of every change that is kept without end.
TEST(Tombstones, NeverSayThatAKeyDidNotChangeWhenItDid) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
        ops::RandomCommands commands(seed);
        ops::Database db = keeping(3, 700);
        std::map<std::string, uint64_t> versions;  // the revision by which each key was last seen to differ
        std::map<std::string, std::optional<std::pair<uint64_t, uint64_t>>> seen;
        for (int i = 0; i < 4000; ++i) {
            db.run(commands.next());
            if (i % 50 == 0) db.pass_ms(200'000);
            for (int k = 0; k < 8; ++k) {
                const std::string key = fmt::format("k{}", k);
                const Record* record = db.store().find(key);
                std::optional<std::pair<uint64_t, uint64_t>> present;
                if (record != nullptr) present = {record->revision().value(), record->version()};
                if (std::exchange(seen[key], present) != present) versions[key] = db.store().revision().value();
                const LastChange last = db.store().last_change(key);
                ASSERT_LE(versions[key], last.revision.value()) << "seed " << seed << " command " << i << " " << key;
                if (last.is_known && record == nullptr) {
                    ASSERT_GT(last.revision.value(), 0u);
                }
            }
            ASSERT_LE(db.store().tombstone_count(), 3u);
        }
    }
}

TEST(Tombstones, GoWithASnapshot) {
    ops::Database db = keeping(2);
    db("MSET a 1 b 1 c 1 d 1");
    db("DEL a");
    db("DEL b");
    db("DEL c");
    Store copy;
    copy.restore_head(db.store().head());
    db.store().for_each([&](std::string_view, const Record& record) { copy.restore(record.fields()); });
    db.store().for_each_tombstone(
        [&](std::string_view key, Revision revision) { copy.restore_tombstone(key, revision); });
    EXPECT_EQ(copy.state_hash(), db.store().state_hash());
    for (const char* key : {"a", "b", "c", "d", "e"})
        EXPECT_EQ(copy.last_change(key), db.store().last_change(key)) << key;
    db("DEL d");
    copy.advance(copy.applied_index() + 1, copy.log_time_ms());
    copy.erase("d");
    EXPECT_EQ(copy.last_change("b"), db.store().last_change("b")) << "the same one is the oldest";
}

}  // namespace
}  // namespace kvorum::kv
