// kvorum local: a cluster on this machine, for trying out, demonstrations and measurements.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/local_cluster.h"
#include "tools/table.h"

namespace kvorum::tools {
namespace {

constexpr uint32_t kStatusTimeoutMs = 2000;

struct LocalArguments {
    std::string directory = "kvorum-data";
    uint32_t node = 0;
    std::optional<uint32_t> nodes;
    std::optional<uint16_t> base_port;
    std::string cluster_name = "local";
    std::string kvorumd;
    std::vector<std::string> extra_flags;
    uint32_t timeout_s = 30;
};

int fail(const absl::Status& status) {
    fmt::print(stderr, "kvorum: {}\n", std::string(status.message()));
    return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
}

std::string kvorumd_beside_us() {
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    return (self.parent_path() / "kvorumd").string();
}

// One line, rewritten in place, on a terminal only.
class Progress {
 public:
    explicit Progress(std::string awaited) : awaited_(std::move(awaited)) {}

    void show(uint64_t waited_ms, const std::string& loading) {
        if (!is_terminal_) return;
        fmt::print("\r\033[Kwaiting for {}: {}.{} s {}", awaited_, waited_ms / 1000, waited_ms / 100 % 10, loading);
        (void)std::fflush(stdout);
        shown_ = true;
    }
    void clear() {
        if (shown_) fmt::print("\r\033[K");
        shown_ = false;
    }

 private:
    std::string awaited_;
    bool is_terminal_ = isatty(STDOUT_FILENO) == 1;
    bool shown_ = false;
};

absl::Status check_same_shape(const LocalCluster& cluster, const LocalArguments& arguments) {
    if (arguments.nodes.has_value() && *arguments.nodes != cluster.nodes().size()) {
        return absl::FailedPreconditionError(fmt::format("{} holds a cluster of {} nodes, not {}; give another --dir",
                                                         cluster.directory(), cluster.nodes().size(),
                                                         *arguments.nodes));
    }
    if (arguments.base_port.has_value() && *arguments.base_port != cluster.options().base_port) {
        return absl::FailedPreconditionError(fmt::format("{} holds a cluster on port {}, not {}; give another --dir",
                                                         cluster.directory(), cluster.options().base_port,
                                                         *arguments.base_port));
    }
    return absl::OkStatus();
}

absl::StatusOr<LocalCluster> open_or_create(const LocalArguments& arguments) {
    absl::StatusOr<LocalCluster> cluster = LocalCluster::open(arguments.directory);
    if (cluster.ok()) {
        absl::Status same = check_same_shape(*cluster, arguments);
        if (!same.ok()) return same;
        cluster->set_program(arguments.kvorumd, arguments.extra_flags);
        return cluster;
    }
    if (!absl::IsNotFound(cluster.status())) return cluster;
    LocalClusterOptions options;
    options.nodes = arguments.nodes.value_or(options.nodes);
    options.base_port = arguments.base_port.value_or(options.base_port);
    options.cluster_name = arguments.cluster_name;
    options.kvorumd = arguments.kvorumd;
    options.extra_flags = arguments.extra_flags;
    return LocalCluster::create(arguments.directory, options);
}

// A line for those whose OK means nothing; empty for the others.
std::string volatile_notice(const NodeStatus& status) {
    if (status.field("wal_storage_volatile") != "1") return {};
    return fmt::format("node {}: VOLATILE STORAGE: {}; what it acknowledges is lost with the power\n", status.id,
                       status.field("wal_storage_volatile_because"));
}

void print_endpoints(const LocalCluster& cluster) {
    std::string notices;
    for (const LocalNode& node : cluster.nodes()) {
        const absl::StatusOr<NodeStatus> status = fetch_node_status(node.client(), kStatusTimeoutMs);
        if (status.ok()) notices += volatile_notice(*status);
        fmt::print("node {}  {}  {:<9}  pid {}\n", node.id, node.client().to_string(),
                   status.ok() ? status->role : "no answer", node.process.pid);
    }
    fmt::print("{}", notices);
}

int run_start(const LocalArguments& arguments) {
    if (access(arguments.kvorumd.c_str(), X_OK) != 0) {
        return fail(absl::FailedPreconditionError(
            fmt::format("there is no program {}; build it, or name it with --kvorumd PATH", arguments.kvorumd)));
    }
    absl::StatusOr<LocalCluster> cluster = open_or_create(arguments);
    if (!cluster.ok()) return fail(cluster.status());
    const absl::StatusOr<uint32_t> started = cluster->start_all();
    if (!started.ok()) {
        cluster->undo_start_all();
        return fail(started.status());
    }
    Progress progress("a leader");
    const absl::Status ready = cluster->wait_until_ready(
        arguments.timeout_s * 1000,
        [&](uint64_t waited_ms, const std::string& loading) { progress.show(waited_ms, loading); });
    progress.clear();
    if (!ready.ok()) {
        cluster->undo_start_all();
        return fail(ready);
    }
    if (*started == 0) {
        fmt::print("already running in {}\n", cluster->directory());
    } else if (*started < cluster->nodes().size()) {
        fmt::print("started {} of {} nodes; the others were running\n", *started, cluster->nodes().size());
    }
    print_endpoints(*cluster);
    return kExitDone;
}

// Runs `action` on the cluster of the directory that the user named.
template <typename Action>
int with_cluster(const LocalArguments& arguments, Action action) {
    absl::StatusOr<LocalCluster> cluster = LocalCluster::open(arguments.directory);
    if (!cluster.ok()) return fail(cluster.status());
    return action(*cluster);
}

template <typename Action>
int with_node(const LocalArguments& arguments, Action action) {
    return with_cluster(arguments, [&](LocalCluster& cluster) {
        const absl::StatusOr<const LocalNode*> node = cluster.find(arguments.node);
        return node.ok() ? action(cluster, **node) : fail(node.status());
    });
}

void stop_node(LocalCluster& cluster, const LocalNode& node, uint32_t timeout_s) {
    if (!cluster.is_running(node)) {
        fmt::print("node {} was not running\n", node.id);
    } else if (cluster.stop(node.id, timeout_s * 1000)) {
        fmt::print("node {} stopped\n", node.id);
    } else {
        fmt::print(stderr, "kvorum: warning: node {} did not end within {} s of SIGTERM and was killed; see {}\n",
                   node.id, timeout_s, cluster.log_path(node));
    }
}

int run_stop(const LocalArguments& arguments) {
    return with_cluster(arguments, [&](LocalCluster& cluster) {
        for (const LocalNode& node : cluster.nodes())
            stop_node(cluster, node, arguments.timeout_s);
        return kExitDone;
    });
}

int run_kill(const LocalArguments& arguments) {
    return with_node(arguments, [](LocalCluster& cluster, const LocalNode& node) {
        const bool was_running = cluster.is_running(node);
        cluster.kill(node.id);
        fmt::print("node {} {}\n", node.id, was_running ? "killed" : "was not running");
        return kExitDone;
    });
}

int run_restart(const LocalArguments& arguments) {
    return with_node(arguments, [&](LocalCluster& cluster, const LocalNode& node) {
        if (cluster.is_running(node)) stop_node(cluster, node, arguments.timeout_s);
        const absl::Status started = cluster.start(node.id);
        if (!started.ok()) return fail(started);
        Progress progress(fmt::format("node {}", node.id));
        const absl::Status answers = cluster.wait_until_answers(
            node, arguments.timeout_s * 1000,
            [&](uint64_t waited_ms, const std::string& loading) { progress.show(waited_ms, loading); });
        progress.clear();
        if (!answers.ok()) return fail(answers);
        fmt::print("node {} started, pid {}\n", node.id, node.process.pid);
        return kExitDone;
    });
}

int run_status(const LocalArguments& arguments) {
    return with_cluster(arguments, [](LocalCluster& cluster) {
        std::vector<std::vector<std::string>> rows{
            {"node", "endpoint", "pid", "role", "term", "commit", "applied", "keys", "state"}};
        bool healthy = true;
        std::string notices;
        for (const LocalNode& node : cluster.nodes()) {
            std::vector<std::string> row{std::to_string(node.id), node.client().to_string()};
            if (!cluster.is_running(node)) {
                row.insert(row.end(), {"-", "dead", "-", "-", "-", "-", "-"});
                healthy = false;
            } else if (const auto status = fetch_node_status(node.client(), kStatusTimeoutMs); !status.ok()) {
                row.insert(row.end(), {std::to_string(node.process.pid), "no answer", "-", "-", "-", "-", "-"});
                healthy = false;
            } else {
                row.insert(row.end(), {std::to_string(node.process.pid), status->role, std::to_string(status->term),
                                       std::to_string(status->commit_index), std::to_string(status->last_applied),
                                       std::to_string(status->keys), status->state_hash});
                notices += volatile_notice(*status);
            }
            rows.push_back(std::move(row));
        }
        fmt::print("{}{}", format_table(rows), notices);
        return healthy ? kExitDone : kExitUnhealthy;
    });
}

void add_start(CLI::App& local, const std::shared_ptr<LocalArguments>& arguments, int& exit_code) {
    CLI::App* start = local.add_subcommand(
        "start",
        "Starts the nodes that do not run and returns when there is a leader that answers.\n"
        "On a directory that holds a cluster its nodes come back with their data.\n"
        "A start that fails is undone; of a new cluster nothing is left.\n"
        "Node I listens on base-port + I - 1 for clients, and 10000 above that for the other nodes.");
    start->add_option("--dir", arguments->directory, "Directory of the cluster")->capture_default_str();
    start->add_option("--nodes", arguments->nodes,
                      fmt::format("How many, 1 to {}; 3 unless the directory says otherwise", kLocalNodesMax));
    start->add_option("--base-port", arguments->base_port,
                      "Client port of node 1; 7001 unless the directory says otherwise");
    start->add_option("--cluster", arguments->cluster_name, "Name of a new cluster")->capture_default_str();
    start->add_option("--kvorumd", arguments->kvorumd, "The server program; the one beside this program unless given");
    start->add_option("--timeout-s", arguments->timeout_s, "How long to wait for the leader")->capture_default_str();
    start->add_option("kvorumd-flags", arguments->extra_flags,
                      "After --: flags for every kvorumd, for example -- --log-level debug");
    start->footer("Then: redis-cli -p 7001 SET greeting hello; redis-cli -p 7002 GET greeting");
    start->callback([arguments, &exit_code] {
        if (arguments->kvorumd.empty()) arguments->kvorumd = kvorumd_beside_us();
        exit_code = run_start(*arguments);
    });
}

using Run = int (*)(const LocalArguments&);

CLI::App* add_simple(CLI::App& local, const std::string& name, const std::string& help,
                     const std::shared_ptr<LocalArguments>& arguments, int& exit_code, Run run) {
    CLI::App* command = local.add_subcommand(name, help);
    command->add_option("--dir", arguments->directory, "Directory of the cluster")->capture_default_str();
    command->callback([arguments, &exit_code, run] { exit_code = run(*arguments); });
    return command;
}

}  // namespace

void add_local_command(CLI::App& app, int& exit_code) {
    CLI::App* local = app.add_subcommand("local", "A cluster on this machine: start, status, stop, kill, restart");
    local->require_subcommand(1);
    const auto arguments = std::make_shared<LocalArguments>();
    add_start(*local, arguments, exit_code);
    CLI::App* stop = add_simple(*local, "stop", "Stops the nodes in order (SIGTERM); their data stays.", arguments,
                                exit_code, run_stop);
    stop->add_option("--timeout-s", arguments->timeout_s, "Time for a node to end before it is killed")
        ->capture_default_str();
    add_simple(*local, "status", "One line per node; exit code 3 when one is dead or does not answer.", arguments,
               exit_code, run_status);
    CLI::App* kill =
        add_simple(*local, "kill", "Kills a node as a crash would (SIGKILL).", arguments, exit_code, run_kill);
    kill->add_option("--node", arguments->node, "Which one")->required();
    CLI::App* restart = add_simple(*local, "restart",
                                   "Starts a node that is down, and returns when it answers; one that runs is "
                                   "stopped first.",
                                   arguments, exit_code, run_restart);
    restart->add_option("--node", arguments->node, "Which one")->required();
    restart->add_option("--timeout-s", arguments->timeout_s, "Time for it to end before it is killed, and to answer")
        ->capture_default_str();
}

}  // namespace kvorum::tools
