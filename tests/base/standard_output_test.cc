#include "base/standard_output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>

namespace kvorum {
namespace {

void print_to_dev_full(size_t bytes) {
    const int full = open("/dev/full", O_WRONLY);
    ASSERT_GE(dup2(full, STDOUT_FILENO), 0);
    const std::string text(bytes, 'x');
    (void)std::fwrite(text.data(), 1, text.size(), stdout);
}

// In processes of their own: they spoil their standard output.

TEST(StandardOutputDeathTest, TheExitCodeOfTheBodyIsReturned) {
    EXPECT_EXIT(std::exit(run_and_flush("prog", [] { return 3; })), testing::ExitedWithCode(3), "^$");
}

TEST(StandardOutputDeathTest, ALineThatDidNotFitOnTheDiskIsAFailure) {
    const auto body = [] {
        print_to_dev_full(1);
        return 0;
    };
    EXPECT_EXIT(_exit(run_and_flush("prog", body)), testing::ExitedWithCode(1),
                "prog: cannot write to standard output: No space left on device");
}

TEST(StandardOutputDeathTest, SoIsWhatWasFlushedInBetween) {
    const auto body = [] {
        print_to_dev_full(1'000'000);
        return 0;
    };
    EXPECT_EXIT(_exit(run_and_flush("prog", body)), testing::ExitedWithCode(1),
                "prog: cannot write to standard output");
}

TEST(StandardOutputDeathTest, AnExceptionIsALineAndAFailure) {
    const auto body = []() -> int { throw std::runtime_error("no luck"); };
    EXPECT_EXIT(std::exit(run_and_flush("prog", body)), testing::ExitedWithCode(1), "prog: no luck");
}

}  // namespace
}  // namespace kvorum
