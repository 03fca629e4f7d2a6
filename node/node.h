// One Kvorum node, whole: log, Raft, state machine, peers and clients on one reactor (docs/architecture.md has the
// picture).
//
// Start: open and recover the log, repaired from the peers if it is damaged (replica/log_repair.h); build the state
// machine; listen; dial the peers. The node then runs by itself as long as its reactor turns. Every end of a turn runs
// the pipeline in on_turn_end(): propose what the turn gathered, persist, send, apply, answer; after it the log starts
// its writes and the outputs their sends (reactor::TurnStage). An end in order begins with leave(). Stop, in this
// order: no new clients or peers; connections close; log readers end; the log is made durable and closed. What was not
// acknowledged by then has an unknown outcome for its client, as after a crash.
//
// Thread: the reactor's. Ownership: the reactor and its backend outlive the node; stop() ends before it is destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "config/config.h"
#include "gateway/forwarded_sessions.h"
#include "gateway/gateway.h"
#include "node/log_loading.h"
#include "observe/rate_meter.h"
#include "peers/peers.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "redis/client_listener.h"
#include "redis/server_commands.h"
#include "replica/raft_driver.h"
#include "replica/repair_answers.h"
#include "replica/snapshot_exchange.h"
#include "replica/snapshotter.h"
#include "replica/wal_log.h"

namespace kvorum::node {

class Node final : public redis::NodeFacade,
                   private reactor::TurnHook,
                   private peers::ForwardReceiver,
                   private peers::LinkEvents,
                   private peers::Acquaintance {
 public:
    // `config` is valid (validate() is empty).
    Node(reactor::Reactor& reactor, NodeConfig config);
    ~Node() override;

    // Errors say what is wrong and what to do; nothing listens after one. Call stop() all the same. It takes as long as
    // a repair of the log takes; Reactor::request_stop() ends it then.
    [[nodiscard]] reactor::Task<absl::Status> start();
    // Before stop(), of a node that ends in order: hands the leadership over, answers the commands that it has, and
    // goes on until no other node sends it commands as to the leader. No new ones are taken from clients. At most an
    // election timeout; what could not be done by then is as after a crash.
    [[nodiscard]] reactor::Task<void> leave();
    [[nodiscard]] reactor::Task<void> stop();

    [[nodiscard]] uint16_t client_port() const { return clients_->port(); }
    [[nodiscard]] const kv::Store& store() const { return store_; }
    [[nodiscard]] const raft::Raft& raft() const { return driver_->raft(); }
    [[nodiscard]] uint64_t state_hash() const { return driver_->state_hash(); }  // at last_applied()
    [[nodiscard]] LogIndex last_applied() const { return driver_->last_applied(); }
    [[nodiscard]] uint64_t buffers_used_bytes() const { return buffers_.used_bytes(); }

    // --- NodeFacade ---
    [[nodiscard]] uint64_t now_ns() override { return reactor_.now_ns(); }
    [[nodiscard]] int64_t wall_clock_ms() override { return reactor_.backend().wall_clock_ms(); }
    [[nodiscard]] int64_t wall_clock_us() override { return reactor_.backend().wall_clock_ms() * 1000; }
    [[nodiscard]] const NodeConfig& config() override { return config_; }
    [[nodiscard]] ClusterId cluster() const override { return log_->cluster(); }
    [[nodiscard]] raft::Status raft_status() override { return driver_->raft().status(); }
    raft::TransferStart transfer_leadership(NodeId target) override { return driver_->transfer_leadership(target); }
    [[nodiscard]] const NodeCounters& counters() const override { return counters_; }
    [[nodiscard]] const reactor::TurnFacts& turns() const override { return reactor_.meter().facts(); }
    void reset_counters() override;
    [[nodiscard]] redis::LogCounters log_counters() override;
    [[nodiscard]] redis::KeyspaceFacts keyspace() override;
    [[nodiscard]] redis::LoadingFacts loading() override {
        look_at_loading();
        return loading_->facts();
    }
    [[nodiscard]] replica::SnapshotFacts snapshots() override { return snapshot_facts_; }
    bool save_snapshot() override { return snapshotter_->request(); }
    [[nodiscard]] uint64_t key_count_in_slot(uint16_t slot) override;
    [[nodiscard]] bool peer_connected(NodeId peer) override { return peers_->connected(peer); }
    [[nodiscard]] const MemberWatch& members_seen() override { return members_seen_; }
    void visit_peer_links(const std::function<void(const redis::PeerLinkFacts&)>& visit) override;
    [[nodiscard]] const gateway::BufferBudget& buffers() override { return buffers_; }
    void visit_clients(const std::function<void(redis::ClientState&)>& visit) override { clients_->visit(visit); }
    bool close_client(uint64_t client_id) override { return clients_->close_client(client_id); }
    [[nodiscard]] std::string io_backend_name() override { return "io_uring"; }
    void change_config(const NodeConfig& config) override;
    [[nodiscard]] uint32_t clients_that_fit(uint32_t wanted) override;
    [[nodiscard]] gateway::AccessControl& access() override { return access_; }
    [[nodiscard]] const CommandStatistics& statistics() const override { return gateway_->statistics(); }
    [[nodiscard]] redis::NodeRates rates() const override {
        return {command_rate_.per_second(), input_rate_.per_second(), output_rate_.per_second()};
    }
    [[nodiscard]] LatencyMonitor& latency() override {
        gateway_->settle_latency();
        return latency_;
    }
    [[nodiscard]] SlowLog& slow_log() override { return slow_log_; }

 private:
    void on_turn_end() override;
    reactor::Task<absl::Status> open_log();
    reactor::Task<absl::Status> recover_state();
    reactor::Task<absl::StatusOr<raft::RecoveredLog>> recover_from_peers();
    void report_recovery() const;
    void build_parts();
    void build_snapshot_parts();
    [[nodiscard]] absl::Status open_ports();
    void drive_group();
    reactor::Task<void> hand_over(uint64_t until_ns);
    // Nobody took this node for the leader for a heartbeat, which tells who leads.
    [[nodiscard]] bool is_left_alone() const;
    void fit_clients();
    reactor::Task<void> run_sweeps(reactor::StopToken stop);
    void look_at_members();
    void look_at_numbers();
    void look_at_loading();

    // --- ForwardReceiver ---
    void on_forward_requests(NodeId from, std::span<const peers::ForwardRequest> requests) override;
    void on_large_request(NodeId from, const peers::ForwardRequest& request, PackedCommand command) override;
    void on_forward_credit(NodeId from, const peers::ForwardCredit& credit) override;
    void on_forward_replies(NodeId from, std::span<const peers::ForwardReply> replies) override;

    // --- LinkEvents ---
    void on_link_up(NodeId peer) override;
    void on_link_room(NodeId peer) override;
    void on_link_down(NodeId peer, uint64_t first_unsent_request) override;
    void on_peer_gone(NodeId peer) override;

    // --- Acquaintance ---
    void on_peer_met(raft::KnownPeer peer) override;
    void on_known_by_other_log(size_t peers, std::string_view reason) override;

    reactor::Reactor& reactor_;
    NodeConfig config_;
    gateway::AccessControl access_;
    NodeCounters counters_;
    gateway::BufferBudget buffers_;
    gateway::BufferShare buffers_of_peers_;
    MemberWatch members_seen_;
    LatencyMonitor latency_;
    SlowLog slow_log_;
    kv::Store store_;
    std::optional<LogLoading> loading_;  // once the log is open
    uint64_t expired_keys_at_reset_ = 0;
    RateMeter command_rate_;
    RateMeter input_rate_;
    RateMeter output_rate_;
    uint64_t memory_bytes_at_start_ = store_.memory_bytes();
    uint64_t memory_bytes_peak_ = 0;
    reactor::TaskScope tasks_;
    std::unique_ptr<net::OutputFlusher> flusher_;
    bool running_ = false;
    uint64_t asked_as_leader_ns_ = 0;                            // when another node last sent commands
    reactor::Runnable another_turn_{[](reactor::Runnable&) {}};  // scheduled so that the reactor does not sleep

    // In the order in which they are built; each uses those before it.
    std::unique_ptr<wal::Wal> log_;
    std::unique_ptr<snapshot::SnapshotDirectory> snapshot_directory_;
    replica::SnapshotFacts snapshot_facts_;
    raft::RecoveredLog recovered_;
    std::unique_ptr<peers::Peers> peers_;
    std::unique_ptr<replica::RepairAnswers> repair_answers_;
    std::unique_ptr<replica::WalLog> group_log_;
    std::unique_ptr<replica::RaftDriver> driver_;
    std::unique_ptr<replica::Snapshotter> snapshotter_;
    std::unique_ptr<replica::SnapshotExchange> snapshot_exchange_;
    std::unique_ptr<gateway::Gateway> gateway_;
    std::unique_ptr<redis::Dispatcher> dispatcher_;
    std::unique_ptr<gateway::ForwardedSessions> forwarded_;
    std::unique_ptr<redis::ClientListener> clients_;
};

}  // namespace kvorum::node
