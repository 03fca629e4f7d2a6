#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "sim/linearizability.h"

namespace kvorum::sim {
namespace {

constexpr HostId kFirstClientHost = 101;
constexpr HostId kProberHost = 100;
constexpr uint64_t kSettleNs = 5 * kSecondNs;  // what clients have under way when the safety phase ends
constexpr uint64_t kConvergenceNs = 30 * kSecondNs;
constexpr uint64_t kLogChecks = 14;  // of the safety phase, on average
constexpr uint64_t kStartNs = 30 * kSecondNs;
constexpr uint64_t kRepairNs = 30 * kSecondNs;
constexpr int kCoreAttempts = 12;
constexpr uint64_t kFinalElectionTimeouts = 4;   // how long before the end of the safety phase an election is disturbed
constexpr uint64_t kCheckStepsMax = 20'000'000;  // some 8 s; a usual history takes one or two an operation

}  // namespace

World::World(Scenario scenario, bool print_trace)
    : scenario_(std::move(scenario)),
      trace_(events_, print_trace),
      network_(events_, trace_, scenario_.seed ^ 0x4e7ULL, scenario_.network, scenario_.nodes),
      checker_(machines_, scenario_.nodes, scenario_.seed ^ 0xc4ecULL),
      random_(scenario_.seed ^ 0xc0deULL) {
    set_log_level(print_trace ? LogLevel::kInfo : LogLevel::kOff);
    if (print_trace) {
        set_log_sink([this](LogLevel level, std::string_view line) {
            trace_.say(0, fmt::format("  [{}] {}", log_level_name(level), line));
        });
    }
    for (HostId host = 1; host <= scenario_.nodes; ++host) {
        machines_.push_back(std::make_unique<Machine>(scenario_.machine(host), events_, network_, trace_,
                                                      static_cast<MachineOwner&>(*this)));
        wanted_.insert(host);
    }
    ClientConfig client;
    client.nodes = scenario_.nodes;
    client.hot_keys = scenario_.hot_keys;
    client.key_life_ns = scenario_.key_life_ns;
    client.think_ns = scenario_.think_ns;
    client.patience_ns = scenario_.patience_ns;
    for (uint32_t i = 0; i < scenario_.clients; ++i) {
        client.host = kFirstClientHost + i;
        client.seed = random_.next();
        client.reads_only = i < scenario_.readers;
        clients_.push_back(std::make_unique<SimClient>(client, events_, network_, trace_, history_));
    }
    client.host = kProberHost;
    client.scripted = true;
    client.reads_only = false;
    client.patience_ns = 250 * kMillisecondNs;
    prober_ = std::make_unique<SimClient>(client, events_, network_, trace_, history_);
    nemesis_ = std::make_unique<Nemesis>(scenario_, events_, network_, trace_, checker_, machines_);
}

World::~World() {
    machines_.clear();
    set_log_sink({});
}

RunResult World::run() {
    run_safety();
    if (green()) run_liveness();
    if (green()) run_convergence();
    // A wrong history says more than a lack of progress, but not more than what the cluster checker saw happen.
    if (green() || result_.numbers.outcome == RunOutcome::kLiveness) check_history();
    result_.scenario = scenario_.describe();
    result_.numbers.trace_hash = trace_.hash();
    result_.numbers.simulated_ns = events_.now_ns();
    result_.numbers.operations = history_.size();
    for (const Operation& operation : history_) {
        result_.numbers.executed += operation.outcome == Outcome::kExecuted ? 1 : 0;
        result_.numbers.not_executed += operation.outcome == Outcome::kNotExecuted ? 1 : 0;
        result_.numbers.unknown += operation.outcome == Outcome::kUnknown ? 1 : 0;
    }
    result_.numbers.elections = checker_.leaders_seen();
    result_.numbers.disk_checks = checker_.disk_checks();
    result_.numbers.entries = checker_.committed_index().value();
    for (const auto& machine : machines_)
        result_.numbers.turns += machine->turns();
    result_.numbers.network = network_.stats();
    result_.numbers.faults = nemesis_->counts();
    return result_;
}

void World::fail(RunOutcome outcome, std::string what) {
    if (!green()) return;
    trace_.say(0, "FAILURE: " + what);
    result_.numbers.outcome = outcome;
    result_.what = std::move(what);
}

void World::fail_if_violated() {
    const std::optional<std::string>& violation = checker_.violation();
    if (violation.has_value()) fail(RunOutcome::kCorrectness, *violation);
}

template <typename Condition>
bool World::run_until_met(uint64_t until_ns, Condition condition) {
    while (green()) {
        if (condition()) return true;
        if (!events_.run_next(until_ns)) return condition();
        fail_if_violated();
    }
    return false;
}

bool World::run_until(uint64_t until_ns) {
    const bool met = run_until_met(until_ns, [] { return false; });
    maybe(met);
    return green();
}

// --- machines ---

void World::start_later(HostId host, uint64_t delay_ns) {
    events_.after(delay_ns, [this, host] {
        Machine& machine = *machines_[host - 1];
        if (machine.is_up() || !wanted_.contains(host)) return;
        // One with a foreign disk is started once, to see that it refuses; a wiped one again and again, as by a
        // supervisor.
        const bool stays_out = nemesis_->is_gone(host) && !nemesis_->is_wiped(host);
        const bool has_refused = stays_out && machine.state() == Machine::State::kRefused;
        if (has_refused || !nemesis_->shows_damage(host)) return;
        nemesis_->on_start(host);
        checker_.before_start(machine);
        machine.start();
    });
}

void World::on_turn(Machine& machine) {
    checker_.observe(machine);
    nemesis_->on_serves(machine);
    nemesis_->on_turn(machine);
}

void World::on_down(Machine& machine) {
    checker_.check_disks();
    const HostId host = machine.host();
    if (nemesis_->take_quick_restart(host)) {
        start_later(host, random_.between(1, 10) * kMillisecondNs);
        return;
    }
    const bool soon = phase_ != Phase::kSafety || random_.chance(1, 2);
    const uint64_t delay_ns =
        soon ? random_.between(5, 200) * kMillisecondNs : random_.between(200, 4000) * kMillisecondNs;
    start_later(host, delay_ns);
}

void World::on_refused(Machine& machine, const std::string& why) {
    trace_.say(machine.host(), "refused: " + why);
    const bool is_damage = why.find("no file was changed") != std::string::npos;
    if (is_damage && nemesis_->is_gone(machine.host())) return;
    if (is_damage && !nemesis_->had_error(machine.host())) {
        // Every record that was damaged is sound on another disk.
        fail(RunOutcome::kCorrectness, fmt::format("node {} does not repair its log: {}", machine.host(), why));
    } else if (!nemesis_->explains_error(machine.host())) {
        fail(RunOutcome::kCrash, fmt::format("node {} did not start: {}", machine.host(), why));
    }
    start_later(machine.host(), 200 * kMillisecondNs);
}

void World::on_halted(Machine& machine, const std::string& why) {
    if (nemesis_->is_wiped(machine.host())) gave_up_.insert(machine.host());
    if (!nemesis_->explains_error(machine.host())) {
        fail(RunOutcome::kCrash, fmt::format("node {} ended itself: {}", machine.host(), why));
    }
}

// --- phase 1 ---

void World::schedule_log_check() {
    events_.after(random_.below(2 * scenario_.safety_ns / kLogChecks), [this] {
        if (phase_ != Phase::kSafety) return;
        checker_.check_logs();
        checker_.check_stores();
        schedule_log_check();
    });
}

void World::run_safety() {
    for (const auto& machine : machines_)
        start_later(machine->host(), random_.below(100 * kMillisecondNs));
    for (const auto& client : clients_)
        client->start();
    nemesis_->start();
    schedule_log_check();
    const uint64_t end_ns = events_.now_ns() + scenario_.safety_ns;
    if (scenario_.ends_in_election) {
        const uint64_t election_ns = scenario_.node.election_timeout_ms * kMillisecondNs;
        events_.at(end_ns - kFinalElectionTimeouts * election_ns, [this] { nemesis_->strike_election(); });
    }
    run_until(end_ns);
}

// --- phase 2 ---

// For the rest of the run.
bool World::is_out(HostId host) const { return nemesis_->is_gone(host) || !nemesis_->shows_damage(host); }

// Damage that was not found yet is found by a start. A core whose repair needs a node outside of it could not go on.
bool World::repair_disks() {
    for (const auto& machine : machines_) {
        if (nemesis_->is_rotten(machine->host()) && !is_out(machine->host()))
            machine->crash(Network::Death::kProcess, Disk::CrashMode::kKeepAll);
    }
    return run_until_met(events_.now_ns() + kRepairNs, [this] {
        return std::none_of(machines_.begin(), machines_.end(), [this](const auto& machine) {
            return nemesis_->is_rotten(machine->host()) && !is_out(machine->host());
        });
    });
}

// Often the leader, if there is one, is not in it; else, if possible, it is one that has to agree on an awkward past.
std::set<HostId> World::draw_core() {
    std::vector<HostId> sound;
    for (const auto& machine : machines_) {
        if (!is_out(machine->host())) sound.push_back(machine->host());
    }
    const size_t majority = machines_.size() / 2 + 1;
    KVORUM_ASSERT(sound.size() >= majority, "the fault atlas was left");
    const bool without_leader = random_.chance(2, 5);
    const auto leads = [this](HostId host) {
        const node::Node* node = machines_[host - 1]->serving();
        return node != nullptr && node->raft().is_leader();
    };
    std::set<HostId> core;
    for (int attempt = 0; attempt < kCoreAttempts; ++attempt) {
        std::vector<HostId> left = sound;
        while (left.size() > majority) {
            const auto leader = std::find_if(left.begin(), left.end(), leads);
            const bool drop_leader = without_leader && leader != left.end();
            left.erase(drop_leader ? leader : left.begin() + static_cast<ptrdiff_t>(random_.below(left.size())));
        }
        core = {left.begin(), left.end()};
        if (without_leader || is_awkward(core)) break;
    }
    return core;
}

// The highest term is not where the longest log is: who could lead is behind, and must learn of it.
bool World::is_awkward(const std::set<HostId>& core) const {
    using Length = std::pair<Term, LogIndex>;
    std::pair<Term, Length> newest;
    std::pair<Length, Term> longest;
    for (const HostId host : core) {
        const DurableLog log = read_durable_log(*machines_[host - 1]);
        const Length length(log.last.term, log.last.index);
        newest = std::max(newest, {log.hard_state.current_term, length});
        longest = std::max(longest, {length, log.hard_state.current_term});
    }
    return newest.second < longest.first && longest.second < newest.first;
}

// All of the core follow one of them.
bool World::core_leads() const {
    NodeId leader;
    for (const HostId host : core_) {
        const node::Node* node = machines_[host - 1]->serving();
        if (node == nullptr) return false;
        if (host == *core_.begin()) leader = node->raft().leader();
        if (node->raft().leader() != leader) return false;
    }
    return core_.contains(static_cast<HostId>(leader.value()));
}

void World::run_liveness() {
    for (const auto& client : clients_)
        client->stop();
    phase_ = Phase::kLiveness;
    nemesis_->stop();
    if (!repair_disks()) {
        fail(RunOutcome::kLiveness, "a damaged log was not repaired: " + describe_nodes());
        return;
    }
    core_ = draw_core();
    wanted_ = core_;
    const auto how = static_cast<Outside>(random_.below(static_cast<uint64_t>(Outside::kCount)));
    const bool from_scratch = random_.chance(1, 3);
    for (const auto& machine : machines_) {
        const HostId host = machine->host();
        trace_.note(host, core_.contains(host) ? "core" : "outside");
        if (!core_.contains(host)) break_outside(*machine, how);
    }
    for (const HostId host : core_) {
        if (from_scratch) machines_[host - 1]->crash(Network::Death::kPower, Disk::CrashMode::kDrawn);
        start_later(host, 0);
    }
    // How long a start takes depends on the length of the log, not on elections.
    const bool started = run_until_met(events_.now_ns() + kStartNs, [this] {
        return std::all_of(core_.begin(), core_.end(),
                           [this](HostId host) { return machines_[host - 1]->serving() != nullptr; });
    });
    if (!started) {
        fail(RunOutcome::kLiveness, "a healthy majority did not start: " + describe_nodes());
        return;
    }
    probe();
    expect_service();
}

// A leader within kLivenessElections election timeouts and, once the log is replayed (which takes as long as the log is
// long), a write and a read within as many.
void World::expect_service() {
    const uint64_t patience_ns = kLivenessElections * scenario_.election_timeout_ns_max();
    uint64_t begin_ns = events_.now_ns();
    const bool led = run_until_met(begin_ns + patience_ns, [this] { return core_leads(); });
    result_.numbers.liveness_ns = events_.now_ns() - begin_ns;
    const auto fail_to = [this](std::string_view what) {
        fail(RunOutcome::kLiveness, fmt::format("a healthy majority did not {} within {} election timeouts: {}", what,
                                                kLivenessElections, describe_nodes()));
    };
    if (!green()) return;
    if (!led) return fail_to("get a leader of its own");
    const LogIndex committed = checker_.committed_index();
    const bool replayed = run_until_met(events_.now_ns() + kStartNs, [this, committed] {
        return std::all_of(core_.begin(), core_.end(), [this, committed](HostId host) {
            const node::Node* node = machines_[host - 1]->serving();
            return node != nullptr && node->last_applied() >= committed;
        });
    });
    if (!green()) return;
    if (!replayed) return fail(RunOutcome::kLiveness, "a healthy majority did not replay its log: " + describe_nodes());
    begin_ns = events_.now_ns();
    probes_served_ = 0;
    const bool served = run_until_met(begin_ns + patience_ns, [this] { return probes_served_ >= 2 && core_leads(); });
    result_.numbers.liveness_ns += events_.now_ns() - begin_ns;
    if (!served && green()) fail_to("serve a write and a read");
}

// A node that is deaf, or whose disk hangs, may have been the leader: it must not keep the healthy ones from having
// another.
void World::break_outside(Machine& machine, Outside how) {
    const HostId host = machine.host();
    trace_.note(host, "broken", static_cast<uint64_t>(how));
    if (how == Outside::kDead) machine.crash(Network::Death::kPower, Disk::CrashMode::kDrawn);
    if (how == Outside::kHungDisk) nemesis_->hang_for_ever(host);
    if (how == Outside::kHungDisk) return;
    for (const HostId member : core_) {
        network_.set_blocked(member, host, true);
        if (how != Outside::kDeaf) network_.set_blocked(host, member, true);
    }
}

// A write until one is served, then a read, and so on.
void World::probe() {
    if (phase_ != Phase::kLiveness) return;
    do {
        probe_target_ = probe_target_ % scenario_.nodes + 1;
    } while (!core_.contains(probe_target_));
    // As a client would: the leader may be a node with a hung disk, which only finds out when it is given something to
    // write.
    const HostId redirect = prober_->take_redirect();
    const HostId target = redirect != 0 ? redirect : probe_target_;
    Command command = probes_served_ % 2 == 0 ? set("probe", fmt::format("probe-{}", ++probe_number_)) : get("probe");
    prober_->request(std::move(command), target, [this](Outcome outcome) {
        if (outcome == Outcome::kExecuted) ++probes_served_;
        events_.after(10 * kMillisecondNs, [this] { probe(); });
    });
}

// --- phase 3 ---

bool World::converged() const {
    const node::Node* first = nullptr;
    bool any_leader = false;
    for (const auto& machine : machines_) {
        if (nemesis_->is_wiped(machine->host()) && !gave_up_.contains(machine->host())) return false;
        if (is_out(machine->host())) continue;
        const node::Node* node = machine->serving();
        if (node == nullptr) return false;
        any_leader = any_leader || node->raft().is_leader();
        if (first == nullptr) first = node;
        if (node->last_applied() != first->last_applied() || node->raft().last_index() != node->last_applied())
            return false;
        if (node->state_hash() != first->state_hash()) return false;
    }
    return any_leader;
}

void World::run_convergence() {
    phase_ = Phase::kConvergence;
    nemesis_->stop();
    network_.unblock_all();
    for (const auto& machine : machines_) {
        wanted_.insert(machine->host());
        if (!machine->is_up()) start_later(machine->host(), 0);
    }
    for (const auto& client : clients_) {
        const bool settled =
            run_until_met(events_.now_ns() + kSettleNs, [&] { return client->idle() && prober_->idle(); });
        maybe(settled);
    }
    if (!run_until_met(events_.now_ns() + kConvergenceNs, [this] { return converged(); })) {
        fail(RunOutcome::kLiveness, "the healed cluster did not come to one state: " + describe_nodes());
        return;
    }
    read_all_keys();
    checker_.check_disks();
    checker_.check_logs();
    checker_.check_stores();
    fail_if_violated();
}

void World::read_all_keys() {
    std::set<std::string> keys;
    for (const Operation& operation : history_)
        keys.insert(operation.command.keys.begin(), operation.command.keys.end());
    for (const std::string& key : keys) {
        bool read = false;
        for (int attempt = 0; attempt < 20 && !read; ++attempt) {
            bool answered = false;
            do {
                probe_target_ = probe_target_ % scenario_.nodes + 1;
            } while (is_out(probe_target_));
            prober_->request(get(key), probe_target_, [&](Outcome outcome) {
                answered = true;
                read = outcome == Outcome::kExecuted;
            });
            const bool done = run_until_met(events_.now_ns() + kSettleNs, [&] { return answered; });
            if (!green()) return;
            KVORUM_ASSERT(done, "a client waits for ever");
        }
        if (read) continue;
        fail(RunOutcome::kLiveness,
             fmt::format("key {} cannot be read from the healed cluster: {}", key, describe_nodes()));
        return;
    }
}

void World::check_history() {
    CheckLimits limits;
    limits.steps_max = kCheckStepsMax;
    const CheckReport report = check_linearizability(history_, limits);
    result_.numbers.check_steps = report.steps;
    if (report.verdict == Verdict::kLinearizable) return;
    // It is the better explanation, whatever else was found.
    if (report.verdict == Verdict::kGaveUp && !green()) return;
    result_.numbers.outcome = RunOutcome::kGreen;
    const bool gave_up = report.verdict == Verdict::kGaveUp;
    fail(gave_up ? RunOutcome::kTimeout : RunOutcome::kCorrectness,
         (gave_up ? "the history is too hard to check: " : "the history is not linearizable: ") + report.explanation);
}

std::string World::describe_nodes() const {
    std::string text;
    for (const auto& machine : machines_) {
        const node::Node* node = machine->serving();
        text += fmt::format("[node {} {}{}", machine->host(), machine->role_name(),
                            core_.contains(machine->host()) ? " core" : "");
        if (node != nullptr) {
            const raft::Status status = node->raft().status();
            text +=
                fmt::format(" term {} leader {} commit {} applied {} last {} durable {}", status.term, status.leader,
                            status.commit_index, node->last_applied(), status.last_index, status.durable_index);
        }
        text += "] ";
    }
    return text;
}

}  // namespace kvorum::sim
