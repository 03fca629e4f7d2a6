// What a program printed and could not write is a failure, whichever subcommand printed it: to a full disk, and into a
// pipe that nobody reads.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>

#include "tests/integration/cluster.h"
#include "tests/integration/world.h"

namespace kvorum::integration {
namespace {

using testing::HasSubstr;

// The subcommands that `program --help` lists, and theirs, as they are typed.
void collect_commands(const std::string& program, const std::string& words, std::vector<std::string>& commands) {
    commands.push_back(words);
    std::istringstream help(run(fmt::format("{} {} --help", program, words)).output);
    std::string line;
    bool listed = false;
    while (std::getline(help, line)) {
        if (line.starts_with("Subcommands:")) {
            listed = true;
        } else if (!line.starts_with("  ")) {
            listed = false;
        } else if (listed && line[2] != ' ') {
            collect_commands(program, fmt::format("{} {}", words, line.substr(2, line.find(' ', 2) - 2)), commands);
        }
    }
}

class OutputTest : public testing::Test {
 protected:
    static void SetUpTestSuite() {
        cluster_ = new Cluster({.nodes = 1});
        cluster_->start_all();
        (void)cluster_->wait_for_leader();
    }
    static void TearDownTestSuite() {
        delete cluster_;
        cluster_ = nullptr;
    }

    // Every write fails with EPIPE.
    static int pipe_without_reader() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(pipe(ends), 0);
        close(ends[0]);
        return ends[1];
    }

    static void expect_failure(const std::string& command) {
        const ProgramResult full = run(fmt::format("{} > /dev/full", command), 90);
        EXPECT_EQ(full.exit_code, 1) << command << "\n" << full.output;
        EXPECT_THAT(full.output, HasSubstr("cannot write to standard output: No space left on device")) << command;
        const int closed = pipe_without_reader();
        const ProgramResult broken = run(fmt::format("{} >&{}", command, closed), 90);
        close(closed);
        EXPECT_EQ(broken.exit_code, 1) << command << "\n" << broken.output;
        EXPECT_THAT(broken.output, HasSubstr("cannot write to standard output: Broken pipe")) << command;
    }

    static Cluster* cluster_;
};

Cluster* OutputTest::cluster_ = nullptr;

TEST_F(OutputTest, TheHelpOfEverySubcommand) {
    std::vector<std::string> commands;
    const std::string kvorum = program_path("kvorum");
    collect_commands(kvorum, "", commands);
    EXPECT_GT(commands.size(), 12U);
    for (const std::string& words : commands)
        expect_failure(fmt::format("{} {} --help", kvorum, words));
    expect_failure(kvorum + " --version");
}

TEST_F(OutputTest, WhatTheSubcommandsPrint) {
    const std::string kvorum = program_path("kvorum");
    const std::string address = cluster_->endpoint(1).to_string();
    const std::string log = run(fmt::format("ls {}/wal-*.seg | head -1", cluster_->data_directory(1))).output;
    for (const std::string& words : {
             "status " + address,
             "status --json " + address,
             "health " + address,
             "health --json " + address,
             fmt::format("top --once --interval 0.1 {}", address),
             fmt::format("load -p {} -t 1 -c 1 -n 10", cluster_->client_port(1)),
             std::string("sim --list-mutants"),
             "wal dump " + log.substr(0, log.find('\n')),
         })
        expect_failure(fmt::format("{} {}", kvorum, words));
}

TEST_F(OutputTest, WhatTheServerPrints) {
    for (const std::string flag : {"--help", "--version", "--print-sample-config"})
        expect_failure(fmt::format("{} {}", program_path("kvorumd"), flag));
}

TEST_F(OutputTest, AStatusForEverNoticesThatNobodyReadsIt) {
    const ProgramResult result = run(
        fmt::format("{} top --interval 0.1 {} > /dev/full", program_path("kvorum"), cluster_->endpoint(1).to_string()));
    EXPECT_EQ(result.exit_code, 1) << result.output;
}

}  // namespace
}  // namespace kvorum::integration
