// Members change by joint consensus (thesis chapter 4).
#include <gtest/gtest.h>

#include "tests/raft/made_up.h"

namespace kvorum::raft::testing {
namespace {
TEST(Placeholder, X) {}
}  // namespace
}  // namespace kvorum::raft::testing
