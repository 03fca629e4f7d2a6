# kvorum_room(NAME SOURCES ... LINKS ...): one folder, one static library, an explicit list of what it may use.
# Headers are included from the root ("raft/raft.h"), so a wrong include does compile, but it does not link; tests/house checks both.
function(kvorum_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LINKS" ${ARGN})
  add_library(kvorum_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(kvorum_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(kvorum_${name} PUBLIC ${ROOM_LINKS} PRIVATE kvorum_warnings)
  kvorum_precompiled(kvorum_${name} product)
  if(KVORUM_LTO)
    # Both kinds of code: what is linked without it, as the tests are, takes no longer.
    target_compile_options(kvorum_${name} PRIVATE -flto=thin -ffat-lto-objects)
  endif()
endfunction()

# kvorum_test(NAME SOURCES ... LINKS ...): a GoogleTest program, one ctest entry for the whole program.
function(kvorum_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;LINKS;ARGS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_LINKS} GTest::gtest GTest::gmock GTest::gtest_main kvorum_warnings)
  kvorum_precompiled(${name} tests)
  add_test(NAME ${name} COMMAND ${name} ${TEST_ARGS} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${TEST_TIMEOUT})
endfunction()
