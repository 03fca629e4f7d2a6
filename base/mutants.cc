#include "base/mutants.h"

#include <algorithm>
#include <array>

namespace kvorum {
namespace {

constexpr std::array kMutants{
    MutantInfo{Mutant::kSkipWalSync, "skip-wal-sync", "groups count as durable without a sync"},
    MutantInfo{Mutant::kAckBeforeDurable, "ack-before-durable",
               "the log reports a unit durable before its write completed"},
    MutantInfo{Mutant::kAckReceivedOnHeartbeat, "ack-received-on-heartbeat",
               "a heartbeat is acknowledged with what was received"},
    MutantInfo{Mutant::kAckLastIndex, "ack-last-index",
               "a follower acknowledges its last entry, not the end of the AppendEntries"},
    MutantInfo{Mutant::kVoteNotPersisted, "vote-not-persisted", "the vote is not written to the log"},
    MutantInfo{Mutant::kTermNotPersisted, "term-not-persisted", "term and vote are not written to the log"},
    MutantInfo{Mutant::kTwoVotesPerTerm, "two-votes-per-term", "a vote is granted whoever got the last one"},
    MutantInfo{Mutant::kSeenVoteIsGranted, "seen-vote-is-granted", "any answer to a vote request counts as a vote"},
    MutantInfo{Mutant::kNoNoop, "no-noop", "a new leader appends nothing, and reads do not wait for its term"},
    MutantInfo{Mutant::kCommitPriorTerm, "commit-prior-term", "entries of earlier terms are committed by counting"},
    MutantInfo{Mutant::kQuorumOfHalf, "quorum-of-half", "half of the voters count as a majority"},
    MutantInfo{Mutant::kTruncateOnAnyAppend, "truncate-on-any-append",
               "an AppendEntries cuts off what is behind it, conflict or not"},
    MutantInfo{Mutant::kTruncateCommitted, "truncate-committed",
               "an AppendEntries cuts off committed entries too (an assertion stands in the way)"},
    MutantInfo{Mutant::kIgnoreAppendEpoch, "ignore-append-epoch",
               "a late completion marks entries durable that replaced its own"},
    MutantInfo{Mutant::kReadBeforeRound, "read-before-round", "reads are served without a round"},
    MutantInfo{Mutant::kReuseReadToken, "reuse-read-token", "a read is confirmed by the answer to an earlier round"},
    MutantInfo{Mutant::kCorruptMiddleTruncatedAsTail, "corrupt-middle-truncated-as-tail",
               "recovery takes all damage for a torn tail"},
    MutantInfo{Mutant::kHeaderChecksumIgnored, "header-checksum-ignored", "recovery does not verify group headers"},
    MutantInfo{Mutant::kSlotCheckIgnored, "slot-check-ignored",
               "recovery does not ask whether a group belongs where it lies"},
    MutantInfo{Mutant::kSyncErrorRetried, "sync-error-retried", "a failed sync is tried again"},
    MutantInfo{Mutant::kDirSyncOmitted, "dir-sync-omitted", "the directory is not synced after a new segment"},
    MutantInfo{Mutant::kTtlByLocalClock, "ttl-by-local-clock",
               "keys expire by the local clock when an entry is applied"},
    MutantInfo{Mutant::kForwarderReplaysOnTimeout, "forwarder-replays-on-timeout",
               "a forwarded write of unknown outcome is sent again"},
    MutantInfo{Mutant::kNoLeaderAfterPropose, "noleader-after-propose",
               "a write that may yet commit is refused as not executed"},
    MutantInfo{Mutant::kPrevoteDropsLowerTerm, "prevote-drops-lower-term", "a pre-vote of a lower term gets no answer"},
    MutantInfo{Mutant::kNoCheckQuorum, "no-check-quorum", "a leader that nobody answers stays leader"},
    MutantInfo{Mutant::kHeartbeatsIndependentOfDisk, "heartbeats-independent-of-disk",
               "a leader with a hung disk stays leader"},
    MutantInfo{Mutant::kFollowerReadWithoutQuestion, "follower-read-without-question",
               "a follower answers reads from its own state, without waiting for the leader's answer"},
    MutantInfo{Mutant::kReadIndexKeptOverTerms, "read-index-kept-over-terms",
               "a follower that loses its leader answers what it asked by the last index that it was told"},
    MutantInfo{Mutant::kWipedNodeVotes, "wiped-node-votes", "peers take a node back that lost its log"},
    MutantInfo{Mutant::kCachedLeaseClock, "cached-lease-clock", "the lease is held against the time of the last turn"},
    MutantInfo{Mutant::kNoLeaseDriftMargin, "no-lease-drift-margin",
               "a lease is as long as the silence that was promised, whatever clocks do"},
    MutantInfo{Mutant::kLeaseFromOwnTimeout, "lease-from-own-timeout",
               "a lease is as long as the leader's own election timeout, whatever the voters promised"},
    MutantInfo{Mutant::kSilenceShorterThanPromised, "silence-shorter-than-promised",
               "a voter gives its vote away half an election timeout before its silence ends"},
    MutantInfo{Mutant::kSilenceForgottenAtRestart, "silence-forgotten-at-restart",
               "a restarted node does not wait for the end of what it may have promised"},
    MutantInfo{Mutant::kOwnMemoryLimit, "own-memory-limit",
               "each node holds what it applies against its own limit of memory"},
    MutantInfo{Mutant::kLeaseKeptInTransfer, "lease-kept-in-transfer",
               "a leader that hands over goes on serving reads under its lease"},
    MutantInfo{Mutant::kForgedTransfer, "forged-transfer",
               "who misses its leader asks for votes as if that had handed over to it"},
};

}  // namespace

std::span<const MutantInfo> all_mutants() { return kMutants; }

bool activate_mutant(std::string_view name) {
    const auto found =
        std::find_if(kMutants.begin(), kMutants.end(), [name](const MutantInfo& info) { return info.name == name; });
    if (!kMutantsBuiltIn || found == kMutants.end()) return false;
#if defined(KVORUM_MUTANTS)
    active_mutant = found->mutant;
#endif
    return true;
}

void deactivate_mutant() {
#if defined(KVORUM_MUTANTS)
    active_mutant = Mutant::kNone;
#endif
}

}  // namespace kvorum
