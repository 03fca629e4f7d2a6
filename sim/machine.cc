#include "sim/machine.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"

namespace kvorum::sim {
namespace {

// Turns that a node may need to unwind; above it something waits for what will never come.
constexpr uint64_t kUnwindTurnsMax = 100'000;

}  // namespace

Machine::Machine(MachineConfig config, EventQueue& events, Network& network, Trace& trace, MachineOwner& owner)
    : config_(std::move(config)),
      events_(events),
      network_(network),
      trace_(trace),
      owner_(owner),
      random_(config_.seed),
      disk_(config_.disk),
      clock_(events.now_ns(), config_.clock) {}

Machine::~Machine() {
    if (node_ != nullptr) unwind();
}

void Machine::start() {
    KVORUM_ASSERT(node_ == nullptr);
    ++incarnation_;
    state_ = State::kUp;
    started_ = false;
    refused_.reset();
    trigger_ = {};
    busy_until_ns_ = events_.now_ns();
    turn_at_ns_ = UINT64_MAX;
    trace_.note(host(), "start", incarnation_, config_.node.election_timeout_ms);
    SimBackendConfig backend = config_.backend;
    backend.disk.seed = random_.next();
    backend_ = std::make_unique<SimBackend>(backend, disk_, network_, events_, clock_, [this] { wake(); });
    backend_->set_fault_policy(
        [this](const FileOperation& operation) { return policy_ ? policy_(operation) : FaultDecision{}; });
    network_.host_up(host(), *backend_);
    reactor_ = std::make_unique<reactor::Reactor>(
        *backend_, reactor::ReactorConfig{.shuffle_seed = config_.shuffle ? random_.next() | 1 : 0,
                                          .work_budget = kSimWorkBudget});
    scope_ = std::make_unique<reactor::TaskScope>(*reactor_);
    stop_ = std::make_unique<reactor::Event>(*reactor_);
    node_ = std::make_unique<node::Node>(*reactor_, config_.node);
    scope_->spawn(live(incarnation_));
    schedule_turn(events_.now_ns());
}

void Machine::set_election_timeout(uint32_t timeout_ms) {
    NodeConfig& node = config_.node;
    const uint32_t beats = node.election_timeout_ms / node.heartbeat_interval_ms;
    node.election_timeout_ms = timeout_ms;
    node.heartbeat_interval_ms = timeout_ms / beats;
}

void Machine::set_memory_limit(uint64_t limit_bytes) {
    config_.node.memory_bytes_max = limit_bytes;
    if (started_) node_->change_config(config_.node);
}

void Machine::transfer_leadership(NodeId target) {
    if (!started_ || is_paused()) return;
    const raft::TransferStart start = node_->transfer_leadership(target);
    trace_.note(host(), "transfer", static_cast<uint64_t>(start.status), start.target.value());
    wake();
}

reactor::Task<void> Machine::live(uint64_t incarnation) {
    absl::Status status = co_await node_->start();
    if (status.ok()) {
        started_ = true;
        node_->change_config(config_.node);  // what changed while it started
        trace_.note(host(), "serves", incarnation);
    } else if (!backend_->halted()) {
        refused_ = std::string(status.message());
    }
    co_await stop_->wait();
    co_await node_->stop();
}

void Machine::schedule_turn(uint64_t when_ns) {
    when_ns = std::max({when_ns, busy_until_ns_, paused_until_ns_});
    if (turn_at_ns_ <= when_ns) return;
    turn_at_ns_ = when_ns;
    const uint64_t number = ++turn_number_;
    events_.at(when_ns, [this, number] {
        if (number == turn_number_ && node_ != nullptr) turn();
    });
}

void Machine::turn() {
    turn_at_ns_ = UINT64_MAX;
    if (is_paused()) {
        schedule_turn(paused_until_ns_);
        return;
    }
    ++turns_;
    reactor_->turn(0);
    busy_until_ns_ = events_.now_ns() + random_.between(config_.turn_ns_min, config_.turn_ns_max);
    if (backend_->halted()) {
        // Nothing that this turn submitted was handed to the kernel.
        const std::string reason = backend_->halt_reason();
        trace_.note(host(), "halts");
        trace_.say(host(), reason);
        crash(Network::Death::kProcess, Disk::CrashMode::kKeepAll);
        owner_.on_halted(*this, reason);
        return;
    }
    // A triggered crash comes before or after the turn's sends leave.
    const bool after_sends = random_.chance(1, 2);
    if (trigger_reached() && !after_sends) {
        crash(Network::Death::kPower, trigger_.mode);
        return;
    }
    backend_->end_turn();
    after_turn();
}

void Machine::after_turn() {
    if (refused_.has_value()) {
        const std::string why = *refused_;
        trace_.note(host(), "refuses");
        crash(Network::Death::kProcess, Disk::CrashMode::kKeepAll);
        state_ = State::kRefused;
        owner_.on_refused(*this, why);
        return;
    }
    if (started_) owner_.on_turn(*this);
    if (node_ == nullptr) return;
    if (trigger_reached()) {
        crash(Network::Death::kPower, trigger_.mode);
        return;
    }
    uint64_t next_ns = events_.now_ns();
    if (reactor_->idle()) next_ns = std::min(backend_->next_work_ns(), clock_.world_ns(reactor_->next_deadline_ns()));
    if (next_ns != UINT64_MAX) schedule_turn(next_ns);
}

bool Machine::trigger_reached() const {
    return backend_->sends() >= trigger_.sends || backend_->operation_count() >= trigger_.operations;
}

void Machine::crash_at_send(uint64_t count, Disk::CrashMode mode) {
    if (node_ == nullptr) return;
    trigger_ = {.sends = backend_->sends() + count, .operations = UINT64_MAX, .mode = mode};
}

void Machine::crash_at_disk_operation(uint64_t count, Disk::CrashMode mode) {
    if (node_ == nullptr) return;
    trigger_ = {.sends = UINT64_MAX, .operations = backend_->operation_count() + count, .mode = mode};
}

void Machine::crash(Network::Death death, Disk::CrashMode mode) {
    if (node_ == nullptr) return;
    trace_.note(host(), "crash", static_cast<uint64_t>(death), static_cast<uint64_t>(mode));
    backend_->cut_off();
    network_.host_down(host(), death);
    unwind();
    disk_ = disk_.crash(random_.next(), mode);
    state_ = State::kDown;
    started_ = false;
    paused_until_ns_ = 0;
    owner_.on_down(*this);
}

void Machine::wipe() {
    crash(Network::Death::kPower, Disk::CrashMode::kLoseAll);
    disk_ = Disk(config_.disk);
}

void Machine::unwind() {
    backend_->cut_off();
    reactor_->request_stop();
    stop_->set();
    const LogLevel level = log_level();
    set_log_level(LogLevel::kOff);
    for (uint64_t turns = 0; scope_->size() > 0; ++turns) {
        KVORUM_ASSERT(turns < kUnwindTurnsMax, "a node does not end");
        reactor_->turn(0);
        if (reactor_->idle() && scope_->size() > 0) backend_->pass_time(reactor_->next_deadline_ns());
    }
    set_log_level(level);
    node_.reset();
    stop_.reset();
    scope_.reset();
    reactor_.reset();
    backend_.reset();
}

void Machine::pause_until(uint64_t when_ns) {
    trace_.note(host(), "pause", when_ns);
    paused_until_ns_ = when_ns;
    if (when_ns == 0 && node_ != nullptr) {
        // What was put off comes at once.
        turn_at_ns_ = UINT64_MAX;
        wake();
    }
}

void Machine::release_hung() {
    if (node_ == nullptr) return;
    backend_->release_hung();
    wake();
}

const char* Machine::role_name() const {
    const node::Node* node = serving();
    if (node == nullptr) return "down";
    return raft::role_name(node->raft().role());
}

}  // namespace kvorum::sim
