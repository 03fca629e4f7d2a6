// The options of a node: defaults, command line, config file, and what is refused with which words.
#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "config/config_options.h"

namespace kvorum {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::StatusOr<CommandLineResult> parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "kvorumd");
    std::vector<const char*> pointers;
    for (const std::string& argument : arguments)
        pointers.push_back(argument.c_str());
    return parse_command_line(static_cast<int>(pointers.size()), pointers.data());
}

NodeConfig parsed(const std::vector<std::string>& arguments) {
    const auto result = parse(arguments);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->config : NodeConfig{};
}

std::string refusal(const std::vector<std::string>& arguments) {
    const auto result = parse(arguments);
    EXPECT_FALSE(result.ok());
    return std::string{result.status().message()};
}

const std::string kThreeMembers =
    "1=127.0.0.1:17001/127.0.0.1:7001,2=127.0.0.1:17002/127.0.0.1:7002,3=127.0.0.1:17003/127.0.0.1:7003";

NodeConfig three_node_config() { return parsed({"--id", "2", "--data-dir", "d", "--member", kThreeMembers}); }

// A config file that lives as long as the test's scope.
class ConfigFile {
 public:
    explicit ConfigFile(const std::string& text) : path_(::testing::TempDir() + "kvorum_config_test.toml") {
        std::ofstream(path_) << text;
    }
    ConfigFile(const ConfigFile&) = delete;
    ConfigFile& operator=(const ConfigFile&) = delete;
    ~ConfigFile() { (void)std::remove(path_.c_str()); }
    [[nodiscard]] const std::string& path() const { return path_; }

 private:
    std::string path_;
};

TEST(CommandLine, NeedsOnlyADataDirectory) {
    const NodeConfig config = parsed({"--data-dir", "/tmp/d"});
    EXPECT_EQ(config.data_directory, "/tmp/d");
    EXPECT_EQ(config.id, NodeId{1});
    ASSERT_EQ(config.members.size(), 1u);
    EXPECT_EQ(config.self().client.to_string(), "127.0.0.1:7001");
    EXPECT_EQ(config.self().peer.to_string(), "127.0.0.1:17001");
    EXPECT_THAT(config.validate(), IsEmpty());
}

TEST(CommandLine, SaysThatTheDataDirectoryIsMissing) { EXPECT_THAT(refusal({}), HasSubstr("data-dir: is missing")); }

TEST(CommandLine, MakesASingleNodeReachableWhereItListens) {
    const NodeConfig config = parsed({"--data-dir", "d", "--listen", "0.0.0.0:6379", "--id", "4"});
    EXPECT_EQ(config.id, NodeId{4});
    EXPECT_EQ(config.self().client.to_string(), "127.0.0.1:6379");
    EXPECT_EQ(config.listen_endpoint().to_string(), "0.0.0.0:6379");
    EXPECT_EQ(config.peer_listen_endpoint(), config.self().peer);
}

TEST(CommandLine, TakesMembersAsOneListOrOneByOne) {
    const NodeConfig list = three_node_config();
    const NodeConfig one_by_one =
        parsed({"--id", "2", "--data-dir", "d", "--member", "1=127.0.0.1:17001/127.0.0.1:7001", "--member",
                "2=127.0.0.1:17002/127.0.0.1:7002", "--member", "3=127.0.0.1:17003/127.0.0.1:7003"});
    ASSERT_EQ(list.members.size(), 3u);
    EXPECT_EQ(list.members, one_by_one.members);
    EXPECT_EQ(list.self().client.port, 7002);
}

TEST(CommandLine, WantsToKnowWhichMemberThisNodeIs) {
    EXPECT_THAT(refusal({"--data-dir", "d", "--member", kThreeMembers}), HasSubstr("id: is missing"));
    EXPECT_THAT(refusal({"--data-dir", "d", "--id", "4", "--member", kThreeMembers}),
                HasSubstr("id: 4 is not one of the members"));
}

TEST(CommandLine, SetsEveryKindOfOption) {
    const NodeConfig config = parsed({"--data-dir",
                                      "d",
                                      "--cluster",
                                      "shop",
                                      "--follower-mode",
                                      "redirect",
                                      "--election-timeout-ms",
                                      "300",
                                      "--heartbeat-interval-ms",
                                      "50",
                                      "--leader-wait-ms",
                                      "7",
                                      "--outcome-wait-ms",
                                      "8",
                                      "--disk-stall-ms",
                                      "9",
                                      "--wal-segment-size",
                                      "4MiB",
                                      "--wal-sync",
                                      "dsync",
                                      "--wal-groups-in-flight",
                                      "2",
                                      "--max-clients",
                                      "5",
                                      "--max-query-size",
                                      "2mb",
                                      "--max-bulk-size",
                                      "1000k",
                                      "--max-arguments",
                                      "60",
                                      "--max-pipeline",
                                      "3",
                                      "--max-output-buffer",
                                      "1234567",
                                      "--idle-timeout-s",
                                      "11",
                                      "--partial-command-timeout-s",
                                      "12",
                                      "--log-level",
                                      "debug",
                                      "--log-file",
                                      "l",
                                      "--pid-file",
                                      "p"});
    EXPECT_EQ(config.cluster_name, "shop");
    EXPECT_EQ(config.follower_mode, FollowerMode::kRedirect);
    EXPECT_EQ(config.election_timeout_ms, 300u);
    EXPECT_EQ(config.heartbeat_interval_ms, 50u);
    EXPECT_EQ(config.leader_wait_ms, 7u);
    EXPECT_EQ(config.outcome_wait_ms, 8u);
    EXPECT_EQ(config.disk_stall_ms, 9u);
    EXPECT_EQ(config.wal_segment_bytes, 4 * kMiB);
    EXPECT_EQ(config.wal_sync, WalSync::kDsync);
    EXPECT_EQ(config.wal_groups_in_flight, 2u);
    EXPECT_EQ(config.limits.clients_max, 5u);
    EXPECT_EQ(config.limits.query_bytes_max, 2 * kMiB);
    EXPECT_EQ(config.limits.bulk_bytes_max, 1'000'000u);
    EXPECT_EQ(config.limits.arguments_max, 60u);
    EXPECT_EQ(config.limits.pipeline_depth_max, 3u);
    EXPECT_EQ(config.limits.output_bytes_max, 1234567u);
    EXPECT_EQ(config.limits.idle_timeout_s, 11u);
    EXPECT_EQ(config.limits.partial_command_timeout_s, 12u);
    EXPECT_EQ(config.log_level, LogLevel::kDebug);
    EXPECT_EQ(config.log_file, "l");
    EXPECT_EQ(config.pid_file, "p");
}

TEST(CommandLine, LeavesTheLimitOfMemoryToTheMachineUnlessItIsTold) {
    const auto limit = [](const std::string& text) {
        return parsed({"--data-dir", "d", "--maxmemory", text}).memory_bytes_max;
    };
    EXPECT_EQ(parsed({"--data-dir", "d"}).memory_bytes_max, std::nullopt);
    EXPECT_EQ(limit("auto"), std::nullopt);
    EXPECT_EQ(limit("0"), 0u);
    EXPECT_EQ(limit("100mb"), 100 * kMiB);
    EXPECT_THAT(refusal({"--data-dir", "d", "--maxmemory", "much"}), HasSubstr("maxmemory: 'much' is not a size"));
}

TEST(CommandLine, NamesTheOptionTheValueAndTheRightFormOfEveryError) {
    const std::string message =
        refusal({"--data-dir", "d", "--election-timeout-ms", "1s", "--wal-segment-size", "big", "--wal-sync", "never",
                 "--member", "1:2", "--listen", "7001", "--max-clients", "0"});
    EXPECT_THAT(message, HasSubstr("election-timeout-ms: '1s' does not fit; give a whole number from 10 to 600000"));
    EXPECT_THAT(message,
                HasSubstr("wal-segment-size: 'big' is not a size; give bytes, or a number with KiB, MiB or GiB"));
    EXPECT_THAT(message, HasSubstr("wal-sync: 'never' is not known; give one of: auto, fdatasync, dsync"));
    EXPECT_THAT(message, HasSubstr("member: '1:2' is not a member: there is no '='; give ID=PEER/CLIENT"));
    EXPECT_THAT(message, HasSubstr("listen: '7001' is not an address; give HOST:PORT"));
    EXPECT_THAT(message, HasSubstr("max-clients: '0' does not fit"));
}

TEST(CommandLine, RefusesAnOptionThatItDoesNotKnow) {
    EXPECT_THAT(refusal({"--data-dir", "d", "--no-such-thing"}), HasSubstr("--no-such-thing"));
    EXPECT_THAT(refusal({"--data-dir", "d", "stray"}), HasSubstr("stray"));
}

TEST(CommandLine, RefusesAScalarOptionGivenTwice) {
    EXPECT_THAT(refusal({"--data-dir", "d", "--max-clients", "5", "--max-clients", "6"}), HasSubstr("max-clients"));
}

TEST(CommandLine, PrintsHelpThatTeaches) {
    ::testing::internal::CaptureStdout();
    const auto result = parse({"--help"});
    const std::string help = ::testing::internal::GetCapturedStdout();
    ASSERT_TRUE(result.ok());
    EXPECT_TRUE(result->exit_now);
    for (const ConfigOption& option : config_options())
        EXPECT_THAT(help, HasSubstr("--" + std::string{option.name}));
    EXPECT_THAT(help, HasSubstr("Default: 64MiB"));
    EXPECT_THAT(help, HasSubstr("--member 3=10.0.0.3:17001/10.0.0.3:7001"));
    EXPECT_THAT(help, HasSubstr("--config /etc/kvorum.toml"));
}

TEST(CommandLine, PrintsTheVersion) {
    ::testing::internal::CaptureStdout();
    const auto result = parse({"--version"});
    EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr("kvorumd "));
    ASSERT_TRUE(result.ok());
    EXPECT_TRUE(result->exit_now);
}

TEST(ConfigFileTest, UsesTheNamesOfTheFlags) {
    const ConfigFile file(R"(
# a comment
id = 3
cluster = "shop"
data-dir = "/var/lib/kvorum"  # another
cluster-secret-file = "/etc/kvorum.secret"
member = ["1=10.0.0.1:17001/10.0.0.1:7001", "2=10.0.0.2:17001/10.0.0.2:7001",
          "3=10.0.0.3:17001/10.0.0.3:7001"]
wal-segment-size = 32MiB
)");
    const NodeConfig config = parsed({"--config", file.path()});
    EXPECT_EQ(config.id, NodeId{3});
    EXPECT_EQ(config.cluster_name, "shop");
    EXPECT_EQ(config.data_directory, "/var/lib/kvorum");
    EXPECT_EQ(config.members.size(), 3u);
    EXPECT_EQ(config.wal_segment_bytes, 32 * kMiB);
}

TEST(ConfigAccessTest, PeersOfOtherMachinesNeedASecret) {
    const std::string members = "1=127.0.0.1:17001/127.0.0.1:7001,2=node2:17001/node2:7001";
    EXPECT_THAT(refusal({"--id", "1", "--data-dir", "d", "--member", members}),
                AllOf(HasSubstr("cluster-secret-file"), HasSubstr("node2"), HasSubstr("openssl rand -hex 32")));
    EXPECT_THAT(refusal({"--id", "1", "--data-dir", "d", "--member", kThreeMembers, "--peer-listen", "0.0.0.0:17001"}),
                HasSubstr("cluster-secret-file"));
    EXPECT_EQ(
        parsed({"--id", "1", "--data-dir", "d", "--member", members, "--cluster-secret-file", "s"}).cluster_secret_file,
        "s");
    EXPECT_TRUE(parsed({"--data-dir", "d", "--listen", "0.0.0.0:7001"}).cluster_secret_file.empty())
        << "a node alone has no peers";
}

TEST(ConfigAccessTest, ProtectedModeIsOnUntilItIsSwitchedOff) {
    EXPECT_TRUE(parsed({"--data-dir", "d"}).access.protected_mode);
    EXPECT_FALSE(parsed({"--data-dir", "d", "--protected-mode", "NO"}).access.protected_mode);
    EXPECT_THAT(refusal({"--data-dir", "d", "--protected-mode", "maybe"}), HasSubstr("give one of: yes, no"));
    EXPECT_EQ(parsed({"--data-dir", "d", "--requirepass", "pw"}).access.password, "pw");
}

TEST(ConfigFileTest, YieldsToTheCommandLine) {
    const ConfigFile file("data-dir = \"from-file\"\nmax-clients = 5\n");
    const NodeConfig config = parsed({"--config", file.path(), "--max-clients", "6"});
    EXPECT_EQ(config.data_directory, "from-file");
    EXPECT_EQ(config.limits.clients_max, 6u);
}

TEST(ConfigFileTest, RefusesAnOptionThatItDoesNotKnow) {
    const ConfigFile file("data-dir = \"d\"\nmax-client = 5\n");
    EXPECT_THAT(refusal({"--config", file.path()}), HasSubstr("'max-client', which is not an option"));
}

TEST(ConfigFileTest, RefusesASectionThatItDoesNotKnow) {
    const ConfigFile file("data-dir = \"d\"\n[storage]\nmax-clients = 5\n");
    EXPECT_THAT(refusal({"--config", file.path()}), HasSubstr("which is not an option"));
}

TEST(ConfigFileTest, RefusesAQuoteThatACommentCutOff) {
    const ConfigFile file("data-dir = \"/data#1\"\n");
    EXPECT_THAT(refusal({"--config", file.path()}), HasSubstr("the quote of \"/data is not closed"));
}

TEST(ConfigFileTest, MustBeReadable) {
    EXPECT_THAT(refusal({"--config", "/no/such/file", "--data-dir", "d"}), HasSubstr("/no/such/file"));
}

TEST(SampleConfig, ListsEveryOptionAtItsDefault) {
    const std::string sample = sample_config();
    for (const ConfigOption& option : config_options()) {
        EXPECT_THAT(sample, HasSubstr("\n#" + std::string{option.name} + " = \"" + option.show(NodeConfig{}) + "\"\n"));
    }
}

TEST(SampleConfig, SetsNothing) {
    const ConfigFile file(sample_config());
    const NodeConfig config = parsed({"--config", file.path(), "--data-dir", "d"});
    EXPECT_EQ(config.members, parsed({"--data-dir", "d"}).members);
}

// What the sample says is the default is one, and in a form that is taken.
TEST(SampleConfig, MeansTheDefaultsWhenUncommented) {
    std::string uncommented;
    std::istringstream sample(sample_config());
    for (std::string line; std::getline(sample, line);) {
        if (line.starts_with("#") && !line.starts_with("# ")) uncommented += line.substr(1) + "\n";
    }
    const ConfigFile file(uncommented);
    const NodeConfig from_file = parsed({"--config", file.path(), "--data-dir", "d"});
    const NodeConfig from_nothing = parsed({"--data-dir", "d"});
    for (const ConfigOption& option : config_options())
        EXPECT_EQ(option.show(from_file), option.show(from_nothing)) << option.name;
}

TEST(ConfigOptions, HaveDistinctNamesAndAllExplainThemselves) {
    std::set<std::string_view> names;
    for (const ConfigOption& option : config_options()) {
        EXPECT_TRUE(names.insert(option.name).second) << option.name;
        EXPECT_FALSE(option.help.empty()) << option.name;
        EXPECT_EQ(find_config_option(option.name), &option);
    }
    EXPECT_EQ(find_config_option("no-such-thing"), nullptr);
}

// What CONFIG SET changes is carried from one config to another as text.
TEST(ConfigOptions, ShowTextThatMeansTheSame) {
    const NodeConfig config = three_node_config();
    for (const ConfigOption& option : config_options()) {
        NodeConfig copy;
        EXPECT_EQ(option.parse(copy, option.show(config)), std::nullopt) << option.name;
        EXPECT_EQ(option.show(copy), option.show(config)) << option.name;
    }
}

// Else a value that CONFIG SET took under Redis's name could not be carried over.
TEST(ConfigOptions, TakeWhatTheirRedisNamesTake) {
    for (const ConfigParameter& parameter : redis_parameters()) {
        if (parameter.change != ParameterChange::kAnyValue) continue;
        for (const std::string_view value : {"-1", "0", "1", "65536", "1048576", "4095mb", "2147483647", "4294967295",
                                             "9223372036854775807", "yes", "no", "debug", "verbose", "notice"}) {
            NodeConfig config = three_node_config();
            if (parameter.parse(config, value).has_value()) continue;
            EXPECT_THAT(values_out_of_range(config), IsEmpty()) << parameter.name << ' ' << value;
        }
    }
}

TEST(Sizes, AreReadInRedissUnitsAndOurs) {
    EXPECT_EQ(parse_size("64MiB"), 64 * kMiB);
    EXPECT_EQ(parse_size("64mb"), 64 * kMiB);
    EXPECT_EQ(parse_size("64m"), 64'000'000u);
    EXPECT_EQ(parse_size("1GiB"), kGiB);
    EXPECT_EQ(parse_size("12"), 12u);
    EXPECT_EQ(parse_size("12B"), 12u);
}

TEST(Sizes, RefuseWhatIsNoneOrTooLarge) {
    for (const std::string_view text :
         {"", "MiB", "-1", "1.5MiB", "1 MiB", "1TiB", "20000000000GiB", "99999999999999999999"}) {
        EXPECT_EQ(parse_size(text), std::nullopt) << text;
    }
}

TEST(Sizes, AreShownInTheirLargestExactUnit) {
    EXPECT_EQ(format_size(64 * kMiB), "64MiB");
    EXPECT_EQ(format_size(kGiB), "1GiB");
    EXPECT_EQ(format_size(1536), "1536");
    EXPECT_EQ(format_size(4096), "4KiB");
    EXPECT_EQ(format_size(0), "0");
}

TEST(Members, AreReadFromIdAndTwoAddresses) {
    const auto member = parse_member("12=[::1]:17001/host.example:7001");
    ASSERT_TRUE(member.ok()) << member.status();
    EXPECT_EQ(member->id, NodeId{12});
    EXPECT_EQ(member->peer.port, 17001);
    EXPECT_EQ(member->client.host, "host.example");
}

TEST(Members, SayWhatIsWrongWithThem) {
    const auto why = [](std::string_view text) { return std::string{parse_member(text).status().message()}; };
    EXPECT_THAT(why("1=a:1"), HasSubstr("no '/'"));
    EXPECT_THAT(why("0=a:1/b:2"), HasSubstr("not a number from 1"));
    EXPECT_THAT(why("x=a:1/b:2"), HasSubstr("not a number from 1"));
    EXPECT_THAT(why("1=a/b:2"), HasSubstr("peer address is not HOST:PORT"));
    EXPECT_THAT(why("1=a:1/b:99999"), HasSubstr("client address is not HOST:PORT"));
    EXPECT_THAT(why(""), HasSubstr("no '='"));
}

TEST(Validation, PassesTheDefaultsWithMembers) { EXPECT_THAT(three_node_config().validate(), IsEmpty()); }

TEST(Validation, FindsEveryViolationAtOnce) {
    NodeConfig config = three_node_config();
    config.heartbeat_interval_ms = config.election_timeout_ms;
    config.wal_segment_bytes = 20'000;
    config.limits.bulk_bytes_max = config.limits.query_bytes_max + 1;
    config.cluster_name = "two words";
    const std::vector<std::string> violations = config.validate();
    EXPECT_EQ(violations.size(), 4u);
    EXPECT_THAT(violations,
                Contains(HasSubstr("heartbeat-interval-ms: 1000 is more than a third of election-timeout-ms (1000)")));
    EXPECT_THAT(violations, Contains(HasSubstr("wal-segment-size: 20000 bytes do not fit")));
    EXPECT_THAT(violations, Contains(HasSubstr("max-bulk-size")));
    EXPECT_THAT(violations, Contains(HasSubstr("cluster: 'two words' is not a name")));
}

TEST(Validation, WantsHeartbeatsAtMostAThirdOfTheElectionTimeout) {
    NodeConfig config = three_node_config();
    config.election_timeout_ms = 300;
    config.heartbeat_interval_ms = 100;
    EXPECT_THAT(config.validate(), IsEmpty());
    config.heartbeat_interval_ms = 101;
    EXPECT_THAT(config.validate(), Contains(HasSubstr("give at most 100")));
}

// Each of these once passed, and the node then aborted or could not be talked to.
TEST(Validation, RefusesWhatNoConnectionCouldLiveWith) {
    const auto violations_with = [](auto change) {
        NodeConfig config = three_node_config();
        change(config.limits);
        return config.validate();
    };
    EXPECT_THAT(violations_with([](Limits& limits) { limits.query_bytes_max = 8 * kGiB; }),
                Contains(HasSubstr("max-query-size: '8GiB' does not fit; give 1KiB to 4095MiB")));
    EXPECT_THAT(violations_with([](Limits& limits) { limits.inline_bytes_max = 16; }),
                Contains(HasSubstr("max-inline-size: '16' does not fit")));
    EXPECT_THAT(violations_with([](Limits& limits) { limits.bulk_bytes_max = 1; }),
                Contains(HasSubstr("max-bulk-size: '1' does not fit")));
    EXPECT_THAT(violations_with([](Limits& limits) { limits.arguments_max = 1; }),
                Contains(HasSubstr("max-arguments: '1' does not fit")));
}

TEST(Validation, RefusesMembersThatCannotBeACluster) {
    NodeConfig config = three_node_config();
    config.members[2].id = config.members[0].id;
    EXPECT_THAT(config.validate(), Contains(HasSubstr("id 1 is given twice")));

    config = three_node_config();
    config.members[2].client = config.members[0].peer;
    EXPECT_THAT(config.validate(), Contains(HasSubstr("address 127.0.0.1:17001 is given twice")));

    config = three_node_config();
    config.members[0].client.host = "0.0.0.0";
    EXPECT_THAT(config.validate(), Contains(HasSubstr("others cannot connect to its client address")));

    config = three_node_config();
    for (uint16_t i = 4; i <= 10; ++i) {
        const auto port = static_cast<uint16_t>(7000 + i);
        config.members.push_back(
            {.id = NodeId{i}, .peer = {.host = "h", .port = port}, .client = {.host = "g", .port = port}});
    }
    EXPECT_THAT(config.validate(), Contains(HasSubstr("10 members are too many")));
}

TEST(Validation, RefusesOneAddressForClientsAndPeers) {
    NodeConfig config = three_node_config();
    config.listen = config.self().peer;
    EXPECT_THAT(config.validate(), Contains(HasSubstr("clients and peers cannot share 127.0.0.1:17002")));
}

TEST(ClusterIdentity, IsTheSameOnAllNodesOfACluster) {
    const NodeConfig second = three_node_config();
    NodeConfig third = second;
    third.id = NodeId{3};
    third.data_directory = "elsewhere";
    std::swap(third.members[0], third.members[2]);
    EXPECT_EQ(second.bootstrap_cluster_id(), third.bootstrap_cluster_id());
}

TEST(ClusterIdentity, DiffersByNameAndByMembers) {
    const NodeConfig config = three_node_config();
    NodeConfig renamed = config;
    renamed.cluster_name = "other";
    NodeConfig smaller = config;
    smaller.members.pop_back();
    EXPECT_NE(config.bootstrap_cluster_id(), renamed.bootstrap_cluster_id());
    EXPECT_NE(config.bootstrap_cluster_id(), smaller.bootstrap_cluster_id());
}

TEST(ClusterIdentity, DiffersByBootstrapToken) {
    const NodeConfig config = three_node_config();
    NodeConfig again = config;
    again.bootstrap_token = "second try";
    EXPECT_NE(config.bootstrap_cluster_id(), again.bootstrap_cluster_id());
}

TEST(ClusterIdentity, DoesNotDependOnAddresses) {
    const NodeConfig config = three_node_config();
    NodeConfig moved = config;
    moved.members[0].client.port = 9999;
    EXPECT_EQ(config.bootstrap_cluster_id(), moved.bootstrap_cluster_id());
}

}  // namespace
}  // namespace kvorum
