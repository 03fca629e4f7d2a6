// Nothing outside may stop a node: a name server that is silent, a log that nobody reads, clients that vanished, too
// few descriptors.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tests/integration/namespace.h"

namespace kvorum::integration {
namespace {

using testing::HasSubstr;

constexpr auto kDeadline = Milliseconds(60'000);

// A shell line that becomes the node, with the node's flags as "$@".
std::function<std::vector<std::string>(uint32_t)> shell(const std::string& line) {
    return
        [line](uint32_t) { return std::vector<std::string>{"/bin/bash", "-c", line, "--", program_path("kvorumd")}; };
}

// --- the log ---

TEST(Outside, AStderrThatNobodyReadsStopsNoNode) {
    const TestDirectory directory;
    const std::string path = directory.path() + "/stderr";
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    const int fifo = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(fifo, 0);
    while (write(fifo, "x", 1) == 1) {
    }
    Cluster cluster({.nodes = 1, .directory = directory.path(), .command = shell("exec \"$@\" 2>" + path)});
    cluster.start(1);
    (void)cluster.wait_for_leader();
    Client client(cluster.endpoint(1));
    EXPECT_EQ(client.command({"SET", "a", "1"}).to_string(), "OK");
    RawConnection noise(cluster.endpoint(1), Milliseconds(5000));
    noise.send("*x\r\n");
    bool closed = false;
    (void)noise.receive_until_closed(closed);
    EXPECT_TRUE(closed) << "what was to be logged is done all the same";
    EXPECT_EQ(client.command({"GET", "a"}).to_string(), "1");
    EXPECT_TRUE(cluster.stop(1)) << "nor does it keep the node from ending";
    close(fifo);
}

// --- names ---

// A name server that takes questions and never answers, at the address that /etc/resolv.conf names.
class SilentNameServer {
 public:
    explicit SilentNameServer(const std::string& directory) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(53);
        inet_pton(AF_INET, "127.77.0.1", &address.sin_addr);
        socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        EXPECT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
        const std::string file = directory + "/resolv.conf";
        std::ofstream(file) << "nameserver 127.77.0.1\n";
        EXPECT_EQ(mount(file.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr), 0);
    }
    ~SilentNameServer() {
        umount2("/etc/resolv.conf", MNT_DETACH);
        close(socket_);
    }
    size_t questions() {
        char question = 0;
        while (recv(socket_, &question, 1, 0) >= 0)
            ++questions_;
        return questions_;
    }

 private:
    int socket_ = -1;
    size_t questions_ = 0;
};

TEST(Outside, ADeadPeerWhoseNameServerIsSilentStopsNoHealthyNode) {
    if (const std::string problem = enter_own_namespace(); !problem.empty()) GTEST_SKIP() << "LEFT OUT: " << problem;
    const TestDirectory directory;
    SilentNameServer name_server(directory.path());
    // A peer that is named may be on another machine, so the nodes need a secret.
    const std::string secret_file = directory.path() + "/secret";
    std::ofstream(secret_file) << "the secret of a test\n";
    // Node 3 is dead, and named by a name; nobody names the others.
    Cluster cluster({.nodes = 3,
                     .flags = {"--cluster-secret-file", secret_file},
                     .directory = directory.path(),
                     .command = shell("exec \"${@/#3=127.0.0.1:/3=node-3.test:}\"")});
    cluster.start(1);
    cluster.start(2);
    ASSERT_TRUE(wait_until(kDeadline, [&] { return cluster.find_leader().has_value(); }));
    ASSERT_TRUE(wait_until(kDeadline, [&] { return name_server.questions() > 0; })) << "the name is asked for";
    const size_t questions = name_server.questions();
    const uint64_t elections = cluster.status(1)->term;
    // A lookup that nobody answers takes 10 s and asks several times.
    const bool asked_again = wait_until(kDeadline, [&] {
        for (uint32_t node = 1; node <= 2; ++node) {
            Client client(cluster.endpoint(node), Milliseconds(2000));
            EXPECT_EQ(client.command({"SET", "a", "1"}).to_string(), "OK") << "node " << node;
        }
        return testing::Test::HasFailure() || name_server.questions() >= questions + 4;
    });
    EXPECT_TRUE(asked_again);
    EXPECT_EQ(cluster.status(1)->term, elections);
}

// --- clients ---

// Connections of this network on the node's side of `port`.
size_t established_at(uint16_t port) {
    std::ifstream table("/proc/self/net/tcp");
    const std::string wanted = fmt::format(":{:04X} ", port);
    size_t count = 0;
    for (std::string line; std::getline(table, line);) {
        const size_t local = line.find(wanted);
        // "sl local_address rem_address st": local is the first address, 01 is established.
        if (local != std::string::npos && local < 20 && line.substr(34, 2) == "01") ++count;
    }
    return count;
}

TEST(Outside, ClientsThatVanishedMakeRoomForOthers) {
    if (const std::string problem = enter_own_namespace(); !problem.empty()) GTEST_SKIP() << "LEFT OUT: " << problem;
    Cluster cluster({.nodes = 1, .flags = {"--tcp-keepalive", "300", "--max-clients", "3"}});
    cluster.start(1);
    (void)cluster.wait_for_leader();
    const reactor::Endpoint node = cluster.endpoint(1);
    EXPECT_EQ(Client(node).command({"CONFIG", "GET", "tcp-keepalive"}).to_string(), "[tcp-keepalive 300]");
    EXPECT_EQ(Client(node).command({"CONFIG", "SET", "tcp-keepalive", "1"}).to_string(), "OK");
    ASSERT_TRUE(wait_until(kDeadline, [&] { return established_at(node.port) == 0; }));
    std::vector<std::unique_ptr<Client>> vanished;
    for (int i = 0; i < 3; ++i) {
        vanished.push_back(std::make_unique<Client>(node));
        EXPECT_EQ(vanished.back()->command({"PING"}).to_string(), "PONG");
    }
    EXPECT_THAT(Client(node).command({"PING"}).to_string(), HasSubstr("max number of clients"));
    // The cable is pulled: nobody is told anything.
    ASSERT_EQ(run("ip link set lo down").exit_code, 0);
    EXPECT_TRUE(wait_until(kDeadline, [&] { return established_at(node.port) == 0; })) << "the node gives them up";
    ASSERT_EQ(run("ip link set lo up").exit_code, 0);
    EXPECT_EQ(Client(node).command({"PING"}).to_string(), "PONG");
}

TEST(Outside, DescriptorsAreRaisedToWhatMaxClientsNeeds) {
    Cluster cluster(
        {.nodes = 1, .flags = {"--max-clients", "1000"}, .command = shell("ulimit -S -n 128; exec \"$@\"")});
    cluster.start(1);
    (void)cluster.wait_for_leader();
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 400; ++i) {
        clients.push_back(std::make_unique<Client>(cluster.endpoint(1)));
        ASSERT_EQ(clients.back()->command({"PING"}).to_string(), "PONG") << "client " << i;
    }
    EXPECT_EQ(clients.front()->command({"CONFIG", "GET", "maxclients"}).to_string(), "[maxclients 1000]");
}

TEST(Outside, WhereDescriptorsDoNotSufficeMaxClientsSaysSoAndTheOthersAreToldAtOnce) {
    Cluster cluster({.nodes = 1, .command = shell("ulimit -n 200; exec \"$@\"")});
    cluster.start(1);
    (void)cluster.wait_for_leader();
    Client first(cluster.endpoint(1));
    const Answer shown = first.command({"CONFIG", "GET", "maxclients"});
    ASSERT_EQ(shown.elements.size(), 2);
    const auto possible = static_cast<size_t>(std::stoul(shown.elements[1].text));
    EXPECT_LT(possible, 200);
    EXPECT_GT(possible, 100);
    EXPECT_THAT(read_file(cluster.log_path(1)), HasSubstr(fmt::format("max-clients is {} instead of 10000", possible)));
    EXPECT_EQ(first.command({"CONFIG", "SET", "maxclients", "5000"}).to_string(),
              fmt::format("ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is "
                          "not able to handle the specified number of clients, try with {}",
                          possible));
    std::vector<std::unique_ptr<Client>> clients;
    for (size_t i = 1; i < possible; ++i) {
        clients.push_back(std::make_unique<Client>(cluster.endpoint(1)));
        ASSERT_EQ(clients.back()->command({"PING"}).to_string(), "PONG") << "client " << i;
    }
    for (int i = 0; i < 100; ++i) {
        RawConnection refused(cluster.endpoint(1), Milliseconds(10'000));
        EXPECT_EQ(refused.receive_until("\r\n"), "-ERR max number of clients reached\r\n");
    }
    EXPECT_EQ(first.command({"SET", "still", "served"}).to_string(), "OK");
}

}  // namespace
}  // namespace kvorum::integration
