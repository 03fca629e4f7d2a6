// One run of the nemesis: a fresh cluster of real processes behind a proxy, clients and writers that load it, one kind
// of fault again and again, and at the end everything that must hold of what they saw.
//
// A run in which no fault met anything, or whose cluster was too slow before the first one, has shown nothing: it is
// invalid, not green. Thread: one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/nemesis/faults.h"

namespace kvorum::nemesis {

struct RunConfig {
    uint32_t nodes = 3;
    std::chrono::milliseconds duration{60'000};  // of the faults
    std::chrono::milliseconds warm_up{1000};
    uint64_t seed = 1;
    Timing timing{};
    uint64_t rate_floor = 100;  // commands per second that the clients must reach before the first fault
    uint64_t fired_floor = 1;
};

// From the best to the worst.
enum class Verdict : uint8_t {
    kGreen,
    kInvalid,    // the run has shown nothing
    kNoService,  // the cluster did not come back, or did not do in time what it had to
    kWrong,      // not linearizable, an acknowledged write is lost, replicas differ
};
[[nodiscard]] std::string_view verdict_name(Verdict verdict);

struct RunResult {
    std::string kind;
    uint64_t seed = 0;
    uint64_t strikes = 0;
    uint64_t fired = 0;
    uint64_t rate_before = 0;  // commands per second
    uint64_t executed = 0;
    uint64_t not_executed = 0;
    uint64_t unknown = 0;
    uint64_t longest_gap_ms = 0;  // in which no client was served
    uint64_t ledger_writes = 0;   // acknowledged to the ledger
    uint64_t lost_writes = 0;     // of those; no more than 20 are looked for through each node
    Verdict verdict = Verdict::kGreen;
    std::vector<std::string> problems{};

    void add_problem(Verdict at_least, std::string what);
};

[[nodiscard]] RunResult run_kind(const FaultKind& kind, const RunConfig& config);

}  // namespace kvorum::nemesis
