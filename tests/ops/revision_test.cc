// The revision of the state, and what each key knows of its changes.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

// By how much the command raises the revision.
uint64_t raise_by(Database& db, std::string_view line) {
    const Revision before = db.store().revision();
    db(line);
    return db.store().revision() - before;
}

TEST(Revision, IsRaisedByEachCommandThatChangesSomething) {
    for (const char* line : {"SET k v",
                             "SET k v GET",
                             "SETNX new v",
                             "GETSET k w",
                             "GETDEL k",
                             "GETEX k EX 10",
                             "MSET a 1 b 2",
                             "MSETNX a 1 b 2",
                             "APPEND k +",
                             "APPEND k \"\"",
                             "SETRANGE k 1 x",
                             "INCR n",
                             "INCRBYFLOAT n 0.5",
                             "DEL k n",
                             "EXPIRE k 10",
                             "EXPIRE k -1",
                             "PERSIST lent",
                             "RENAME k other",
                             "RENAME k n",
                             "COPY k copy",
                             "FLUSHALL",
                             "SETBIT k 1 1",
                             "BITOP NOT to k",
                             "BITOP NOT k missing",
                             "BITFIELD k SET u8 0 1"}) {
        Database db;
        db("MSET k v n 1");
        db("SET lent v EX 100");
        EXPECT_EQ(raise_by(db, line), 1u) << line;
    }
}

TEST(Revision, IsNotRaisedByACommandThatFindsNothingToDo) {
    Database db;
    db("SET k v");
    for (const char* line : {"GET k",
                             "SETNX k w",
                             "SET k w NX",
                             "SET missing v XX",
                             "MSETNX new 1 k 2",
                             "GETDEL missing",
                             "GETEX k",
                             "GETEX k PERSIST",
                             "SETRANGE k 3 \"\"",
                             "INCR k",
                             "DEL missing",
                             "EXPIRE missing 10",
                             "EXPIRE k 10 XX",
                             "PERSIST k",
                             "PERSIST missing",
                             "RENAME missing k",
                             "RENAME k k",
                             "RENAMENX k k",
                             "COPY missing new",
                             "COPY k k2 FOO",
                             "BITOP AND missing nothing",
                             "BITFIELD k GET u8 0",
                             "SORT missing"}) {
        EXPECT_EQ(raise_by(db, line), 0u) << line;
    }
    db("FLUSHALL");
    EXPECT_EQ(raise_by(db, "FLUSHALL"), 0u) << "of an empty store";
}

TEST(Revision, CountsCommandsAndNotEntries) {
    DiscardingReplySink ignored;
    LogBuffer batch;
    for (const auto& words : std::vector<std::vector<std::string_view>>{
             {"SET", "a", "1"}, {"DEL", "missing"}, {"SET", "a", "2"}, {"MSET", "b", "1", "c", "1"}})
        ASSERT_TRUE(encode_write(operation_named(words[0]), words, 0, batch, ignored));
    kv::Store store;
    ASSERT_TRUE(
        apply_batch(store, LogIndex(5), 0, 4, as_bytes(batch), [&](uint32_t) -> ReplySink& { return ignored; }));
    EXPECT_EQ(store.revision(), Revision{3});
    EXPECT_EQ(store.find("a")->revision(), Revision{2});
    EXPECT_EQ(store.find("b")->revision(), Revision{3});
    EXPECT_EQ(store.find("c")->revision(), Revision{3}) << "a command has one revision for all that it changes";
}

TEST(Revision, IsOneForAllKeysThatAnEntryRemovesBecauseTheyAreDue) {
    Database db;
    db("SET a v PX 10");
    db("SET b v PX 20");
    db("SET c v PX 90000");
    db.pass_ms(50);
    EXPECT_EQ(raise_by(db, "SET d v"), 2u) << "one for the two keys, one for the command of that entry";
    db.tick();
    EXPECT_EQ(db.store().revision(), Revision{5}) << "nothing is due";
}

TEST(Revision, ACommandThatFreesADueKeyHasChangedSomething) {
    kv::Store store;
    store.advance(LogIndex(1), 0);
    for (int i = 0; i <= 1000; ++i)
        store.put(std::to_string(i), "v", 10);
    store.put("late", "v", 10);
    store.advance(LogIndex(2), 10);
    ASSERT_TRUE(store.due_remain());
    ASSERT_EQ(store.find("late"), nullptr);
    const Revision before = store.revision();
    store.begin_operation();
    EXPECT_FALSE(store.erase("late"));
    EXPECT_EQ(store.revision(), before + 1) << "the key goes, though the command did not find it";
}

TEST(KeyMeta, TellsCreationAndNumberOfChanges) {
    Database db;
    db("SET other v");
    db("SET k v");
    EXPECT_EQ(db.store().find("k")->create_revision(), Revision{2});
    EXPECT_EQ(db.store().find("k")->version(), 1u);
    db("SET k v");
    db("EXPIRE k 100");
    db("PERSIST k");
    db("APPEND k +");
    EXPECT_EQ(db.store().find("k")->create_revision(), Revision{2});
    EXPECT_EQ(db.store().find("k")->revision(), Revision{6});
    EXPECT_EQ(db.store().find("k")->version(), 5u);
}

TEST(KeyMeta, StartsOverWhenTheKeyWasGone) {
    for (const char* line : {"DEL k", "GETDEL k", "EXPIRE k -1", "RENAME k elsewhere", "FLUSHALL", "PEXPIRE k 1"}) {
        Database db;
        db("SET k v");
        db("SET k v");
        db(line);
        db.pass_ms(1);
        db("SET k v");
        EXPECT_EQ(db.store().find("k")->create_revision(), db.store().revision()) << line;
        EXPECT_EQ(db.store().find("k")->version(), 1u) << line;
    }
}

TEST(KeyMeta, StartsOverWhenTheKeyWasDueAndNotRemovedYet) {
    kv::Store store;
    store.advance(LogIndex(1), 0);
    for (int i = 0; i < 1001; ++i)
        store.put(std::to_string(i), "v", 10);
    store.put("late", "v", 10);
    store.advance(LogIndex(2), 10);
    ASSERT_EQ(store.find("late"), nullptr);
    store.begin_operation();
    store.put("late", "v", kv::kNoExpiry);
    EXPECT_EQ(store.find("late")->create_revision(), store.revision());
    EXPECT_EQ(store.find("late")->version(), 1u);
}

TEST(KeyMeta, OfWhatRenameAndCopyWriteIsThatOfTheDestination) {
    Database db;
    db("SET from v");
    db("SET to old");  // revision 2
    db("COPY from to REPLACE");
    EXPECT_EQ(db.store().find("to")->create_revision(), Revision{2});
    EXPECT_EQ(db.store().find("to")->version(), 2u);
    db("RENAME from to");
    EXPECT_EQ(db.store().find("to")->create_revision(), Revision{2});
    EXPECT_EQ(db.store().find("to")->version(), 3u);
    db("RENAME to elsewhere");
    EXPECT_EQ(db.store().find("elsewhere")->create_revision(), Revision{5});
    EXPECT_EQ(db.store().find("elsewhere")->version(), 1u);
}

TEST(KeyMeta, AKeyThatACommandWritesTwiceIsChangedOnce) {
    Database db;
    db("MSET k 1 k 2");
    EXPECT_EQ(db.store().find("k")->version(), 1u);
    db("MSET k 3 k 4");
    EXPECT_EQ(db.store().find("k")->version(), 2u);
    EXPECT_EQ(db.store().find("k")->revision(), Revision{2});
    EXPECT_EQ(db.store().find("k")->create_revision(), Revision{1});
}

TEST(KeyMeta, CostsEightBytesHoweverOftenAKeyIsWritten) {
    Database db;
    db("SET k v");
    const size_t plain = db.store().find("k")->size_bytes();
    for (int i = 0; i < 1000; ++i)
        db("SET k v");
    EXPECT_EQ(db.store().find("k")->size_bytes(), plain + 8);
}

}  // namespace
}  // namespace kvorum::ops
