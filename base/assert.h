// Assertions that stay on in every build.
//
// KVORUM_ASSERT   a broken invariant of our own: prints the values and aborts. Never used on what a peer, a client or a
// file says. KVORUM_VERIFY   a check that costs O(n): on in debug, test and simulator builds (KVORUM_VERIFY_ENABLED),
// off in release. kvorum::maybe   documents that a condition may be true or false here: the reader need not wonder.
//
// Thread: any. Errors: none are returned; the process ends with SIGABRT after one line on stderr, and in the
// log where that is a file.
#pragma once

#include <fmt/format.h>

#include <string>

namespace kvorum {

[[noreturn]] void assert_failed(const char* condition, const char* file, int line, const std::string& details);

constexpr void maybe(bool) {}

}  // namespace kvorum

#define KVORUM_ASSERT(condition, ...)                                                       \
    do {                                                                                    \
        if (!(condition)) [[unlikely]] {                                                    \
            ::kvorum::assert_failed(#condition, __FILE__, __LINE__,                         \
                                    ::std::string{__VA_OPT__(::fmt::format(__VA_ARGS__))}); \
        }                                                                                   \
    } while (false)

#if defined(KVORUM_VERIFY_ENABLED)
#define KVORUM_VERIFY(condition, ...) KVORUM_ASSERT(condition __VA_OPT__(, ) __VA_ARGS__)
#else
#define KVORUM_VERIFY(condition, ...) \
    do {                              \
    } while (false)
#endif
