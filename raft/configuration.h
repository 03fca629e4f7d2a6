// Who the members of a group are: what a kConfig entry says, from the place in the log where it stands
// (thesis 4.1, 4.3).
//
// Encoded (integers little-endian, strings a u16 size and their bytes):
//   u16 version  u16 voters  u16 outgoing  u16 learners  then that many members:
//   u64 id  u64 log id  peer host, u16 peer port  client host, u16 client port  zone
// Version 1 ends there. Version 2 is written only when a learner is to be promoted, and has for each learner:
//   u8 whether  u64 the voter that it replaces
//
// Thread: any; plain values. Errors: the decoder takes what a disk or a peer says, and refuses everything that
// problem() names, trailing bytes and unknown versions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/units.h"

namespace kvorum::raft {

struct MemberAddress {
    std::string host;
    uint16_t port = 0;

    bool operator==(const MemberAddress&) const = default;
};

struct ConfiguredMember {
    NodeId id;
    LogId log_id{};         // none until the first contact told it
    MemberAddress peer;     // where the other nodes reach it
    MemberAddress client;   // where clients reach it
    std::string zone = {};  // what fails together; empty: not said
    // Of a learner: the leader makes a voter of it once it has caught up (thesis 4.2.1), whoever leads then.
    bool promote = false;
    NodeId replaces{};  // the voter that leaves then; none: nobody

    bool operator==(const ConfiguredMember&) const = default;
};

struct Configuration {
    std::vector<ConfiguredMember> voters;
    std::vector<ConfiguredMember> outgoing = {};  // the voters before, while a change is joint (thesis 4.3)
    std::vector<ConfiguredMember> learners = {};

    [[nodiscard]] std::vector<NodeId> voter_ids() const;  // ascending
    bool operator==(const Configuration&) const = default;
};

inline constexpr size_t kMembersOfSetMax = 31;
inline constexpr size_t kMemberHostBytesMax = 255;
inline constexpr size_t kMemberZoneBytesMax = 64;
// Of the encoded form. It stands in the head of each segment of the log, which must not be filled by it: twelve members
// with the longest names fit, more with usual ones.
inline constexpr size_t kConfigurationBytesMax = 8 * kKiB;

// What is wrong with it, in words; empty: nothing. A usable one has a voter, ids that are not none, no node twice among
// the voters and learners or among the outgoing, hosts, ports, none but learners that are to be promoted, and sizes
// within the limits above.
[[nodiscard]] std::string problem(const Configuration& configuration);
// Only of one that has no problem().
[[nodiscard]] std::string encode_configuration(const Configuration& configuration);
[[nodiscard]] std::optional<Configuration> decode_configuration(Bytes body);
// "1=10.0.0.1:17001/10.0.0.1:7001 2=...", then outgoing and learners if there are any: for people.
[[nodiscard]] std::string describe(const Configuration& configuration);

}  // namespace kvorum::raft
