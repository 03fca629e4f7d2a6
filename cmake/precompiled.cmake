# The headers of the standard library, absl and fmt (and gtest, for tests) are most of what there is to compile; they are
# compiled once. g++ builds go without, so that a missing #include is found there.
option(KVORUM_PRECOMPILED "compile the headers of the standard library and of others once (clang)" ON)
set(KVORUM_COMMON_HEADERS <algorithm> <array> <bit> <cerrno> <charconv> <coroutine> <cstdint> <cstring> <deque> <functional>
    <map> <memory> <optional> <span> <string> <string_view> <utility> <vector>
    <fmt/format.h> <absl/status/status.h> <absl/status/statusor.h>)

# kvorum_precompiled(TARGET tests|product)
function(kvorum_precompiled target kind)
  if(KVORUM_PRECOMPILED AND CMAKE_CXX_COMPILER_ID MATCHES Clang)
    target_precompile_headers(${target} REUSE_FROM kvorum_precompiled_${kind})
  endif()
endfunction()

function(kvorum_precompiled_owner kind)
  cmake_parse_arguments(OWNER "" "" "HEADERS;LINKS" ${ARGN})
  add_library(kvorum_precompiled_${kind} OBJECT ${PROJECT_SOURCE_DIR}/cmake/precompiled.cc)
  target_include_directories(kvorum_precompiled_${kind} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(kvorum_precompiled_${kind} PRIVATE fmt::fmt absl::status absl::statusor kvorum_warnings ${OWNER_LINKS})
  target_precompile_headers(kvorum_precompiled_${kind} PRIVATE ${KVORUM_COMMON_HEADERS} ${OWNER_HEADERS})
endfunction()

if(KVORUM_PRECOMPILED AND CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # Without a time in it the compiler cache can tell that nothing changed.
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  kvorum_precompiled_owner(product)
  if(KVORUM_TESTS)
    kvorum_precompiled_owner(tests HEADERS <gtest/gtest.h> <gmock/gmock.h> LINKS GTest::gtest GTest::gmock)
  endif()
endif()
