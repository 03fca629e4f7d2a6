// Every value that validation lets through must work: all options at their ends, alone and mixed, as flags and by
// CONFIG SET. After each the node takes a connection, carries out commands, and is still there.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/prng.h"
#include "config/config_options.h"
#include "tests/integration/client.h"
#include "tests/integration/cluster.h"

namespace kvorum::integration {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr auto kPatience = Milliseconds(20'000);
constexpr uint64_t kMixtures = 12;

// A config that lacks nothing, so that only the options in question can be wrong.
NodeConfig plain_config() {
    NodeConfig config;
    config.id = NodeId{1};
    config.data_directory = "d";
    config.members = {{.id = NodeId{1}, .peer = {"127.0.0.1", 17001}, .client = {"127.0.0.1", 7001}}};
    return config;
}

bool is_valid(const std::map<const ConfigOption*, std::string>& values) {
    NodeConfig config = plain_config();
    for (const auto& [option, text] : values) {
        if (option->parse(config, text).has_value()) return false;
    }
    return config.validate().empty();
}

bool takes(const ConfigOption& option, uint64_t number) { return is_valid({{&option, fmt::format("{}", number)}}); }

// The smallest number from `refused` to `taken` that is taken, or the largest, whichever way they lie.
uint64_t end_between(const ConfigOption& option, uint64_t refused, uint64_t taken) {
    while (refused + 1 != taken && taken + 1 != refused) {
        const uint64_t middle = refused + (taken - refused) / 2;
        const uint64_t upper = taken + (refused - taken) / 2;
        const uint64_t probe = refused < taken ? middle : upper;
        (takes(option, probe) ? taken : refused) = probe;
    }
    return taken;
}

// The least and the greatest number that the option takes, found by trying.
std::vector<std::string> numeric_ends(const ConfigOption& option) {
    std::set<uint64_t> tried{0};
    for (int bit = 0; bit < 64; ++bit)
        tried.insert(uint64_t{1} << bit);
    for (uint64_t power = 10; power < UINT64_MAX / 10; power *= 10)
        tried.insert(power);
    uint64_t least = UINT64_MAX;
    uint64_t greatest = 0;
    for (const uint64_t number : tried) {
        if (!takes(option, number)) continue;
        least = std::min(least, number);
        greatest = std::max(greatest, number);
    }
    if (least > greatest) return {};
    if (least > 0) least = end_between(option, least / 2, least);
    if (greatest < uint64_t{1} << 63) greatest = end_between(option, greatest * 2, greatest);
    return {fmt::format("{}", least), fmt::format("{}", greatest)};
}

std::vector<std::string> words_of(std::string_view value) {
    std::vector<std::string> words;
    while (!value.empty()) {
        const size_t bar = value.find('|');
        words.emplace_back(value.substr(0, bar));
        value = bar == std::string_view::npos ? std::string_view{} : value.substr(bar + 1);
    }
    return words;
}

// Options with two ends or a few words; names, files and addresses have no ends.
std::map<const ConfigOption*, std::vector<std::string>> options_with_ends() {
    static const std::set<std::string_view> kForms{"MS", "US", "S", "N", "SIZE", "BYTES", "PERCENT"};
    std::map<const ConfigOption*, std::vector<std::string>> found;
    for (const ConfigOption& option : config_options()) {
        // maxmemory is memory_limit_test's.
        if (option.name == "id" || option.name == "maxmemory") continue;
        if (option.value.find('|') != std::string_view::npos) {
            found[&option] = words_of(option.value);
        } else if (kForms.contains(option.value)) {
            found[&option] = numeric_ends(option);
            EXPECT_EQ(found[&option].size(), 2u) << option.name;
        }
    }
    return found;
}

// With these at an end a node may find no leader, or not in time; it must say so.
bool may_keep_from_writing(std::string_view option) {
    return option == "election-timeout-ms" || option == "heartbeat-interval-ms" || option == "leader-wait-ms" ||
           option == "outcome-wait-ms" || option == "disk-stall-ms";
}

// A new connection, once there is one: the place of the one before may not be free yet, where there is only one.
std::vector<Answer> talk_to(const Cluster& cluster, const std::vector<std::vector<std::string>>& commands) {
    std::vector<Answer> answers;
    const bool answered = wait_until(kPatience, [&] {
        Client client(cluster.endpoint(1));
        if (!client.is_connected()) return false;
        answers.clear();
        for (const auto& command : commands)
            answers.push_back(client.command(command));
        return !answers.front().lost && !answers.front().is_error();
    });
    EXPECT_TRUE(answered);
    return answers;
}

void expect_it_works(Cluster& cluster, bool must_write) {
    const auto answers = talk_to(cluster, {{"PING"}, {"SET", "key", "value"}, {"GET", "key"}, {"INFO"}, {"COMMAND"}});
    ASSERT_TRUE(cluster.is_running(1));
    if (must_write) {
        EXPECT_EQ(answers[1].to_string(), "OK");
        EXPECT_EQ(answers[2].to_string(), "value");
    } else {
        EXPECT_THAT(answers[1].to_string(), AnyOf("OK", StartsWith("CLUSTERDOWN"), StartsWith("UNCERTAIN")));
    }
    EXPECT_THAT(answers[3].to_string(), HasSubstr("redis_version"));
    EXPECT_FALSE(answers[4].lost);
}

void expect_it_works_from_the_start(const std::map<const ConfigOption*, std::string>& values) {
    std::vector<std::string> flags;
    bool must_write = true;
    bool has_segment_size = false;
    for (const auto& [option, text] : values) {
        flags.insert(flags.end(), {fmt::format("--{}", option->name), text});
        must_write = must_write && !may_keep_from_writing(option->name);
        has_segment_size = has_segment_size || option->name == "wal-segment-size";
    }
    if (!has_segment_size) flags.insert(flags.end(), {"--wal-segment-size", "1MiB"});
    SCOPED_TRACE(fmt::format("{}", fmt::join(flags, " ")));
    Cluster cluster({.nodes = 1, .flags = flags});
    cluster.start_all();
    expect_it_works(cluster, must_write);
}

TEST(SettingsTest, EachFlagWorksAtItsEnds) {
    for (const auto& [option, values] : options_with_ends()) {
        for (const std::string& value : values) {
            const std::map<const ConfigOption*, std::string> one{{option, value}};
            if (is_valid(one)) expect_it_works_from_the_start(one);
        }
    }
}

TEST(SettingsTest, FlagsWorkAtTheirEndsTogether) {
    const auto options = options_with_ends();
    Prng prng(11);
    for (uint64_t i = 0; i < kMixtures; ++i) {
        std::map<const ConfigOption*, std::string> mixture;
        for (const auto& [option, values] : options) {
            // Huge segments are a matter of the disk, and what keeps from writing would hide the rest.
            if (may_keep_from_writing(option->name) || option->name == "wal-segment-size") continue;
            const auto with = [&](const std::string& value) {
                auto larger = mixture;
                larger[option] = value;
                return larger;
            };
            // The first two mixtures have all at the least and all at the greatest.
            const size_t chosen = i < 2 ? i * (values.size() - 1) : prng.below(values.size());
            if (is_valid(with(values[chosen]))) mixture = with(values[chosen]);
        }
        expect_it_works_from_the_start(mixture);
    }
}

TEST(SettingsTest, EachParameterWorksAtItsEndsWhileTheNodeRuns) {
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    for (const auto& [option, values] : options_with_ends()) {
        if (!option->may_change_at_run_time) continue;
        const std::string name(option->name);
        const std::string before = option->show(NodeConfig{});
        for (const std::string& value : values) {
            SCOPED_TRACE(fmt::format("CONFIG SET {} {}", name, value));
            const auto set = talk_to(cluster, {{"PING"}, {"CONFIG", "SET", name, value}, {"CONFIG", "GET", name}});
            NodeConfig expected;
            EXPECT_EQ(option->parse(expected, value), std::nullopt);
            EXPECT_THAT(set[1].to_string(), AnyOf("OK", HasSubstr("The operating system is not able"),
                                                  HasSubstr("one argument is part of a command")));
            if (set[1].to_string() == "OK")
                EXPECT_EQ(set[2].to_string(), fmt::format("[{} {}]", name, option->show(expected)));
            expect_it_works(cluster, true);
            EXPECT_EQ(talk_to(cluster, {{"PING"}, {"CONFIG", "SET", name, before}})[1].to_string(), "OK");
        }
    }
}

// A connection that stands lives by the new limits too, as in Redis.
TEST(SettingsTest, ALowerLimitHoldsForStandingConnections) {
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    Client client(cluster.endpoint(1));
    EXPECT_EQ(client.command({"SET", "key", std::string(4096, 'x')}).to_string(), "OK");
    EXPECT_EQ(client.command({"CONFIG", "SET", "max-bulk-size", "1KiB"}).to_string(), "OK");
    EXPECT_EQ(client.command({"SET", "key", std::string(4096, 'x')}).to_string(),
              "ERR Protocol error: invalid bulk length");
}

}  // namespace
}  // namespace kvorum::integration
