// The checker against one that tries every order, on small random histories of every kind of command and outcome.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "base/prng.h"
#include "sim/linearizability.h"
#include "tests/sim/reference_store.h"

namespace kvorum::sim {
namespace {

constexpr uint64_t kHistoriesOfEachSort = 40'000;
constexpr size_t kOperationsMax = 7;

// --- The oracle ---

bool precedes(const Operation& a, const Operation& b) {
    return a.outcome == Outcome::kExecuted && *a.completed_at_ns < b.invoked_at_ns;
}

// Whether the operations that are not in `placed` can follow on `store`; tries every order of every subset of the
// unknown ones.
bool some_order_explains(const History& history, uint64_t placed, const ReferenceStore& store) {
    bool all_placed = true;
    for (size_t i = 0; i < history.size(); ++i) {
        const bool is_placed = ((placed >> i) & 1) != 0;
        if (is_placed || history[i].outcome == Outcome::kNotExecuted) continue;
        all_placed = all_placed && history[i].outcome == Outcome::kUnknown;
        bool must_wait = false;
        for (size_t j = 0; j < history.size(); ++j) {
            must_wait = must_wait || (((placed >> j) & 1) == 0 && precedes(history[j], history[i]));
        }
        if (must_wait) continue;
        ReferenceStore next = store;
        const Reply reply = next.execute(history[i].command);
        if (history[i].outcome == Outcome::kExecuted && reply != history[i].reply) continue;
        if (some_order_explains(history, placed | (uint64_t{1} << i), next)) return true;
    }
    return all_placed;
}

bool is_linearizable_by_brute_force(const History& history) { return some_order_explains(history, 0, {}); }

// --- Random histories ---

class Generator {
 public:
    explicit Generator(uint64_t seed) : random_(seed) {
        // Each history uses few kinds of commands and few values, so that its operations meet.
        for (size_t i = random_.between(1, 5); i > 0; --i)
            kinds_.push_back(static_cast<CommandKind>(random_.below(12)));
        two_keys_ = random_.chance(1, 2);
        unknown_percent_ = random_.below(4) * 20;
        time_max_ = random_.between(2, 24);
    }

    // What the clients of a linearizable store see: each operation takes effect at one moment between invocation and
    // completion.
    History from_a_store() {
        History history;
        std::vector<std::pair<uint64_t, size_t>> effects;  // moment with a random tie break, operation
        const size_t operations = random_.between(1, kOperationsMax);
        for (size_t i = 0; i < operations; ++i) {
            history.push_back(timed_operation(i));
            const Operation& made = history.back();
            if (made.outcome == Outcome::kNotExecuted || (made.outcome == Outcome::kUnknown && random_.chance(1, 3)))
                continue;
            const uint64_t last = made.outcome == Outcome::kUnknown ? time_max_ + 8 : *made.completed_at_ns;
            effects.emplace_back(random_.between(made.invoked_at_ns, last) * 1000 + random_.below(1000), i);
        }
        std::sort(effects.begin(), effects.end());
        ReferenceStore store;
        for (const auto& [moment, i] : effects) {
            const Reply reply = store.execute(history[i].command);
            if (history[i].outcome == Outcome::kExecuted) history[i].reply = reply;
        }
        return history;
    }

    // A store with one or two wrong replies, outcomes or times.
    History nearly_from_a_store() {
        History history = from_a_store();
        for (uint64_t i = random_.between(1, 2); i > 0; --i)
            spoil(history[random_.below(history.size())]);
        return history;
    }

    History of_nonsense() {
        History history;
        for (size_t i = random_.between(1, kOperationsMax); i > 0; --i) {
            history.push_back(timed_operation(i));
            if (history.back().outcome == Outcome::kExecuted) history.back().reply = reply_for(history.back().command);
        }
        return history;
    }

 private:
    Operation timed_operation(size_t id) {
        Operation operation;
        operation.id = id;
        operation.client = random_.between(1, 3);
        operation.command = command();
        operation.invoked_at_ns = random_.below(time_max_);
        operation.outcome = Outcome::kExecuted;
        if (random_.chance(unknown_percent_, 100)) {
            operation.outcome = random_.chance(1, 4) ? Outcome::kNotExecuted : Outcome::kUnknown;
        }
        if (operation.outcome != Outcome::kUnknown || random_.chance(1, 2)) {
            operation.completed_at_ns = operation.invoked_at_ns + random_.below(8);
        }
        return operation;
    }

    std::string key() { return two_keys_ && random_.chance(1, 2) ? "y" : "x"; }
    std::string value() {
        constexpr const char* kValues[] = {"1", "2", "3", "a", "b", "aa", "", "01"};
        return kValues[random_.below(random_.chance(1, 4) ? 8 : 5)];
    }
    std::vector<std::string> keys() {
        std::vector<std::string> keys{key()};
        if (random_.chance(1, 2)) keys.push_back(key());
        return keys;
    }
    int64_t increment() {
        if (random_.chance(1, 20)) return std::numeric_limits<int64_t>::max();
        return static_cast<int64_t>(random_.between(1, 3)) - (random_.chance(1, 4) ? 4 : 0);
    }

    Command any_set() {
        Command command = set(key(), value());
        command.condition = static_cast<SetCondition>(random_.below(4));
        if (command.condition == SetCondition::kIfeq) command.expected = value();
        command.returns_old = random_.chance(1, 3);
        return command;
    }

    Command command() {
        switch (kinds_[random_.below(kinds_.size())]) {
            case CommandKind::kGet: return get(key());
            case CommandKind::kSet: return random_.chance(1, 2) ? set(key(), value()) : any_set();
            case CommandKind::kSetnx: return setnx(key(), value());
            case CommandKind::kGetset: return getset(key(), value());
            case CommandKind::kGetdel: return getdel(key());
            case CommandKind::kIncrby: return incrby(key(), increment());
            case CommandKind::kAppend: return append(key(), value());
            case CommandKind::kDel: return del(keys());
            case CommandKind::kExists: return exists(keys());
            case CommandKind::kMget: return mget(keys());
            case CommandKind::kRename: return rename(key(), key());
            case CommandKind::kMset: break;
        }
        const std::vector<std::string> chosen = keys();
        std::vector<std::string> values;
        while (values.size() < chosen.size())
            values.push_back(value());
        return mset(chosen, values);
    }

    std::optional<std::string> value_or_nil() { return random_.chance(1, 4) ? std::nullopt : std::optional(value()); }

    Reply reply_for(const Command& command) {
        if (random_.chance(1, 40)) return reply_error(kNoSuchKeyError);  // mostly of a type that the command never has
        const std::optional<std::string> text = value_or_nil();
        const Reply text_reply = text ? reply_text(*text) : reply_nil();
        switch (command.kind) {
            case CommandKind::kGet:
            case CommandKind::kGetset:
            case CommandKind::kGetdel: return text_reply;
            case CommandKind::kSet:
                if (command.returns_old) return text_reply;
                return random_.chance(1, 3) ? reply_nil() : reply_ok();
            case CommandKind::kIncrby:
                if (random_.chance(1, 6)) return reply_error(kNotIntegerError);
                return reply_integer(static_cast<int64_t>(random_.below(7)));
            case CommandKind::kMget: {
                std::vector<std::optional<std::string>> found;
                while (found.size() < command.keys.size())
                    found.push_back(value_or_nil());
                return reply_list(found);
            }
            case CommandKind::kMset: return reply_ok();
            case CommandKind::kRename: return random_.chance(1, 3) ? reply_error(kNoSuchKeyError) : reply_ok();
            default: return reply_integer(static_cast<int64_t>(random_.below(3)));
        }
    }

    void spoil(Operation& operation) {
        if (operation.outcome == Outcome::kUnknown && random_.chance(1, 2)) {
            operation.outcome = Outcome::kNotExecuted;
        } else if (operation.outcome == Outcome::kExecuted && random_.chance(3, 4)) {
            operation.reply = reply_for(operation.command);
        } else {
            const uint64_t earlier = random_.between(0, operation.invoked_at_ns);
            if (operation.completed_at_ns) *operation.completed_at_ns -= earlier;
            operation.invoked_at_ns -= earlier;
        }
    }

    Prng random_;
    std::vector<CommandKind> kinds_;
    bool two_keys_ = false;
    uint64_t unknown_percent_ = 0;
    uint64_t time_max_ = 0;
};

// Checks the verdict and, for a wrong history, that the culprit is the first reply which no order explains.
void expect_same_verdict(uint64_t seed, const History& history, bool expected) {
    const CheckReport report = check_linearizability(history);
    ASSERT_EQ(report.verdict, expected ? Verdict::kLinearizable : Verdict::kNotLinearizable)
        << "seed " << seed << '\n'
        << format_history(history) << report.explanation;
    ASSERT_EQ(report.explanation.empty(), expected);
}

// KVORUM_TEST_SEED=n runs other histories than the usual ones.
uint64_t first_seed() {
    const char* text = std::getenv("KVORUM_TEST_SEED");
    return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

TEST(LinearizabilityAtRandom, EveryHistoryOfALinearizableStorePasses) {
    for (uint64_t i = 0; i < kHistoriesOfEachSort; ++i) {
        const uint64_t seed = first_seed() + i;
        const History history = Generator(seed).from_a_store();
        ASSERT_TRUE(is_linearizable_by_brute_force(history)) << "seed " << seed << '\n' << format_history(history);
        ASSERT_NO_FATAL_FAILURE(expect_same_verdict(seed, history, true));
    }
}

TEST(LinearizabilityAtRandom, SpoiledHistoriesAreJudgedAsByTryingEveryOrder) {
    uint64_t linearizable = 0;
    for (uint64_t i = 0; i < kHistoriesOfEachSort; ++i) {
        const uint64_t seed = first_seed() + i;
        const History history = Generator(seed).nearly_from_a_store();
        const bool expected = is_linearizable_by_brute_force(history);
        linearizable += expected ? 1 : 0;
        ASSERT_NO_FATAL_FAILURE(expect_same_verdict(seed, history, expected));
    }
    EXPECT_GT(linearizable, kHistoriesOfEachSort / 5);
    EXPECT_LT(linearizable, kHistoriesOfEachSort * 4 / 5);
}

TEST(LinearizabilityAtRandom, RandomRepliesAreJudgedAsByTryingEveryOrder) {
    uint64_t linearizable = 0;
    for (uint64_t i = 0; i < kHistoriesOfEachSort; ++i) {
        const uint64_t seed = first_seed() + i;
        const History history = Generator(seed).of_nonsense();
        const bool expected = is_linearizable_by_brute_force(history);
        linearizable += expected ? 1 : 0;
        ASSERT_NO_FATAL_FAILURE(expect_same_verdict(seed, history, expected));
    }
    EXPECT_GT(linearizable, kHistoriesOfEachSort / 20);
    EXPECT_LT(linearizable, kHistoriesOfEachSort * 4 / 5);
}

// Up to a given moment: later replies are unknown, later invocations never were.
History until(const History& history, uint64_t now_ns, const Operation* without_reply) {
    History prefix;
    for (const Operation& operation : history) {
        if (operation.invoked_at_ns > now_ns) continue;
        prefix.push_back(operation);
        const bool answered = operation.outcome == Outcome::kExecuted && *operation.completed_at_ns <= now_ns;
        if (operation.outcome == Outcome::kExecuted && (!answered || operation == *without_reply)) {
            prefix.back().outcome = Outcome::kUnknown;
        }
    }
    return prefix;
}

TEST(LinearizabilityAtRandom, TheCulpritIsTheFirstReplyThatNoOrderExplains) {
    uint64_t checked = 0;
    for (uint64_t i = 0; i < kHistoriesOfEachSort / 8; ++i) {
        const uint64_t seed = first_seed() + i;
        const History history = Generator(seed).nearly_from_a_store();
        const CheckReport report = check_linearizability(history);
        if (report.verdict == Verdict::kLinearizable) continue;
        ASSERT_TRUE(report.anomaly.has_value());
        const Operation& culprit = report.anomaly->culprit;
        History part;
        for (const Operation& operation : history) {
            const auto& keys = report.anomaly->keys;
            if (std::find(keys.begin(), keys.end(), operation.command.keys[0]) != keys.end()) part.push_back(operation);
        }
        // Replies of the same moment have no order among them: then any of them may be named.
        const auto same_moment = [&](const Operation& other) {
            return other.completed_at_ns == culprit.completed_at_ns;
        };
        if (std::count_if(part.begin(), part.end(), same_moment) > 1) continue;
        ++checked;
        const Operation none;
        ASSERT_FALSE(is_linearizable_by_brute_force(until(part, *culprit.completed_at_ns, &none))) << "seed " << seed;
        ASSERT_TRUE(is_linearizable_by_brute_force(until(part, *culprit.completed_at_ns, &culprit)))
            << "seed " << seed << '\n'
            << format_history(history) << report.explanation;
    }
    EXPECT_GT(checked, kHistoriesOfEachSort / 100);
}

TEST(LinearizabilityAtRandom, TheTextFormKeepsEveryOperation) {
    for (uint64_t i = 0; i < kHistoriesOfEachSort / 8; ++i) {
        const uint64_t seed = first_seed() + i;
        History history = Generator(seed).of_nonsense();
        for (size_t id = 0; id < history.size(); ++id)
            history[id].id = id;
        const auto parsed = parse_history(format_history(history));
        ASSERT_TRUE(parsed.ok()) << parsed.status() << '\n' << format_history(history);
        ASSERT_EQ(*parsed, history) << "seed " << seed << '\n' << format_history(history);
    }
}

}  // namespace
}  // namespace kvorum::sim
