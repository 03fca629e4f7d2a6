// Random commands against an oracle: a std::map and the rules of each command written down a second time, as plainly as
// possible.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

class Oracle {
 public:
    struct Item {
        std::string value;
        std::optional<int64_t> deadline_ms;
        uint64_t create_revision = 0;
        uint64_t revision = 0;
        uint64_t version = 0;
    };

    // Each returns the reply.
    std::string set(const std::string& key, const std::string& value) {
        Item& item = change(key);
        item.value = value;
        item.deadline_ms.reset();
        return done();
    }
    std::string set_nx(const std::string& key, const std::string& value) {
        return items_.contains(key) ? nothing() : set(key, value);
    }
    std::string set_px(const std::string& key, const std::string& value, int64_t lifetime_ms) {
        Item& item = change(key);
        item.value = value;
        item.deadline_ms = now_ms + lifetime_ms;
        return done();
    }
    std::string set_keeping_ttl(const std::string& key, const std::string& value) {
        change(key).value = value;
        return done();
    }
    std::string get(const std::string& key) { return items_.contains(key) ? bytes(items_[key].value) : nothing(); }
    std::string del(const std::string& key) {
        const size_t erased = items_.erase(key);
        revision_ += erased;
        return integer(static_cast<int64_t>(erased));
    }
    std::string append(const std::string& key, const std::string& value) {
        change(key).value += value;
        return integer(static_cast<int64_t>(items_[key].value.size()));
    }
    std::string incrby(const std::string& key, int64_t increment) {
        const std::string old = items_.contains(key) ? items_[key].value : "0";
        if (old.find_first_not_of("-0123456789") != std::string::npos) return failed(Failure::kNotAnInteger);
        change(key).value = std::to_string(std::stoll(old) + increment);
        return integer(std::stoll(items_[key].value));
    }
    std::string pexpire(const std::string& key, int64_t lifetime_ms) {
        if (!items_.contains(key)) return integer(0);
        if (lifetime_ms <= 0) return del(key);
        change(key).deadline_ms = now_ms + lifetime_ms;
        return integer(1);
    }
    std::string persist(const std::string& key) {
        if (!items_.contains(key) || !items_[key].deadline_ms) return integer(0);
        change(key).deadline_ms.reset();
        return integer(1);
    }
    std::string pttl(const std::string& key) {
        if (!items_.contains(key)) return integer(-2);
        return integer(items_[key].deadline_ms ? *items_[key].deadline_ms - now_ms : -1);
    }
    std::string rename(const std::string& from, const std::string& to) {
        if (!items_.contains(from)) return failed(Failure::kNoSuchKey);
        if (from == to) return done();
        const Item item = items_[from];
        items_.erase(from);
        Item& renamed = change(to);
        renamed.value = item.value;
        renamed.deadline_ms = item.deadline_ms;
        return done();
    }
    std::string dbsize() { return integer(static_cast<int64_t>(items_.size())); }

    void pass_ms(int64_t duration_ms) {
        now_ms += duration_ms;
        forget_due();
    }
    const std::map<std::string, Item>& items() const { return items_; }
    uint64_t revision() const { return revision_; }

 private:
    // By a command of its own.
    Item& change(const std::string& key) {
        Item& item = items_[key];
        item.revision = ++revision_;
        if (++item.version == 1) item.create_revision = revision_;
        return item;
    }
    void forget_due() {
        const auto is_due = [this](const auto& item) {
            return item.second.deadline_ms && *item.second.deadline_ms <= now_ms;
        };
        if (std::erase_if(items_, is_due) > 0) ++revision_;
    }

    int64_t now_ms = Database::kStartMs;
    uint64_t revision_ = 0;
    std::map<std::string, Item> items_;
};

void step(Prng& prng, Database& db, Oracle& oracle) {
    const std::string key = "k" + std::to_string(prng.below(50));
    const std::string other = "k" + std::to_string(prng.below(50));
    const std::string value = prng.chance(1, 2) ? std::to_string(prng.below(1000)) : std::string(prng.below(60), 'x');
    const auto lifetime_ms = static_cast<int64_t>(prng.between(1, 500));
    const std::string lifetime = std::to_string(lifetime_ms);
    switch (prng.below(14)) {
        case 0: EXPECT_EQ(db.run({"SET", key, value}), oracle.set(key, value)); break;
        case 1: EXPECT_EQ(db.run({"SET", key, value, "NX"}), oracle.set_nx(key, value)); break;
        case 2: EXPECT_EQ(db.run({"SET", key, value, "PX", lifetime}), oracle.set_px(key, value, lifetime_ms)); break;
        case 3: EXPECT_EQ(db.run({"SET", key, value, "KEEPTTL"}), oracle.set_keeping_ttl(key, value)); break;
        case 4: EXPECT_EQ(db.run({"GET", key}), oracle.get(key)); break;
        case 5: EXPECT_EQ(db.run({"DEL", key}), oracle.del(key)); break;
        case 6: EXPECT_EQ(db.run({"APPEND", key, "7"}), oracle.append(key, "7")); break;
        case 7: EXPECT_EQ(db.run({"PEXPIRE", key, lifetime}), oracle.pexpire(key, lifetime_ms)); break;
        case 8: EXPECT_EQ(db.run({"PEXPIRE", key, "-1"}), oracle.pexpire(key, -1)); break;
        case 9: EXPECT_EQ(db.run({"PERSIST", key}), oracle.persist(key)); break;
        case 10: EXPECT_EQ(db.run({"PTTL", key}), oracle.pttl(key)); break;
        case 11: EXPECT_EQ(db.run({"RENAME", key, other}), oracle.rename(key, other)); break;
        case 12: EXPECT_EQ(db("DBSIZE"), oracle.dbsize()); break;
        default: {
            db.pass_ms(lifetime_ms / 5);
            db.tick();
            oracle.pass_ms(lifetime_ms / 5);
        }
    }
}

void expect_same_state(Database& db, const Oracle& oracle) {
    std::map<std::string, Oracle::Item> found;
    uint64_t with_deadline = 0;
    db.store().for_each([&](std::string_view key, const kv::Record& record) {
        Oracle::Item& item = found[std::string(key)];
        item.value = record.value();
        if (record.expire_at_ms() != kv::kNoExpiry) item.deadline_ms = record.expire_at_ms();
        item.create_revision = record.create_revision().value();
        item.revision = record.revision().value();
        item.version = record.version();
        if (record.expire_at_ms() != kv::kNoExpiry) ++with_deadline;
    });
    ASSERT_EQ(found.size(), oracle.items().size());
    for (const auto& [key, item] : oracle.items()) {
        EXPECT_EQ(found[key].value, item.value) << key;
        EXPECT_EQ(found[key].deadline_ms, item.deadline_ms) << key;
        EXPECT_EQ(found[key].create_revision, item.create_revision) << key;
        EXPECT_EQ(found[key].revision, item.revision) << key;
        EXPECT_EQ(found[key].version, item.version) << key;
    }
    EXPECT_EQ(db.store().keys_with_expiry(), with_deadline);
    EXPECT_EQ(db.store().revision(), Revision{oracle.revision()});
    db.store().check();
}

TEST(Model, RandomCommandsAgreeWithTheOracle) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(seed);
        Prng prng(seed);
        Database db(seed);
        Oracle oracle;
        for (int i = 0; i < 5000 && !::testing::Test::HasFailure(); ++i)
            step(prng, db, oracle);
        expect_same_state(db, oracle);
    }
}

// Long runs of digits would overflow both sides in different ways, so increments have keys of their own.
TEST(Model, RandomIncrementsAgreeWithTheOracle) {
    Prng prng(1);
    Database db;
    Oracle oracle;
    for (int i = 0; i < 5000; ++i) {
        const std::string key = "n" + std::to_string(prng.below(10));
        const auto increment = static_cast<int64_t>(prng.below(2'000'001)) - 1'000'000;
        EXPECT_EQ(db.run({"INCRBY", key, std::to_string(increment)}), oracle.incrby(key, increment));
        if (prng.chance(1, 20)) {
            EXPECT_EQ(db.run({"SET", key, "word"}), oracle.set(key, "word"));
        } else if (prng.chance(1, 10)) {
            EXPECT_EQ(db.run({"DEL", key}), oracle.del(key));
        }
    }
    expect_same_state(db, oracle);
}

}  // namespace
}  // namespace kvorum::ops
