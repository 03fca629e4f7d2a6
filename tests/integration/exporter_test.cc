// prometheus-redis-exporter (Debian) at a node: how many of the metrics that it gets from redis-server it gets here.
// Skipped where it is not installed; `./dev test` installs it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <sstream>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tests/integration/redis_server.h"
#include "tools/process.h"

namespace kvorum::integration {
namespace {

constexpr const char* kExporter = "/usr/bin/prometheus-redis-exporter";
constexpr auto kPatience = Milliseconds(15'000);
// docs/testing.md names them with the reasons why the others are missing.
constexpr size_t kMetricsAtLeast = 110;

// A little of everything, so that what is only told once it happened is told.
void use(const reactor::Endpoint& node) {
    Client client(node);
    EXPECT_EQ(client.command({"SET", "key", "value", "EX", "1000"}).to_string(), "OK");
    EXPECT_EQ(client.command({"GET", "key"}).to_string(), "value");
    EXPECT_TRUE(client.command({"INCR", "key"}).is_error());
    EXPECT_TRUE(client.command({"GET"}).is_error());
}

class Exporter {
 public:
    explicit Exporter(const reactor::Endpoint& node) : ports_(1) {
        const auto process = tools::start_in_background(
            "/usr/bin/setpriv",
            {"--pdeathsig", "KILL", kExporter, "-redis.addr", fmt::format("redis://127.0.0.1:{}", node.port),
             "-web.listen-address", fmt::format("127.0.0.1:{}", ports_[0])},
            directory_.path() + "/log");
        KVORUM_ASSERT(process.ok(), "{}", std::string(process.status().message()));
        process_ = *process;
    }
    Exporter(const Exporter&) = delete;
    Exporter& operator=(const Exporter&) = delete;
    ~Exporter() {
        tools::send_signal(process_, SIGKILL);
        (void)tools::wait_for_exit(process_, 5000);
    }

    // The names of what it knows of the node; not what it tells of itself.
    std::set<std::string> metrics() {
        std::set<std::string> names;
        EXPECT_TRUE(wait_until(kPatience, [&] {
            RawConnection connection({"127.0.0.1", ports_[0]}, kPatience);
            if (!connection.is_connected() || !connection.send("GET /metrics HTTP/1.0\r\n\r\n")) return false;
            bool closed = false;
            std::istringstream text(connection.receive_until_closed(closed));
            for (std::string line; std::getline(text, line);) {
                const std::string name = line.substr(0, line.find_first_of("{ "));
                if (name.starts_with("redis_") && !name.starts_with("redis_exporter_")) names.insert(name);
            }
            return closed && names.contains("redis_up");
        }));
        return names;
    }

 private:
    TestDirectory directory_;
    Ports ports_;
    tools::ProcessId process_;
};

TEST(ExporterTest, GetsNearlyEverythingThatItGetsFromRedis) {
    if (access(kExporter, X_OK) != 0) GTEST_SKIP() << "prometheus-redis-exporter is not installed";
    const RedisServer redis;
    use(redis.endpoint());
    const std::set<std::string> expected = Exporter(redis.endpoint()).metrics();

    Cluster cluster({});
    cluster.start_all();
    for (const uint32_t node : {cluster.wait_for_leader(), cluster.wait_for_follower()}) {
        use(cluster.endpoint(node));
        const std::set<std::string> actual = Exporter(cluster.endpoint(node)).metrics();
        std::vector<std::string> missing;
        std::set_difference(expected.begin(), expected.end(), actual.begin(), actual.end(),
                            std::back_inserter(missing));
        fmt::print("node {}: {} of {} metrics; missing: {}\n", node, expected.size() - missing.size(), expected.size(),
                   fmt::join(missing, " "));
        EXPECT_GE(expected.size() - missing.size(), kMetricsAtLeast);
    }
}

}  // namespace
}  // namespace kvorum::integration
