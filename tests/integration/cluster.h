// A cluster of real kvorumd processes on this machine, in a directory of its own, under the hands of a test.
//
// The processes end with the test program, however that ends. Nodes are numbered from 1. Thread: one, except
// endpoint().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/world.h"
#include "tools/node_status.h"
#include "tools/process.h"

namespace kvorum::integration {

struct ClusterOptions {
    uint32_t nodes = 3;
    std::string name = "test";
    std::vector<std::string> flags{};                                     // for every node
    std::function<std::vector<std::string>(uint32_t node)> node_flags{};  // asked at each start
    std::function<std::string(uint32_t node)> address{};                  // that members name; empty: 127.0.0.1
    std::string directory{};                                              // empty: a fresh TestDirectory
    // The program that a node runs, with what stands before the node's flags. Empty: kvorumd.
    std::function<std::vector<std::string>(uint32_t node)> command{};
};

class Cluster {
 public:
    explicit Cluster(ClusterOptions options);
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;
    ~Cluster();  // kills what runs, and shows the logs when the test failed

    [[nodiscard]] uint32_t size() const { return options_.nodes; }
    [[nodiscard]] reactor::Endpoint endpoint(uint32_t node) const { return {"127.0.0.1", client_port(node)}; }
    [[nodiscard]] uint16_t client_port(uint32_t node) const { return ports_[node - 1]; }
    [[nodiscard]] uint16_t peer_port(uint32_t node) const { return ports_[options_.nodes + node - 1]; }
    [[nodiscard]] const std::string& directory() const { return options_.directory; }
    [[nodiscard]] std::string data_directory(uint32_t node) const;
    [[nodiscard]] std::string log_path(uint32_t node) const;
    // From now on a node that starts reaches the others at route(from, to) instead of peer_port(to).
    void route_peers(std::function<uint16_t(uint32_t from, uint32_t to)> route) { route_ = std::move(route); }
    // The flags with which this node is started.
    [[nodiscard]] std::vector<std::string> arguments(uint32_t node) const;

    void start(uint32_t node);
    void start_all();
    void kill(uint32_t node);    // SIGKILL; returns when it is dead
    void kill_all();             // all at once
    void pause(uint32_t node);   // SIGSTOP
    void resume(uint32_t node);  // SIGCONT
    // True when the node's process has ended by itself within the deadline.
    [[nodiscard]] bool wait_for_exit(uint32_t node, Milliseconds deadline) const;
    // SIGTERM; false when it had to be killed after 20 s.
    [[nodiscard]] bool stop(uint32_t node);
    [[nodiscard]] bool is_running(uint32_t node) const;

    // INFO of a node; nothing when it does not answer.
    [[nodiscard]] std::optional<tools::NodeStatus> status(uint32_t node) const;
    // The node that leads with a quorum behind it, as far as anybody can tell from outside.
    [[nodiscard]] std::optional<uint32_t> find_leader() const;
    // The same, waited for; a test cannot go on without, so it ends here with the logs when there is none.
    [[nodiscard]] uint32_t wait_for_leader() const;
    [[nodiscard]] uint32_t wait_for_follower() const;  // one that knows the leader
    // True when the node has applied at least what the leader has committed now, within the deadline.
    [[nodiscard]] bool wait_until_caught_up(uint32_t node, Milliseconds deadline) const;
    // True when all nodes have applied the same index and their state hashes are equal.
    [[nodiscard]] bool wait_until_equal(Milliseconds deadline) const;

 private:
    ClusterOptions options_;
    std::optional<TestDirectory> own_directory_;
    Ports ports_;
    std::vector<tools::ProcessId> processes_;
    std::function<uint16_t(uint32_t from, uint32_t to)> route_;
};

}  // namespace kvorum::integration
