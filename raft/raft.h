// The consensus core of one Raft group on one node (thesis chapters 3, 6.4, 9.6, 10.2.1): pure, no I/O, no clock, no
// threads.
//
// How it is used. The owner feeds it messages, the time, proposals and completions; after any batch of such calls it
// takes ONE Output and carries it out. Every method returns at once and has no effect outside this object.
//
// The contract of Output (the owner's one function for it is replica/raft_driver.h):
//   1. Persist `hard_state`, `begin_at` and `entries`, in this order, as one unit (an entry whose index is not above an
//      earlier one's replaces that one and everything behind it; begin_at replaces all entries by a snapshot).
//   2. `messages_now` may leave at once, before or while that is written (thesis 10.2.1).
//   3. `messages_after_persist` leave only when that unit, and all units before it, are durable; an Output that has
//      nothing to persist may still have some, which wait for the units before it. A message whose `to` is this node is
//      stepped back into this object at that moment (a candidate's own vote).
//   4. When a unit is durable, call on_persisted(term, index) with (term, index) of its last entry: once for each unit,
//      in order. Completions may arrive late, even after the entry was replaced: each is counted for the unit that it
//      belongs to, so a stale one is recognised (the "ABA" of asynchronous appends).
//   5. Apply `committed` in order; call on_applied. Entries that are no longer cached come as a range to be read from
//      the log. They may be committed before they are durable here: a majority of others has them.
//   6. `read_states`: reads that may be served as soon as the state machine has applied read_index.
//   7. `log_reads`: entries a lagging peer needs that are no longer cached: read them from the log and call
//      on_log_read, once for each, also when nothing could be read.
//   8. `snapshot_sends`: these peers need entries that the log no longer has. Offer them the newest snapshot; they are
//      named again with each heartbeat until their acknowledgements show that they have what it stands for. Call
//      on_snapshot_sent() when a peer says that it has installed one.
//   9. `unreadable`: end the node with this reason.
//
// Durable and received are different things here: match_index of this node itself counts only what on_persisted
// reported. A follower acknowledges new entries when they are durable, once for all that became durable together; it
// answers heartbeats, repeats and the first message of a read round at once, with what is durable by then.
//
// Followers learn the commit index from the next AppendEntries or heartbeat, not from a message of its own.
//
// Who may vote (thesis 4.2.2): a node grants votes by its log and its silence alone, whatever its configuration says,
// because it may not have heard yet that it is a voter; the candidate asks and counts the voters that it knows. So
// learners are not asked, and a node that joins is asked only when it was made a voter. It campaigns only if it votes
// by its configuration in force, or by the last one that it knows to be committed: a voter that leaves may be the only
// one with a log that can win until that is committed.
//
// Thread: the owning core. Errors: results are plain enums; what a peer says is never asserted, a broken invariant of
// our own always is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/units.h"
#include "raft/configuration.h"
#include "raft/configuration_change.h"
#include "raft/entry.h"
#include "raft/log_base.h"
#include "raft/log_facts.h"
#include "raft/messages.h"
#include "raft/types.h"

namespace kvorum::raft {

inline constexpr size_t kVotersMax = 31;
inline constexpr uint32_t kClockDriftPercentMax = 50;

struct RaftConfig {
    NodeId self;
    GroupId group = kFirstGroup;
    // Of an empty log, to found a cluster: all members, this node included; distinct, at least one, at most kVotersMax.
    // Once the log states a configuration, that decides.
    std::vector<NodeId> voters;
    // What the first leader of the cluster writes as entry 1, and what is in force before that: its voters are
    // `voters`.
    Configuration configuration{};
    // This node is no founder: while its log states no configuration it is in none, and does not campaign. `voters` and
    // `configuration` are empty then.
    bool joins = false;
    uint16_t feature_level_max = known_feature_level();  // what this program knows
    std::string program_version = "unknown";             // who raises the level; at most kRaisedByBytesMax bytes

    // An election starts after a silence drawn from [election_timeout_ns, 2 * election_timeout_ns), and that is the
    // silence that this node promises to a leader. It need not be the same on all nodes. At most kSilenceNsMax;
    // heartbeat_interval_ns must be at most a third of it.
    uint64_t election_timeout_ns = 1000 * kMillisecondNs;
    // A leader beats at least that often, and at a third of the least silence that a voter promises.
    uint64_t heartbeat_interval_ns = 100 * kMillisecondNs;
    // How much faster than another's any node's clock may run. Above 0 a leader serves reads under a lease (thesis
    // 6.4.1), which is that much shorter than the silence that a majority promised. 0: every read waits for a round.
    uint32_t clock_drift_percent = 0;

    uint64_t message_bytes_max = 1 * kMiB;   // entries in one AppendEntries; a single larger entry still travels, alone
    uint64_t inflight_bytes_max = 8 * kMiB;  // sent to one peer and not yet acknowledged
    uint64_t inflight_messages_max = 256;
    uint64_t uncommitted_bytes_max = 64 * kMiB;  // above this propose() answers kOverloaded
    uint64_t cache_bytes_max = 32 * kMiB;        // entries kept in memory that are durable, committed and applied
    uint64_t seed = 1;                           // of election timeouts

    // Every violation, in words; empty means usable.
    [[nodiscard]] std::vector<std::string> validate() const;
};

// What recovery found in the log.
struct RecoveredLog {
    ClusterId cluster;  // that the log was made for: all its entries, and those that it takes, name it
    HardState hard_state{};
    LogBase base{};     // where the log begins
    EntryId applied{};  // what the state holds already; not below the base. All of it is committed
    EntryId last{};     // the base's when the log has no entry
    int64_t last_log_time_ms = 0;
    std::vector<TermRun> terms{};  // of all entries behind the base
    LogFacts facts{};              // of all entries, and of the base
};

enum class Role { kFollower, kPreCandidate, kCandidate, kLeader };
[[nodiscard]] const char* role_name(Role role);

enum class ProposeStatus {
    kAccepted,
    kNotLeader,    // not in the log and never will be: the caller may send it elsewhere
    kOverloaded,   // not in the log: too many uncommitted bytes
    kHandingOver,  // not in the log: the leadership is being handed over; proposed again it may be taken, if that fails
};

struct ProposeResult {
    ProposeStatus status = ProposeStatus::kNotLeader;
    // Valid for kAccepted. The entry is committed when `committed` delivers this index with this term; an entry with
    // another term at this index says that the proposal will never take effect.
    LogIndex index{};
    Term term{};
    size_t body_size_bytes = 0;
};

enum class InstallResult {
    kIgnored,    // the log or the state is not behind it, or this node leads
    kKept,       // the log holds that entry: everything up to it is committed, and will be applied from the log
    kInstalled,  // the log begins behind it now
};

enum class ReadStatus { kAccepted, kNotLeader };

enum class TransferStatus {
    kStarted,
    kNotLeader,
    kUnderWay,     // another one, to `target`
    kNoSuchVoter,  // the target is this node or no voter of the newest set, or there is no other voter
    kUnreachable,  // the target, or every other voter, has not answered for an election timeout or lost its connection
};

struct TransferStart {
    TransferStatus status = TransferStatus::kNotLeader;
    NodeId target{};  // of kStarted and kUnderWay
};

struct ChangeResult {
    ChangeStatus status = ChangeStatus::kNotLeader;
    // Of kAccepted: the entry with the next configuration, the joint one if the voters change. The change is made once
    // that and, after a joint one, the entry that the leader appends by itself are committed.
    LogIndex index{};
    Term term{};
    std::string problem = {};  // of kInvalid
};

// A read that is confirmed: linearizable once last_applied >= read_index.
struct ReadState {
    uint64_t id = 0;
    LogIndex read_index;
};

// Reads that died unconfirmed, because this node lost leadership: they were not served, and may be tried elsewhere.
using DroppedReads = std::vector<uint64_t>;

// A range of entries, both ends included, to be read back from the durable log for `peer`.
struct LogRead {
    NodeId peer;
    LogIndex first_index;
    LogIndex last_index;
    uint64_t bytes_max = 0;
};

struct CommittedRange {
    // Indexes to apply now, in order: (first_index .. last_index); none when first_index is none.
    LogIndex first_index;
    LogIndex last_index;
};

struct Output {
    // 1.
    std::optional<HardState> hard_state;
    std::optional<LogBase> begin_at;
    EntryList entries;
    // 2. and 3.
    MessageList messages_now;
    MessageList messages_after_persist;
    // 5. to 9.
    CommittedRange committed;
    std::vector<ReadState> read_states;
    DroppedReads dropped_reads;
    std::vector<LogRead> log_reads;
    std::vector<NodeId> snapshot_sends;
    // Role, term or known leader changed since the last Output.
    bool leadership_changed = false;
    // Not empty: a leader sent what this program cannot read (raft/feature_level.h). The owner ends the node with this
    // reason; nothing of the message was taken.
    std::string unreadable;

    [[nodiscard]] bool needs_persist() const {
        return hard_state.has_value() || begin_at.has_value() || !entries.empty();
    }
};

// For operators and tests.
struct PeerStatus {
    NodeId id;
    LogIndex match_index;
    LogIndex next_index;
    uint64_t inflight_bytes = 0;
    bool recently_active = false;
    bool votes = false;      // else it is a learner, or leaves
    bool caught_up = false;  // keeps up with the leader's log, as a learner must before it votes
    const char* state = "";  // probe, replicate, reading-log, snapshot
};

// Messages that were dropped without any effect. All zero in a healthy cluster.
struct MessageCounters {
    uint64_t unknown_sender = 0;  // replies of nodes that are no members (any more), or to another node
    uint64_t malformed = 0;       // inconsistent in itself, of another cluster or group, or about entries that never
                                  // existed
    // Against what is settled: another entry where ours is committed, a break of the hash chain, a second leader in one
    // term.
    uint64_t contradicting = 0;
};

struct Status {
    NodeId self;
    Role role = Role::kFollower;
    Term term;
    NodeId voted_for;  // in `term`; none: nobody
    NodeId leader;     // none when unknown
    LogIndex commit_index;
    LogIndex last_applied;
    LogIndex base_index;  // of the last entry that the log no longer has; none: it has all
    LogIndex last_index;
    LogIndex durable_index;
    LogIndex configuration_index;    // of the entry that states the configuration in force; none: RaftConfig does
    std::vector<NodeId> voters;      // of that configuration; ascending, as the others
    std::vector<NodeId> outgoing{};  // not empty: it is joint, and each majority is asked of both sets
    std::vector<NodeId> learners{};
    bool change_in_progress = false;              // it is joint, or not known to be committed
    uint16_t feature_level = kFirstFeatureLevel;  // in force
    NodeId transfer_target{};                     // as Raft::transfer_target()
    MessageCounters dropped_messages;
    std::vector<PeerStatus> peers;  // leader only
};

class Raft {
 public:
    Raft(const RaftConfig& config, const RecoveredLog& recovered, uint64_t now_ns);
    ~Raft();
    Raft(const Raft&) = delete;
    Raft& operator=(const Raft&) = delete;

    // --- inputs ---
    // `now_ns` never goes backwards. Messages from unknown nodes, to another node, or malformed are dropped and
    // counted.
    void step(const Message& message, uint64_t now_ns);
    // Call at next_deadline_ns(), which any input may bring closer.
    void tick(uint64_t now_ns);
    [[nodiscard]] uint64_t next_deadline_ns() const;

    // Appends a batch. The log time of the entry becomes max(builder's, previous entry's). On anything but kAccepted
    // the builder is untouched and may be proposed again.
    [[nodiscard]] ProposeResult propose(EntryBuilder& builder);

    // Registers a linearizable read under a caller-chosen id. Under a lease it is confirmed at once; else all reads
    // registered before take_output() share one round. Refused (kNotLeader) unless this node leads; waits inside until
    // an entry of the current term is committed (thesis 6.4). `clock_ns`: of the same clock as now_ns, read after the
    // read arrived: a process that was stopped in between must not trust what it knew before.
    [[nodiscard]] ReadStatus read_index(uint64_t id, uint64_t clock_ns);
    // A read that arrived before `clock_ns` was read may be served at once from a state machine that has applied
    // commit_index().
    [[nodiscard]] bool has_lease(uint64_t clock_ns) const;

    // Hands the leadership over (thesis 3.10) to `target`, or, if that is none, to the voter that holds most of those
    // that answer. From now on this leader has no lease in its term, whatever comes of it, and until the end of the
    // transfer it takes no proposals. The target is brought up to date and told to campaign at once; then this node
    // follows it. If that has not come after an election timeout, or the connection to the target is lost, the transfer
    // has failed: this node leads on, and its reads wait for rounds. The caller sees what came of it by is_leader(),
    // current_term() and transfer_target().
    //
    // Why a vote within the promised silence is safe here: the silence is there for the lease of the leader that it was
    // promised to, and that leader gave its lease up before it asked. Leaders before it have none either: it could not
    // have been elected else. So a voter that knows this very leader of this very term need not be silent.
    [[nodiscard]] TransferStart transfer_leadership(NodeId target, uint64_t now_ns);
    // To whom the leadership is being handed over; none: it is not.
    [[nodiscard]] NodeId transfer_target() const;

    // Changes who the members are (thesis chapter 4): one change at a time. The configuration is in force when it is
    // appended; that ends the lease, and from then on each majority is asked of every set that it names. Whoever leads
    // when a joint configuration is committed appends what follows it, and makes voters of learners that are to be
    // promoted.
    //
    // A learner has caught up (4.2.1) when it acknowledged all that the log held when the round before was complete,
    // and that took at most an election timeout; the rounds follow each other as long as it is a learner.
    //
    // A leader that is no voter of the new configuration leads until that is committed, and does not count itself; then
    // it hands over, or steps down. Members that left get entries until they know that they did.
    [[nodiscard]] ChangeResult propose_change(const ConfigurationChange& change);

    // A unit of an Output became durable: `index`/`term` are of the last entry in it (none, none if it had only a hard
    // state; of begin_at if it had no entries). Implies that all units before it are durable too. A call that names no
    // unit in flight is ignored.
    void on_persisted(Term term, LogIndex index);
    void on_applied(LogIndex index);
    // Answers a LogRead. `entries` are consecutive from `first_index`; empty means that the range could not be read.
    void on_log_read(NodeId peer, LogIndex first_index, EntryList entries);
    // The owner's log has released the entries up to there: they are durable and applied, and a snapshot stands for
    // them.
    void compact(LogIndex up_to);
    // A snapshot of this cluster, verified and durable, stands for all entries up to `base.last` (thesis 5.3; what it
    // holds is committed, whoever sent it). kInstalled: the next Output has begin_at, and the owner replaces the state
    // by the snapshot's before it applies anything behind it, and calls on_applied(). Nothing ever goes back: not the
    // commit index, and no entry is dropped that agrees with the snapshot.
    [[nodiscard]] InstallResult install_snapshot(const LogBase& base);
    // `peer` says that it has installed this snapshot. Only its acknowledgements count.
    void on_snapshot_sent(NodeId peer, EntryId snapshot);
    // The connection to `peer` was lost, or a message to it was dropped: what was in flight to it may be lost. Until it
    // answers, or on_peer_connected(), it gets no more than heartbeats.
    void on_peer_unreachable(NodeId peer);
    void on_peer_connected(NodeId peer);
    // The local log did not complete a write for too long (a hung disk): a leader steps down, and nobody campaigns
    // until it is cleared.
    void set_disk_stalled(bool stalled);
    // What this node's state machine may take, 0: no limit. The leader is told with each acknowledgement.
    void set_memory_limit(uint64_t limit_bytes);

    // --- output ---
    [[nodiscard]] bool has_output() const;
    [[nodiscard]] Output take_output();

    // --- questions ---
    [[nodiscard]] Role role() const;
    [[nodiscard]] bool is_leader() const { return role() == Role::kLeader; }
    [[nodiscard]] Term current_term() const;
    [[nodiscard]] NodeId leader() const;
    [[nodiscard]] LogIndex commit_index() const;
    [[nodiscard]] LogIndex last_index() const;
    [[nodiscard]] int64_t last_log_time_ms() const;
    // Of the entries behind `index`, as far as they are in the cache.
    [[nodiscard]] uint64_t bytes_above(LogIndex index) const;
    // The least of this node's limit and, while it leads, of those that the voters told since it does; 0: nobody has
    // one. A voter that does not answer has no say: it holds nothing of what is proposed, and one that is gone for good
    // must not stop the others.
    [[nodiscard]] uint64_t least_memory_limit() const;
    // The cached entry at `index`, or null when it must be read from the log.
    [[nodiscard]] EntryPtr cached_entry(LogIndex index) const;
    // The term of the entry at `index`; none for 0, below the base, or beyond the log.
    [[nodiscard]] Term term_at(LogIndex index) const;
    // What a snapshot says of the log that ends with `applied`, which is applied.
    [[nodiscard]] LogBase log_base_at(EntryId applied, int64_t log_time_ms) const;
    [[nodiscard]] LogIndex base_index() const;
    // In force: what the last entry states that is in the log, else RaftConfig; without voters if this node is in none
    // yet. Valid until the next input.
    [[nodiscard]] const Configuration& configuration() const;
    // What is committed as far as this node knows: what it brought may be written.
    [[nodiscard]] uint16_t feature_level() const;
    [[nodiscard]] Status status() const;

 private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace kvorum::raft
