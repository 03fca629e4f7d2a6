// More keys may fall due at once than one entry removes. What is left is absent all the same.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

constexpr int kDueKeys = 5000;

// kDueKeys keys are due and one entry has passed: most of them are not removed yet, and "z" is the last in turn.
struct DueKeysState {
    DueKeysState() {
        for (int i = 0; i < kDueKeys; ++i)
            db(fmt::format("SET due:{} v PXAT {}", i, Database::kStartMs + 1000));
        db(fmt::format("SET z v PXAT {}", Database::kStartMs + 1000));
        db("SET lasting v");
        db.pass_ms(1000);
        db.tick();
    }

    int ticks_until_none_is_due() {
        int ticks = 0;
        for (; db.store().due_remain(); ++ticks)
            db.tick();
        return ticks;
    }

    Database db;
};

class DueKeys : public ::testing::Test, protected DueKeysState {};

TEST_F(DueKeys, AreRemovedByABoundedNumberAnEntry) {
    EXPECT_TRUE(db.store().due_remain());
    EXPECT_EQ(db.store().expired_keys(), 1000);
    EXPECT_EQ(ticks_until_none_is_due(), 5);
    EXPECT_EQ(db.store().expired_keys(), kDueKeys + 1);
    EXPECT_EQ(db.store().size(), 1);
}

TEST_F(DueKeys, ABoundOfBytesHoldsToo) {
    Database large;
    const std::string value(1'000'000, 'x');
    for (int i = 0; i < 10; ++i)
        large.run({"SET", fmt::format("k{}", i), value, "PX", "1000"});
    large.pass_ms(1000);
    large.tick();
    EXPECT_EQ(large.store().expired_keys(), 3) << "each entry frees about 2 MiB";
}

TEST_F(DueKeys, AreAbsentToEveryCommand) {
    for (const char* line : {"GET z",
                             "STRLEN z",
                             "GETRANGE z 0 -1",
                             "EXISTS z z",
                             "TOUCH z",
                             "TYPE z",
                             "TTL z",
                             "PTTL z",
                             "EXPIRETIME z",
                             "MGET z lasting z",
                             "OBJECT ENCODING z",
                             "DEL z",
                             "UNLINK z z",
                             "GETDEL z",
                             "GETEX z PERSIST",
                             "PERSIST z",
                             "EXPIRE z 100",
                             "EXPIRE z 100 XX",
                             "RENAME z other",
                             "RENAMENX z other",
                             "COPY z other",
                             "SET z new XX"}) {
        DueKeysState fresh;
        Database empty;
        empty("SET lasting v");
        EXPECT_EQ(fresh.db(line), empty(line)) << line;
        EXPECT_EQ(fresh.db("GET z"), nothing()) << line;
    }
}

TEST_F(DueKeys, AWriteToOneRemovesItFirst) {
    for (const char* line : {"SET z new NX", "SET z new KEEPTTL", "SET z new GET", "SETNX z new", "GETSET z new",
                             "APPEND z new", "SETRANGE z 2 new", "INCR z", "INCRBYFLOAT z 1.5", "MSET z new",
                             "MSETNX z new", "RENAME lasting z", "RENAMENX lasting z", "COPY lasting z"}) {
        DueKeysState fresh;
        Database empty;
        empty("SET lasting v");
        EXPECT_EQ(fresh.db(line), empty(line)) << line;
        EXPECT_EQ(fresh.db("GET z"), empty("GET z")) << line;
        EXPECT_EQ(fresh.db("TTL z"), integer(-1)) << line;
        fresh.ticks_until_none_is_due();
        EXPECT_EQ(fresh.db("GET z"), empty("GET z")) << line << ": it is another key than the one that was due";
    }
}

TEST_F(DueKeys, AreNotListed) {
    EXPECT_EQ(db("KEYS *"), list({bytes("lasting")}));
    EXPECT_EQ(db("SCAN 0 COUNT 100000"), list({bytes("0"), list({bytes("lasting")})}));
    EXPECT_EQ(db("KEYS z"), list({}));
}

TEST_F(DueKeys, ARandomKeyIsNeverOneOfThem) {
    db("SET living v PX 100000");
    for (int i = 0; i < 100; ++i)
        EXPECT_NE(db("RANDOMKEY"), bytes("z"));
    EXPECT_EQ(db("RANDOMKEY"), bytes("living")) << "one with a deadline is found, however many are due";
}

TEST_F(DueKeys, AreGoneAfterFlushall) {
    db("FLUSHALL");
    EXPECT_FALSE(db.store().due_remain());
    EXPECT_EQ(db("SET z new"), done());
    EXPECT_EQ(db("GET z"), bytes("new"));
}

TEST_F(DueKeys, ASnapshotKeepsThemAsTheyAre) {
    kv::Store copy;
    copy.restore_head(db.store().head());
    db.store().for_each([&](std::string_view, const kv::Record& record) { copy.restore(record.fields()); });
    EXPECT_EQ(copy.state_hash(), db.store().state_hash());
    EXPECT_EQ(copy.find("z"), nullptr);
    EXPECT_TRUE(copy.due_remain());
    copy.advance(copy.applied_index() + 1, copy.log_time_ms());
    db.tick();
    EXPECT_EQ(copy.state_hash(), db.store().state_hash());
}

}  // namespace
}  // namespace kvorum::ops
