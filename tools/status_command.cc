// kvorum status: one node, as it sees itself.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/node_status.h"
#include "tools/table.h"

namespace kvorum::tools {
namespace {

struct StatusArguments {
    std::string address;
    bool json = false;
    uint32_t timeout_ms = 2000;
};

std::string to_json(const NodeStatus& status) {
    nlohmann::ordered_json json{{"id", status.id},
                                {"role", status.role},
                                {"leader_id", status.leader_id},
                                {"leader", status.leader},
                                {"term", status.term},
                                {"commit_index", status.commit_index},
                                {"last_applied", status.last_applied},
                                {"last_index", status.last_index},
                                {"durable_index", status.durable_index},
                                {"members", status.members},
                                {"keys", status.keys},
                                {"state_hash", status.state_hash}};
    json["peers"] = nlohmann::ordered_json::array();
    for (const PeerLine& peer : status.peers) {
        json["peers"].push_back({{"id", peer.id},
                                 {"state", peer.state},
                                 {"active", peer.active},
                                 {"match_index", peer.match_index},
                                 {"lag_entries", peer.lag_entries}});
    }
    json["info"] = status.fields;
    return json.dump(2);
}

void print_for_people(const NodeStatus& status) {
    fmt::print("node {} of {}: {}{}\n", status.id, status.members, status.role,
               status.is_leader()      ? ""
               : status.leader.empty() ? ", knows no leader"
                                       : fmt::format(", leader is node {} at {}", status.leader_id, status.leader));
    fmt::print("  term {}   log: last {}  durable {}  committed {}  applied {}\n", status.term, status.last_index,
               status.durable_index, status.commit_index, status.last_applied);
    fmt::print("  keys {}   memory {}   clients {}   up {} s   state hash {}\n", status.keys,
               status.field("used_memory_human"), status.field("connected_clients"), status.field("uptime_in_seconds"),
               status.state_hash);
    fmt::print("  disk: {} ({}), direct I/O {}{}\n", status.field("wal_device"), status.field("wal_filesystem"),
               status.field("wal_direct_io"),
               status.field("wal_storage_volatile") == "1" ? "; VOLATILE STORAGE: lost with the power" : "");
    fmt::print("  log: sync by {}, p50 {} us, p99 {} us, {} syncs, {} bytes in {} groups, {} segments{}\n",
               status.field("wal_sync_method"), status.field("wal_sync_usec_p50"), status.field("wal_sync_usec_p99"),
               status.field("wal_syncs"), status.field("wal_bytes_written"), status.field("wal_groups"),
               status.field("wal_segments"),
               status.field("wal_low_on_space") == "1" ? "; LOW ON SPACE: writes are refused" : "");
    if (status.peers.empty()) return;
    std::vector<std::vector<std::string>> rows{{"  peer", "state", "in touch", "has up to", "behind by"}};
    for (const PeerLine& peer : status.peers) {
        rows.push_back({fmt::format("  {}", peer.id), peer.state, peer.active ? "yes" : "NO",
                        std::to_string(peer.match_index), std::to_string(peer.lag_entries)});
    }
    fmt::print("{}", format_table(rows));
}

int run_status(const StatusArguments& arguments) {
    const auto endpoint = reactor::Endpoint::parse(arguments.address);
    if (!endpoint.has_value()) {
        fmt::print(stderr, "kvorum: '{}' is not an address; give HOST:PORT, for example 127.0.0.1:7001\n",
                   arguments.address);
        return kExitUsage;
    }
    const absl::StatusOr<NodeStatus> status = fetch_node_status(*endpoint, arguments.timeout_ms);
    if (!status.ok()) {
        fmt::print(stderr, "kvorum: {}\n", std::string(status.status().message()));
        return kExitFailed;
    }
    if (arguments.json) {
        fmt::print("{}\n", to_json(*status));
    } else {
        print_for_people(*status);
    }
    return status->leader_id == 0 ? kExitUnhealthy : kExitDone;
}

}  // namespace

void add_status_command(CLI::App& app, int& exit_code) {
    const auto arguments = std::make_shared<StatusArguments>();
    CLI::App* status = app.add_subcommand("status",
                                          "One node as it sees itself: role, term, log indices, peers and their lag, "
                                          "disk.\nExit code 3 when it knows no leader.");
    status->add_option("address", arguments->address, "Where it listens for clients, HOST:PORT")->required();
    status->add_flag("--json", arguments->json, "Machine-readable, with every field of INFO");
    status->add_option("--timeout-ms", arguments->timeout_ms, "For connecting and for the answer, each")
        ->capture_default_str();
    status->callback([arguments, &exit_code] { exit_code = run_status(*arguments); });
}

}  // namespace kvorum::tools
