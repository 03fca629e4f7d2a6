// INFO, CONFIG, ROLE and CLUSTER. The expected texts are what redis-server 7.0.15 answered to the same command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "tests/redis/server_commands_fixture.h"

namespace kvorum::redis {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using NodeCommands = ServerCommandsTest;

// --- INFO ---

TEST_F(NodeCommands, TellToolsWhatTheyLookForInInfo) {
    const std::string info = text_of({"INFO"});
    for (const char* line : {"redis_version:7.0.15",
                             "redis_mode:cluster",
                             "role:master",
                             "connected_slaves:1",
                             "master_repl_offset:70",
                             "loading:0",
                             "cluster_enabled:1",
                             "used_memory:916384",
                             "used_memory_human:894.91K",
                             "connected_clients:2",
                             "blocked_clients:0",
                             "total_commands_processed:7",
                             "total_connections_received:5",
                             "db0:keys=2,expires=1,avg_ttl=0",
                             "maxmemory:0",
                             "aof_enabled:1",
                             "tcp_port:7001",
                             "uptime_in_seconds:99",
                             "multiplexing_api:io_uring",
                             "total_error_replies:2",
                             "errorstat_ERR:count=2",
                             "slave0:ip=127.0.0.1,port=7002,state=online,offset=70,lag=0"}) {
        EXPECT_THAT(info, HasSubstr("\r\n" + std::string{line} + "\r\n"));
    }
    EXPECT_THAT(info, Not(HasSubstr("# Commandstats")));
}

TEST_F(NodeCommands, TellRaftAndLogNumbersInInfo) {
    const std::string info = text_of({"INFO", "raft", "wal"});
    EXPECT_EQ(info.substr(0, 8), "# Raft\r\n");
    for (const char* line :
         {"raft_role:leader", "raft_term:4", "raft_cluster_id:0000000000000077", "raft_leader_id:1",
          "raft_leader:127.0.0.1:7001", "raft_last_index:72", "raft_durable_index:71", "raft_last_applied:69",
          "raft_peer1:id=3,state=probe,active=0,match_index=12,next_index=13,inflight_bytes=0",
          "raft_state_hash:0000000000000abc", "revision:77", "tombstones:3", "history_floor:5",
          "wal_sync_method:fdatasync", "wal_sync_usec_p99:9", "wal_device:vda", "wal_direct_io:buffered",
          "wal_storage_volatile:1", "wal_storage_volatile_because:it is memory"}) {
        EXPECT_THAT(info, HasSubstr("\r\n" + std::string{line} + "\r\n"));
    }
}

TEST_F(NodeCommands, RefuseMoreClientsThanThereAreDescriptors) {
    node_.clients_possible = 224;
    EXPECT_EQ(
        run({"CONFIG", "SET", "maxclients", "225"}),
        "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able to "
        "handle the specified number of clients, try with 224\r\n");
    EXPECT_EQ(run({"CONFIG", "SET", "maxclients", "224"}), "+OK\r\n");
}

TEST_F(NodeCommands, HandTheLeadershipOver) {
    EXPECT_EQ(run({"KVORUM", "LEADER", "TRANSFER"}), "+OK\r\n");
    EXPECT_EQ(run({"kvorum", "leader", "transfer", "3"}), "+OK\r\n");
    EXPECT_EQ(node_.transfer_targets, (std::vector<NodeId>{NodeId{}, NodeId{3}}));
}

TEST_F(NodeCommands, SayWhyTheLeadershipIsNotHandedOver) {
    using enum raft::TransferStatus;
    node_.transfer_start = {.status = kUnderWay, .target = NodeId{2}};
    EXPECT_EQ(run({"KVORUM", "LEADER", "TRANSFER"}),
              "-TRYAGAIN The leadership is being handed over to node 2 already\r\n");
    node_.transfer_start = {.status = kNoSuchVoter};
    EXPECT_EQ(run({"KVORUM", "LEADER", "TRANSFER", "9"}), "-ERR node 9 is no other voter\r\n");
    EXPECT_EQ(run({"KVORUM", "LEADER", "TRANSFER"}), "-ERR there is no other voter\r\n");
    node_.transfer_start = {.status = kUnreachable};
    EXPECT_EQ(run({"KVORUM", "LEADER", "TRANSFER", "3"}), "-TRYAGAIN Node 3 does not answer\r\n");
    EXPECT_EQ(run({"KVORUM", "LEADER", "TRANSFER"}), "-TRYAGAIN No other voter answers\r\n");
    EXPECT_EQ(run({"KVORUM", "LEADER", "TRANSFER", "0"}), "-ERR value is not an integer or out of range\r\n");
    EXPECT_EQ(run({"KVORUM", "LEADER", "STEAL"}), "-ERR syntax error\r\n");

    node_.transfer_start = {.status = kNotLeader};
    node_.follow(NodeId{2});
    EXPECT_EQ(run({"KVORUM", "LEADER", "TRANSFER"}), "-ERR this node does not lead: ask node 2 at 127.0.0.1:7002\r\n");
    node_.follow(NodeId{});
    EXPECT_EQ(run({"KVORUM", "LEADER", "TRANSFER"}), "-CLUSTERDOWN No leader is known: nothing was done\r\n");
}

TEST_F(NodeCommands, TellInInfoToWhomTheLeadershipGoes) {
    node_.status.transfer_target = NodeId{3};
    node_.counter.transfers_done = 2;
    node_.counter.transfers_failed = 1;
    EXPECT_THAT(text_of({"INFO", "raft"}), HasSubstr("\r\nraft_transfer_target_id:3\r\nraft_transfers_done:2\r\n"
                                                     "raft_transfers_failed:1\r\n"));
}

TEST_F(NodeCommands, TellTheLongestTurnInInfo) {
    node_.turn_facts.longest_ns = 5'300'700;
    node_.turn_facts.longest_doing = TurnPart::kApply;
    node_.turn_facts.longest_work = 2'500'000;
    node_.turn_facts.long_turns = 3;
    node_.turn_facts.long_turns_doing[static_cast<size_t>(TurnPart::kApply)] = 3;
    EXPECT_EQ(text_of({"INFO", "turns"}),
              "# Turns\r\nlongest_turn_us:5300\r\nlongest_turn_doing:apply\r\nlongest_turn_work:2500000\r\n"
              "turns_over_5ms:3\r\nturns_over_5ms_apply:3\r\n");
}

TEST_F(NodeCommands, PrintTheSectionsOfInfoThatAreAskedFor) {
    EXPECT_EQ(text_of({"INFO", "cluster"}), "# Cluster\r\ncluster_enabled:1\r\n");
    EXPECT_EQ(text_of({"INFO", "KEYSPACE", "cluster"}),
              "# Cluster\r\ncluster_enabled:1\r\n\r\n# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=0\r\n");
    EXPECT_EQ(text_of({"INFO", "commandstats"}),
              "# Commandstats\r\ncmdstat_get:calls=7,usec=0,usec_per_call=0.00,"
              "rejected_calls=0,failed_calls=2\r\n");
    EXPECT_EQ(text_of({"INFO", "foo"}), "");
    // Numbers of the process change from one look to the next.
    const auto titles_of = [](const std::string& info) {
        std::string titles;
        for (size_t at = info.find("# "); at != std::string::npos; at = info.find("\n# ", at + 1))
            titles += info.substr(at, info.find('\r', at) - at);
        return titles;
    };
    EXPECT_EQ(titles_of(text_of({"INFO", "default"})), titles_of(text_of({"INFO"})));
    EXPECT_EQ(titles_of(text_of({"INFO", "all"})), titles_of(text_of({"INFO", "everything"})));
    EXPECT_THAT(text_of({"INFO", "all"}), HasSubstr("# Latencystats"));
    node_.keys = 0;
    EXPECT_EQ(text_of({"INFO", "keyspace"}), "# Keyspace\r\n");
}

TEST_F(NodeCommands, SayInInfoHowMuchOfTheLogIsAppliedAtTheStart) {
    EXPECT_THAT(text_of({"INFO", "persistence"}), HasSubstr("\r\nloading:0\r\n"));
    EXPECT_THAT(text_of({"INFO", "persistence"}), Not(HasSubstr("loading_")));
    const int64_t began_wall_ms = node_.wall_clock_ms() - 3000;
    node_.load = {.loading = true, .began_wall_ms = began_wall_ms, .total_bytes = 4000, .loaded_bytes = 999};
    const std::string info = text_of({"INFO", "persistence"});
    for (const char* line :
         {"loading:1", "async_loading:0", "loading_start_time:1699999997", "loading_total_bytes:4000",
          "loading_loaded_bytes:999", "loading_loaded_perc:24.98", "loading_eta_seconds:9"}) {
        EXPECT_THAT(info, HasSubstr("\r\n" + std::string{line} + "\r\n"));
    }
}

TEST_F(NodeCommands, CallAFollowerASlaveInInfo) {
    node_.follow(NodeId{2});
    const std::string info = text_of({"INFO", "replication"});
    for (const char* line : {"role:slave", "master_host:127.0.0.1", "master_port:7002", "master_link_status:up",
                             "slave_repl_offset:69", "master_repl_offset:70", "connected_slaves:0"}) {
        EXPECT_THAT(info, HasSubstr("\r\n" + std::string{line} + "\r\n"));
    }
    node_.unreachable = NodeId{2};
    EXPECT_THAT(text_of({"INFO", "replication"}), HasSubstr("master_link_status:down"));
}

TEST_F(NodeCommands, AnswerInfoAsVerbatimTextInResp3) {
    client_.protocol = 3;
    EXPECT_EQ(run({"INFO", "cluster"}), "=34\r\ntxt:# Cluster\r\ncluster_enabled:1\r\n\r\n");
}

// --- CONFIG ---

TEST_F(NodeCommands, ShowWhatBenchmarksAskOfTheConfig) {
    EXPECT_EQ(run({"CONFIG", "GET", "save"}), "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
    EXPECT_EQ(run({"CONFIG", "GET", "appendonly"}), "*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n");
    EXPECT_EQ(run({"CONFIG", "GET", "nosuch"}), "*0\r\n");
    EXPECT_EQ(config_get({"databases", "maxmemory", "maxclients", "timeout", "proto-max-bulk-len"}),
              (std::map<std::string, std::string>{{"databases", "1"},
                                                  {"maxmemory", "0"},
                                                  {"maxclients", "10000"},
                                                  {"timeout", "0"},
                                                  {"proto-max-bulk-len", "16777216"}}));
}

TEST_F(NodeCommands, SetTheLimitOfMemoryAsRedisDoes) {
    for (const auto& [text, bytes] : std::map<std::string, std::string>{
             {"100mb", "104857600"}, {"1g", "1000000000"}, {"12345", "12345"}, {"0", "0"}}) {
        EXPECT_EQ(run({"CONFIG", "SET", "maxmemory", text}), "+OK\r\n");
        EXPECT_EQ(config_get({"maxmemory"}), (std::map<std::string, std::string>{{"maxmemory", bytes}}));
        EXPECT_THAT(text_of({"INFO", "memory"}), HasSubstr("\r\nmaxmemory:" + bytes + "\r\n"));
    }
    EXPECT_EQ(
        run({"CONFIG", "SET", "maxmemory", "much"}),
        "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value\r\n");
}

TEST_F(NodeCommands, TellInInfoWhatCountsAgainstWhichLimit) {
    const std::string info = text_of({"INFO", "memory"});
    EXPECT_THAT(info, HasSubstr("\r\nused_memory_dataset:900000\r\n"));
    EXPECT_THAT(info, HasSubstr("\r\nmaxmemory_cluster:1000000\r\n"));
}

TEST_F(NodeCommands, MatchParametersByGlobIgnoringCaseAndRepeats) {
    const auto found = config_get({"MAX*", "sav?", "max*", "election-*"});
    EXPECT_EQ(found.at("maxmemory-policy"), "noeviction");
    EXPECT_EQ(found.at("max-clients"), "10000");
    EXPECT_EQ(found.at("election-timeout-ms"), "1000");
    EXPECT_EQ(found.at("save"), "");
    EXPECT_EQ(run({"CONFIG", "GET", "save", "SAVE"}), "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
    client_.protocol = 3;
    EXPECT_EQ(run({"CONFIG", "GET", "save"}), "%1\r\n$4\r\nsave\r\n$0\r\n\r\n");
}

TEST_F(NodeCommands, SetWhatMayChangeUnderEitherName) {
    EXPECT_EQ(run({"CONFIG", "SET", "maxclients", "100", "follower-mode", "redirect"}), "+OK\r\n");
    EXPECT_EQ(node_.config_.limits.clients_max, 100u);
    EXPECT_EQ(node_.config_.follower_mode, FollowerMode::kRedirect);
    EXPECT_EQ(config_get({"max-clients"}).at("max-clients"), "100");
    EXPECT_EQ(run({"CONFIG", "SET", "PROTO-MAX-BULK-LEN", "2mb", "idle-timeout-s", "10"}), "+OK\r\n");
    EXPECT_EQ(node_.config_.limits.bulk_bytes_max, 2 * kMiB);
    EXPECT_EQ(config_get({"timeout"}).at("timeout"), "10");
}

TEST_F(NodeCommands, SetTheLogLevelInRedissWordsOrOurs) {
    const LogLevel before = log_level();
    EXPECT_EQ(run({"CONFIG", "SET", "loglevel", "warning"}), "+OK\r\n");
    EXPECT_EQ(log_level(), LogLevel::kWarn);
    EXPECT_EQ(run({"CONFIG", "SET", "log-level", "debug"}), "+OK\r\n");
    EXPECT_EQ(config_get({"loglevel"}).at("loglevel"), "debug");
    EXPECT_EQ(run({"CONFIG", "SET", "loglevel", "foo"}),
              "-ERR CONFIG SET failed (possibly related to argument 'loglevel') - argument(s) must be one of the "
              "following: debug, verbose, "
              "notice, warning\r\n");
    set_log_level(before);
}

TEST_F(NodeCommands, RefuseWrongValuesInRedissWords) {
    const auto refusal = [this](std::string_view name, std::string_view value) {
        std::string text = run({"CONFIG", "SET", name, value});
        const std::string prefix = fmt::format("-ERR CONFIG SET failed (possibly related to argument '{}') - ", name);
        return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
    };
    EXPECT_EQ(refusal("maxclients", "abc"), "argument couldn't be parsed into an integer\r\n");
    EXPECT_EQ(refusal("maxclients", "0"), "argument must be between 1 and 4294967295 inclusive\r\n");
    EXPECT_EQ(refusal("timeout", "-1"), "argument must be between 0 and 2147483647 inclusive\r\n");
    EXPECT_EQ(refusal("timeout", "1.5"), "argument couldn't be parsed into an integer\r\n");
    EXPECT_EQ(refusal("proto-max-bulk-len", "abc"), "argument must be a memory value\r\n");
    EXPECT_EQ(refusal("proto-max-bulk-len", "1"), "argument must be between 1048576 and 4293918720 inclusive\r\n");
    EXPECT_EQ(refusal("client-query-buffer-limit", "5gb"),
              "argument must be between 1048576 and 4293918720 inclusive\r\n");
    EXPECT_EQ(refusal("databases", "3"), "can't set immutable config\r\n");
    EXPECT_EQ(refusal("wal-segment-size", "32MiB"), "can't set immutable config\r\n");
    EXPECT_EQ(refusal("max-pipeline", "many"), "'many' does not fit; give a whole number from 1 to 2147483647\r\n");
    EXPECT_THAT(refusal("proto-max-bulk-len", "1gb"), HasSubstr("max-bulk-size: 1073741824 bytes do not fit"));
    EXPECT_EQ(run({"CONFIG", "SET", "a", "b"}), "-ERR Unknown option or number of arguments for CONFIG SET - 'a'\r\n");
    EXPECT_EQ(run({"CONFIG", "SET", "maxclients", "5", "a"}), "-ERR syntax error\r\n");
    EXPECT_EQ(run({"CONFIG", "SET", "maxclients", "1", "maxclients", "2"}),
              "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - duplicate parameter\r\n");
}

TEST_F(NodeCommands, SetAllParametersOrNone) {
    EXPECT_THAT(run({"CONFIG", "SET", "maxclients", "9000", "databases", "4"}),
                HasSubstr("'databases') - can't set immutable config"));
    EXPECT_THAT(run({"CONFIG", "SET", "maxclients", "9000", "timeout", "x"}), HasSubstr("'timeout')"));
    EXPECT_EQ(node_.config_.limits.clients_max, 10000u);
}

// A tool may write back what it read, and read back what it wrote.
TEST_F(NodeCommands, TakeEveryValueThatTheyShow) {
    const LogLevel before = log_level();
    for (const auto& [name, value] : config_get({"*"})) {
        const std::string reply = run({"CONFIG", "SET", name, value});
        if (reply != "+OK\r\n") EXPECT_THAT(reply, HasSubstr("can't set immutable config")) << name;
        EXPECT_EQ(config_get({name}).at(name), value) << name;
    }
    set_log_level(before);
}

TEST_F(NodeCommands, ShowEveryValueAsItWasSet) {
    const LogLevel before = log_level();
    const std::vector<std::pair<std::string_view, std::vector<std::string_view>>> values{
        {"follower-mode", {"redirect", "forward"}},
        {"cluster-view", {"leader", "spread"}},
        {"after-refused-select", {"use-0", "refuse"}},
        {"loglevel", {"debug", "verbose", "notice", "warning"}},
        {"log-level", {"off", "error", "warn", "info", "verbose", "debug"}},
        {"protected-mode", {"no", "yes"}},
        {"requirepass", {"secret", ""}},
        {"maxclients", {"1", "10000"}},
        {"max-clients", {"1", "10000"}},
        {"tcp-keepalive", {"0", "2147483647"}},
        {"latency-monitor-threshold", {"100", "9223372036854775807", "0"}},
        {"slowlog-max-len", {"9223372036854775807", "0"}},
        {"slowlog-log-slower-than", {"-1", "9223372036854775807"}},
        {"client-query-buffer-limit", {"4293918720", "67108864"}},
        {"max-query-size", {"4095MiB", "64MiB"}},
        {"max-bulk-size", {"1KiB", "16MiB"}},
    };
    for (const auto& [name, texts] : values) {
        for (const std::string_view text : texts) {
            EXPECT_EQ(run({"CONFIG", "SET", name, text}), "+OK\r\n") << name;
            EXPECT_EQ(config_get({name}).at(std::string{name}), text);
        }
    }
    set_log_level(before);
}

TEST_F(NodeCommands, LetToolsInsistOnWhatHoldsAnyway) {
    EXPECT_EQ(run({"CONFIG", "SET", "save", ""}), "+OK\r\n");
    EXPECT_EQ(run({"CONFIG", "SET", "appendonly", "YES"}), "+OK\r\n");
    EXPECT_THAT(run({"CONFIG", "SET", "appendonly", "no"}), HasSubstr("this server supports no other value"));
    EXPECT_THAT(run({"CONFIG", "SET", "save", "900 1"}), HasSubstr("this server supports no other value"));
}

TEST_F(NodeCommands, ResetStatisticsAndRewriteNothing) {
    EXPECT_EQ(run({"CONFIG", "RESETSTAT"}), "+OK\r\n");
    EXPECT_EQ(node_.statistics().calls(), 0u);
    EXPECT_THAT(run({"CONFIG", "REWRITE"}), HasSubstr("-ERR CONFIG REWRITE is not supported"));
}

// --- ROLE, and of CLUSTER what is not about the map of slots (cluster_map_test.cc) ---

TEST_F(NodeCommands, TellTheRoleOfALeaderWithItsReplicas) {
    EXPECT_EQ(run({"ROLE"}), "*3\r\n$6\r\nmaster\r\n:70\r\n*1\r\n*3\r\n$9\r\n127.0.0.1\r\n$4\r\n7002\r\n$2\r\n70\r\n");
}

TEST_F(NodeCommands, TellTheRoleOfAFollowerWithItsLeader) {
    node_.follow(NodeId{2});
    EXPECT_EQ(run({"ROLE"}), "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:7002\r\n$9\r\nconnected\r\n:69\r\n");
    node_.follow(NodeId{});
    EXPECT_EQ(run({"ROLE"}), "*5\r\n$5\r\nslave\r\n$0\r\n\r\n:0\r\n$7\r\nconnect\r\n:-1\r\n");
}

TEST_F(NodeCommands, AcceptWhatClusterClientsSayOfTheirConnection) {
    EXPECT_EQ(run({"READONLY"}), "+OK\r\n");
    EXPECT_TRUE(client_.readonly);
    EXPECT_EQ(run({"READWRITE"}), "+OK\r\n");
    EXPECT_FALSE(client_.readonly);
    EXPECT_EQ(run({"ASKING"}), "+OK\r\n");
}

TEST_F(NodeCommands, CountKeysInSlots) {
    EXPECT_EQ(run({"CLUSTER", "KEYSLOT", "foo"}), ":12182\r\n");
    EXPECT_EQ(run({"CLUSTER", "COUNTKEYSINSLOT", "5"}), ":9\r\n");
    EXPECT_EQ(run({"CLUSTER", "COUNTKEYSINSLOT", "16384"}), "-ERR Invalid slot\r\n");
    EXPECT_EQ(run({"CLUSTER", "COUNTKEYSINSLOT", "a"}), "-ERR value is not an integer or out of range\r\n");
    EXPECT_EQ(run({"CLUSTER", "GETKEYSINSLOT", "1", "-1"}), "-ERR Invalid slot or number of keys\r\n");
    EXPECT_EQ(run({"CLUSTER", "GETKEYSINSLOT", "16384", "1"}), "-ERR Invalid slot or number of keys\r\n");
    EXPECT_THAT(run({"CLUSTER", "GETKEYSINSLOT", "1", "1"}), HasSubstr("-ERR CLUSTER GETKEYSINSLOT is not supported"));
}

}  // namespace
}  // namespace kvorum::redis
