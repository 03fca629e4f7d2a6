// Clients that use a cluster while faults strike it, and write down what they saw for the checker of
// sim/linearizability.h.
//
// Each client stays with one node for a while, also with one that was cut off, and moves on when a command is lost. It
// never repeats a command. Values are unique. Keys are few at a time, so that commands meet, and are given up for fresh
// ones every few seconds, so that the checker's parts stay small.
//
// Thread: each client has one; the methods are for the owner's.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/prng.h"
#include "reactor/io_backend.h"
#include "sim/history.h"

namespace kvorum::nemesis {

struct WorkloadConfig {
    uint32_t clients = 6;
    uint64_t think_us = 1000;                  // mean pause between commands
    std::chrono::milliseconds patience{2000};  // for a reply
    std::chrono::milliseconds key_life{2000};  // of a generation of keys
    uint64_t seed = 1;
};

class Workload {
 public:
    Workload(std::vector<reactor::Endpoint> nodes, WorkloadConfig config);
    Workload(const Workload&) = delete;
    Workload& operator=(const Workload&) = delete;
    ~Workload();

    // Joins the clients.
    void stop();
    [[nodiscard]] uint64_t executed() const { return executed_.load(); }
    // After stop(): reads every key that was ever used through `node`, as one more client. A read that is refused is
    // sent again: on a busy machine there may be an election without any fault. False, and no further, when it is not
    // served before the deadline.
    bool read_back(const reactor::Endpoint& node, std::chrono::milliseconds deadline);
    // After stop(), once.
    [[nodiscard]] sim::History take_history();

    // The clock of the histories.
    [[nodiscard]] static uint64_t now_ns();

 private:
    struct Client;

    void run(Client& client);
    // Returns false when the connection is of no use any more.
    bool exchange(Client& client, std::vector<sim::Command> commands);
    [[nodiscard]] uint64_t generation() const;

    std::vector<reactor::Endpoint> nodes_;
    const WorkloadConfig config_;
    const uint64_t started_ns_;
    std::atomic<bool> stopping_ = false;
    std::atomic<uint64_t> executed_ = 0;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::thread> threads_;
};

}  // namespace kvorum::nemesis
