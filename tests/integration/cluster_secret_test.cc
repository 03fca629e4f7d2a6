// The secret of a cluster between real processes: who does not know it is nobody, and it can be replaced under load.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"

namespace kvorum::integration {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr auto kDeadline = Milliseconds(30'000);
const std::string kOld = "the secret that this cluster began with";
const std::string kNew = "the secret that took its place, in time";

// Each node has a file of its own, as on three machines.
class ClusterSecretTest : public testing::Test {
 protected:
    ClusterSecretTest() : cluster_(options()) {
        for (uint32_t node = 1; node <= 3; ++node)
            write_secrets(node, kOld);
    }

    ClusterOptions options() {
        ClusterOptions out;
        out.directory = directory_.path();
        out.command = [this](uint32_t node) {
            return std::vector<std::string>{program_path("kvorumd"), "--cluster-secret-file", secret_file(node)};
        };
        return out;
    }
    [[nodiscard]] std::string secret_file(uint32_t node) const {
        return fmt::format("{}/secret-{}", directory_.path(), node);
    }
    void write_secrets(uint32_t node, const std::string& text) const {
        const std::string next = secret_file(node) + ".next";
        std::ofstream(next) << text << '\n';
        std::filesystem::rename(next, secret_file(node));
    }
    [[nodiscard]] bool wait_for_log(uint32_t node, const std::string& text) const {
        return wait_until(kDeadline,
                          [&] { return read_file(cluster_.log_path(node)).find(text) != std::string::npos; });
    }

    TestDirectory directory_;
    Cluster cluster_;
};

TEST_F(ClusterSecretTest, ANodeWithAnotherSecretNeverBecomesPart) {
    write_secrets(3, kNew);
    cluster_.start_all();
    const uint32_t leader = cluster_.wait_for_leader();
    EXPECT_NE(leader, 3u);
    EXPECT_EQ(Client(cluster_.endpoint(leader)).command({"SET", "k", "v"}).text, "OK");
    EXPECT_TRUE(wait_for_log(3, "does not know the secret of the cluster"));
    EXPECT_EQ(cluster_.status(3)->last_index, 0u);

    // Its file put right, it joins by itself.
    write_secrets(3, kOld);
    EXPECT_TRUE(cluster_.wait_until_caught_up(3, kDeadline));
    for (uint32_t node = 1; node <= 3; ++node) {
        const std::string log = read_file(cluster_.log_path(node));
        EXPECT_THAT(log, Not(HasSubstr(kOld)));
        EXPECT_THAT(log, Not(HasSubstr(kNew)));
    }
}

TEST_F(ClusterSecretTest, TheSecretIsReplacedWithoutLosingTheQuorum) {
    cluster_.start_all();
    (void)cluster_.wait_for_leader();
    uint32_t written = 0;
    const auto write = [&] {
        const Answer answer = Client(cluster_.endpoint(1)).command({"INCR", "writes"});
        EXPECT_EQ(answer.text, std::to_string(++written)) << answer.to_string();
    };
    for (const std::string& step : {kOld + "\n" + kNew, kNew + "\n" + kOld, kNew}) {
        for (uint32_t node = 1; node <= 3; ++node) {
            write_secrets(node, step);
            write();
        }
        for (uint32_t node = 1; node <= 3; ++node) {
            const size_t lines = step.find('\n') == std::string::npos ? 1 : 2;
            EXPECT_TRUE(wait_for_log(node, lines == 1 ? "has one now" : "has two"));
        }
        // New connections with the new files: each node starts again once, and the others go on.
        for (uint32_t node = 1; node <= 3; ++node) {
            ASSERT_TRUE(cluster_.stop(node));
            cluster_.start(node);
            (void)cluster_.wait_for_leader();
            ASSERT_TRUE(cluster_.wait_until_caught_up(node, kDeadline));
            write();
        }
    }
    EXPECT_TRUE(cluster_.wait_until_equal(kDeadline));
}

TEST_F(ClusterSecretTest, ThePeerAddressOfAnotherMachineNeedsOne) {
    const std::string members = "--member 1=10.0.0.1:17001/10.0.0.1:7001 --member 2=10.0.0.2:17001/10.0.0.2:7001";
    const std::string command =
        fmt::format("{} --id 1 --data-dir {}/none {}", program_path("kvorumd"), directory_.path(), members);
    const ProgramResult none = run(command);
    EXPECT_EQ(none.exit_code, 2);
    EXPECT_THAT(none.output, HasSubstr("openssl rand -hex 32"));
    const ProgramResult missing = run(command + " --cluster-secret-file /no/such/file");
    EXPECT_EQ(missing.exit_code, 2);
    EXPECT_THAT(missing.output, HasSubstr("/no/such/file"));
    write_secrets(1, "short");
    const ProgramResult weak = run(command + " --cluster-secret-file " + secret_file(1));
    EXPECT_EQ(weak.exit_code, 2);
    EXPECT_THAT(weak.output, HasSubstr("could be guessed"));
}

}  // namespace
}  // namespace kvorum::integration
