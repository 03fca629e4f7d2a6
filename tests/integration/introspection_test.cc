// What exporters, dashboards and client libraries read, beside redis-server: the facts of COMMAND, and how commands are
// counted whichever way they take, at the leader and at a follower.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "redis/resp_reply_parser.h"
#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tests/integration/redis_server.h"

namespace kvorum::integration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

using Words = std::vector<std::string>;

Words split(const std::string& text) {
    std::istringstream stream(text);
    Words words;
    for (std::string word; stream >> word;)
        words.push_back(word);
    return words;
}

// A client for replies that nest deeper than hiredis reads.
class DeepClient {
 public:
    explicit DeepClient(const reactor::Endpoint& node) : connection_(node, Milliseconds(15'000)) {}

    redis::ReplyValue command(const Words& words) {
        EXPECT_TRUE(connection_.send(encode(words) + encode({"PING", "the end"})));
        const std::string bytes = connection_.receive_until("$7\r\nthe end\r\n");
        redis::RespReplyParser parser;
        parser.feed(as_bytes(bytes));
        redis::ReplyValue reply;
        EXPECT_EQ(parser.next(reply), redis::ReplyStatus::kReply) << bytes;
        return reply;
    }

 private:
    RawConnection connection_;
};

// Without the text behind the version.
std::string history_of(const redis::ReplyValue& changes) {
    std::string versions;
    for (const redis::ReplyValue& change : changes.elements)
        versions += change.elements.at(0).text + " ";
    return versions;
}

// "name=value" lines of INFO.
std::map<std::string, std::string> info(Client& client, const std::string& section) {
    std::map<std::string, std::string> fields;
    std::istringstream text(client.command({"INFO", section}).text);
    for (std::string line; std::getline(text, line);) {
        if (const size_t colon = line.find(':'); colon != std::string::npos)
            fields[line.substr(0, colon)] = line.substr(colon + 1, line.find('\r') - colon - 1);
    }
    return fields;
}

std::string number_behind(const std::string& text, const std::string& name) {
    const size_t at = text.find(name + "=");
    if (at == std::string::npos) return "-";
    return text.substr(at + name.size() + 1, text.find(',', at) - at - name.size() - 1);
}

class IntrospectionTest : public testing::Test {
 protected:
    static void SetUpTestSuite() {
        redis_ = new RedisServer;
        cluster_ = new Cluster({});
        cluster_->start_all();
        (void)cluster_->wait_for_leader();
    }
    static void TearDownTestSuite() {
        delete cluster_;
        delete redis_;
    }

    static Client redis() { return Client(redis_->endpoint()); }
    static reactor::Endpoint leader_endpoint() { return cluster_->endpoint(cluster_->wait_for_leader()); }
    static reactor::Endpoint follower_endpoint() { return cluster_->endpoint(cluster_->wait_for_follower()); }
    static Client leader() { return Client(leader_endpoint()); }
    static Client follower() { return Client(follower_endpoint()); }

    // The names of commands and subcommands that both have.
    static Words common_commands() {
        DeepClient ours(leader_endpoint());
        DeepClient theirs(redis_->endpoint());
        Words names;
        for (const redis::ReplyValue& name : ours.command({"COMMAND", "LIST"}).elements) {
            if (!theirs.command({"COMMAND", "DOCS", name.text}).elements.empty()) names.push_back(name.text);
        }
        EXPECT_GT(names.size(), 120u);
        return names;
    }

    static RedisServer* redis_;
    static Cluster* cluster_;
};

RedisServer* IntrospectionTest::redis_ = nullptr;
Cluster* IntrospectionTest::cluster_ = nullptr;

TEST_F(IntrospectionTest, CommandInfoTellsWhatRedisTells) {
    DeepClient ours(leader_endpoint());
    DeepClient theirs(redis_->endpoint());
    for (const std::string& name : common_commands()) {
        redis::ReplyValue expected = theirs.command({"COMMAND", "INFO", name}).elements.at(0);
        redis::ReplyValue actual = ours.command({"COMMAND", "INFO", name}).elements.at(0);
        ASSERT_THAT(actual.elements, SizeIs(10)) << name;
        // Of a container's subcommands there are some less here; each is looked at by itself.
        expected.elements.pop_back();
        actual.elements.pop_back();
        EXPECT_EQ(actual.to_string(), expected.to_string());
    }
}

TEST_F(IntrospectionTest, CommandDocsHaveTheArgumentsOfEveryCommand) {
    DeepClient ours(leader_endpoint());
    DeepClient theirs(redis_->endpoint());
    const auto fields_of = [](const redis::ReplyValue& docs) {
        std::map<std::string, std::string> fields;
        const std::vector<redis::ReplyValue>& pairs = docs.elements.at(1).elements;
        for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
            const bool is_history = pairs[i].text == "history";
            if (pairs[i].text != "subcommands")
                fields[pairs[i].text] = is_history ? history_of(pairs[i + 1]) : pairs[i + 1].to_string();
        }
        return fields;
    };
    for (const std::string& name : common_commands()) {
        const redis::ReplyValue expected = theirs.command({"COMMAND", "DOCS", name});
        EXPECT_EQ(fields_of(ours.command({"COMMAND", "DOCS", name})), fields_of(expected)) << name;
    }
}

TEST_F(IntrospectionTest, KeysAreFoundWithWhatBecomesOfThem) {
    Client ours = leader();
    Client theirs = redis();
    for (const char* command : {"GET a",
                                "SET a b",
                                "SET a b GET",
                                "SET a b EX 10 GET",
                                "MSET a b c d",
                                "COPY a b",
                                "RENAME a b",
                                "DEL a b c",
                                "EXISTS a b",
                                "GETEX a PERSIST",
                                "OBJECT ENCODING a",
                                "OBJECT HELP",
                                "OBJECT NOSUCH a",
                                "MEMORY USAGE a",
                                "BITOP AND d a b",
                                "BITFIELD a GET u8 0",
                                "BITFIELD a SET u8 0 1",
                                "SORT a",
                                "SORT a STORE d",
                                "LCS a b",
                                "PING",
                                "CLIENT ID",
                                "GET",
                                "NOSUCH a",
                                "KEYS *",
                                "EXPIRE a 1 NX",
                                "RESTORE a 0 x"}) {
        for (const char* question : {"GETKEYS", "GETKEYSANDFLAGS"}) {
            Words words{"COMMAND", question};
            for (const std::string& word : split(command))
                words.push_back(word);
            EXPECT_EQ(ours.command(words).to_string(), theirs.command(words).to_string()) << question << ' ' << command;
        }
    }
}

// Commands of every kind and every end: local, read, written, refused for their arguments, failing when applied,
// unknown, of a wrong number of arguments.
const std::vector<std::string> kCommands{"SET foo bar",
                                         "SET foo bar GET",
                                         "SET foo",
                                         "SET foo bar NX XX",
                                         "SET foo bar EX 0",
                                         "SET new x NX GET",
                                         "GET foo",
                                         "GET nokey",
                                         "GET",
                                         "INCR foo",
                                         "INCR n",
                                         "INCRBY n x",
                                         "APPEND foo x",
                                         "GETSET foo y",
                                         "GETSET absent y",
                                         "GETDEL absent",
                                         "GETDEL nokey",
                                         "GETEX foo PERSIST",
                                         "GETEX nokey",
                                         "GETEX foo EX 0",
                                         "COPY foo copy",
                                         "COPY nokey copy",
                                         "RENAME nokey b",
                                         "RENAME copy b",
                                         "MSET a 1 b 2",
                                         "MSET a 1 b",
                                         "MGET a b c",
                                         "EXISTS a b c",
                                         "TOUCH a c",
                                         "TYPE a",
                                         "TTL a",
                                         "PEXPIRETIME c",
                                         "STRLEN a",
                                         "GETRANGE a 0 1",
                                         "DEL a b c",
                                         "SCAN abc",
                                         "SCAN 0",
                                         "KEYS *",
                                         "DBSIZE",
                                         "EXPIRE foo abc",
                                         "EXPIRE foo 100",
                                         "PERSIST foo",
                                         "SETBIT bits 7 1",
                                         "SETBIT bits -1 1",
                                         "GETBIT bits 7",
                                         "BITCOUNT bits",
                                         "BITOP NOT other bits",
                                         "BITOP AND other bits foo nokey",
                                         "LCS foo bits",
                                         "DUMP foo",
                                         "RESTORE foo 0 x",
                                         "SORT nokey",
                                         "OBJECT ENCODING foo",
                                         "OBJECT ENCODING nokey",
                                         "OBJECT NOSUCH foo",
                                         "OBJECT ENCODING",
                                         "MEMORY USAGE foo",
                                         "PING",
                                         "PING a b",
                                         "ECHO x",
                                         "SELECT 0",
                                         "SELECT 99",
                                         "SELECT 0",
                                         "AUTH x",
                                         "HELLO 9",
                                         "CONFIG SET nosuch 1",
                                         "CONFIG GET timeout",
                                         "CONFIG NOSUCH",
                                         "CLIENT ID",
                                         "CLIENT LIST",
                                         "CLIENT KILL",
                                         "CLIENT NOSUCH",
                                         "CLIENT SETNAME a",
                                         "COMMAND COUNT",
                                         "EXEC",
                                         "NOSUCH a b",
                                         "TIME"};

// Runs them one by one, or all in one pipeline, and tells what was counted.
std::map<std::string, std::string> counted(const reactor::Endpoint& node, bool pipelined) {
    Client client(node);
    EXPECT_EQ(client.command({"FLUSHALL"}).to_string(), "OK");
    EXPECT_EQ(client.command({"CONFIG", "RESETSTAT"}).to_string(), "OK");
    std::vector<Words> commands;
    for (const std::string& command : kCommands) {
        // What changes who a client is must wait for what is before it: that is another test's matter.
        const bool changes_identity = command.starts_with("AUTH") || command.starts_with("HELLO");
        if (!pipelined || !changes_identity) commands.push_back(split(command));
    }
    if (pipelined) {
        EXPECT_THAT(client.pipeline(commands), SizeIs(commands.size()));
    } else {
        for (const Words& command : commands)
            EXPECT_FALSE(client.command(command).lost);
    }
    std::map<std::string, std::string> result;
    for (const auto& [name, value] : info(client, "commandstats")) {
        result[name] = fmt::format("calls={} rejected={} failed={}", number_behind(value, "calls"),
                                   number_behind(value, "rejected_calls"), number_behind(value, "failed_calls"));
    }
    // INFO itself was counted once more, here as there.
    result.erase("cmdstat_info");
    result.merge(info(client, "errorstats"));
    std::map<std::string, std::string> stats = info(client, "stats");
    for (const char* name : {"total_error_replies", "total_commands_processed", "keyspace_hits", "keyspace_misses"})
        result[name] = stats[name];
    return result;
}

void expect_same(const std::map<std::string, std::string>& actual, const std::map<std::string, std::string>& expected) {
    for (const auto& [name, value] : expected)
        EXPECT_EQ(actual.contains(name) ? actual.at(name) : "nothing", value) << name;
    for (const auto& [name, value] : actual)
        EXPECT_TRUE(expected.contains(name)) << name << ' ' << value;
}

TEST_F(IntrospectionTest, CommandsAreCountedAsRedisCountsThem) {
    for (const bool pipelined : {false, true})
        expect_same(counted(leader_endpoint(), pipelined), counted(redis_->endpoint(), pipelined));
}

TEST_F(IntrospectionTest, AFollowerCountsWhatItsOwnClientsSent) {
    for (const bool pipelined : {false, true}) {
        auto expected = counted(redis_->endpoint(), pipelined);
        auto actual = counted(follower_endpoint(), pipelined);
        // Keys are looked up, and counted, by the leader.
        for (const char* name : {"keyspace_hits", "keyspace_misses"})
            actual[name] = expected[name];
        expect_same(actual, expected);
    }
}

TEST_F(IntrospectionTest, WhatFollowersForwardDoesNotCountAtTheLeaderToo) {
    Client at_leader = leader();
    Client at_follower = follower();
    EXPECT_EQ(at_leader.command({"CONFIG", "RESETSTAT"}).to_string(), "OK");
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(at_follower.command({"SET", "key", "value"}).to_string(), "OK");
    EXPECT_THAT(info(at_leader, "commandstats"), Not(testing::Contains(testing::Key("cmdstat_set"))));
}

TEST_F(IntrospectionTest, TheSlowLogKeepsWritesAsTheyWereSent) {
    for (const reactor::Endpoint& node : {leader_endpoint(), follower_endpoint(), redis_->endpoint()}) {
        Client client(node);
        EXPECT_EQ(client.command({"CONFIG", "SET", "slowlog-log-slower-than", "0"}).to_string(), "OK");
        EXPECT_EQ(client.command({"SLOWLOG", "RESET"}).to_string(), "OK");
        Words del{"DEL"};
        for (int i = 0; i < 200; ++i)
            del.push_back(fmt::format("key{}", i));
        const std::vector<Words> commands{{"SET", "foo", "bar"},
                                          {"GETEX", "foo", "PERSIST"},
                                          {"INCRBY", "n", "5"},
                                          {"SET", "foo", "bar", "NX", "XX"},
                                          del};
        for (const Words& command : commands)
            EXPECT_FALSE(client.command(command).lost);
        EXPECT_EQ(client.command({"CONFIG", "SET", "slowlog-log-slower-than", "10000"}).to_string(), "OK");
        std::vector<Answer> entries = client.command({"SLOWLOG", "GET", "-1"}).elements;
        std::vector<std::string> logged;
        for (const Answer& entry : entries) {
            ASSERT_THAT(entry.elements, SizeIs(6));
            const std::string name = entry.elements[3].elements.at(0).text;
            if (name != "CONFIG" && name != "SLOWLOG") logged.insert(logged.begin(), entry.elements[3].to_string());
        }
        ASSERT_THAT(logged, SizeIs(5));
        EXPECT_EQ(logged[0], "[SET foo bar]");
        EXPECT_EQ(logged[1], "[GETEX foo PERSIST]");
        EXPECT_EQ(logged[2], "[INCRBY n 5]");
        EXPECT_EQ(logged[3], "[SET foo bar NX XX]");
        EXPECT_THAT(logged[4], HasSubstr("... (170 more arguments)"));
    }
}

TEST_F(IntrospectionTest, ASlowWriteIsALatencyEvent) {
    Client client = leader();
    EXPECT_EQ(client.command({"CONFIG", "SET", "latency-monitor-threshold", "1"}).to_string(), "OK");
    // The disk takes its time now and then.
    EXPECT_TRUE(wait_until(Milliseconds(30'000), [&] {
        EXPECT_EQ(client.command({"SET", "key", std::string(1'000'000, 'x')}).to_string(), "OK");
        return !client.command({"LATENCY", "LATEST"}).elements.empty();
    }));
    EXPECT_EQ(client.command({"CONFIG", "SET", "latency-monitor-threshold", "0"}).to_string(), "OK");
}

TEST_F(IntrospectionTest, AMonitorSeesWhatTheClientsOfItsNodeSend) {
    for (const reactor::Endpoint& node : {redis_->endpoint(), cluster_->endpoint(cluster_->wait_for_leader()),
                                          cluster_->endpoint(cluster_->wait_for_follower())}) {
        RawConnection monitor(node, Milliseconds(10'000));
        EXPECT_TRUE(monitor.send(encode({"MONITOR"})));
        EXPECT_EQ(monitor.receive_until("+OK\r\n"), "+OK\r\n");
        Client client(node);
        (void)client.command({"SET", "key", "a\nb"});
        (void)client.command({"CONFIG", "GET", "timeout"});
        (void)client.command({"GET", "last one"});
        const std::string seen = monitor.receive_until("\"last one\"\r\n");
        EXPECT_THAT(seen, testing::MatchesRegex("\\+[0-9]+\\.[0-9]{6} \\[0 127\\.0\\.0\\.1:[0-9]+\\] \"SET\" \"key\" "
                                                "\"a\\\\nb\"\r\n\\+[^\r]* \"GET\" \"last one\"\r\n"));
        EXPECT_TRUE(monitor.send(encode({"RESET"})));
        EXPECT_THAT(monitor.receive_until("+RESET\r\n"), testing::EndsWith("+RESET\r\n"));
        (void)client.command({"GET", "unseen"});
        EXPECT_TRUE(monitor.send(encode({"PING"})));
        EXPECT_EQ(monitor.receive_until("+PONG\r\n"), "+PONG\r\n");
    }
}

TEST_F(IntrospectionTest, TheClientListNamesTheLastCommand) {
    for (const reactor::Endpoint& node : {leader_endpoint(), follower_endpoint()}) {
        Client client(node);
        (void)client.command({"CLIENT", "SETNAME", "watched"});
        (void)client.command({"GET", "key"});
        EXPECT_THAT(client.command({"CLIENT", "INFO"}).text, HasSubstr(" cmd=client|info "));
        EXPECT_THAT(client.command({"CLIENT", "INFO"}).text, Not(HasSubstr(" fd=-1 ")));
    }
    Client client = leader();
    (void)client.command({"CLIENT", "SETNAME", "watched"});
    (void)client.command({"GET", "key"});
    EXPECT_THAT(leader().command({"CLIENT", "LIST"}).text, testing::ContainsRegex("name=watched [^\n]* cmd=get "));
}

}  // namespace
}  // namespace kvorum::integration
