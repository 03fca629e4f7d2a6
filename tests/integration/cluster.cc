#include "tests/integration/cluster.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "base/assert.h"

namespace kvorum::integration {
namespace {

constexpr uint32_t kAskTimeoutMs = 1000;
constexpr uint32_t kStopTimeoutMs = 20'000;
constexpr uint32_t kKillTimeoutMs = 20'000;
constexpr auto kLeaderDeadline = Milliseconds(30'000);

}  // namespace

Cluster::Cluster(ClusterOptions options)
    : options_(std::move(options)), ports_(2 * options_.nodes), processes_(options_.nodes) {
    if (options_.directory.empty()) {
        own_directory_.emplace();
        options_.directory = own_directory_->path();
    }
}

Cluster::~Cluster() {
    kill_all();
    if (!testing::Test::HasFailure()) return;
    for (uint32_t node = 1; node <= size(); ++node)
        fmt::print("--- the end of the log of node {}:\n{}\n", node, tools::last_lines(log_path(node), 30));
}

std::string Cluster::data_directory(uint32_t node) const { return fmt::format("{}/node-{}", options_.directory, node); }

std::string Cluster::log_path(uint32_t node) const { return fmt::format("{}/node-{}.log", options_.directory, node); }

std::vector<std::string> Cluster::arguments(uint32_t node) const {
    std::vector<std::string> all{"--id",        std::to_string(node), "--cluster",
                                 options_.name, "--data-dir",         data_directory(node)};
    for (uint32_t member = 1; member <= size(); ++member) {
        all.emplace_back("--member");
        const uint16_t peer = route_ && member != node ? route_(node, member) : peer_port(member);
        const std::string address = options_.address ? options_.address(member) : "127.0.0.1";
        all.push_back(fmt::format("{}={}:{}/{}:{}", member, address, peer, address, client_port(member)));
    }
    all.insert(all.end(), options_.flags.begin(), options_.flags.end());
    if (options_.node_flags) {
        const std::vector<std::string> own = options_.node_flags(node);
        all.insert(all.end(), own.begin(), own.end());
    }
    return all;
}

void Cluster::start(uint32_t node) {
    if (is_running(node)) return;
    // setpriv becomes kvorumd; the kernel kills it when this program dies, even by SIGKILL.
    std::vector<std::string> command{"--pdeathsig", "KILL"};
    const auto program = options_.command ? options_.command(node) : std::vector{program_path("kvorumd")};
    const std::vector<std::string> flags = arguments(node);
    command.insert(command.end(), program.begin(), program.end());
    command.insert(command.end(), flags.begin(), flags.end());
    const auto process = tools::start_in_background("/usr/bin/setpriv", command, log_path(node));
    KVORUM_ASSERT(process.ok(), "{}", std::string(process.status().message()));
    processes_[node - 1] = *process;
}

void Cluster::start_all() {
    for (uint32_t node = 1; node <= size(); ++node)
        start(node);
}

void Cluster::kill(uint32_t node) {
    tools::send_signal(processes_[node - 1], SIGKILL);
    KVORUM_ASSERT(tools::wait_for_exit(processes_[node - 1], kKillTimeoutMs), "node {} outlives SIGKILL", node);
}

void Cluster::kill_all() {
    for (const tools::ProcessId& process : processes_)
        tools::send_signal(process, SIGKILL);
    for (uint32_t node = 1; node <= size(); ++node)
        kill(node);
}

void Cluster::pause(uint32_t node) { tools::send_signal(processes_[node - 1], SIGSTOP); }

void Cluster::resume(uint32_t node) { tools::send_signal(processes_[node - 1], SIGCONT); }

bool Cluster::wait_for_exit(uint32_t node, Milliseconds deadline) const {
    return tools::wait_for_exit(processes_[node - 1], static_cast<uint32_t>(deadline.count()));
}

bool Cluster::stop(uint32_t node) {
    tools::send_signal(processes_[node - 1], SIGTERM);
    if (tools::wait_for_exit(processes_[node - 1], kStopTimeoutMs)) return true;
    kill(node);
    return false;
}

bool Cluster::is_running(uint32_t node) const { return tools::is_running(processes_[node - 1]); }

std::optional<tools::NodeStatus> Cluster::status(uint32_t node) const {
    auto status = tools::fetch_node_status(endpoint(node), kAskTimeoutMs);
    if (!status.ok()) return std::nullopt;
    return *std::move(status);
}

std::optional<uint32_t> Cluster::find_leader() const {
    for (uint32_t node = 1; node <= size(); ++node) {
        if (!is_running(node)) continue;
        const auto seen = status(node);
        if (seen.has_value() && seen->is_leader() && tools::serves_reads(endpoint(node), kAskTimeoutMs)) return node;
    }
    return std::nullopt;
}

uint32_t Cluster::wait_for_leader() const {
    std::optional<uint32_t> leader;
    const bool found = wait_until(kLeaderDeadline, [&] { return (leader = find_leader()).has_value(); });
    if (!found) {
        for (uint32_t node = 1; node <= size(); ++node)
            fmt::print("--- the end of the log of node {}:\n{}\n", node, tools::last_lines(log_path(node), 30));
    }
    KVORUM_ASSERT(found, "no leader within {} ms; logs in {}", kLeaderDeadline.count(), options_.directory);
    return *leader;
}

uint32_t Cluster::wait_for_follower() const {
    const uint32_t leader = wait_for_leader();
    uint32_t follower = 0;
    const bool found = wait_until(kLeaderDeadline, [&] {
        for (uint32_t node = 1; node <= size() && follower == 0; ++node) {
            const auto seen = node == leader ? std::nullopt : status(node);
            if (seen.has_value() && seen->leader_id == leader) follower = node;
        }
        return follower != 0;
    });
    KVORUM_ASSERT(found, "no follower knows the leader within {} ms", kLeaderDeadline.count());
    return follower;
}

bool Cluster::wait_until_caught_up(uint32_t node, Milliseconds deadline) const {
    std::optional<uint64_t> goal;
    return wait_until(deadline, [&] {
        if (!goal.has_value()) {
            const auto leader = find_leader();
            const auto seen = leader.has_value() ? status(*leader) : std::nullopt;
            if (seen.has_value()) goal = seen->commit_index;
        }
        const auto own = status(node);
        return goal.has_value() && own.has_value() && own->last_applied >= *goal;
    });
}

bool Cluster::wait_until_equal(Milliseconds deadline) const {
    return wait_until(deadline, [&] {
        const auto first = status(1);
        for (uint32_t node = 2; node <= size(); ++node) {
            const auto other = status(node);
            if (!first.has_value() || !other.has_value() || other->last_applied != first->last_applied ||
                other->state_hash != first->state_hash) {
                return false;
            }
        }
        return first.has_value();
    });
}

}  // namespace kvorum::integration
