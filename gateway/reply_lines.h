// The error lines by which a node says what became of a command that it did not carry out itself, or whose outcome it
// does not know (docs/guarantees.md, "The three reply classes"). Clients act on the first word.
#pragma once

#include <string_view>

namespace kvorum::gateway {

inline constexpr std::string_view kNoLeader =
    "CLUSTERDOWN No leader could be reached in time: the command was not executed";
inline constexpr std::string_view kTooOld =
    "TRYAGAIN The state of this node is older than this connection accepts (CLIENT CONSISTENCY), or than what it has "
    "seen: "
    "the command was not executed";
inline constexpr std::string_view kLeadershipLost =
    "CLUSTERDOWN Leadership was lost before the command was replicated: it was not executed";
inline constexpr std::string_view kUncertain =
    "UNCERTAIN The outcome is unknown: the command may or may not have taken effect";
inline constexpr std::string_view kOverloaded =
    "TRYAGAIN Too many writes wait for a quorum: the command was not executed";
inline constexpr std::string_view kDiskFull =
    "MISCONF The disk of the leader is nearly full: writes are refused, reads go on. The command was not executed";
inline constexpr std::string_view kClientLeft =
    "CLUSTERDOWN The client ended its stream before a leader had the command: it was not executed";
inline constexpr std::string_view kNotLeader = "CLUSTERDOWN This node does not lead: the command was not executed";

}  // namespace kvorum::gateway
