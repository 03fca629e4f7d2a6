// The state behind raft/raft.h. The work is split by concern over raft.cc (inputs and outputs), election.cc, append.cc
// (a follower's log), replication.cc (a leader's), membership.cc, snapshot.cc, read_index.cc and
// transfer.cc.
//
// AppendEntries, and acknowledgements that waited for a disk, are made only in take_output(): all that one turn of the
// owner gathered leaves in as few as possible.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "base/prng.h"
#include "raft/invariants.h"
#include "raft/log.h"
#include "raft/members.h"
#include "raft/persist_queue.h"
#include "raft/raft.h"
#include "raft/roles.h"

namespace kvorum::raft {

// No honest cluster gets there; a peer that states more must not make our own term overflow.
inline constexpr uint64_t kTermMax = uint64_t{1} << 62;

class Raft::Impl {
 public:
    Impl(const RaftConfig& config, const RecoveredLog& recovered, uint64_t now_ns);

    // --- raft.cc: inputs, output, questions ---
    void step(const Message& message, uint64_t now_ns);
    void tick(uint64_t now_ns);
    [[nodiscard]] uint64_t next_deadline_ns() const;
    void on_persisted(Term term, LogIndex index);
    void on_applied(LogIndex index);
    [[nodiscard]] bool has_output() const;
    [[nodiscard]] Output take_output();
    [[nodiscard]] Role role() const { return static_cast<Role>(role_.index()); }
    [[nodiscard]] Term current_term() const { return hard_state_.current_term; }
    [[nodiscard]] NodeId leader() const;
    [[nodiscard]] LogIndex commit_index() const { return commit_index_; }
    [[nodiscard]] const Log& log() const { return log_; }
    [[nodiscard]] Status status() const;
    [[nodiscard]] StateView view() const;

    // --- replication.cc ---
    [[nodiscard]] ProposeResult propose(EntryBuilder& builder);
    void on_log_read(NodeId peer, LogIndex first_index, EntryList entries);
    void on_peer_unreachable(NodeId peer);
    void on_peer_connected(NodeId peer);
    void on_snapshot_sent(NodeId peer, EntryId snapshot);
    void set_memory_limit(uint64_t limit_bytes) { memory_limit_bytes_ = limit_bytes; }
    [[nodiscard]] uint64_t least_memory_limit() const;
    [[nodiscard]] const Configuration& configuration() const;
    [[nodiscard]] uint16_t feature_level() const { return log_.facts().level_at(commit_index_); }

    // --- membership.cc ---
    [[nodiscard]] ChangeResult propose_change(const ConfigurationChange& change);
    [[nodiscard]] const Members& members() const { return members_; }

    // --- snapshot.cc ---
    void compact(LogIndex up_to);
    [[nodiscard]] InstallResult install_snapshot(const LogBase& base);

    // --- read_index.cc ---
    [[nodiscard]] ReadStatus read_index(uint64_t id, uint64_t clock_ns);
    [[nodiscard]] bool has_lease(uint64_t clock_ns) const;

    // --- election.cc ---
    void set_disk_stalled(bool stalled);

    // --- transfer.cc ---
    [[nodiscard]] TransferStart transfer_leadership(NodeId target, uint64_t now_ns);
    [[nodiscard]] NodeId transfer_target() const;

 private:
    enum class AppendVerdict { kAccept, kMismatch, kContradiction };

    struct AppendCheck {
        AppendVerdict verdict = AppendVerdict::kAccept;
        size_t first_new = 0;  // of the message's entries; their number when all are held already
    };

    struct LeadershipView {
        Role role = Role::kFollower;
        Term term;
        NodeId leader;
        bool operator==(const LeadershipView&) const = default;
    };

    // --- raft.cc ---
    void handle(NodeId from, const RequestVote& request);
    void handle(NodeId from, const RequestVoteReply& reply);
    void handle(NodeId from, const AppendEntries& request);
    void handle(NodeId from, const AppendEntriesReply& reply);
    void handle(NodeId from, const TimeoutNow& request);
    [[nodiscard]] uint32_t own_silence_ms() const;
    void advance_clock(uint64_t now_ns);
    // Leaves at once if term and vote are durable, else after them: every reply tells of the term.
    void reply_to(NodeId to, MessageBody body);
    [[nodiscard]] bool is_hard_state_durable() const { return persists_.durable_hard_version() == hard_version_; }
    void set_hard_state(HardState next);
    void set_term_and_vote(Term term, NodeId voted_for);
    void advance_commit_index(LogIndex index);
    void evict();
    [[nodiscard]] LeadershipView leadership() const { return {role(), current_term(), leader()}; }

    // --- election.cc ---
    void become_follower(Term term, NodeId leader);
    void become_pre_candidate();
    void become_candidate(NodeId handed_over_by);
    void become_leader();
    void answer_pre_vote(NodeId from, const RequestVote& request);
    void keep_silence(NodeId towards, uint64_t until_ns);
    void settle_longest_silence();
    [[nodiscard]] bool is_silent_towards(NodeId candidate) const;
    [[nodiscard]] bool is_log_up_to_date(const RequestVote& request) const;
    void ask_for_votes(RequestVote request, MessageList& outbox) const;
    void restart_election_timer();
    void wait_for_leader();
    void check_quorum(const Leader& leader);

    // --- append.cc ---
    [[nodiscard]] bool is_readable(const AppendEntries& request);
    [[nodiscard]] AppendCheck check_append(NodeId from, const AppendEntries& request) const;
    void follow(NodeId from, Term term);
    void reject_append(NodeId from, const AppendEntries& request);
    void append_new_entries(const AppendEntries& request, size_t first_new);
    [[nodiscard]] std::optional<LogIndex> owed_acknowledgement() const;
    void acknowledge_persisted();
    void acknowledge(NodeId to, LogIndex durable, uint64_t read_round);

    // --- replication.cc ---
    LogIndex append_as_leader(EntryBuilder& builder);
    void raise_feature_level_if_known();
    void maybe_commit();
    void replicate();
    void replicate_to(Leader& leader, Progress& peer);
    [[nodiscard]] bool needs_snapshot(const Progress& peer) const { return peer.next_index <= log_.base_index(); }
    void wait_for_snapshot(Leader& leader, Progress& peer, bool heartbeat_due);
    void send_probe(Leader& leader, Progress& peer);
    void send_window(Leader& leader, Progress& peer);
    void send_append(Leader& leader, Progress& peer, LogIndex prev, EntryList entries);
    void schedule_heartbeat(Leader& leader) const;
    void request_log_read(Progress& peer);
    [[nodiscard]] EntryList cached_entries_from(LogIndex first, uint64_t& bytes) const;
    [[nodiscard]] bool belongs_to_log(LogIndex first_index, const EntryList& entries) const;
    [[nodiscard]] Progress* find_peer(NodeId id);
    [[nodiscard]] bool answers(const Progress& peer) const;  // within an election timeout

    // --- membership.cc ---
    [[nodiscard]] LogIndex configuration_index() const;
    [[nodiscard]] bool is_change_in_progress() const;
    [[nodiscard]] bool is_alone() const;  // no other voter
    [[nodiscard]] bool is_sole_founder() const;
    [[nodiscard]] bool may_campaign() const;
    [[nodiscard]] bool may_reply(NodeId node) const;
    [[nodiscard]] bool is_caught_up(const Progress& peer) const;
    void take_configuration();
    void add_peer(Leader& leader, NodeId id, LogIndex next_index) const;
    LogIndex append_configuration(const Configuration& configuration);
    void look_after_members();
    void let_former_members_go(Leader& leader);
    void promote_learners(const Leader& leader);
    void leave_leadership(Leader& leader);

    // --- read_index.cc ---
    void end_lease(Leader& leader) const;
    void admit_early_reads(Leader& leader);
    void begin_read_round(Leader& leader);
    void confirm_reads(Leader& leader);
    void take_promise(const Leader& leader, Progress& peer, const AppendEntriesReply& reply) const;
    void renew_lease(Leader& leader, uint64_t confirmed_round);
    [[nodiscard]] uint64_t less_drift(uint64_t duration_ns) const;
    void drop_reads(const Leader& leader);

    // --- transfer.cc ---
    [[nodiscard]] bool may_take_over(const Progress& peer) const;
    [[nodiscard]] Progress* most_caught_up(Leader& leader) const;
    void ask_target(Leader& leader);
    void expire_transfer(Leader& leader) const;
    [[nodiscard]] bool is_handed_over(const RequestVote& request) const;

    const RaftConfig config_;
    const ClusterId cluster_;  // of the log
    Prng prng_;
    uint64_t now_ns_;

    HardState hard_state_;
    uint64_t hard_version_ = 0;        // counts changes of hard_state_
    uint64_t taken_hard_version_ = 0;  // the newest that an Output carried
    Log log_;
    Members members_;  // of the configuration in force
    PersistQueue persists_;
    LogIndex commit_index_;
    LogIndex handed_out_index_;
    LogIndex last_applied_;

    RoleState role_;
    uint64_t election_at_ns_ = 0;
    uint64_t election_jitter_ns_ = 0;
    // No vote for anybody but silent_for_ before that time: see keep_silence().
    uint64_t silent_until_ns_ = 0;
    NodeId silent_for_;
    // What was promised before the start has ended by then.
    uint64_t inherited_until_ns_ = 0;
    bool disk_stalled_ = false;
    uint64_t memory_limit_bytes_ = 0;

    Output output_;
    LeadershipView told_leadership_;
    MessageCounters dropped_messages_;
};

}  // namespace kvorum::raft
