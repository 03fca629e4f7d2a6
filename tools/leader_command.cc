// kvorum leader transfer: has the leadership handed over, and waits until somebody leads.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/node_status.h"

namespace kvorum::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kLookInterval = std::chrono::milliseconds(5);

struct TransferArguments {
    std::string address;
    uint64_t node = 0;  // 0: the leader chooses
    uint32_t timeout_ms = 10'000;
};

struct Leadership {
    reactor::Endpoint endpoint;
    uint64_t id = 0;
    uint64_t term = 0;
};

absl::StatusOr<Leadership> find_leader(const reactor::Endpoint& node, uint32_t timeout_ms) {
    const absl::StatusOr<NodeStatus> status = fetch_node_status(node, timeout_ms);
    if (!status.ok()) return status.status();
    if (status->is_leader()) return Leadership{node, status->id, status->term};
    const auto leader = reactor::Endpoint::parse(status->leader);
    if (!leader.has_value())
        return absl::UnavailableError(fmt::format("{} knows no leader at present", node.to_string()));
    return Leadership{*leader, status->leader_id, status->term};
}

absl::Status ask_to_hand_over(NodeConnection& connection, uint64_t target) {
    const std::string id = std::to_string(target);
    std::vector<std::string_view> words{"KVORUM", "LEADER", "TRANSFER"};
    if (target != 0) words.push_back(id);
    const absl::StatusOr<NodeConnection::Reply> reply = connection.ask(words);
    if (!reply.ok()) return reply.status();
    if ((*reply)->type == REDIS_REPLY_ERROR) return absl::FailedPreconditionError((*reply)->str);
    return absl::OkStatus();
}

// The old leader knows first: it follows the next one, or leads on.
absl::StatusOr<NodeStatus> wait_for_next_leader(NodeConnection& connection, const Leadership& old,
                                                Clock::time_point deadline) {
    while (Clock::now() < deadline) {
        absl::StatusOr<NodeStatus> status = ask_node_status(connection, old.endpoint);
        if (!status.ok()) return status.status();
        if (status->leader_id != 0 && status->leader_id != old.id) return status;
        if (status->is_leader() && status->field("raft_transfer_target_id") == "0") {
            return absl::AbortedError(
                fmt::format("the transfer failed: node {} at {} still leads", old.id, old.endpoint.to_string()));
        }
        std::this_thread::sleep_for(kLookInterval);
    }
    return absl::DeadlineExceededError("no new leader is known yet");
}

absl::Status transfer(const reactor::Endpoint& node, const TransferArguments& arguments) {
    const absl::StatusOr<Leadership> old = find_leader(node, arguments.timeout_ms);
    if (!old.ok()) return old.status();
    absl::StatusOr<NodeConnection> connection = NodeConnection::connect(old->endpoint, arguments.timeout_ms);
    if (!connection.ok()) return connection.status();
    const auto begun = Clock::now();
    if (const absl::Status asked = ask_to_hand_over(*connection, arguments.node); !asked.ok()) return asked;
    const absl::StatusOr<NodeStatus> next =
        wait_for_next_leader(*connection, *old, begun + std::chrono::milliseconds(arguments.timeout_ms));
    if (!next.ok()) return next.status();
    const auto lasted = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
    fmt::print("node {} at {} leads in term {}, after {} ms\n", next->leader_id, next->leader, next->term,
               lasted.count());
    return absl::OkStatus();
}

int run_transfer(const TransferArguments& arguments) {
    const auto endpoint = reactor::Endpoint::parse(arguments.address);
    if (!endpoint.has_value()) {
        fmt::print(stderr, "kvorum: '{}' is not an address; give HOST:PORT, for example 127.0.0.1:7001\n",
                   arguments.address);
        return kExitUsage;
    }
    const absl::Status done = transfer(*endpoint, arguments);
    if (done.ok()) return kExitDone;
    fmt::print(stderr, "kvorum: {}\n", std::string(done.message()));
    return kExitFailed;
}

}  // namespace

void add_leader_command(CLI::App& app, int& exit_code) {
    CLI::App* leader = app.add_subcommand("leader", "Moves the leadership from one node to another.");
    leader->require_subcommand(1);
    const auto arguments = std::make_shared<TransferArguments>();
    CLI::App* transfer = leader->add_subcommand(
        "transfer",
        "Has the leader hand over, and waits until the next one is known. Writes wait meanwhile, none fails.");
    constexpr uint32_t kTimeoutMsMax = 3'600'000;
    transfer->add_option("address", arguments->address, "Where any node listens for clients, HOST:PORT")->required();
    transfer
        ->add_option("node", arguments->node, "The id of the node that shall lead; by default the one that holds most")
        ->check(CLI::PositiveNumber);
    transfer->add_option("--timeout-ms", arguments->timeout_ms, "For all of it")
        ->capture_default_str()
        ->check(CLI::Range(uint32_t{1}, kTimeoutMsMax));
    transfer->footer(
        "Exit codes: 0 another node leads; 1 none does, the message says why; 2 wrong arguments.\n"
        "A password is taken from the environment, REDISCLI_AUTH.");
    transfer->callback([arguments, &exit_code] { exit_code = run_transfer(*arguments); });
}

}  // namespace kvorum::tools
