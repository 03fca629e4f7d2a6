// What a load has seen, counted by each thread for itself and merged at the end: outcomes, latencies, when things
// happened, and the longest time without an OK.
//
// Outcomes: ok; error, a reply that says so; moved, the error of Redis Cluster that names another node; unknown, a
// connection that broke before the reply, or an UNCERTAIN reply: the command may have taken effect. Latencies are those
// of replies that are ok, in nanoseconds. Merging is exact: histograms and slices are added, silences intersected.
// Thread: one owner each.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.h"
#include "base/units.h"
#include "tools/load_seconds.h"

namespace kvorum::tools::load {

struct CommandStats {
    uint64_t ok = 0;
    uint64_t errors = 0;
    uint64_t moved = 0;
    uint64_t unknown = 0;
    uint64_t nulls = 0;  // among ok: for GET a miss
    uint64_t bytes_sent = 0;
    uint64_t bytes_received = 0;
    Histogram latency;
    CommandSeconds seconds;

    [[nodiscard]] uint64_t outcomes() const { return ok + errors + moved + unknown; }
    void merge(const CommandStats& other);
};

// The run in slices of equal width. When there are too many, two become one: a run of any length fits.
class Timeline {
 public:
    static constexpr uint64_t kFirstWidthNs = 100 * kMillisecondNs;
    static constexpr size_t kSlicesMax = 8192;

    struct Slice {
        uint64_t ok = 0;
        uint64_t errors = 0;  // moved ones too
        uint64_t unknown = 0;
        uint64_t bytes = 0;
        uint64_t latency_sum_ns = 0;  // of ok
        uint64_t latency_ns_max = 0;

        void merge(const Slice& other);
    };

    // Valid until the next call. `since_start_ns` may go back.
    [[nodiscard]] Slice& at(uint64_t since_start_ns);
    void merge(const Timeline& other);

    [[nodiscard]] uint64_t width_ns() const { return width_ns_; }
    [[nodiscard]] const std::vector<Slice>& slices() const { return slices_; }

 private:
    void double_width();

    uint64_t width_ns_ = kFirstWidthNs;
    std::vector<Slice> slices_;
};

// Stretches of time without an OK. Only those of a length that matters are kept; the limit grows when they are many.
class SilenceLog {
 public:
    static constexpr uint64_t kFirstLimitNs = kMillisecondNs;
    static constexpr size_t kSilencesMax = 16384;

    struct Silence {
        uint64_t begin_ns = 0;  // since the start of the run
        uint64_t end_ns = 0;
        [[nodiscard]] uint64_t length_ns() const { return end_ns - begin_ns; }
        bool operator==(const Silence&) const = default;
    };

    void on_ok(uint64_t since_start_ns) {
        if (since_start_ns > last_ok_ns_ + limit_ns_) add({last_ok_ns_, since_start_ns});
        if (since_start_ns > last_ok_ns_) last_ok_ns_ = since_start_ns;
    }
    // The run is over: what has been silent since the last OK is a silence too.
    void finish(uint64_t since_start_ns) { on_ok(since_start_ns); }
    // Now the stretches in which both were silent.
    void intersect(const SilenceLog& other);

    // All zero when none was longer than the limit.
    [[nodiscard]] Silence longest() const;
    [[nodiscard]] const std::vector<Silence>& silences() const { return silences_; }

 private:
    void add(Silence silence);

    uint64_t limit_ns_ = kFirstLimitNs;
    uint64_t last_ok_ns_ = 0;
    std::vector<Silence> silences_;  // in order
};

// How often each kind of error came, by its first word, with one full text as an example.
class ErrorTexts {
 public:
    static constexpr size_t kKindsMax = 16;

    struct Kind {
        uint64_t count = 0;
        std::string example;
    };

    void add(std::string_view error);
    void merge(const ErrorTexts& other);
    [[nodiscard]] const std::map<std::string, Kind, std::less<>>& kinds() const { return kinds_; }

 private:
    std::map<std::string, Kind, std::less<>> kinds_;
};

struct LoadStats {
    explicit LoadStats(size_t command_count) : commands(command_count) {}

    std::vector<CommandStats> commands;  // as in LoadConfig::commands
    Histogram service;                   // of an open loop: from when a request was sent, not from when it was due
    Timeline timeline;
    SilenceLog silences;
    ErrorTexts errors;
    uint64_t connects = 0;
    uint64_t connect_failures = 0;
    uint64_t connections_lost = 0;
    uint64_t never_started = 0;  // of an open loop: were due before the end, and no client was free to send them
    uint64_t duration_ns = 0;    // from the start to the last outcome
    uint64_t start_unix_ms = 0;  // the wall clock, for people
    bool interrupted = false;

    [[nodiscard]] CommandStats totals() const;
    // Another thread's of the same run.
    void merge(const LoadStats& other);
    // Another run's: rates are those of both together, and there is no common time to tell of seconds and gaps.
    void append(const LoadStats& other);
};

}  // namespace kvorum::tools::load
