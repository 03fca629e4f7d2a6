#include "base/assert.h"

#include <cstdlib>

#include "base/log.h"

namespace kvorum {

void assert_failed(const char* condition, const char* file, int line, const std::string& details) {
    log_last_words(fmt::format("kvorum: assertion failed: {} at {}:{}{}{}", condition, file, line,
                               details.empty() ? "" : ": ", details));
    std::abort();
}

}  // namespace kvorum
