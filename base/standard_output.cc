#include "base/standard_output.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <system_error>

namespace kvorum {
namespace {

constexpr int kExitFailed = 1;

int output_lost(const char* program, int error) {
    (void)std::fprintf(stderr, "%s: cannot write to standard output: %s\n", program,
                       error == 0 ? "a write failed" : std::strerror(error));
    return kExitFailed;
}

}  // namespace

int run_and_flush(const char* program, const std::function<int()>& body) {
    std::signal(SIGPIPE, SIG_IGN);
    int exit_code = kExitFailed;
    try {
        exit_code = body();
    } catch (const std::system_error& error) {
        // fmt::print reports a failed write so.
        if (std::ferror(stdout) != 0) return output_lost(program, error.code().value());
        (void)std::fprintf(stderr, "%s: %s\n", program, error.what());
        return kExitFailed;
    } catch (const std::exception& error) {
        (void)std::fprintf(stderr, "%s: %s\n", program, error.what());
        return kExitFailed;
    }
    const bool lost_before = std::ferror(stdout) != 0;
    errno = 0;
    if (std::fflush(stdout) != 0 || lost_before) return output_lost(program, errno);
    return exit_code;
}

}  // namespace kvorum
