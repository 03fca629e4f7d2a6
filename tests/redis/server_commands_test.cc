// Commands of the connection, CLIENT and COMMAND. The expected texts are what redis-server 7.0.15 answered to the same
// command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/redis/server_commands_fixture.h"

namespace kvorum::redis {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using ServerCommands = ServerCommandsTest;

// --- errors ---

std::string refusal_of(const std::vector<std::string_view>& arguments) {
    const NamedCommand named = find_named_command(arguments);
    EXPECT_FALSE(named.is_runnable);
    return not_runnable_error(named, arguments);
}

TEST(UnknownCommand, IsNamedWithTheBeginningOfItsArguments) {
    EXPECT_EQ(refusal_of({"nosuchcmd"}), "ERR unknown command 'nosuchcmd', with args beginning with: ");
    EXPECT_EQ(refusal_of({"nosuchcmd", "a", "b"}),
              "ERR unknown command 'nosuchcmd', with args beginning with: 'a' 'b' ");
}

TEST(UnknownCommand, IsCutAt128Characters) {
    const std::string a(52, 'a');
    const std::string b(61, 'b');
    const std::string c(27, 'c');
    EXPECT_EQ(refusal_of({"nosuchcmd", a, b, c, "d"}), "ERR unknown command 'nosuchcmd', with args beginning with: '" +
                                                           a + "' '" + b + "' '" + std::string(9, 'c') + "' ");
    const std::string y(200, 'y');
    EXPECT_EQ(refusal_of({y, "a"}),
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
    EXPECT_EQ(refusal_of({"GET"}), "ERR wrong number of arguments for 'get' command");
}

TEST(CommandTable, FindsCommandsOfBothTablesIgnoringCase) {
    ASSERT_NE(find_command("Get"), nullptr);
    EXPECT_EQ(find_command("Get")->operation, &ops::operation_of(ops::OperationCode::kGet));
    ASSERT_NE(find_command("pInG"), nullptr);
    EXPECT_EQ(find_command("pInG")->operation, nullptr);
    EXPECT_EQ(find_command("nosuch"), nullptr);
    EXPECT_EQ(find_command("client|id"), nullptr);
    EXPECT_EQ(server_code_of(*find_command("wait")), kWaitCommand);
}

// --- the connection ---

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
    client_.replies_off = client_.skips_next_reply = true;
    EXPECT_EQ(run({"RESET"}), "+RESET\r\n");
    EXPECT_EQ(client_.protocol, 2);
    EXPECT_EQ(client_.name, "");
    EXPECT_FALSE(client_.readonly || client_.tracking);
    EXPECT_FALSE(client_.replies_off || client_.skips_next_reply);
}

TEST_F(ServerCommands, TellTheTimeInSecondsAndMicroseconds) {
    EXPECT_EQ(run({"TIME"}), "*2\r\n$10\r\n1700000000\r\n$6\r\n123456\r\n");
}

TEST_F(ServerCommands, HaveNoModules) { EXPECT_EQ(run({"MODULE", "LIST"}), "*0\r\n"); }

TEST_F(ServerCommands, NameTheirVersionsInLolwut) {
    EXPECT_THAT(text_of({"LOLWUT", "VERSION", "5"}), HasSubstr("Redis ver. 7.0.15\n"));
}

// --- CLIENT ---

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
    client_.descriptor = 9;
    client_.query_buffer_bytes = 5;
    client_.query_buffer_free_bytes = 100;
    client_.output_buffer_bytes = 7;
    client_.last_command = "client|info";
    EXPECT_EQ(
        text_of({"CLIENT", "INFO"}),
        fmt::format("id=7 addr=127.0.0.1:50001 laddr=127.0.0.1:7001 fd=9 name= age=10 idle=3 flags=N db=0 sub=0 psub=0 "
                    "ssub=0 multi=-1 qbuf=5 qbuf-free=100 argv-mem=10 multi-mem=0 rbs=7 rbp=0 obl=0 oll=1 omem=7 "
                    "tot-mem={} events=r cmd=client|info user=default redir=-1 resp=2 lib-name= lib-ver= "
                    "consistency=linearizable\n",
                    sizeof(ClientState) + 5 + 100 + 7 + 10));
}

TEST_F(ServerCommands, SetAndTellHowOldReadsMayBe) {
    EXPECT_EQ(text_of({"CLIENT", "CONSISTENCY"}), "linearizable");
    EXPECT_EQ(run({"CLIENT", "CONSISTENCY", "BOUNDED", "250"}), "+OK\r\n");
    EXPECT_EQ(text_of({"CLIENT", "CONSISTENCY"}), "bounded 250");
    EXPECT_THAT(text_of({"CLIENT", "INFO"}), HasSubstr(" consistency=bounded:250\n"));
    EXPECT_EQ(run({"CLIENT", "CONSISTENCY", "stale"}), "+OK\r\n");
    EXPECT_THAT(text_of({"CLIENT", "INFO"}), HasSubstr(" consistency=stale\n"));
    EXPECT_EQ(run({"CLIENT", "CONSISTENCY", "eventual"}),
              "-ERR CLIENT CONSISTENCY takes LINEARIZABLE (reads show all that was acknowledged before them), BOUNDED "
              "<ms> with 1 to 86400000 ms (they are at most that old), or STALE (whatever this node has)\r\n");
    EXPECT_EQ(text_of({"CLIENT", "CONSISTENCY"}), "stale");
    EXPECT_EQ(run({"RESET"}), "+RESET\r\n");
    EXPECT_EQ(text_of({"CLIENT", "CONSISTENCY"}), "linearizable");
    EXPECT_THAT(run({"CLIENT", "HELP"}), HasSubstr("CONSISTENCY [LINEARIZABLE | BOUNDED <ms> | STALE]"));
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
    const std::string asked = text_of({"CLIENT", "LIST", "ID", "8", "7", "8"});
    EXPECT_EQ(lines({"CLIENT", "LIST", "ID", "8", "7", "8"}), 3) << "in the order and as often as asked";
    EXPECT_TRUE(asked.starts_with("id=8 "));
    EXPECT_NE(asked.find("\nid=7 "), std::string::npos);
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
    EXPECT_EQ(run({"CLIENT", "REPLY", "ON"}), "+OK\r\n");
    EXPECT_EQ(run({"CLIENT", "REPLY", "SKIP"}), "");
    EXPECT_TRUE(client_.skips_next_reply);
    client_.skips_next_reply = false;
    EXPECT_EQ(run({"CLIENT", "REPLY", "OFF"}), "");
    EXPECT_TRUE(client_.replies_off);
    EXPECT_EQ(run({"CLIENT", "REPLY", "SKIP"}), "");
    EXPECT_FALSE(client_.skips_next_reply) << "it changes nothing while replies are off";
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

// --- COMMAND ---

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
    const ReplyValue mset = reply_to({"COMMAND", "INFO", "mset"}).elements[0];
    EXPECT_EQ(mset.elements[3].integer, 1);
    EXPECT_EQ(mset.elements[4].integer, -1);
    EXPECT_EQ(mset.elements[5].integer, 2);
    const ReplyValue& find_keys = value_of(mset.elements[8].elements[0], "find_keys");
    EXPECT_EQ(value_of(value_of(find_keys, "spec"), "lastkey").integer, -1);
    EXPECT_EQ(value_of(value_of(find_keys, "spec"), "keystep").integer, 2);
}

TEST_F(ServerCommands, ListAllCommandsOfBothTables) {
    const ReplyValue all = reply_to({"COMMAND"});
    EXPECT_EQ(all.elements.size(), data_commands().size() + server_commands().size());
    EXPECT_EQ(reply_to({"COMMAND", "COUNT"}).integer, static_cast<int64_t>(all.elements.size()));
    EXPECT_EQ(reply_to({"COMMAND", "INFO"}), all);
    for (const ReplyValue& command : all.elements)
        EXPECT_EQ(command.elements.size(), 10u);
    EXPECT_THAT(texts(reply_to({"COMMAND", "LIST"})), Contains("client|kill"));
}

TEST_F(ServerCommands, NestSubcommandsInTheirContainer) {
    const ReplyValue client = reply_to({"COMMAND", "INFO", "client"}).elements[0];
    std::vector<std::string> names;
    for (const ReplyValue& subcommand : client.elements[9].elements)
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
    const ReplyValue config = reply_to({"COMMAND", "DOCS", "config"});
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

// --- every command ---

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
    for (const CommandSpec& spec : server_commands()) {
        if (spec.handler == nullptr) continue;  // the session's and its gate's
        for (const std::string_view first : words) {
            for (const std::string_view second : words) {
                for (const auto& arguments : {std::vector<std::string_view>{spec.name},
                                              {spec.name, first},
                                              {spec.name, first, second},
                                              {spec.name, first, second, second}}) {
                    if (spec.takes(arguments.size())) (void)reply_to(arguments);
                }
            }
        }
    }
}

}  // namespace
}  // namespace kvorum::redis
