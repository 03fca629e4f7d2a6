// Deliberate bugs, one at a time, that the simulator must find (`kvorum sim --mutant NAME`): each stands at the place
// of a rule of the protocol and breaks it. They prove that the checkers see.
//
// They exist only in builds with KVORUM_MUTANTS (the debug, asan and sim presets); elsewhere is_mutant() is a constant
// false and costs nothing. Thread: activate before anything runs.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace kvorum {

enum class Mutant : uint8_t {
    kNone,
    kSkipWalSync,
    kAckBeforeDurable,
    kAckReceivedOnHeartbeat,
    kAckLastIndex,
    kVoteNotPersisted,
    kTermNotPersisted,
    kTwoVotesPerTerm,
    kSeenVoteIsGranted,
    kNoNoop,
    kCommitPriorTerm,
    kQuorumOfHalf,
    kTruncateOnAnyAppend,
    kTruncateCommitted,
    kIgnoreAppendEpoch,
    kReadBeforeRound,
    kReuseReadToken,
    kCorruptMiddleTruncatedAsTail,
    kHeaderChecksumIgnored,
    kSlotCheckIgnored,
    kSyncErrorRetried,
    kDirSyncOmitted,
    kTtlByLocalClock,
    kForwarderReplaysOnTimeout,
    kNoLeaderAfterPropose,
    kPrevoteDropsLowerTerm,
    kNoCheckQuorum,
    kHeartbeatsIndependentOfDisk,
    kFollowerReadWithoutQuestion,
    kReadIndexKeptOverTerms,
    kWipedNodeVotes,
    kCachedLeaseClock,
    kNoLeaseDriftMargin,
    kLeaseFromOwnTimeout,
    kSilenceShorterThanPromised,
    kSilenceForgottenAtRestart,
    kOwnMemoryLimit,
    kLeaseKeptInTransfer,
    kForgedTransfer,
};

struct MutantInfo {
    Mutant mutant;
    std::string_view name;
    std::string_view what;
};

[[nodiscard]] std::span<const MutantInfo> all_mutants();
// False: no such mutant, or none are built in.
[[nodiscard]] bool activate_mutant(std::string_view name);
void deactivate_mutant();

#if defined(KVORUM_MUTANTS)
inline constexpr bool kMutantsBuiltIn = true;
inline Mutant active_mutant = Mutant::kNone;
[[nodiscard]] inline bool is_mutant(Mutant mutant) { return active_mutant == mutant; }
#else
inline constexpr bool kMutantsBuiltIn = false;
[[nodiscard]] constexpr bool is_mutant(Mutant) { return false; }
#endif

}  // namespace kvorum
