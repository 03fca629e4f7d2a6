// One thread of a load: a reactor with its share of the clients.
//
// Thread: made, asked to stop and read by the thread that starts the run; run() belongs to the worker's own thread.
// live() may be read from anywhere while it runs. Statistics are read after run() has returned.
#pragma once

#include <atomic>
#include <barrier>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "reactor/reactor.h"
#include "tools/load_client.h"
#include "tools/load_config.h"
#include "tools/load_pacer.h"
#include "tools/load_stats.h"

namespace kvorum::tools::load {

// What the progress line shows, published once a turn by its worker.
struct alignas(64) LiveCounters {
    std::atomic<uint64_t> ok = 0;
    std::atomic<uint64_t> errors = 0;
    std::atomic<uint64_t> unknown = 0;
    std::atomic<uint64_t> bytes = 0;
    std::atomic<uint64_t> latency_sum_ns = 0;
    std::atomic<uint64_t> start_ns = 0;  // 0: still connecting
};

// All workers begin at the same moment, when the last one has tried to connect all its clients; or none does.
class StartLine {
 public:
    explicit StartLine(uint32_t workers);

    // Blocks. The common start, or 0 when a worker cannot take part.
    [[nodiscard]] uint64_t wait(bool ready, uint64_t now_ns);

 private:
    std::barrier<> barrier_;
    std::atomic<bool> failed_ = false;
    std::atomic<uint64_t> start_ns_ = 0;
};

class Worker final {
 public:
    // `index` of `config.threads`.
    Worker(const LoadConfig& config, uint32_t index, StartLine& start_line);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Returns when all clients have done their requests, or the time is over and the last replies have come or have
    // been waited for long enough.
    void run();
    // Ends the run early; any thread. Replies on their way are waited for, shortly.
    void request_stop();

    [[nodiscard]] const LiveCounters& live() const { return live_; }
    // Why it has not taken part.
    [[nodiscard]] const absl::Status& status() const { return status_; }
    [[nodiscard]] const LoadStats& stats() const { return stats_; }

 private:
    class Run;

    const LoadConfig& config_;
    const uint32_t index_;
    StartLine& start_line_;
    LiveCounters live_;
    absl::Status status_;
    LoadStats stats_;
    std::mutex mutex_;
    reactor::Reactor* reactor_ = nullptr;  // while it runs; under mutex_
    bool stop_requested_ = false;          // before it ran; under mutex_
};

}  // namespace kvorum::tools::load
