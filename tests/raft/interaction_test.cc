// Runs every tests/raft/testdata/*.txt and compares what each command prints. The language is in script.h.
//
// --rewrite writes what was printed back into the files: read the difference before keeping it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/raft/script.h"

namespace kvorum::raft::testing {
namespace {

constexpr const char* kDirectory = "tests/raft/testdata";
bool rewrite = false;

std::vector<std::string> data_files() {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& file : std::filesystem::directory_iterator(kDirectory, error)) {
        if (file.path().extension() == ".txt") names.push_back(file.path().stem().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

class Interaction : public ::testing::TestWithParam<std::string> {};

TEST_P(Interaction, PrintsWhatTheFileSays) {
    const std::string path = fmt::format("{}/{}.txt", kDirectory, GetParam());
    std::ifstream input(path);
    ASSERT_TRUE(input.good()) << path;
    Script script;
    std::string actual;
    std::string expected;
    std::string commands_output;
    bool in_output = false;
    for (std::string line; std::getline(input, line);) {
        expected += line + "\n";
        if (line == "----") {
            actual += "----\n" + (commands_output.empty() ? "ok\n" : commands_output);
            commands_output.clear();
            in_output = true;
        } else if (line.empty()) {
            in_output = false;
            actual += "\n";
        } else if (!in_output) {
            actual += line + "\n";
            if (line[0] != '#') commands_output += script.run(line);
        }
    }
    EXPECT_TRUE(commands_output.empty()) << path << " ends without ---- after a command that prints";
    EXPECT_EQ(actual[0], '#') << path << " must begin with what it shows";
    if (rewrite) {
        std::ofstream(path) << actual;
    } else {
        EXPECT_EQ(expected, actual) << path;
    }
}

INSTANTIATE_TEST_SUITE_P(Files, Interaction, ::testing::ValuesIn(data_files()), [](const auto& file) {
    std::string name = file.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(InteractionFiles, AreFound) { EXPECT_GE(data_files().size(), 14u) << "run from the root of the repository"; }

}  // namespace
}  // namespace kvorum::raft::testing

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    for (int i = 1; i < argc; ++i) {
        if (std::string_view(argv[i]) == "--rewrite") kvorum::raft::testing::rewrite = true;
    }
    return RUN_ALL_TESTS();
}
