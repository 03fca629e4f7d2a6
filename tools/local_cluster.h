// A cluster of kvorumd processes on this machine, described by one file in its directory:
//   DIR/cluster.json           who they are: ports, process ids, flags (written atomically, only by this class)
//   DIR/node-I/                data of node I
//   DIR/node-I/kvorumd.log     its output, appended to at each start
//   DIR/node-I/kvorumd.pid     its process id, written by kvorumd itself
// Node I listens on base_port + I - 1 for clients and 10000 above that for the other nodes.
//
// Thread: one owner. Methods block. Two processes that work on one directory exclude each other: open() fails in the
// second. Ownership: the processes belong to nobody; they outlive this object and the program.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "config/config.h"
#include "reactor/io_backend.h"
#include "tools/node_status.h"
#include "tools/process.h"

namespace kvorum::tools {

inline constexpr uint32_t kLocalNodesMax = kMembersMax;
inline constexpr uint32_t kPeerPortOffset = 10000;

struct LocalNode {
    uint32_t id = 0;
    uint16_t client_port = 0;
    uint16_t peer_port = 0;
    ProcessId process;  // of the last start

    [[nodiscard]] reactor::Endpoint client() const { return {"127.0.0.1", client_port}; }
    [[nodiscard]] reactor::Endpoint peer() const { return {"127.0.0.1", peer_port}; }
};

struct LocalClusterOptions {
    uint32_t nodes = 3;
    uint16_t base_port = 7001;
    std::string cluster_name = "local";
    std::string kvorumd;                   // the program
    std::vector<std::string> extra_flags;  // for every node
};

class LocalCluster {
 public:
    // Told at each look how long the wait has been, and how far the nodes are that still read or apply their logs:
    // "node 2 reading the log: 41 %, ..."; often nothing.
    using OnWait = std::function<void(uint64_t waited_ms, const std::string& loading)>;

    // A description for a directory that has none; an error when it has one, or holds something else. Nothing is
    // started, and what `options` lack is said before anything is made.
    [[nodiscard]] static absl::StatusOr<LocalCluster> create(const std::string& directory,
                                                             const LocalClusterOptions& options);
    // NotFound when there is no cluster in `directory`.
    [[nodiscard]] static absl::StatusOr<LocalCluster> open(const std::string& directory);

    LocalCluster(LocalCluster&& other) noexcept;
    LocalCluster& operator=(LocalCluster&&) = delete;
    ~LocalCluster();

    [[nodiscard]] const std::vector<LocalNode>& nodes() const { return nodes_; }
    [[nodiscard]] const std::string& directory() const { return directory_; }
    [[nodiscard]] const LocalClusterOptions& options() const { return options_; }
    // The program and the flags of the next starts.
    void set_program(const std::string& kvorumd, const std::vector<std::string>& extra_flags);

    [[nodiscard]] bool is_running(const LocalNode& node) const { return tools::is_running(node.process); }
    [[nodiscard]] std::string log_path(const LocalNode& node) const { return node_directory(node) + "/kvorumd.log"; }
    [[nodiscard]] absl::StatusOr<const LocalNode*> find(uint32_t id) const;

    // Starts one node that does not run. An error when one of its ports is in use.
    [[nodiscard]] absl::Status start(uint32_t id);
    // Starts every node that does not run. Returns how many it started.
    [[nodiscard]] absl::StatusOr<uint32_t> start_all();
    // As if start_all() had not been called: its nodes are killed and program and flags are those of before. Of a
    // cluster that this object created nothing is left, so that create() can be tried again.
    void undo_start_all();
    // SIGTERM, and SIGKILL after `timeout_ms`. True when it ended by itself; a node that does not run counts so.
    bool stop(uint32_t id, uint32_t timeout_ms);
    void kill(uint32_t id);

    // Waits until every node names the same leader and that one serves reads. DeadlineExceeded after `timeout_ms`;
    // Aborted, with the end of its log, as soon as one of the nodes has ended.
    [[nodiscard]] absl::Status wait_until_ready(uint32_t timeout_ms, const OnWait& on_wait) const;
    // Waits until this one has read its log and answers, with or without a leader. Errors as above.
    [[nodiscard]] absl::Status wait_until_answers(const LocalNode& node, uint32_t timeout_ms,
                                                  const OnWait& on_wait) const;

 private:
    LocalCluster(std::string directory, int lock) : directory_(std::move(directory)), lock_(lock) {}

    [[nodiscard]] static absl::StatusOr<int> lock_directory(const std::string& directory);
    [[nodiscard]] absl::Status load();
    [[nodiscard]] absl::Status save() const;
    [[nodiscard]] std::string node_directory(const LocalNode& node) const;
    [[nodiscard]] std::vector<std::string> arguments_of(const LocalNode& node) const;
    [[nodiscard]] absl::Status check_ports(const LocalNode& node) const;
    [[nodiscard]] bool agree_on_a_leader() const;
    [[nodiscard]] absl::Status check_runs(const LocalNode& node) const;
    [[nodiscard]] absl::Status check_all_run() const;
    [[nodiscard]] std::string loading_of(const LocalNode& node) const;
    [[nodiscard]] std::string loading_of_all() const;

    std::string directory_;
    int lock_;
    LocalClusterOptions options_;
    std::vector<LocalNode> nodes_;
    LocalClusterOptions options_before_;  // as the description had them when it was read
    std::vector<uint32_t> started_;       // by start_all()
    bool is_new_ = false;                 // create() made it, and maybe the directory
    bool is_directory_new_ = false;
};

}  // namespace kvorum::tools
