// Writers that load a cluster through faults, and the ledger, kept outside the cluster, of what it promised them.
//
// Each writer owns its keys: key n of writer w is written once, with a value that only (w, n) has, and its counter is
// incremented along. After the faults check() reads everything back and compares:
//   an acknowledged write is there; a write that was refused as not executed is not; a counter lies between what was
//   acknowledged and that plus what is unknown.
// Thread: the writers have theirs; the methods are for the test's.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "reactor/io_backend.h"

namespace kvorum::integration {

class Ledger {
 public:
    // Writer w sends pipelines of `depths[w]` commands to any of `nodes`, moving on to the next node when one fails or
    // is silent for `patience`.
    Ledger(std::vector<reactor::Endpoint> nodes, const std::vector<uint32_t>& depths,
           std::chrono::milliseconds patience = std::chrono::seconds(15));
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;
    ~Ledger();

    void stop();  // joins the writers

    [[nodiscard]] uint64_t acknowledged() const { return acknowledged_.load(); }
    [[nodiscard]] uint64_t unknown() const { return unknown_.load(); }
    [[nodiscard]] uint64_t not_executed() const { return not_executed_.load(); }
    // The longest time without an acknowledgement to any writer since the last call.
    [[nodiscard]] uint64_t take_longest_gap_ms();
    // Replies that are neither success nor one of the three promised kinds of failure; none are expected.
    [[nodiscard]] std::vector<std::string> strange_replies() const;

    // After stop(): reads everything through `node`; returns what contradicts the ledger, at most 20 lines.
    [[nodiscard]] std::vector<std::string> check(const reactor::Endpoint& node) const;

 private:
    struct Writer;

    void run(Writer& writer);
    void note_acknowledgement();

    std::vector<reactor::Endpoint> nodes_;
    std::chrono::milliseconds patience_;
    std::atomic<bool> stopping_ = false;
    std::atomic<uint64_t> acknowledged_ = 0;
    std::atomic<uint64_t> unknown_ = 0;
    std::atomic<uint64_t> not_executed_ = 0;
    std::atomic<uint64_t> last_acknowledgement_ns_ = 0;
    std::atomic<uint64_t> longest_gap_ns_ = 0;
    std::vector<std::unique_ptr<Writer>> writers_;
    std::vector<std::thread> threads_;
};

}  // namespace kvorum::integration
