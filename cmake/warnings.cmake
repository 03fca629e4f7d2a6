add_library(kvorum_warnings INTERFACE)
target_compile_options(kvorum_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
                       -Wcast-qual -Wconversion -Wno-sign-conversion -Werror)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(kvorum_warnings INTERFACE -Wthread-safety -Wimplicit-fallthrough)
else()
  # g++ 12 reports false positives of these in optimised builds of correct code; clang, which ships, has none.
  target_compile_options(kvorum_warnings INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-dangling-pointer -Wno-array-bounds
                         -Wno-stringop-overflow -Wno-missing-field-initializers)
endif()
