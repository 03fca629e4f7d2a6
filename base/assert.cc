#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace kvorum {

void assert_failed(const char* condition, const char* file, int line, const std::string& details) {
    std::fprintf(stderr, "kvorum: assertion failed: %s at %s:%d%s%s\n", condition, file, line,
                 details.empty() ? "" : ": ", details.c_str());
    std::fflush(stderr);
    std::abort();
}

}  // namespace kvorum
