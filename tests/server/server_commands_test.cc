// Connection and introspection commands. The expected texts are what redis-server 7.0.15 answered to the same command.
#include "server/server_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/log.h"
#include "net/resp_reply_parser.h"

namespace kvorum::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A node of a cluster of three, leader unless a test says otherwise.
class FakeNode final : public NodeFacade {
 public:
    FakeNode() {
        config_.id = NodeId{1};
        config_.data_directory = "/data";
        for (uint16_t i = 1; i <= 3; ++i) {
            config_.members.push_back({.id = NodeId{i},
                                       .peer = {.host = "127.0.0.1", .port = static_cast<uint16_t>(17000 + i)},
                                       .client = {.host = "127.0.0.1", .port = static_cast<uint16_t>(7000 + i)}});
        }
        status.self = NodeId{1};
        status.role = raft::Role::kLeader;
        status.leader = NodeId{1};
        status.term = Term{4};
        status.commit_index = LogIndex{70};
        status.last_applied = LogIndex{69};
        status.last_index = LogIndex{72};
        status.durable_index = LogIndex{71};
        status.peers = {{.id = NodeId{2},
                         .match_index = LogIndex{70},
                         .next_index = LogIndex{73},
                         .recently_active = true,
                         .state = "replicate"},
                        {.id = NodeId{3},
                         .match_index = LogIndex{12},
                         .next_index = LogIndex{13},
                         .recently_active = false,
                         .state = "probe"}};
        counter.started_at_ns = 1 * kSecondNs;
        counter.connections_received = 5;
        counter.commands_processed = 42;
    }

    void follow(NodeId leader) {
        status.role = raft::Role::kFollower;
        status.leader = leader;
        status.peers.clear();
    }

    uint64_t now_ns() override { return 100 * kSecondNs; }
    int64_t wall_clock_ms() override { return 1'700'000'000'123; }
    int64_t wall_clock_us() override { return 1'700'000'000'123'456; }
    const NodeConfig& config() override { return config_; }
    raft::Status raft_status() override { return status; }
    const NodeCounters& counters() override { return counter; }
    void reset_counters() override { counter = {}; }
    LogCounters log_counters() override {
        return {.groups = 3,
                .bytes_written = 4096,
                .syncs = 2,
                .segments = 1,
                .sync_p50_ns = 2000,
                .sync_p99_ns = 9000,
                .sync_method = "fdatasync"};
    }
    KeyspaceFacts keyspace() override {
        return {.keys = keys, .keys_with_expiry = 1, .memory_bytes = 916384, .state_hash = 0xabc};
    }
    uint64_t key_count_in_slot(uint16_t slot) override { return slot == 5 ? 9 : 0; }
    bool peer_connected(NodeId peer) override { return peer != unreachable; }
    void visit_clients(const std::function<void(ClientState&)>& visit) override {
        for (ClientState* client : clients)
            visit(*client);
    }
    bool close_client(uint64_t client_id) override {
        closed.push_back(client_id);
        return true;
    }
    std::string io_backend_name() override { return "io_uring"; }
    Limits& mutable_limits() override { return config_.limits; }
    void set_follower_mode(FollowerMode mode) override { config_.follower_mode = mode; }
    void visit_command_calls(const std::function<void(std::string_view, uint64_t)>& visit) override { visit("get", 7); }
    void visit_error_counts(const std::function<void(std::string_view, uint64_t)>& visit) override { visit("ERR", 2); }

    NodeConfig config_;
    raft::Status status;
    NodeCounters counter;
    NodeId unreachable;
    uint64_t keys = 2;
    std::vector<ClientState*> clients;
    std::vector<uint64_t> closed;
};

class ServerCommands : public ::testing::Test {
 protected:
    ServerCommands() {
        client_.id = 7;
        client_.address = "127.0.0.1:50001";
        client_.local_address = "127.0.0.1:7001";
        client_.connected_at_ns = 90 * kSecondNs;
        client_.last_command_at_ns = 97 * kSecondNs;
        other_.id = 8;
        other_.address = "127.0.0.1:50002";
        other_.local_address = "127.0.0.1:7001";
        node_.clients = {&client_, &other_};
    }

    // The reply's bytes.
    std::string run(const std::vector<std::string_view>& arguments) {
        const kv::CommandSpec* spec = find_command(arguments[0]);
        if (spec == nullptr) {
            ADD_FAILURE() << "no command " << arguments[0];
            return {};
        }
        EXPECT_TRUE(kv::arity_fits(*spec, arguments.size()));
        std::string out;
        net::RespWriter writer(out, client_.protocol == 3 ? net::RespVersion::kResp3 : net::RespVersion::kResp2);
        execute_server_command(*spec, arguments, client_, node_, writer);
        return out;
    }

    // The reply, which must be exactly one.
    net::ReplyValue reply_to(const std::vector<std::string_view>& arguments) {
        net::RespReplyParser parser;
        const std::string out = run(arguments);
        parser.feed(as_bytes(out));
        net::ReplyValue reply;
        EXPECT_EQ(parser.next(reply), net::ReplyStatus::kReply) << out;
        EXPECT_EQ(parser.buffered_bytes(), 0u) << out;
        return reply;
    }

    // The text of a bulk, verbatim, status or error reply.
    std::string text_of(const std::vector<std::string_view>& arguments) { return reply_to(arguments).text; }

    std::map<std::string, std::string> config_get(const std::vector<std::string_view>& patterns) {
        std::vector<std::string_view> arguments{"CONFIG", "GET"};
        arguments.insert(arguments.end(), patterns.begin(), patterns.end());
        const net::ReplyValue reply = reply_to(arguments);
        std::map<std::string, std::string> values;
        for (size_t i = 0; i + 1 < reply.elements.size(); i += 2)
            values[reply.elements[i].text] = reply.elements[i + 1].text;
        return values;
    }

    FakeNode node_;
    ClientState client_;
    ClientState other_;
};

std::vector<std::string> texts(const net::ReplyValue& reply) {
    std::vector<std::string> result;
    for (const net::ReplyValue& element : reply.elements)
        result.push_back(element.text);
    return result;
}

// The value behind `key` in a flat list of pairs.
const net::ReplyValue& value_of(const net::ReplyValue& reply, std::string_view key) {
    for (size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
        if (reply.elements[i].text == key) return reply.elements[i + 1];
    }
    static const net::ReplyValue kMissing;
    ADD_FAILURE() << "no " << key;
    return kMissing;
}

// --- errors
// -------------------------------------------------------------------------------------------------------------------------------

TEST(UnknownCommand, IsNamedWithTheBeginningOfItsArguments) {
    EXPECT_EQ(unknown_command_error(std::vector<std::string_view>{"nosuchcmd"}),
              "ERR unknown command 'nosuchcmd', with args beginning with: ");
    EXPECT_EQ(unknown_command_error(std::vector<std::string_view>{"nosuchcmd", "a", "b"}),
              "ERR unknown command 'nosuchcmd', with args beginning with: 'a' 'b' ");
}

TEST(UnknownCommand, IsCutAt128Characters) {
    const std::string a(52, 'a');
    const std::string b(61, 'b');
    const std::string c(27, 'c');
    EXPECT_EQ(unknown_command_error(std::vector<std::string_view>{"nosuchcmd", a, b, c, "d"}),
              "ERR unknown command 'nosuchcmd', with args beginning with: '" + a + "' '" + b + "' '" +
                  std::string(9, 'c') + "' ");
    const std::string y(200, 'y');
    EXPECT_EQ(unknown_command_error(std::vector<std::string_view>{y, "a"}),
              "ERR unknown command '" + std::string(128, 'y') + "', with args beginning with: 'a' ");
}

TEST_F(ServerCommands, NameUnknownSubcommandsAsRedisDoes) {
    EXPECT_EQ(run({"client", "nosuch"}), "-ERR unknown subcommand 'nosuch'. Try CLIENT HELP.\r\n");
    EXPECT_EQ(run({"CONFIG", "nosuch"}), "-ERR unknown subcommand 'nosuch'. Try CONFIG HELP.\r\n");
    EXPECT_EQ(run({"command", "nosuch"}), "-ERR unknown subcommand 'nosuch'. Try COMMAND HELP.\r\n");
    EXPECT_EQ(run({"cluster", "nosuch"}), "-ERR unknown subcommand 'nosuch'. Try CLUSTER HELP.\r\n");
    EXPECT_EQ(run({"acl", "nosuch"}), "-ERR unknown subcommand 'nosuch'. Try ACL HELP.\r\n");
    EXPECT_EQ(run({"module", "nosuch"}), "-ERR unknown subcommand 'nosuch'. Try MODULE HELP.\r\n");
}

TEST_F(ServerCommands, CheckTheArityOfSubcommands) {
    EXPECT_EQ(run({"client", "kill"}), "-ERR wrong number of arguments for 'client|kill' command\r\n");
    EXPECT_EQ(run({"CLIENT", "SETNAME", "a", "b"}), "-ERR wrong number of arguments for 'client|setname' command\r\n");
    EXPECT_EQ(run({"config", "get"}), "-ERR wrong number of arguments for 'config|get' command\r\n");
    EXPECT_EQ(run({"config", "set", "a"}), "-ERR wrong number of arguments for 'config|set' command\r\n");
    EXPECT_EQ(run({"command", "count", "x"}), "-ERR wrong number of arguments for 'command|count' command\r\n");
    EXPECT_EQ(run({"cluster", "keyslot"}), "-ERR wrong number of arguments for 'cluster|keyslot' command\r\n");
    EXPECT_EQ(wrong_arity_error(*find_command("GET")), "ERR wrong number of arguments for 'get' command");
}

TEST(CommandTable, FindsCommandsOfBothTablesIgnoringCase) {
    ASSERT_NE(find_command("Get"), nullptr);
    EXPECT_EQ(find_command("Get")->kind, kv::CommandKind::kRead);
    ASSERT_NE(find_command("pInG"), nullptr);
    EXPECT_EQ(find_command("pInG")->kind, kv::CommandKind::kServer);
    EXPECT_EQ(find_command("nosuch"), nullptr);
    EXPECT_EQ(find_command("client|id"), nullptr);
    EXPECT_EQ(find_command("wait")->code, kWaitCommand);
}

// --- the connection
// -----------------------------------------------------------------------------------------------------------------------

TEST_F(ServerCommands, AnswerPingAndEcho) {
    EXPECT_EQ(run({"PING"}), "+PONG\r\n");
    EXPECT_EQ(run({"PING", "hello w"}), "$7\r\nhello w\r\n");
    EXPECT_EQ(run({"PING", "a", "b"}), "-ERR wrong number of arguments for 'ping' command\r\n");
    EXPECT_EQ(run({"ECHO", "a"}), "$1\r\na\r\n");
}

TEST_F(ServerCommands, CloseTheConnectionBehindTheReplyToQuit) {
    EXPECT_EQ(run({"QUIT"}), "+OK\r\n");
    EXPECT_TRUE(client_.close_after_reply);
}

TEST_F(ServerCommands, KnowOneDatabase) {
    EXPECT_EQ(run({"SELECT", "0"}), "+OK\r\n");
    EXPECT_EQ(run({"SELECT", "1"}), "-ERR DB index is out of range\r\n");
    EXPECT_EQ(run({"SELECT", "-1"}), "-ERR DB index is out of range\r\n");
    EXPECT_EQ(run({"SELECT", "abc"}), "-ERR value is not an integer or out of range\r\n");
    EXPECT_EQ(run({"SELECT", "99999999999"}),
              "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n");
}

TEST_F(ServerCommands, AnswerHelloInTheProtocolThatItAsksFor) {
    EXPECT_EQ(run({"HELLO"}),
              "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:2\r\n$"
              "2\r\nid\r\n:7\r\n$4\r\nmode\r\n"
              "$7\r\ncluster\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n");
    EXPECT_EQ(run({"hello", "3"}),
              "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:"
              "7\r\n$4\r\nmode\r\n"
              "$7\r\ncluster\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n");
    EXPECT_EQ(client_.protocol, 3);
    EXPECT_EQ(run({"hello", "2"}).substr(0, 3), "*14");
    EXPECT_EQ(client_.protocol, 2);
}

TEST_F(ServerCommands, CallAFollowerAReplicaInHello) {
    node_.follow(NodeId{2});
    EXPECT_EQ(value_of(reply_to({"HELLO", "3"}), "role").text, "replica");
}

TEST_F(ServerCommands, TakeAuthAndSetnameInHello) {
    EXPECT_EQ(run({"HELLO", "3", "AUTH", "default", "anything", "SETNAME", "me"}).substr(0, 2), "%7");
    EXPECT_EQ(client_.name, "me");
}

TEST_F(ServerCommands, ChangeNothingWhenHelloIsWrong) {
    const std::string no_protocol = "-NOPROTO unsupported protocol version\r\n";
    EXPECT_EQ(run({"HELLO", "4"}), no_protocol);
    EXPECT_EQ(run({"HELLO", "1"}), no_protocol);
    EXPECT_EQ(run({"HELLO", "abc"}), "-ERR Protocol version is not an integer or out of range\r\n");
    EXPECT_EQ(run({"HELLO", ""}), "-ERR Protocol version is not an integer or out of range\r\n");
    EXPECT_EQ(run({"HELLO", "3", "auth", "u"}), "-ERR Syntax error in HELLO option 'auth'\r\n");
    EXPECT_EQ(run({"HELLO", "3", "setname"}), "-ERR Syntax error in HELLO option 'setname'\r\n");
    EXPECT_EQ(run({"HELLO", "3", "foo"}), "-ERR Syntax error in HELLO option 'foo'\r\n");
    EXPECT_EQ(run({"HELLO", "3", "AUTH", "u", "p"}),
              "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    EXPECT_EQ(run({"HELLO", "3", "SETNAME", "a b"}),
              "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
    EXPECT_EQ(client_.protocol, 2);
    EXPECT_EQ(client_.name, "");
}

TEST_F(ServerCommands, HaveNoPasswords) {
    EXPECT_EQ(run({"AUTH", "x"}),
              "-ERR AUTH <password> called without any password configured for the default user. Are you sure your "
              "configuration is "
              "correct?\r\n");
    EXPECT_EQ(run({"AUTH", "default", "x"}), "+OK\r\n");
    EXPECT_EQ(run({"AUTH", "u", "p"}), "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    EXPECT_EQ(run({"AUTH", "a", "b", "c"}), "-ERR syntax error\r\n");
    EXPECT_EQ(run({"ACL", "WHOAMI"}), "$7\r\ndefault\r\n");
}

TEST_F(ServerCommands, ForgetWhatTheConnectionSetOnReset) {
    (void)run({"HELLO", "3", "SETNAME", "me"});
    client_.readonly = client_.tracking = true;
    client_.reply_mode = ClientState::ReplyMode::kOff;
    EXPECT_EQ(run({"RESET"}), "+RESET\r\n");
    EXPECT_EQ(client_.protocol, 2);
    EXPECT_EQ(client_.name, "");
    EXPECT_FALSE(client_.readonly || client_.tracking);
    EXPECT_EQ(client_.reply_mode, ClientState::ReplyMode::kOn);
}

TEST_F(ServerCommands, TellTheTimeInSecondsAndMicroseconds) {
    EXPECT_EQ(run({"TIME"}), "*2\r\n$10\r\n1700000000\r\n$6\r\n123456\r\n");
}

TEST_F(ServerCommands, HaveNoModules) { EXPECT_EQ(run({"MODULE", "LIST"}), "*0\r\n"); }

TEST_F(ServerCommands, NameTheirVersionsInLolwut) {
    EXPECT_THAT(text_of({"LOLWUT", "VERSION", "5"}), HasSubstr("Redis ver. 7.0.15\n"));
}

// --- CLIENT
// -------------------------------------------------------------------------------------------------------------------------------

TEST_F(ServerCommands, NameClients) {
    EXPECT_EQ(run({"CLIENT", "ID"}), ":7\r\n");
    EXPECT_EQ(run({"CLIENT", "GETNAME"}), "$-1\r\n");
    EXPECT_EQ(run({"CLIENT", "SETNAME", "me"}), "+OK\r\n");
    EXPECT_EQ(run({"CLIENT", "GETNAME"}), "$2\r\nme\r\n");
    EXPECT_EQ(run({"CLIENT", "SETNAME", "a b"}),
              "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
    EXPECT_EQ(run({"CLIENT", "SETNAME", ""}), "+OK\r\n");
    EXPECT_EQ(run({"CLIENT", "GETNAME"}), "$-1\r\n");
}

TEST_F(ServerCommands, RememberTheClientsLibrary) {
    EXPECT_EQ(run({"CLIENT", "SETINFO", "LIB-NAME", "redis-py"}), "+OK\r\n");
    EXPECT_EQ(run({"CLIENT", "SETINFO", "lib-ver", "5.0"}), "+OK\r\n");
    EXPECT_THAT(text_of({"CLIENT", "INFO"}), HasSubstr("lib-name=redis-py lib-ver=5.0"));
    EXPECT_EQ(run({"CLIENT", "SETINFO", "foo", "x"}), "-ERR Unrecognized option 'foo'\r\n");
    EXPECT_EQ(run({"CLIENT", "SETINFO", "lib-name", "a b"}),
              "-ERR lib-name cannot contain spaces, newlines or special characters.\r\n");
}

TEST_F(ServerCommands, DescribeAClientInRedissFields) {
    EXPECT_EQ(text_of({"CLIENT", "INFO"}),
              "id=7 addr=127.0.0.1:50001 laddr=127.0.0.1:7001 fd=-1 name= age=10 idle=3 flags=N db=0 sub=0 psub=0 "
              "ssub=0 multi=-1 qbuf=0 "
              "qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=NULL "
              "user=default redir=-1 resp=2 "
              "lib-name= lib-ver=\n");
}

TEST_F(ServerCommands, ListClientsByTypeOrId) {
    const auto lines = [this](const std::vector<std::string_view>& arguments) {
        const std::string text = text_of(arguments);
        return std::count(text.begin(), text.end(), '\n');
    };
    EXPECT_EQ(lines({"CLIENT", "LIST"}), 2);
    EXPECT_EQ(lines({"CLIENT", "LIST", "TYPE", "normal"}), 2);
    EXPECT_EQ(lines({"CLIENT", "LIST", "TYPE", "replica"}), 0);
    EXPECT_EQ(lines({"CLIENT", "LIST", "ID", "8", "99"}), 1);
    EXPECT_EQ(run({"CLIENT", "LIST", "TYPE", "foo"}), "-ERR Unknown client type 'foo'\r\n");
    EXPECT_EQ(run({"CLIENT", "LIST", "ID", "abc"}), "-ERR Invalid client ID\r\n");
    EXPECT_EQ(run({"CLIENT", "LIST", "ID"}), "-ERR syntax error\r\n");
    EXPECT_EQ(run({"CLIENT", "LIST", "foo"}), "-ERR syntax error\r\n");
}

TEST_F(ServerCommands, KillClientsByAddress) {
    EXPECT_EQ(run({"CLIENT", "KILL", "1.2.3.4:5"}), "-ERR No such client\r\n");
    EXPECT_EQ(run({"CLIENT", "KILL", "127.0.0.1:50002"}), "+OK\r\n");
    EXPECT_THAT(node_.closed, ElementsAre(8));
    EXPECT_EQ(run({"CLIENT", "KILL", "127.0.0.1:50001"}), "+OK\r\n");
    EXPECT_TRUE(client_.close_after_reply);
}

TEST_F(ServerCommands, KillClientsByFilterSparingTheCallerUnlessToldOtherwise) {
    EXPECT_EQ(run({"CLIENT", "KILL", "ID", "999"}), ":0\r\n");
    EXPECT_EQ(run({"CLIENT", "KILL", "TYPE", "normal", "LADDR", "127.0.0.1:7001"}), ":1\r\n");
    EXPECT_THAT(node_.closed, ElementsAre(8));
    EXPECT_FALSE(client_.close_after_reply);
    EXPECT_EQ(run({"CLIENT", "KILL", "USER", "default", "SKIPME", "no"}), ":2\r\n");
    EXPECT_TRUE(client_.close_after_reply);
    EXPECT_EQ(run({"CLIENT", "KILL", "TYPE", "pubsub"}), ":0\r\n");
}

TEST_F(ServerCommands, RefuseWrongKillFilters) {
    EXPECT_EQ(run({"CLIENT", "KILL", "ID", "abc"}), "-ERR client-id should be greater than 0\r\n");
    EXPECT_EQ(run({"CLIENT", "KILL", "ID", "0"}), "-ERR client-id should be greater than 0\r\n");
    EXPECT_EQ(run({"CLIENT", "KILL", "ID", "1", "TYPE"}), "-ERR syntax error\r\n");
    EXPECT_EQ(run({"CLIENT", "KILL", "foo", "bar"}), "-ERR syntax error\r\n");
    EXPECT_EQ(run({"CLIENT", "KILL", "TYPE", "xx"}), "-ERR Unknown client type 'xx'\r\n");
    EXPECT_EQ(run({"CLIENT", "KILL", "USER", "nobody"}), "-ERR No such user 'nobody'\r\n");
    EXPECT_EQ(run({"CLIENT", "KILL", "ID", "3", "SKIPME", "maybe"}), "-ERR syntax error\r\n");
}

TEST_F(ServerCommands, RefuseToPauseClients) {
    EXPECT_THAT(run({"CLIENT", "PAUSE", "100"}), HasSubstr("-ERR CLIENT PAUSE is not supported"));
    EXPECT_EQ(run({"CLIENT", "UNPAUSE"}), "+OK\r\n");
}

TEST_F(ServerCommands, SwitchClientFlags) {
    EXPECT_EQ(run({"CLIENT", "NO-EVICT", "ON"}), "+OK\r\n");
    EXPECT_EQ(run({"CLIENT", "NO-TOUCH", "on"}), "+OK\r\n");
    EXPECT_TRUE(client_.no_evict && client_.no_touch);
    EXPECT_EQ(run({"CLIENT", "NO-EVICT", "foo"}), "-ERR syntax error\r\n");
    EXPECT_EQ(run({"CLIENT", "NO-EVICT", "off"}), "+OK\r\n");
    EXPECT_FALSE(client_.no_evict);
}

TEST_F(ServerCommands, SetTheReplyMode) {
    using ReplyMode = ClientState::ReplyMode;
    EXPECT_EQ(run({"CLIENT", "REPLY", "ON"}), "+OK\r\n");
    (void)run({"CLIENT", "REPLY", "SKIP"});
    EXPECT_EQ(client_.reply_mode, ReplyMode::kSkipNext);
    (void)run({"CLIENT", "REPLY", "OFF"});
    (void)run({"CLIENT", "REPLY", "SKIP"});  // changes nothing while replies are off
    EXPECT_EQ(client_.reply_mode, ReplyMode::kOff);
    EXPECT_EQ(run({"CLIENT", "REPLY", "foo"}), "-ERR syntax error\r\n");
}

TEST_F(ServerCommands, AcceptTrackingWhereRedisSendsNoInvalidationsEither) {
    EXPECT_EQ(run({"CLIENT", "TRACKING", "on"}), "+OK\r\n");
    EXPECT_EQ(run({"CLIENT", "GETREDIR"}), ":0\r\n");
    EXPECT_EQ(run({"CLIENT", "TRACKINGINFO"}),
              "*6\r\n$5\r\nflags\r\n*1\r\n$2\r\non\r\n$8\r\nredirect\r\n:0\r\n$8\r\nprefixes\r\n*0\r\n");
    EXPECT_EQ(run({"CLIENT", "CACHING", "yes"}),
              "-ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.\r\n");
    EXPECT_EQ(run({"CLIENT", "TRACKING", "off"}), "+OK\r\n");
    EXPECT_EQ(run({"CLIENT", "GETREDIR"}), ":-1\r\n");
    EXPECT_EQ(run({"CLIENT", "CACHING", "yes"}),
              "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode "
              "enabled\r\n");
}

TEST_F(ServerCommands, RefuseTrackingWhereAClientWouldWaitForInvalidations) {
    const std::string refusal = "-ERR CLIENT TRACKING is not supported: this server sends no invalidation messages\r\n";
    EXPECT_EQ(run({"CLIENT", "TRACKING", "on", "REDIRECT", "8"}), refusal);
    EXPECT_EQ(run({"CLIENT", "TRACKING", "on", "BCAST"}), refusal);
    (void)run({"HELLO", "3"});
    EXPECT_EQ(run({"CLIENT", "TRACKING", "on"}), refusal);
    EXPECT_FALSE(client_.tracking);
}

TEST_F(ServerCommands, StopTrackingWhenTheClientTurnsToResp3) {
    (void)run({"CLIENT", "TRACKING", "on"});
    (void)run({"HELLO", "3"});
    EXPECT_EQ(run({"CLIENT", "TRACKINGINFO"}),
              "%3\r\n$5\r\nflags\r\n~1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n");
}

TEST_F(ServerCommands, RefuseWrongTrackingOptionsAsRedisDoes) {
    EXPECT_EQ(run({"CLIENT", "TRACKING", "foo"}), "-ERR syntax error\r\n");
    EXPECT_EQ(run({"CLIENT", "TRACKING", "on", "on"}), "-ERR syntax error\r\n");
    EXPECT_EQ(run({"CLIENT", "TRACKING", "on", "redirect", "abc"}), "-ERR value is not an integer or out of range\r\n");
    EXPECT_EQ(run({"CLIENT", "TRACKING", "on", "redirect", "99999"}),
              "-ERR The client ID you want redirect to does not exist\r\n");
    EXPECT_EQ(run({"CLIENT", "TRACKING", "on", "prefix", "x"}),
              "-ERR PREFIX option requires BCAST mode to be enabled\r\n");
    EXPECT_EQ(run({"CLIENT", "TRACKING", "on", "bcast", "optin"}),
              "-ERR OPTIN and OPTOUT are not compatible with BCAST\r\n");
    EXPECT_EQ(run({"CLIENT", "TRACKING", "on", "optin", "optout"}),
              "-ERR You can't specify both OPTIN mode and OPTOUT mode\r\n");
}

// --- COMMAND
// ------------------------------------------------------------------------------------------------------------------------------

TEST_F(ServerCommands, DescribeCommandsInRedissTuples) {
    EXPECT_EQ(run({"COMMAND", "INFO", "get", "nosuch"}),
              "*2\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n+@"
              "string\r\n+@fast\r\n*0\r\n*1\r\n"
              "*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$"
              "4\r\nspec\r\n*2\r\n"
              "$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n$"
              "7\r\nlastkey\r\n:0\r\n"
              "$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n$-1\r\n");
    EXPECT_EQ(run({"COMMAND", "INFO", "client|id"}),
              "*1\r\n*10\r\n$9\r\nclient|id\r\n:2\r\n*3\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n*2\r\n+"
              "@slow\r\n"
              "+@connection\r\n*0\r\n*0\r\n*0\r\n");
}

TEST_F(ServerCommands, TellWhereTheKeysOfEveryCommandAre) {
    const net::ReplyValue mset = reply_to({"COMMAND", "INFO", "mset"}).elements[0];
    EXPECT_EQ(mset.elements[3].integer, 1);
    EXPECT_EQ(mset.elements[4].integer, -1);
    EXPECT_EQ(mset.elements[5].integer, 2);
    const net::ReplyValue& find_keys = value_of(mset.elements[8].elements[0], "find_keys");
    EXPECT_EQ(value_of(value_of(find_keys, "spec"), "lastkey").integer, -1);
    EXPECT_EQ(value_of(value_of(find_keys, "spec"), "keystep").integer, 2);
}

TEST_F(ServerCommands, ListAllCommandsOfBothTables) {
    const net::ReplyValue all = reply_to({"COMMAND"});
    EXPECT_EQ(all.elements.size(), kv::data_commands().size() + server_commands().size());
    EXPECT_EQ(reply_to({"COMMAND", "COUNT"}).integer, static_cast<int64_t>(all.elements.size()));
    EXPECT_EQ(reply_to({"COMMAND", "INFO"}), all);
    for (const net::ReplyValue& command : all.elements)
        EXPECT_EQ(command.elements.size(), 10u);
    EXPECT_THAT(texts(reply_to({"COMMAND", "LIST"})), Contains("client|kill"));
}

TEST_F(ServerCommands, NestSubcommandsInTheirContainer) {
    const net::ReplyValue client = reply_to({"COMMAND", "INFO", "client"}).elements[0];
    std::vector<std::string> names;
    for (const net::ReplyValue& subcommand : client.elements[9].elements)
        names.push_back(subcommand.elements[0].text);
    EXPECT_THAT(names, Contains("client|tracking"));
    EXPECT_THAT(names, Not(Contains("cluster|info")));
}

TEST_F(ServerCommands, DocumentCommands) {
    EXPECT_EQ(run({"COMMAND", "DOCS", "time", "nosuch"}),
              "*2\r\n$4\r\ntime\r\n*8\r\n$7\r\nsummary\r\n$30\r\nReturn the current server "
              "time\r\n$5\r\nsince\r\n$5\r\n2.6.0\r\n$5\r\ngroup\r\n"
              "$6\r\nserver\r\n$10\r\ncomplexity\r\n$4\r\nO(1)\r\n");
    EXPECT_EQ(run({"COMMAND", "DOCS", "nosuch"}), "*0\r\n");
    const net::ReplyValue config = reply_to({"COMMAND", "DOCS", "config"});
    EXPECT_EQ(value_of(config.elements[1], "subcommands").elements[0].text, "config|get");
    client_.protocol = 3;
    EXPECT_EQ(run({"COMMAND", "DOCS"}).substr(0, 1), "%");
}

TEST_F(ServerCommands, FilterTheListOfCommands) {
    EXPECT_EQ(run({"COMMAND", "LIST", "FILTERBY", "PATTERN", "TIM*"}), "*1\r\n$4\r\ntime\r\n");
    EXPECT_EQ(run({"COMMAND", "LIST", "FILTERBY", "ACLCAT", "nosuch"}), "*0\r\n");
    EXPECT_EQ(run({"COMMAND", "LIST", "FILTERBY", "MODULE", "x"}), "*0\r\n");
    EXPECT_THAT(texts(reply_to({"COMMAND", "LIST", "FILTERBY", "ACLCAT", "connection"})), Contains("client|id"));
    EXPECT_EQ(run({"COMMAND", "LIST", "FILTERBY", "foo", "x"}), "-ERR syntax error\r\n");
    EXPECT_EQ(run({"COMMAND", "LIST", "foo"}), "-ERR syntax error\r\n");
}

TEST_F(ServerCommands, FindTheKeysOfACommand) {
    EXPECT_EQ(run({"COMMAND", "GETKEYS", "get", "a"}), "*1\r\n$1\r\na\r\n");
    EXPECT_EQ(run({"COMMAND", "GETKEYS", "mset", "a", "b", "c", "d"}), "*2\r\n$1\r\na\r\n$1\r\nc\r\n");
    EXPECT_EQ(run({"COMMAND", "GETKEYS", "mset", "a", "b", "c"}), "*2\r\n$1\r\na\r\n$1\r\nc\r\n");
    EXPECT_EQ(run({"COMMAND", "GETKEYSANDFLAGS", "get", "a"}), "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n");
    EXPECT_EQ(run({"COMMAND", "GETKEYS", "nosuch", "a"}), "-ERR Invalid command specified\r\n");
    EXPECT_EQ(run({"COMMAND", "GETKEYS", "ping", "a"}), "-ERR The command has no key arguments\r\n");
    EXPECT_EQ(run({"COMMAND", "GETKEYS", "get", "a", "b"}),
              "-ERR Invalid number of arguments specified for command\r\n");
}

// --- INFO
// ---------------------------------------------------------------------------------------------------------------------------------

TEST_F(ServerCommands, TellToolsWhatTheyLookForInInfo) {
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
                             "total_commands_processed:42",
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

TEST_F(ServerCommands, TellRaftAndLogNumbersInInfo) {
    const std::string info = text_of({"INFO", "raft", "wal"});
    EXPECT_EQ(info.substr(0, 8), "# Raft\r\n");
    for (const char* line : {"raft_role:leader", "raft_term:4", "raft_leader_id:1", "raft_leader:127.0.0.1:7001",
                             "raft_last_index:72", "raft_durable_index:71", "raft_last_applied:69",
                             "raft_peer1:id=3,state=probe,active=0,match_index=12,next_index=13,inflight_bytes=0",
                             "raft_state_hash:0000000000000abc", "wal_sync_method:fdatasync", "wal_sync_usec_p99:9"}) {
        EXPECT_THAT(info, HasSubstr("\r\n" + std::string{line} + "\r\n"));
    }
}

TEST_F(ServerCommands, PrintTheSectionsOfInfoThatAreAskedFor) {
    EXPECT_EQ(text_of({"INFO", "cluster"}), "# Cluster\r\ncluster_enabled:1\r\n");
    EXPECT_EQ(text_of({"INFO", "KEYSPACE", "cluster"}),
              "# Cluster\r\ncluster_enabled:1\r\n\r\n# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=0\r\n");
    EXPECT_EQ(text_of({"INFO", "commandstats"}), "# Commandstats\r\ncmdstat_get:calls=7\r\n");
    EXPECT_EQ(text_of({"INFO", "foo"}), "");
    EXPECT_EQ(text_of({"INFO", "default"}), text_of({"INFO"}));
    EXPECT_EQ(text_of({"INFO", "all"}), text_of({"INFO", "everything"}));
    EXPECT_THAT(text_of({"INFO", "all"}), HasSubstr("# Latencystats"));
    node_.keys = 0;
    EXPECT_EQ(text_of({"INFO", "keyspace"}), "# Keyspace\r\n");
}

TEST_F(ServerCommands, CallAFollowerASlaveInInfo) {
    node_.follow(NodeId{2});
    const std::string info = text_of({"INFO", "replication"});
    for (const char* line : {"role:slave", "master_host:127.0.0.1", "master_port:7002", "master_link_status:up",
                             "slave_repl_offset:69", "master_repl_offset:70", "connected_slaves:0"}) {
        EXPECT_THAT(info, HasSubstr("\r\n" + std::string{line} + "\r\n"));
    }
    node_.unreachable = NodeId{2};
    EXPECT_THAT(text_of({"INFO", "replication"}), HasSubstr("master_link_status:down"));
}

TEST_F(ServerCommands, AnswerInfoAsVerbatimTextInResp3) {
    client_.protocol = 3;
    EXPECT_EQ(run({"INFO", "cluster"}), "=34\r\ntxt:# Cluster\r\ncluster_enabled:1\r\n\r\n");
}

// --- CONFIG
// -------------------------------------------------------------------------------------------------------------------------------

TEST_F(ServerCommands, ShowWhatBenchmarksAskOfTheConfig) {
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

TEST_F(ServerCommands, MatchParametersByGlobIgnoringCaseAndRepeats) {
    const auto found = config_get({"MAX*", "sav?", "max*", "election-*"});
    EXPECT_EQ(found.at("maxmemory-policy"), "noeviction");
    EXPECT_EQ(found.at("max-clients"), "10000");
    EXPECT_EQ(found.at("election-timeout-ms"), "1000");
    EXPECT_EQ(found.at("save"), "");
    EXPECT_EQ(run({"CONFIG", "GET", "save", "SAVE"}), "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
    client_.protocol = 3;
    EXPECT_EQ(run({"CONFIG", "GET", "save"}), "%1\r\n$4\r\nsave\r\n$0\r\n\r\n");
}

TEST_F(ServerCommands, SetWhatMayChangeUnderEitherName) {
    EXPECT_EQ(run({"CONFIG", "SET", "maxclients", "100", "follower-mode", "redirect"}), "+OK\r\n");
    EXPECT_EQ(node_.config_.limits.clients_max, 100u);
    EXPECT_EQ(node_.config_.follower_mode, FollowerMode::kRedirect);
    EXPECT_EQ(config_get({"max-clients"}).at("max-clients"), "100");
    EXPECT_EQ(run({"CONFIG", "SET", "PROTO-MAX-BULK-LEN", "2mb", "idle-timeout-s", "10"}), "+OK\r\n");
    EXPECT_EQ(node_.config_.limits.bulk_bytes_max, 2 * kMiB);
    EXPECT_EQ(config_get({"timeout"}).at("timeout"), "10");
}

TEST_F(ServerCommands, SetTheLogLevelInRedissWordsOrOurs) {
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

TEST_F(ServerCommands, RefuseWrongValuesInRedissWords) {
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
    EXPECT_EQ(refusal("proto-max-bulk-len", "1"),
              "argument must be between 1048576 and 9223372036854775807 inclusive\r\n");
    EXPECT_EQ(refusal("databases", "3"), "can't set immutable config\r\n");
    EXPECT_EQ(refusal("wal-segment-size", "64MiB"), "can't set immutable config\r\n");
    EXPECT_EQ(refusal("max-pipeline", "many"), "'many' does not fit; give a whole number from 1 to 2147483647\r\n");
    EXPECT_THAT(refusal("proto-max-bulk-len", "1gb"), HasSubstr("max-bulk-size: 1073741824 bytes do not fit"));
    EXPECT_EQ(run({"CONFIG", "SET", "a", "b"}), "-ERR Unknown option or number of arguments for CONFIG SET - 'a'\r\n");
    EXPECT_EQ(run({"CONFIG", "SET", "maxclients", "5", "a"}), "-ERR syntax error\r\n");
    EXPECT_EQ(run({"CONFIG", "SET", "maxclients", "1", "maxclients", "2"}),
              "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - duplicate parameter\r\n");
}

TEST_F(ServerCommands, SetAllParametersOrNone) {
    EXPECT_THAT(run({"CONFIG", "SET", "maxclients", "9000", "databases", "4"}),
                HasSubstr("'databases') - can't set immutable config"));
    EXPECT_THAT(run({"CONFIG", "SET", "maxclients", "9000", "timeout", "x"}), HasSubstr("'timeout')"));
    EXPECT_EQ(node_.config_.limits.clients_max, 10000u);
}

TEST_F(ServerCommands, LetToolsInsistOnWhatHoldsAnyway) {
    EXPECT_EQ(run({"CONFIG", "SET", "save", ""}), "+OK\r\n");
    EXPECT_EQ(run({"CONFIG", "SET", "appendonly", "YES"}), "+OK\r\n");
    EXPECT_THAT(run({"CONFIG", "SET", "appendonly", "no"}), HasSubstr("this server supports no other value"));
    EXPECT_THAT(run({"CONFIG", "SET", "save", "900 1"}), HasSubstr("this server supports no other value"));
}

TEST_F(ServerCommands, ResetStatisticsAndRewriteNothing) {
    EXPECT_EQ(run({"CONFIG", "RESETSTAT"}), "+OK\r\n");
    EXPECT_EQ(node_.counter.commands_processed, 0u);
    EXPECT_THAT(run({"CONFIG", "REWRITE"}), HasSubstr("-ERR CONFIG REWRITE is not supported"));
}

// --- ROLE and CLUSTER
// ---------------------------------------------------------------------------------------------------------------------

TEST_F(ServerCommands, TellTheRoleOfALeaderWithItsReplicas) {
    EXPECT_EQ(run({"ROLE"}), "*3\r\n$6\r\nmaster\r\n:70\r\n*1\r\n*3\r\n$9\r\n127.0.0.1\r\n$4\r\n7002\r\n$2\r\n70\r\n");
}

TEST_F(ServerCommands, TellTheRoleOfAFollowerWithItsLeader) {
    node_.follow(NodeId{2});
    EXPECT_EQ(run({"ROLE"}), "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:7002\r\n$9\r\nconnected\r\n:69\r\n");
    node_.follow(NodeId{});
    EXPECT_EQ(run({"ROLE"}), "*5\r\n$5\r\nslave\r\n$0\r\n\r\n:0\r\n$7\r\nconnect\r\n:-1\r\n");
}

TEST_F(ServerCommands, AcceptWhatClusterClientsSayOfTheirConnection) {
    EXPECT_EQ(run({"READONLY"}), "+OK\r\n");
    EXPECT_TRUE(client_.readonly);
    EXPECT_EQ(run({"READWRITE"}), "+OK\r\n");
    EXPECT_FALSE(client_.readonly);
    EXPECT_EQ(run({"ASKING"}), "+OK\r\n");
}

TEST_F(ServerCommands, GiveAllSlotsToTheLeader) {
    const std::string first = node_.config_.cluster_node_name(NodeId{1});
    const std::string third = node_.config_.cluster_node_name(NodeId{3});
    node_.unreachable = NodeId{2};
    EXPECT_EQ(run({"CLUSTER", "SLOTS"}), "*1\r\n*4\r\n:0\r\n:16383\r\n*4\r\n$9\r\n127.0.0.1\r\n:7001\r\n$40\r\n" +
                                             first + "\r\n*0\r\n*4\r\n$9\r\n127.0.0.1\r\n:7003\r\n$40\r\n" + third +
                                             "\r\n*0\r\n");
}

TEST_F(ServerCommands, NameTheLeaderFirstOnEveryNode) {
    node_.follow(NodeId{3});
    const net::ReplyValue slots = reply_to({"CLUSTER", "SLOTS"});
    EXPECT_EQ(slots.elements[0].elements[2].elements[1].integer, 7003);
    EXPECT_EQ(slots.elements[0].elements.size(), 5u);
}

TEST_F(ServerCommands, ServeNoSlotWhileNoLeaderIsKnown) {
    node_.follow(NodeId{});
    EXPECT_EQ(run({"CLUSTER", "SLOTS"}), "*0\r\n");
    EXPECT_THAT(text_of({"CLUSTER", "INFO"}), HasSubstr("cluster_state:fail\r\ncluster_slots_assigned:0\r\n"));
    EXPECT_EQ(value_of(reply_to({"CLUSTER", "SHARDS"}).elements[0], "slots").elements.size(), 0u);
    EXPECT_THAT(text_of({"CLUSTER", "NODES"}), Not(HasSubstr("master")));
}

TEST_F(ServerCommands, DescribeTheClusterToItsClients) {
    EXPECT_EQ(text_of({"CLUSTER", "INFO"}),
              "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\ncluster_slots_pfail:"
              "0\r\ncluster_slots_fail:0\r\n"
              "cluster_known_nodes:3\r\ncluster_size:1\r\ncluster_current_epoch:4\r\ncluster_my_epoch:4\r\ncluster_"
              "stats_messages_sent:0\r\n"
              "cluster_stats_messages_received:0\r\ntotal_cluster_links_buffer_limit_exceeded:0\r\n");
}

TEST_F(ServerCommands, ListNodesInRedissLines) {
    const auto name = [this](uint64_t id) { return node_.config_.cluster_node_name(NodeId{id}); };
    node_.unreachable = NodeId{3};
    EXPECT_EQ(text_of({"CLUSTER", "NODES"}),
              name(1) + " 127.0.0.1:7001@17001 myself,master - 0 0 4 connected 0-16383\n" + name(2) +
                  " 127.0.0.1:7002@17002 slave " + name(1) + " 0 0 4 connected\n" + name(3) +
                  " 127.0.0.1:7003@17003 slave,fail? " + name(1) + " 0 0 4 disconnected\n");
    EXPECT_EQ(text_of({"CLUSTER", "MYID"}), name(1));
}

TEST_F(ServerCommands, DescribeTheOneShard) {
    node_.unreachable = NodeId{3};
    const net::ReplyValue shard = reply_to({"CLUSTER", "SHARDS"}).elements[0];
    EXPECT_EQ(value_of(shard, "slots").elements[1].integer, 16383);
    const net::ReplyValue& nodes = value_of(shard, "nodes");
    ASSERT_EQ(nodes.elements.size(), 3u);
    EXPECT_EQ(value_of(nodes.elements[0], "role").text, "master");
    EXPECT_EQ(value_of(nodes.elements[1], "role").text, "replica");
    EXPECT_EQ(value_of(nodes.elements[1], "replication-offset").integer, 70);
    EXPECT_EQ(value_of(nodes.elements[2], "health").text, "fail");
    client_.protocol = 3;
    EXPECT_EQ(run({"CLUSTER", "SHARDS"}).substr(0, 8), "*1\r\n%2\r\n");
}

TEST_F(ServerCommands, ListTheReplicasOfTheLeader) {
    const std::string leader = node_.config_.cluster_node_name(NodeId{1});
    const std::string follower = node_.config_.cluster_node_name(NodeId{2});
    EXPECT_EQ(reply_to({"CLUSTER", "REPLICAS", leader}).elements.size(), 2u);
    EXPECT_EQ(reply_to({"CLUSTER", "SLAVES", leader}).elements.size(), 2u);
    EXPECT_EQ(run({"CLUSTER", "REPLICAS", follower}), "-ERR The specified node is not a master\r\n");
    EXPECT_EQ(run({"CLUSTER", "REPLICAS", "foo"}), "-ERR Unknown node foo\r\n");
    EXPECT_EQ(run({"CLUSTER", "COUNT-FAILURE-REPORTS", leader}), ":0\r\n");
    EXPECT_EQ(run({"CLUSTER", "COUNT-FAILURE-REPORTS", "foo"}), "-ERR Unknown node foo\r\n");
}

TEST_F(ServerCommands, CountKeysInSlots) {
    EXPECT_EQ(run({"CLUSTER", "KEYSLOT", "foo"}), ":12182\r\n");
    EXPECT_EQ(run({"CLUSTER", "COUNTKEYSINSLOT", "5"}), ":9\r\n");
    EXPECT_EQ(run({"CLUSTER", "COUNTKEYSINSLOT", "16384"}), "-ERR Invalid slot\r\n");
    EXPECT_EQ(run({"CLUSTER", "COUNTKEYSINSLOT", "a"}), "-ERR value is not an integer or out of range\r\n");
    EXPECT_EQ(run({"CLUSTER", "GETKEYSINSLOT", "1", "-1"}), "-ERR Invalid slot or number of keys\r\n");
    EXPECT_EQ(run({"CLUSTER", "GETKEYSINSLOT", "16384", "1"}), "-ERR Invalid slot or number of keys\r\n");
    EXPECT_THAT(run({"CLUSTER", "GETKEYSINSLOT", "1", "1"}), HasSubstr("-ERR CLUSTER GETKEYSINSLOT is not supported"));
}

// --- every command
// ------------------------------------------------------------------------------------------------------------------------

TEST_F(ServerCommands, HelpAboutTheirSubcommands) {
    for (const std::string_view container : {"client", "command", "config", "cluster", "acl", "module"}) {
        const std::vector<std::string> lines = texts(reply_to({container, "HELP"}));
        EXPECT_THAT(lines.front(), HasSubstr(" <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
        EXPECT_EQ(lines.back(), "    Prints this help.");
    }
}

// Whatever the arguments, a command writes one whole reply and breaks nothing.
TEST_F(ServerCommands, AnswerAnyArgumentsWithExactlyOneReply) {
    const std::string long_word(300, 'x');
    const std::vector<std::string_view> words{
        "", "on", "id", "-1", "9223372036854775808", "*", "\r\n", std::string_view("a\0b", 3), long_word};
    for (const kv::CommandSpec& spec : server_commands()) {
        if (spec.code == kWaitCommand) continue;
        for (const std::string_view first : words) {
            for (const std::string_view second : words) {
                for (const auto& arguments : {std::vector<std::string_view>{spec.name},
                                              {spec.name, first},
                                              {spec.name, first, second},
                                              {spec.name, first, second, second}}) {
                    if (kv::arity_fits(spec, arguments.size())) (void)reply_to(arguments);
                }
            }
        }
    }
}

}  // namespace
}  // namespace kvorum::server
