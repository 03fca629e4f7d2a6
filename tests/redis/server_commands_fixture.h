// A fake node and what the tests of server commands share: run a command, read its reply.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/config_options.h"
#include "redis/resp_reply_parser.h"
#include "redis/server_commands.h"

namespace kvorum::redis {

// A node of a cluster of three, leader unless a test says otherwise.
class FakeNode final : public NodeFacade {
 public:
    uint32_t clients_possible = UINT32_MAX;
    raft::TransferStart transfer_start{.status = raft::TransferStatus::kStarted};  // to any target
    std::vector<NodeId> transfer_targets;
    replica::SnapshotFacts snapshot_facts{
        .last_index = LogIndex{60}, .last_revision = Revision{70}, .last_saved_wall_ms = 1'699'999'990'999};
    FakeNode() {
        config_.id = NodeId{1};
        config_.data_directory = "/data";
        for (uint16_t i = 1; i <= 3; ++i) {
            config_.members.push_back({.id = NodeId{i},
                                       .peer = {.host = "127.0.0.1", .port = static_cast<uint16_t>(17000 + i)},
                                       .client = {.host = "127.0.0.1", .port = static_cast<uint16_t>(7000 + i)}});
        }
        for (const Member& member : config_.members)
            watch.saw(member.id, true, 0);
        status.self = NodeId{1};
        status.role = raft::Role::kLeader;
        status.leader = NodeId{1};
        status.term = Term{4};
        status.commit_index = LogIndex{70};
        status.last_applied = LogIndex{69};
        status.last_index = LogIndex{72};
        status.durable_index = LogIndex{71};
        status.peers = {{.id = NodeId{2},
                         .match_index = LogIndex{70},
                         .next_index = LogIndex{73},
                         .recently_active = true,
                         .state = "replicate"},
                        {.id = NodeId{3},
                         .match_index = LogIndex{12},
                         .next_index = LogIndex{13},
                         .recently_active = false,
                         .state = "probe"}};
        counter.started_at_ns = 1 * kSecondNs;
        counter.connections_received = 5;
        for (int i = 0; i < 7; ++i)
            EXPECT_TRUE(command_statistics.answered("get", i < 5 ? "" : "ERR"));
    }

    void follow(NodeId leader) {
        status.role = raft::Role::kFollower;
        status.leader = leader;
        status.peers.clear();
    }

    uint64_t now_ns() override { return 100 * kSecondNs; }
    int64_t wall_clock_ms() override { return 1'700'000'000'123; }
    int64_t wall_clock_us() override { return 1'700'000'000'123'456; }
    const NodeConfig& config() override { return config_; }
    ClusterId cluster() const override { return ClusterId{0x77}; }
    raft::Status raft_status() override { return status; }
    raft::TransferStart transfer_leadership(NodeId target) override {
        transfer_targets.push_back(target);
        return transfer_start;
    }
    const NodeCounters& counters() const override { return counter; }
    const reactor::TurnFacts& turns() const override { return turn_facts; }
    void reset_counters() override {
        counter = {};
        command_statistics.reset();
    }
    LogCounters log_counters() override {
        return {.groups = 3,
                .bytes_written = 4096,
                .syncs = 2,
                .segments = 1,
                .sync_p50_ns = 2000,
                .sync_p99_ns = 9000,
                .sync_method = "fdatasync",
                .device = "vda",
                .filesystem = "tmpfs",
                .direct_io = "buffered",
                .volatile_because = "it is memory"};
    }
    KeyspaceFacts keyspace() override {
        return {.keys = keys,
                .keys_with_expiry = 1,
                .memory_bytes = 916384,
                .counted_bytes = 900'000,
                .memory_limit_bytes = 1'000'000,
                .state_hash = 0xabc,
                .revision = Revision{77},
                .history_floor = Revision{5},
                .tombstones = 3};
    }
    replica::SnapshotFacts snapshots() override { return snapshot_facts; }
    bool save_snapshot() override {
        if (snapshot_facts.saving) return false;
        snapshot_facts.saving = true;
        return true;
    }
    LoadingFacts loading() override { return load; }
    uint64_t key_count_in_slot(uint16_t slot) override { return slot == 5 ? 9 : 0; }
    bool peer_connected(NodeId peer) override { return peer != unreachable; }
    const MemberWatch& members_seen() override {
        for (const Member& member : config_.members)
            watch.saw(member.id, peer_connected(member.id), unreachable_since_ns);
        watch.saw_leader(status.leader);
        return watch;
    }
    void visit_peer_links(const std::function<void(const PeerLinkFacts&)>& visit) override {
        for (const Member& member : config_.members) {
            if (member.id != status.self && peer_connected(member.id))
                visit({.peer = member.id, .connected_at_wall_ms = 1'699'999'999'000, .queued_bytes = 10});
        }
    }
    const gateway::BufferBudget& buffers() override { return buffers_; }
    void visit_clients(const std::function<void(ClientState&)>& visit) override {
        for (ClientState* client : clients)
            visit(*client);
    }
    bool close_client(uint64_t client_id) override {
        closed.push_back(client_id);
        return true;
    }
    std::string io_backend_name() override { return "io_uring"; }
    uint32_t clients_that_fit(uint32_t wanted) override { return std::min(wanted, clients_possible); }
    void change_config(const NodeConfig& config) override {
        copy_changeable_options(config, config_);
        set_log_level(config_.log_level);
        access_control.configure(config_.access);
    }
    const CommandStatistics& statistics() const override { return command_statistics; }
    NodeRates rates() const override { return {.commands_per_s = 12.4, .input_bytes_per_s = 2048}; }

    gateway::AccessControl& access() override { return access_control; }

    LatencyMonitor& latency() override { return latency_monitor; }
    SlowLog& slow_log() override { return slow_commands; }

    NodeConfig config_;
    gateway::BufferBudget buffers_{config_.limits, 256 * kMiB};
    gateway::AccessControl access_control{AccessConfig{}};
    CommandStatistics command_statistics;
    LatencyMonitor latency_monitor;
    SlowLog slow_commands;
    raft::Status status;
    reactor::TurnFacts turn_facts;
    NodeCounters counter;
    NodeId unreachable;
    uint64_t unreachable_since_ns = 100 * kSecondNs;  // now
    MemberWatch watch{0, 2 * kSecondNs};
    uint64_t keys = 2;
    LoadingFacts load;
    std::vector<ClientState*> clients;
    std::vector<uint64_t> closed;
};

class ServerCommandsTest : public ::testing::Test {
 protected:
    ServerCommandsTest() {
        client_.id = 7;
        client_.address = "127.0.0.1:50001";
        client_.local_address = "127.0.0.1:7001";
        client_.connected_at_ns = 90 * kSecondNs;
        client_.last_command_at_ns = 97 * kSecondNs;
        other_.id = 8;
        other_.address = "127.0.0.1:50002";
        other_.local_address = "127.0.0.1:7001";
        node_.clients = {&client_, &other_};
    }

    // The reply's bytes.
    std::string run(const std::vector<std::string_view>& arguments) {
        const CommandSpec* spec = find_command(arguments[0]);
        if (spec == nullptr) {
            ADD_FAILURE() << "no command " << arguments[0];
            return {};
        }
        const NamedCommand named = find_named_command(arguments);
        std::string out;
        RespWriter writer(out, client_.protocol == 3 ? RespVersion::kResp3 : RespVersion::kResp2);
        if (!named.is_runnable) {
            writer.error(not_runnable_error(named, arguments));
            return out;
        }
        execute_server_command(*spec, arguments, client_, node_, writer);
        return out;
    }

    // The reply, which must be exactly one.
    ReplyValue reply_to(const std::vector<std::string_view>& arguments) {
        RespReplyParser parser;
        const std::string out = run(arguments);
        parser.feed(as_bytes(out));
        ReplyValue reply;
        EXPECT_EQ(parser.next(reply), ReplyStatus::kReply) << out;
        EXPECT_EQ(parser.buffered_bytes(), 0u) << out;
        return reply;
    }

    // The text of a bulk, verbatim, status or error reply.
    std::string text_of(const std::vector<std::string_view>& arguments) { return reply_to(arguments).text; }

    std::map<std::string, std::string> config_get(const std::vector<std::string_view>& patterns) {
        std::vector<std::string_view> arguments{"CONFIG", "GET"};
        arguments.insert(arguments.end(), patterns.begin(), patterns.end());
        const ReplyValue reply = reply_to(arguments);
        std::map<std::string, std::string> values;
        for (size_t i = 0; i + 1 < reply.elements.size(); i += 2)
            values[reply.elements[i].text] = reply.elements[i + 1].text;
        return values;
    }

    FakeNode node_;
    ClientState client_;
    ClientState other_;
};

inline std::vector<std::string> texts(const ReplyValue& reply) {
    std::vector<std::string> result;
    for (const ReplyValue& element : reply.elements)
        result.push_back(element.text);
    return result;
}

// The value behind `key` in a flat list of pairs.
inline const ReplyValue& value_of(const ReplyValue& reply, std::string_view key) {
    for (size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
        if (reply.elements[i].text == key) return reply.elements[i + 1];
    }
    static const ReplyValue kMissing;
    ADD_FAILURE() << "no " << key;
    return kMissing;
}

}  // namespace kvorum::redis
