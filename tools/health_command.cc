// kvorum health: the probe for scripts.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/cluster_health.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/table.h"

namespace kvorum::tools {
namespace {

struct HealthArguments {
    std::vector<std::string> addresses = {"127.0.0.1:7001"};
    bool json = false;
    uint32_t timeout_ms = 3000;
};

int exit_code_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::kHealthy: return kExitDone;
        case Verdict::kDegraded: return kExitUnhealthy;
        case Verdict::kNoCommit: return kExitNoCommit;
        case Verdict::kUnreachable: break;
    }
    return kExitUnreachable;
}

double to_ms(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

std::string to_json(const ClusterHealth& health) {
    nlohmann::ordered_json json{{"verdict", verdict_name(health.verdict)},
                                {"exit_code", exit_code_of(health.verdict)},
                                {"nodes", nlohmann::ordered_json::array()}};
    for (const NodeHealth& node : health.nodes) {
        nlohmann::ordered_json row{{"address", node.endpoint.to_string()},
                                   {"answers", node.answers},
                                   {"commits", node.commits},
                                   {"reads", node.reads}};
        if (node.answers) row.update({{"id", node.id}, {"role", node.role}, {"term", node.term}});
        if (node.commits) row["commit_ms"] = to_ms(node.commit_ns);
        if (!node.problem.empty()) row["problem"] = node.problem;
        json["nodes"].push_back(std::move(row));
    }
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string to_text(const ClusterHealth& health) {
    std::vector<std::vector<std::string>> rows{{"node", "address", "role", "term", "write", "read"}};
    for (const NodeHealth& node : health.nodes) {
        rows.push_back({node.answers ? std::to_string(node.id) : "-", node.endpoint.to_string(),
                        node.answers ? node.role : "-", node.answers ? std::to_string(node.term) : "-",
                        node.commits ? fmt::format("{:.1f} ms", to_ms(node.commit_ns)) : "no",
                        node.reads ? "yes" : "no"});
        if (!node.problem.empty()) rows.back().push_back(node.problem);
    }
    return fmt::format("{}{}\n", format_table(rows), verdict_name(health.verdict));
}

int run_health(const HealthArguments& arguments) {
    std::vector<reactor::Endpoint> endpoints;
    for (const std::string& address : arguments.addresses) {
        const auto endpoint = reactor::Endpoint::parse(address);
        if (!endpoint.has_value()) {
            fmt::print(stderr, "kvorum: '{}' is not an address; give HOST:PORT, for example 127.0.0.1:7001\n", address);
            return kExitUsage;
        }
        endpoints.push_back(*endpoint);
    }
    const ClusterHealth health = probe_cluster(endpoints, arguments.timeout_ms);
    fmt::print("{}", arguments.json ? to_json(health) + "\n" : to_text(health));
    return exit_code_of(health.verdict);
}

}  // namespace

void add_health_command(CLI::App& app, int& exit_code) {
    const auto arguments = std::make_shared<HealthArguments>();
    CLI::App* health = app.add_subcommand(
        "health",
        "Has a write committed and a read answered through every node, those included that the given ones know of.\n"
        "Nothing is left behind: the write is GETEX of kvorum:health, which goes through the log and changes nothing.");
    constexpr uint32_t kTimeoutMsMax = 3'600'000;
    health->add_option("address", arguments->addresses, "Where nodes listen for clients, HOST:PORT")
        ->capture_default_str();
    health->add_flag("--json", arguments->json, "Machine-readable");
    health->add_option("--timeout-ms", arguments->timeout_ms, "For all answers of a node together")
        ->capture_default_str()
        ->check(CLI::Range(uint32_t{1}, kTimeoutMsMax));
    health->footer(
        "Exit codes: 0 every node serves; 3 writes are committed, but some node does not serve; 4 nodes answer, but "
        "no\n"
        "write is committed (no quorum); 5 no node answers; 1 the result could not be printed; 2 wrong arguments.\n"
        "A password is taken from the environment, REDISCLI_AUTH.");
    health->callback([arguments, &exit_code] { exit_code = run_health(*arguments); });
}

}  // namespace kvorum::tools
