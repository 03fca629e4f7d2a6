// What the kvorum command tells the shell. The table stands in `kvorum --help` too.
#pragma once

namespace kvorum::tools {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;  // understood, but could not be done; the message says why
inline constexpr int kExitUsage = 2;   // wrong arguments
inline constexpr int kExitUnhealthy =
    3;  // done, and what was looked at is not as it should be: a node is dead, a file is damaged
inline constexpr int kExitNoCommit = 4;     // nodes answer, and none gets a write committed
inline constexpr int kExitUnreachable = 5;  // no node answers

}  // namespace kvorum::tools
