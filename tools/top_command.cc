// kvorum top: a cluster at work, looked at again and again.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/node_status.h"
#include "tools/top_view.h"

namespace kvorum::tools {
namespace {

using Clock = std::chrono::steady_clock;

struct TopArguments {
    std::vector<std::string> addresses;
    double interval_s = 1;
    bool once = false;
    uint32_t timeout_ms = 2000;
};

std::vector<NodeLook> look(const std::vector<reactor::Endpoint>& endpoints, uint32_t timeout_ms) {
    std::vector<NodeLook> looks;
    for (const reactor::Endpoint& endpoint : endpoints) {
        absl::StatusOr<NodeStatus> status = fetch_node_status(endpoint, timeout_ms);
        looks.push_back({endpoint, status.ok() ? std::optional(*std::move(status)) : std::nullopt});
    }
    return looks;
}

// One address stands for its cluster, as its leader knows it.
absl::StatusOr<std::vector<reactor::Endpoint>> all_nodes(const reactor::Endpoint& node, uint32_t timeout_ms) {
    const absl::StatusOr<NodeStatus> status = fetch_node_status(node, timeout_ms);
    if (!status.ok()) return status.status();
    if (status->is_leader()) return cluster_endpoints(*status, node);
    const auto leader_endpoint = reactor::Endpoint::parse(status->leader);
    if (!leader_endpoint.has_value()) return std::vector{node};
    const absl::StatusOr<NodeStatus> leader = fetch_node_status(*leader_endpoint, timeout_ms);
    if (!leader.ok()) return std::vector{node};
    return cluster_endpoints(*leader, *leader_endpoint);
}

int run_top(const TopArguments& arguments) {
    std::vector<reactor::Endpoint> endpoints;
    for (const std::string& address : arguments.addresses) {
        const auto endpoint = reactor::Endpoint::parse(address);
        if (!endpoint.has_value()) {
            fmt::print(stderr, "kvorum: '{}' is not an address; give HOST:PORT, for example 127.0.0.1:7001\n", address);
            return kExitUsage;
        }
        endpoints.push_back(*endpoint);
    }
    if (endpoints.size() == 1) {
        absl::StatusOr<std::vector<reactor::Endpoint>> found = all_nodes(endpoints.front(), arguments.timeout_ms);
        if (!found.ok()) {
            fmt::print(stderr, "kvorum: {}\n", std::string(found.status().message()));
            return kExitFailed;
        }
        endpoints = *std::move(found);
    }
    const bool clears_screen = isatty(STDOUT_FILENO) == 1 && !arguments.once;
    std::vector<NodeLook> before = look(endpoints, arguments.timeout_ms);
    auto before_at = Clock::now();
    while (true) {
        std::this_thread::sleep_for(std::chrono::duration<double>(arguments.interval_s));
        std::vector<NodeLook> now = look(endpoints, arguments.timeout_ms);
        const auto now_at = Clock::now();
        const double seconds = std::chrono::duration<double>(now_at - before_at).count();
        fmt::print("{}{}", clears_screen ? "\x1b[H\x1b[2J" : "", format_top(before, now, seconds));
        if (clears_screen) fmt::print("\nevery {:g} s; Ctrl-C ends\n", arguments.interval_s);
        if (arguments.once) return kExitDone;
        if (!clears_screen) fmt::print("\n");
        if (std::fflush(stdout) != 0) return kExitFailed;  // said at the end of the program
        before = std::move(now);
        before_at = now_at;
    }
}

}  // namespace

void add_top_command(CLI::App& app, int& exit_code) {
    const auto arguments = std::make_shared<TopArguments>();
    CLI::App* top = app.add_subcommand(
        "top",
        "A cluster at work: for each node its role and its commands, writes and syncs a second; for the\n"
        "leader in which stage of a write the time goes. One address stands for the whole cluster.\n"
        "  queue   a write waits for its batch      sync    ... for the leader's disk\n"
        "  quorum  ... for the disks of a majority  apply   ... to be carried out");
    top->add_option("address", arguments->addresses, "Where nodes listen for clients, HOST:PORT")->required();
    top->add_option("--interval", arguments->interval_s, "Seconds between looks")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 3600.0));
    top->add_flag("--once", arguments->once, "Two looks, one table");
    top->add_option("--timeout-ms", arguments->timeout_ms, "For connecting and for an answer, each")
        ->capture_default_str();
    top->footer("Into a file or a pipe it prints one table after another.");
    top->callback([arguments, &exit_code] { exit_code = run_top(*arguments); });
}

}  // namespace kvorum::tools
