// How a run ends. The numbers are the exit codes of `kvorum sim`.
#pragma once

namespace kvorum::sim {

enum class RunOutcome : int {
    kGreen = 0,
    kCrash = 3,        // an assertion, a signal, or a node that halted without a reason
    kLiveness = 4,     // a healthy quorum did not serve, or the nodes did not converge
    kCorrectness = 5,  // a checker found a wrong state or history
    kDeterminism = 6,  // the same seed ran differently
    kTimeout = 7,      // took too much real time, or left a history too hard to check: says nothing
};

}  // namespace kvorum::sim
