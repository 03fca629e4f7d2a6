// `kvorum local`, as somebody meets it who has just built the project.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/integration/client.h"
#include "tests/integration/world.h"

namespace kvorum::integration {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

// Ports in a row, as `kvorum local` wants them; the tests of this file run one after another.
// Client ports below, peer ports 10000 above, both outside what Linux gives to outgoing connections and what TestPorts
// hands out.
uint16_t base_port() { return static_cast<uint16_t>(6100 + getpid() % 1200 * 3); }

class LocalTest : public testing::Test {
 protected:
    ~LocalTest() override { (void)kvorum("local stop --timeout-s 5"); }

    [[nodiscard]] ProgramResult kvorum(const std::string& words, const std::string& after = "") const {
        return run(fmt::format("{} {} --dir {} {}", program_path("kvorum"), words, directory(), after), 90);
    }
    [[nodiscard]] std::string directory() const { return parent_.path() + "/cluster"; }
    [[nodiscard]] reactor::Endpoint endpoint(uint32_t node) const {
        return {"127.0.0.1", static_cast<uint16_t>(port_ + node - 1)};
    }
    [[nodiscard]] ProgramResult start() const {
        return kvorum(fmt::format("local start --nodes 3 --base-port {}", port_));
    }

    TestDirectory parent_;
    uint16_t port_ = base_port();
};

TEST_F(LocalTest, StartUseStopAndStartAgainWithTheData) {
    const ProgramResult started = start();
    ASSERT_EQ(started.exit_code, 0) << started.output;
    for (uint32_t node = 1; node <= 3; ++node)
        EXPECT_THAT(started.output, ContainsRegex(fmt::format("node {}  127.0.0.1:{}  (leader|follower) +pid [0-9]+",
                                                              node, endpoint(node).port)));
    EXPECT_THAT(started.output, Not(HasSubstr("\r"))) << "no progress line when nobody looks";
    EXPECT_EQ(Client(endpoint(1)).command({"SET", "kept", "yes"}).to_string(), "OK");
    EXPECT_EQ(Client(endpoint(3)).command({"GET", "kept"}).to_string(), "yes");

    const ProgramResult status = kvorum("local status");
    EXPECT_EQ(status.exit_code, 0) << status.output;
    EXPECT_THAT(status.output, ContainsRegex("node +endpoint +pid +role +term +commit +applied +keys"));

    const ProgramResult stopped = kvorum("local stop");
    EXPECT_EQ(stopped.exit_code, 0);
    EXPECT_THAT(stopped.output, HasSubstr("node 3 stopped"));
    EXPECT_FALSE(Client(endpoint(1)).is_connected());
    EXPECT_EQ(kvorum("local status").exit_code, 3) << "dead nodes are not well";

    ASSERT_EQ(kvorum("local start").exit_code, 0) << "the directory remembers its shape";
    EXPECT_EQ(Client(endpoint(2)).command({"GET", "kept"}).to_string(), "yes");
}

TEST_F(LocalTest, StartingARunningClusterSaysSo) {
    ASSERT_EQ(start().exit_code, 0);
    const ProgramResult again = start();
    EXPECT_EQ(again.exit_code, 0);
    EXPECT_THAT(again.output, HasSubstr("already running"));
    EXPECT_THAT(again.output, HasSubstr("node 3  "));
}

TEST_F(LocalTest, AKilledNodeIsShownDeadAndComesBack) {
    ASSERT_EQ(start().exit_code, 0);
    EXPECT_EQ(kvorum("local kill --node 2").output, "node 2 killed\n");
    const ProgramResult status = kvorum("local status");
    EXPECT_EQ(status.exit_code, 3);
    EXPECT_THAT(status.output, ContainsRegex(" 2  .* dead"));
    EXPECT_EQ(kvorum("local restart --node 2").exit_code, 0);
    EXPECT_EQ(Client(endpoint(2)).command({"PING"}).to_string(), "PONG") << "restart returns when the node answers";
    EXPECT_TRUE(wait_until(Milliseconds(30'000), [&] { return kvorum("local status").exit_code == 0; }));
    EXPECT_EQ(kvorum("local kill --node 9").exit_code, 1);
}

TEST_F(LocalTest, ANodeThatCannotStartAgainSaysWhy) {
    ASSERT_EQ(start().exit_code, 0);
    EXPECT_EQ(kvorum("local stop").exit_code, 0);
    EXPECT_EQ(run(fmt::format("rm -r {0}/node-2 && mv {0}/node-1 {0}/node-2", directory())).exit_code, 0);
    const ProgramResult restarted = kvorum("local restart --node 2");
    EXPECT_EQ(restarted.exit_code, 1);
    EXPECT_THAT(restarted.output, HasSubstr("node 2 has ended"));
    EXPECT_THAT(restarted.output, HasSubstr("written by node 1, this is node 2")) << "the end of the log says why";
}

TEST_F(LocalTest, FlagsAfterTheDashesReachEveryNode) {
    const ProgramResult started =
        kvorum(fmt::format("local start --nodes 1 --base-port {}", port_), "-- --max-clients 17");
    ASSERT_EQ(started.exit_code, 0) << started.output;
    EXPECT_EQ(Client(endpoint(1)).command({"CONFIG", "GET", "maxclients"}).to_string(), "[maxclients 17]");
}

TEST_F(LocalTest, WhatIsWrongIsSaid) {
    const ProgramResult bad_flag =
        kvorum(fmt::format("local start --nodes 3 --base-port {}", port_), "-- --no-such-flag");
    EXPECT_EQ(bad_flag.exit_code, 1);
    EXPECT_THAT(bad_flag.output, HasSubstr(" has ended"));
    EXPECT_THAT(bad_flag.output, HasSubstr("no-such-flag")) << "the end of the log says why";

    ASSERT_EQ(kvorum(fmt::format("local start --nodes 1 --base-port {}", port_)).exit_code, 0);
    const ProgramResult other_size = kvorum("local start --nodes 5");
    EXPECT_EQ(other_size.exit_code, 1);
    EXPECT_THAT(other_size.output, HasSubstr("holds a cluster of 1 nodes, not 5"));

    const std::string kvorum_program = program_path("kvorum");
    const ProgramResult mistyped = run(kvorum_program + " local restrat");
    EXPECT_EQ(mistyped.exit_code, 2);
    EXPECT_THAT(mistyped.output, HasSubstr("kvorum local: 'restrat' is no subcommand; did you mean 'restart'?"));
    EXPECT_THAT(run(kvorum_program + " local start --nodez 3").output, HasSubstr("did you mean '--nodes'?"));
    EXPECT_THAT(run(kvorum_program + " local").output, HasSubstr("give one of its subcommands: start, stop"));
    EXPECT_THAT(run(program_path("kvorumd") + " --data-dri x").output, HasSubstr("did you mean '--data-dir'?"));
    EXPECT_EQ(
        run(fmt::format("{} local start --dir {}/high --base-port 60000", kvorum_program, parent_.path())).exit_code,
        2);
    EXPECT_EQ(run(fmt::format("{} local status --dir {}/nothing", kvorum_program, parent_.path())).exit_code, 1);
    EXPECT_EQ(run(kvorum_program).exit_code, 2);
    EXPECT_THAT(run(kvorum_program + " --help").output, HasSubstr("Exit codes"));
}

TEST_F(LocalTest, TheFirstStartThatFailsLeavesNothingBehind) {
    const auto try_start = [&](const std::string& more) {
        return kvorum(fmt::format("local start --nodes 3 --base-port {}", port_), more);
    };
    EXPECT_EQ(try_start("-- --no-such-flag").exit_code, 1);
    EXPECT_FALSE(std::filesystem::exists(directory()));
    ASSERT_EQ(std::filesystem::create_directory(directory()), true);
    EXPECT_EQ(try_start("-- --no-such-flag").exit_code, 1);
    EXPECT_TRUE(std::filesystem::is_empty(directory())) << "it was there before";
    EXPECT_EQ(try_start("").exit_code, 0) << "no flag of the failed start is remembered";
}

TEST_F(LocalTest, AStartThatFailsLeavesTheClusterAsItWas) {
    ASSERT_EQ(start().exit_code, 0);
    EXPECT_EQ(Client(endpoint(1)).command({"SET", "kept", "yes"}).to_string(), "OK");
    ASSERT_EQ(kvorum("local stop").exit_code, 0);
    EXPECT_EQ(kvorum("local start", "-- --no-such-flag").exit_code, 1);
    const ProgramResult again = kvorum("local start");
    ASSERT_EQ(again.exit_code, 0) << again.output;
    EXPECT_EQ(Client(endpoint(2)).command({"GET", "kept"}).to_string(), "yes");
}

TEST_F(LocalTest, TooManyNodesAreRefusedBeforeAnythingIsMade) {
    const ProgramResult refused = kvorum(fmt::format("local start --nodes 10 --base-port {}", port_));
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.output, HasSubstr("--nodes 10: give 1 to 9"));
    EXPECT_FALSE(std::filesystem::exists(directory()));
    EXPECT_THAT(run(program_path("kvorum") + " local start --help").output, HasSubstr("How many, 1 to 9"));
}

TEST_F(LocalTest, APortInUseIsNamed) {
    ASSERT_EQ(start().exit_code, 0);
    const ProgramResult second = run(fmt::format("{} local start --nodes 1 --dir {}/second --base-port {}",
                                                 program_path("kvorum"), parent_.path(), port_));
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_THAT(second.output, HasSubstr(fmt::format("port {}", port_)));
    EXPECT_THAT(second.output, HasSubstr("in use"));
}

TEST_F(LocalTest, AFreshClusterIsUpInTenSeconds) {
    const auto started = std::chrono::steady_clock::now();
    ASSERT_EQ(start().exit_code, 0);
    const auto took = std::chrono::steady_clock::now() - started;
    fmt::print("up after {} ms\n", took / Milliseconds(1));
    EXPECT_LT(took, std::chrono::seconds(10));
}

}  // namespace
}  // namespace kvorum::integration
