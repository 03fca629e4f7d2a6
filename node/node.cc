#include "node/node.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/machine_memory.h"
#include "config/config_options.h"
#include "config/descriptors.h"
#include "replica/log_membership.h"
#include "replica/log_repair.h"
#include "replica/snapshot_repair.h"
#include "replica/state_recovery.h"

namespace kvorum::node {
namespace {

constexpr uint64_t kSweepIntervalNs = 50 * kMillisecondNs;
// By then an ordinary election is over, and a broken connection was made again.
constexpr uint64_t kElectionTimeoutsUntilFailed = 2;
constexpr uint64_t kDefaultBufferBytesMin = 64 * kMiB;
constexpr uint64_t kBufferShareDivisor = 8;  // of the machine's memory, unless --max-buffer-memory says it
constexpr uint64_t kClientCheckIntervalNs = 1 * kSecondNs;
constexpr uint64_t kLeaveStepNs = 1 * kMillisecondNs;
// Passes of one turn's pipeline: a single-node write commits, is applied and answered in the second.
constexpr int kPassesPerTurn = 3;

wal::WalConfig log_config(const NodeConfig& config) {
    wal::WalConfig out;
    out.directory = config.data_directory;
    out.cluster = config.bootstrap_cluster_id();
    out.cluster_name = config.cluster_name;
    out.node = config.id;
    out.segment_size_bytes = config.wal_segment_bytes;
    out.spare_segments = config.wal_spare_segments;
    out.groups_in_flight_max = config.wal_groups_in_flight;
    out.allow_volatile = config.allow_volatile_storage;
    switch (config.wal_sync) {
        case WalSync::kAuto: out.sync = wal::SyncMethod::kCalibrate; break;
        case WalSync::kDataSync: out.sync = wal::SyncMethod::kDataSyncPerGroup; break;
        case WalSync::kDsync: out.sync = wal::SyncMethod::kDsyncWrite; break;
    }
    return out;
}

}  // namespace

Node::Node(reactor::Reactor& reactor, NodeConfig config)
    : reactor_(reactor),
      config_(std::move(config)),
      access_(config_.access),
      buffers_(config_.limits, std::max(usable_memory_bytes() / kBufferShareDivisor, kDefaultBufferBytesMin)),
      buffers_of_peers_(buffers_),
      members_seen_(reactor.now_ns(), kElectionTimeoutsUntilFailed * config_.election_timeout_ms * kMillisecondNs),
      tasks_(reactor) {
    KVORUM_ASSERT(config_.validate().empty(), "{}", config_.validate().front());
    reactor_.add_turn_hook(*this, reactor::TurnStage::kDrive);
    flusher_ = std::make_unique<net::OutputFlusher>(reactor_);
}

Node::~Node() {
    KVORUM_ASSERT(!running_, "a node was destroyed before it was stopped");
    reactor_.remove_turn_hook(*this);
}

reactor::Task<absl::Status> Node::start() {
    // Before the log: what it opens must fit too.
    fit_clients();
    absl::Status opened = co_await open_log();
    if (!opened.ok()) co_return opened;
    report_recovery();
    absl::Status covered = co_await recover_state();
    if (!covered.ok()) co_return covered;
    const auto* logged = recovered_.facts.configurations.last();
    absl::Status members =
        replica::check_log_membership(config_, log_->cluster(), logged == nullptr ? nullptr : &logged->fact);
    if (!members.ok()) co_return members;
    build_parts();
    if (absl::Status status = open_ports(); !status.ok()) co_return status;
    running_ = true;
    // Reading the log took turns as long as they had to be: nobody was served yet.
    reactor_.meter().reset();
    tasks_.spawn(driver_->run_timers(tasks_.stop_token()));
    tasks_.spawn(run_sweeps(tasks_.stop_token()));
    KVORUM_LOG(kInfo, "node {} of {} in cluster '{}' serves clients on {}:{}", config_.id, config_.members.size(),
               config_.cluster_name, config_.listen_endpoint().host, clients_->port());
    co_return absl::OkStatus();
}

void Node::report_recovery() const {
    const wal::RecoveryReport& report = log_->recovered();
    KVORUM_LOG(kInfo, "log: {} ({}), last index {} of term {}, {} groups in {} segments, {} bytes read in {} ms",
               verdict_name(report.verdict), report.verdict_message, report.last.index, report.last.term, report.groups,
               report.segments, report.bytes_scanned, report.duration_ns / kMillisecondNs);
}

void Node::build_parts() {
    counters_.started_at_ns = reactor_.now_ns();
    counters_.started_at_wall_ms = reactor_.backend().wall_clock_ms();
    const wal::RecoveryReport& report = log_->recovered();
    // What the snapshot stands for is loaded already.
    const bool is_behind = recovered_.applied.index < recovered_.last.index;
    loading_.emplace(is_behind ? recovered_.last.index : LogIndex{},
                     is_behind ? log_->bytes_behind(recovered_.applied.index) : 0, reactor_.now_ns(),
                     reactor_.backend().wall_clock_ms());
    peers_ = std::make_unique<peers::Peers>(
        reactor_, *flusher_, config_,
        peers::PeerIdentity{log_->cluster(), report.epoch, report.log_id, report.known_peers});
    repair_answers_ = std::make_unique<replica::RepairAnswers>(reactor_, *log_, *peers_);
    group_log_ = std::make_unique<replica::WalLog>(*log_);
    driver_ = std::make_unique<replica::RaftDriver>(reactor_, config_, *group_log_, store_, *peers_, *peers_, counters_,
                                                    latency_, recovered_);
    build_snapshot_parts();
    gateway_ = std::make_unique<gateway::Gateway>(gateway::GatewayServices{config_, reactor_, store_, *driver_, *peers_,
                                                                           counters_, latency_, slow_log_, buffers_});
    dispatcher_ = std::make_unique<redis::Dispatcher>(config_, reactor_, *gateway_);
    forwarded_ = std::make_unique<gateway::ForwardedSessions>(*gateway_, *dispatcher_, *peers_, counters_, buffers_);
    clients_ = std::make_unique<redis::ClientListener>(
        redis::ClientServices{reactor_, *flusher_, *gateway_, *dispatcher_, static_cast<redis::NodeFacade&>(*this),
                              counters_, config_.limits, access_, buffers_});
}

void Node::build_snapshot_parts() {
    if (const snapshot::SnapshotFile* newest = snapshot_directory_->newest_verified(); newest != nullptr) {
        snapshot_facts_.last_index = newest->id.index;
        snapshot_facts_.last_revision = store_.revision();
        snapshot_facts_.last_bytes = newest->size_bytes;
    }
    snapshotter_ =
        std::make_unique<replica::Snapshotter>(reactor_, config_, log_->cluster(), *group_log_, store_, driver_->core(),
                                               driver_->applier(), *snapshot_directory_, snapshot_facts_);
    snapshot_exchange_ = std::make_unique<replica::SnapshotExchange>(reactor_, config_, log_->cluster(), *driver_,
                                                                     *peers_, *snapshot_directory_, snapshot_facts_);
}

absl::Status Node::open_ports() {
    const peers::PeerPorts ports{*driver_,
                                 static_cast<peers::ForwardReceiver&>(*this),
                                 *repair_answers_,
                                 *snapshot_exchange_,
                                 static_cast<peers::LinkEvents&>(*this),
                                 static_cast<peers::Acquaintance&>(*this),
                                 *driver_};
    if (absl::Status status = peers_->start(ports); !status.ok()) return status;
    return clients_->start(config_.listen_endpoint());
}

reactor::Task<absl::Status> Node::open_log() {
    absl::StatusOr<std::unique_ptr<wal::Wal>> opened = co_await wal::Wal::open(reactor_, log_config(config_));
    snapshot_directory_ = std::make_unique<snapshot::SnapshotDirectory>(reactor_, config_.data_directory);
    if (opened.ok() || absl::IsDataLoss(opened.status())) {
        // Behind the log, whose lock on the directory this needs.
        absl::Status listed = co_await snapshot_directory_->open();
        if (!listed.ok()) {
            if (opened.ok()) log_ = *std::move(opened);
            co_return listed;
        }
    }
    if (absl::IsDataLoss(opened.status())) {
        absl::Status repaired =
            co_await replica::repair_log(reactor_, *flusher_, config_, log_config(config_), *snapshot_directory_);
        if (!repaired.ok()) co_return repaired;
        opened = co_await wal::Wal::open(reactor_, log_config(config_));
    }
    if (!opened.ok()) co_return opened.status();
    log_ = *std::move(opened);
    co_return absl::OkStatus();
}

reactor::Task<absl::Status> Node::recover_state() {
    absl::StatusOr<raft::RecoveredLog> recovered =
        co_await replica::recover_state(reactor_, *log_, *snapshot_directory_, store_);
    if (absl::IsDataLoss(recovered.status())) {
        KVORUM_LOG(kError, "{}", std::string(recovered.status().message()));
        recovered = co_await recover_from_peers();
    }
    if (!recovered.ok()) co_return recovered.status();
    recovered_ = *std::move(recovered);
    co_return absl::OkStatus();
}

// No less will do than what a snapshot stood for here, damaged or not.
reactor::Task<absl::StatusOr<raft::RecoveredLog>> Node::recover_from_peers() {
    const wal::RecoveryReport& report = log_->recovered();
    const std::vector<snapshot::SnapshotFile> damaged = snapshot_directory_->files();
    LogIndex at_least = report.base.last.index;
    if (!damaged.empty()) at_least = std::max(at_least, damaged.front().id.index);
    absl::StatusOr<replica::FetchedState> fetched = co_await replica::fetch_snapshot_to_start(
        reactor_, *flusher_, config_,
        peers::PeerIdentity{log_->cluster(), report.epoch, report.log_id, report.known_peers}, *snapshot_directory_,
        at_least);
    if (!fetched.ok()) co_return fetched.status();
    store_ = std::move(fetched->state);
    auto recovered = co_await replica::begin_behind(reactor_, *log_, fetched->base);
    co_return recovered;
}

void Node::fit_clients() {
    const uint32_t wanted = config_.limits.clients_max;
    const uint32_t fitting = clients_that_fit(wanted);
    if (fitting == wanted) return;
    config_.limits.clients_max = fitting;
    KVORUM_LOG(kWarn, "max-clients is {} instead of {}: the process may not have more descriptors (raise ulimit -n)",
               fitting, wanted);
}

void Node::change_config(const NodeConfig& config) {
    const AccessConfig access_before = config_.access;
    const LogLevel log_level_before = config_.log_level;
    copy_changeable_options(config, config_);
    if (config_.access != access_before) access_.configure(config_.access);
    if (config_.log_level != log_level_before) set_log_level(config_.log_level);
    clients_->limits_changed();
}

uint32_t Node::clients_that_fit(uint32_t wanted) {
    return kvorum::clients_that_fit(reactor_.backend(), config_, wanted);
}

reactor::Task<void> Node::leave() {
    if (!running_) co_return;
    const uint64_t until_ns = reactor_.now_ns() + config_.election_timeout_ms * kMillisecondNs;
    const bool led = driver_->is_leader();
    if (led) co_await hand_over(until_ns);
    clients_->finish();
    while (reactor_.now_ns() < until_ns) {
        if (clients_->has_finished() && !driver_->has_open_outcomes() && (!led || is_left_alone())) co_return;
        const bool slept = co_await reactor_.sleep_for(kLeaveStepNs, tasks_.stop_token());
        if (!slept) co_return;
    }
    KVORUM_LOG(kWarn, "some clients were not answered within {} ms", config_.election_timeout_ms);
}

reactor::Task<void> Node::hand_over(uint64_t until_ns) {
    while (reactor_.now_ns() < until_ns && driver_->leader() == config_.id) {
        if (driver_->raft().transfer_target().is_none()) {
            const raft::TransferStart start = driver_->transfer_leadership(NodeId{});
            if (start.status == raft::TransferStatus::kNoSuchVoter) co_return;
            if (start.status == raft::TransferStatus::kUnreachable) {
                KVORUM_LOG(kWarn, "nobody takes over: no other voter answers");
                co_return;
            }
        }
        const bool slept = co_await reactor_.sleep_for(kLeaveStepNs, tasks_.stop_token());
        if (!slept) co_return;
    }
    while (reactor_.now_ns() < until_ns && driver_->leader().is_none()) {
        const bool slept = co_await reactor_.sleep_for(kLeaveStepNs, tasks_.stop_token());
        if (!slept) co_return;
    }
}

bool Node::is_left_alone() const {
    const uint64_t quiet_ns = reactor_.now_ns() - asked_as_leader_ns_;
    return forwarded_->is_idle() && quiet_ns >= config_.heartbeat_interval_ms * kMillisecondNs;
}

reactor::Task<void> Node::stop() {
    tasks_.request_stop();
    // Clients first: nothing new comes in while the rest goes down. Then the peers, so that no message reaches Raft any
    // more.
    if (clients_ != nullptr) co_await clients_->stop();
    if (peers_ != nullptr) co_await peers_->stop();
    if (repair_answers_ != nullptr) co_await repair_answers_->stop();
    if (snapshot_exchange_ != nullptr) co_await snapshot_exchange_->stop();
    if (snapshotter_ != nullptr) co_await snapshotter_->stop();
    co_await tasks_.join();
    if (driver_ != nullptr) co_await driver_->stop();
    running_ = false;
    if (log_ != nullptr) co_await log_->close();
    forwarded_.reset();
}

// What is queued here for the log and for the outputs leaves in the turn's later stages.
void Node::on_turn_end() {
    if (!running_) return;
    for (int pass = 0; pass < kPassesPerTurn; ++pass) {
        drive_group();
        gateway_->finish_turn();
        forwarded_->finish_turn();
        if (!driver_->has_work(gateway_->outcomes()) || reactor_.work().used_up()) break;
    }
    if (buffers_.needs_room()) clients_->make_room();
    forwarded_->end_turn();
    const bool more_to_free = store_.end_turn();
    if (driver_->has_work(gateway_->outcomes()) || gateway_->has_work() || more_to_free)
        reactor_.schedule(another_turn_);
}

void Node::drive_group() {
    driver_->run_turn(gateway_->outcomes());
    snapshotter_->run_turn();
    snapshot_exchange_->offer_to(driver_->take_snapshot_needs());
    members_seen_.saw_leader(driver_->leader());
}

reactor::Task<void> Node::run_sweeps(reactor::StopToken stop) {
    uint64_t clients_checked_ns = reactor_.now_ns();
    while (!stop.stop_requested()) {
        const bool slept = co_await reactor_.sleep_for(kSweepIntervalNs, stop);
        if (!slept) co_return;
        gateway_->expire_overdue();
        look_at_members();
        look_at_numbers();
        look_at_loading();
        buffers_of_peers_.set(peers_->buffer_bytes());
        if (reactor_.now_ns() - clients_checked_ns < kClientCheckIntervalNs) continue;
        clients_checked_ns = reactor_.now_ns();
        clients_->check_timeouts(clients_checked_ns);
        if (gateway_->reads_wait_for_buffers()) clients_->make_room_for_waiting(clients_checked_ns);
    }
}

void Node::look_at_numbers() {
    const uint64_t now_ns = reactor_.now_ns();
    command_rate_.sample(now_ns, statistics().calls());
    input_rate_.sample(now_ns, counters_.net_input_bytes);
    output_rate_.sample(now_ns, counters_.net_output_bytes);
    memory_bytes_peak_ = std::max(memory_bytes_peak_, store_.memory_bytes());
}

void Node::look_at_loading() {
    loading_->applied(driver_->last_applied(), driver_->applied_bytes(), reactor_.now_ns());
}

// A leader hears from each follower; the others know only whether a connection stands.
void Node::look_at_members() {
    const uint64_t now_ns = reactor_.now_ns();
    const raft::Status status = driver_->raft().status();
    for (const Member& member : config_.members) {
        if (member.id == config_.id) continue;
        const auto peer = std::find_if(status.peers.begin(), status.peers.end(),
                                       [&](const raft::PeerStatus& other) { return other.id == member.id; });
        const bool is_silent =
            status.role == raft::Role::kLeader && peer != status.peers.end() && !peer->recently_active;
        members_seen_.saw(member.id, peers_->connected(member.id) && !is_silent, now_ns);
    }
}

// --- NodeFacade ---

void Node::visit_peer_links(const std::function<void(const redis::PeerLinkFacts&)>& visit) {
    peers_->visit_links([&](const peers::PeerLink& link) {
        if (link.connected()) visit({link.peer(), link.connected_at_wall_ms(), link.queued_bytes()});
    });
}

void Node::reset_counters() {
    NodeCounters fresh;
    fresh.started_at_ns = counters_.started_at_ns;
    fresh.started_at_wall_ms = counters_.started_at_wall_ms;
    counters_ = fresh;
    expired_keys_at_reset_ = store_.expired_keys();
    access_.reset_failures();
    gateway_->reset_statistics();
    for (RateMeter* rate : {&command_rate_, &input_rate_, &output_rate_})
        rate->reset();
    latency_.reset();
    reactor_.meter().reset();
}

redis::LogCounters Node::log_counters() {
    const wal::WalStats stats = log_->stats();
    redis::LogCounters out;
    out.groups = stats.groups;
    out.bytes_written = stats.bytes;
    out.syncs = stats.syncs;
    out.segments = stats.segments;
    out.first_index = log_->first_index();
    out.sync_p50_ns = stats.group_latency_ns.value_at(0.5);
    out.sync_p99_ns = stats.group_latency_ns.value_at(0.99);
    out.sync_method = sync_method_name(stats.method);
    out.low_on_space = log_->low_on_space();
    const reactor::DeviceFacts& storage = log_->storage();
    out.device = storage.device;
    out.filesystem = storage.filesystem;
    out.direct_io = direct_io_name(storage.direct_io);
    out.volatile_because = storage.volatile_because;
    return out;
}

redis::KeyspaceFacts Node::keyspace() {
    redis::KeyspaceFacts facts;
    facts.keys = store_.size();
    facts.keys_with_expiry = store_.keys_with_expiry();
    // A state that came as a snapshot counts anew.
    facts.expired_keys = store_.expired_keys() - std::min(expired_keys_at_reset_, store_.expired_keys());
    facts.memory_bytes = store_.memory_bytes();
    memory_bytes_peak_ = std::max(memory_bytes_peak_, facts.memory_bytes);
    facts.memory_bytes_peak = memory_bytes_peak_;
    facts.memory_bytes_at_start = memory_bytes_at_start_;
    facts.counted_bytes = store_.counted_bytes();
    facts.memory_limit_bytes = driver_->memory_limit_bytes();
    facts.state_hash = state_hash();
    facts.revision = store_.revision();
    facts.history_floor = store_.history_floor();
    facts.tombstones = store_.tombstone_count();
    return facts;
}

uint64_t Node::key_count_in_slot(uint16_t slot) {
    uint64_t count = 0;
    uint64_t cursor = 0;
    do {
        const kv::ScanPage page = store_.scan(cursor, UINT64_MAX);
        for (const std::string_view key : page.keys)
            count += redis::hash_slot(key) == slot ? 1 : 0;
        cursor = page.next_cursor;
    } while (cursor != 0);
    reactor_.work().add(TurnPart::kWalk, store_.size() * kKeyWalkWork);
    return count;
}

// --- ForwardReceiver ---

void Node::on_forward_requests(NodeId from, std::span<const peers::ForwardRequest> requests) {
    asked_as_leader_ns_ = reactor_.now_ns();
    forwarded_->on_requests(from, driver_->is_leader() ? driver_->current_term() : Term{}, requests);
}

void Node::on_large_request(NodeId from, const peers::ForwardRequest& request, PackedCommand command) {
    asked_as_leader_ns_ = reactor_.now_ns();
    forwarded_->on_large_request(from, driver_->is_leader() ? driver_->current_term() : Term{}, request,
                                 std::move(command));
}

void Node::on_forward_credit(NodeId from, const peers::ForwardCredit& credit) { forwarded_->on_credit(from, credit); }

void Node::on_forward_replies(NodeId from, std::span<const peers::ForwardReply> replies) {
    for (const peers::ForwardReply& reply : replies)
        gateway_->on_forward_reply(from, reply);
}

// --- LinkEvents ---

void Node::on_link_up(NodeId peer) {
    KVORUM_LOG(kInfo, "connected to node {}", peer);
    look_at_members();
    driver_->on_connected(peer);
    gateway_->expire_overdue();
}

// What is parked may go on.
void Node::on_link_room(NodeId /*peer*/) { gateway_->expire_overdue(); }

void Node::on_link_down(NodeId peer, uint64_t first_unsent_request) {
    KVORUM_LOG(kInfo, "lost the connection to node {}", peer);
    look_at_members();
    driver_->on_unreachable(peer);
    driver_->on_answers_lost(peer);
    gateway_->on_link_lost(peer, first_unsent_request);
}

void Node::on_peer_gone(NodeId peer) {
    driver_->on_answers_lost(peer);
    gateway_->on_answers_lost(peer);
    forwarded_->drop_origin(peer);
}

// --- Acquaintance ---

void Node::on_peer_met(raft::KnownPeer peer) { log_->note_peer(peer); }

void Node::on_known_by_other_log(size_t peers, std::string_view reason) {
    // A log without an entry is the new one. One with entries may be the right one, met by a peer that itself has the
    // wrong one: it gives way only when the peers that are left cannot make up a majority with this node.
    if (!driver_->raft().last_index().is_none() && !peers::is_outvoted(config_, peers)) return;
    reactor_.backend().halt(peers::known_by_other_log_message(config_, reason));
}

}  // namespace kvorum::node
