// One test for each normative sentence of Ongaro's thesis "Consensus: Bridging Theory and Practice" that this core
// implements, in the order of the thesis. The comment above a test names the section and says the sentence in our
// words.
//
// Not covered here, because the core does not have them: membership changes (chapter 4), log compaction (5), client
// sessions (6.3). Leadership transfer (3.10) is in transfer_test.cc, what leases need (4.2.3, 6.4.1) in lease_test.cc.
#include <gtest/gtest.h>

#include <set>

#include "tests/raft/made_up.h"

namespace kvorum::raft::testing {
namespace {

std::vector<uint64_t> terms_on_disk(Cluster& cluster, uint64_t id) {
    std::vector<uint64_t> terms;
    for (const EntryPtr& entry : cluster.node(id).disk.entries)
        terms.push_back(entry->term().value());
    return terms;
}

// Brings node 1 of a fresh cluster into a role, in term 1 (0 as a follower or pre-candidate).
void bring_to(Cluster& cluster, Role role) {
    if (role == Role::kFollower) return;
    cluster.campaign(1);
    if (role == Role::kPreCandidate) return;
    cluster.deliver_all();
    cluster.deliver_all();
    if (role == Role::kLeader) cluster.settle();
    ASSERT_EQ(cluster.raft(1).role(), role);
}

constexpr Role kRoles[] = {Role::kFollower, Role::kPreCandidate, Role::kCandidate, Role::kLeader};

// 3.3: a server whose term is smaller than the one in a message takes the larger; a candidate or leader then becomes a
// follower.
TEST(Terms, ALargerTermMakesAFollowerOfThatTerm) {
    for (const Role role : kRoles) {
        Cluster cluster(3);
        bring_to(cluster, role);
        cluster.inject(append(2, 1, 9));
        EXPECT_EQ(cluster.raft(1).role(), Role::kFollower) << role_name(role);
        EXPECT_EQ(cluster.raft(1).current_term(), Term{9}) << role_name(role);
        EXPECT_EQ(cluster.raft(1).leader(), NodeId{2}) << role_name(role);
    }
}

// 3.3: a server rejects requests with a stale term.
TEST(Terms, ARequestOfASmallerTermIsRejected) {
    for (const Role role : {Role::kCandidate, Role::kLeader}) {
        Cluster cluster(3);
        load(cluster, 1, {}, 5);
        load(cluster, 2, {}, 5);
        bring_to(cluster, role);
        cluster.drop_all();
        cluster.inject(append(2, 1, 5));
        cluster.inject(vote_request(3, 1, 5));
        ASSERT_EQ(cluster.sent<AppendEntriesReply>(2).size(), 1u);
        EXPECT_FALSE(cluster.sent<AppendEntriesReply>(2)[0].success);
        EXPECT_EQ(cluster.sent<AppendEntriesReply>(2)[0].term, Term{6});
        ASSERT_EQ(cluster.sent<RequestVoteReply>(3).size(), 1u);
        EXPECT_FALSE(cluster.sent<RequestVoteReply>(3)[0].granted);
        EXPECT_EQ(cluster.raft(1).role(), role);
    }
}

// 3.4: servers begin as followers.
TEST(LeaderElection, ServersStartAsFollowers) {
    Cluster cluster(3);
    for (uint64_t id = 1; id <= 3; ++id)
        EXPECT_EQ(cluster.raft(id).role(), Role::kFollower);
}

// 3.4: a server stays a follower as long as it receives valid messages from a leader or candidate.
TEST(LeaderElection, AFollowerThatHearsALeaderStaysOne) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.run_for(20 * Cluster::kElectionTimeoutNs);
    EXPECT_TRUE(cluster.raft(1).is_leader());
    EXPECT_EQ(cluster.raft(2).current_term(), Term{1});
}

TEST(LeaderElection, GrantingAVotePostponesTheOwnElection) {
    Cluster cluster(3);
    cluster.advance(Cluster::kElectionTimeoutNs, {2});
    cluster.inject(vote_request(1, 2, 1));
    cluster.advance(Cluster::kElectionTimeoutNs - 1, {2});
    EXPECT_EQ(cluster.raft(2).role(), Role::kFollower);
}

TEST(LeaderElection, RefusingAVoteDoesNotPostponeIt) {
    Cluster cluster(3);
    load(cluster, 2, {1}, 1);
    const uint64_t deadline_ns = cluster.raft(2).next_deadline_ns();
    cluster.advance(Cluster::kElectionTimeoutNs, {2});
    cluster.inject(vote_request(1, 2, 7));  // its log is empty
    EXPECT_EQ(cluster.raft(2).current_term(), Term{7});
    EXPECT_EQ(cluster.raft(2).next_deadline_ns(), deadline_ns);
}

// 3.4: leaders send heartbeats to all followers, periodically.
TEST(LeaderElection, ALeaderSendsHeartbeats) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    for (int i = 0; i < 3; ++i) {
        cluster.advance(Cluster::kHeartbeatNs, {1});
        EXPECT_EQ(cluster.sent<AppendEntries>(2).size(), 1u);
        EXPECT_EQ(cluster.sent<AppendEntries>(3).size(), 1u);
        cluster.settle();
    }
}

// 3.4 and 9.6: a follower that hears nothing for the election timeout begins an election, with a pre-vote first.
TEST(LeaderElection, SilenceStartsAnElection) {
    Cluster cluster(3);
    cluster.advance(Cluster::kElectionTimeoutNs - 1, {1});
    EXPECT_EQ(cluster.raft(1).role(), Role::kFollower);
    cluster.advance(Cluster::kElectionTimeoutNs, {1});
    EXPECT_EQ(cluster.raft(1).role(), Role::kPreCandidate);
}

// 3.4: a candidate increments its term, votes for itself, and asks all others in parallel.
TEST(LeaderElection, ACandidateAsksAllOthersInANewTerm) {
    Cluster cluster(3);
    bring_to(cluster, Role::kCandidate);
    EXPECT_EQ(cluster.raft(1).current_term(), Term{1});
    EXPECT_EQ(cluster.node(1).disk.hard_state.current_term, Term{1});
    EXPECT_EQ(cluster.node(1).disk.hard_state.voted_for, NodeId{1});
    for (uint64_t id = 2; id <= 3; ++id) {
        ASSERT_EQ(cluster.sent<RequestVote>(id).size(), 1u);
        EXPECT_EQ(cluster.sent<RequestVote>(id)[0].term, Term{1});
        EXPECT_FALSE(cluster.sent<RequestVote>(id)[0].pre_vote);
    }
}

// 3.4: a candidate wins with the votes of a majority of all servers, in the same term.
TEST(LeaderElection, AMajorityOfVotesWins) {
    struct Case {
        size_t nodes;
        uint64_t votes_of_others;
        bool wins;
    };
    for (const auto& [nodes, votes, wins] : {Case{2, 0, false},
                                             {2, 1, true},
                                             {3, 0, false},
                                             {3, 1, true},
                                             {3, 2, true},
                                             {4, 1, false},
                                             {4, 2, true},
                                             {5, 1, false},
                                             {5, 2, true},
                                             {5, 4, true}}) {
        Cluster cluster(nodes);
        bring_to(cluster, Role::kCandidate);
        for (uint64_t i = 0; i < votes; ++i) {
            const Message vote{NodeId{i + 2}, NodeId{1}, RequestVoteReply{.term = Term{1}, .granted = true}};
            cluster.inject(vote);
            cluster.inject(vote);  // a repeated reply is one vote
        }
        EXPECT_EQ(cluster.raft(1).is_leader(), wins) << nodes << " nodes, " << votes << " votes";
    }
}

TEST(LeaderElection, VotesOfAnotherTermDoNotCount) {
    Cluster cluster(3);
    load(cluster, 1, {}, 4);
    load(cluster, 2, {}, 4);
    bring_to(cluster, Role::kCandidate);
    cluster.inject({NodeId{2}, NodeId{1}, RequestVoteReply{.term = Term{4}, .granted = true}});
    EXPECT_EQ(cluster.raft(1).role(), Role::kCandidate);
}

// 3.4: a server votes for at most one candidate in a term, first come first served.
TEST(LeaderElection, OneVotePerTerm) {
    Cluster cluster(3);
    cluster.advance(Cluster::kElectionTimeoutNs, {3});
    cluster.inject(vote_request(1, 3, 1));
    cluster.inject(vote_request(2, 3, 1));
    cluster.inject(vote_request(1, 3, 1));  // asked again
    EXPECT_TRUE(cluster.sent<RequestVoteReply>(1)[0].granted);
    EXPECT_FALSE(cluster.sent<RequestVoteReply>(2)[0].granted);
    EXPECT_TRUE(cluster.sent<RequestVoteReply>(1)[1].granted);
}

TEST(LeaderElection, TheVoteSurvivesARestart) {
    Cluster cluster(3);
    cluster.inject(vote_request(1, 3, 1));
    cluster.crash(3);
    cluster.restart(3);
    cluster.inject(vote_request(2, 3, 1));
    EXPECT_FALSE(cluster.sent<RequestVoteReply>(2)[0].granted);
}

// 3.4: the winner announces itself to all others at once.
TEST(LeaderElection, ANewLeaderAnnouncesItself) {
    Cluster cluster(3);
    bring_to(cluster, Role::kCandidate);
    cluster.drop_all();
    cluster.inject({NodeId{2}, NodeId{1}, RequestVoteReply{.term = Term{1}, .granted = true}});
    EXPECT_EQ(cluster.sent<AppendEntries>(2).size(), 1u);
    EXPECT_EQ(cluster.sent<AppendEntries>(3).size(), 1u);
}

// 3.4: a candidate that hears from a leader of its term (or a later one) recognises it; of an earlier one it does not.
TEST(LeaderElection, ACandidateRecognisesALeaderOfItsTerm) {
    Cluster cluster(3);
    load(cluster, 1, {}, 4);
    load(cluster, 2, {}, 4);
    bring_to(cluster, Role::kCandidate);
    cluster.inject(append(3, 1, 4));
    EXPECT_EQ(cluster.raft(1).role(), Role::kCandidate);
    cluster.inject(append(3, 1, 5));
    EXPECT_EQ(cluster.raft(1).role(), Role::kFollower);
    EXPECT_EQ(cluster.raft(1).leader(), NodeId{3});
}

// 3.4: without a winner each candidate times out and starts again, in a new term.
TEST(LeaderElection, ACandidateWithoutAMajorityTriesAgain) {
    Cluster cluster(3);
    bring_to(cluster, Role::kCandidate);
    cluster.drop_all();
    ASSERT_TRUE(cluster.elect(1));
    EXPECT_EQ(cluster.raft(1).current_term(), Term{2});
}

// 3.4: election timeouts are random, from a fixed interval.
TEST(LeaderElection, TimeoutsAreRandomWithinTheirInterval) {
    std::set<uint64_t> seen;
    RaftConfig config{.self = NodeId{1}, .voters = {NodeId{1}, NodeId{2}, NodeId{3}}};
    config.configuration = configuration_of(config.voters);
    for (config.seed = 1; config.seed <= 100; ++config.seed) {
        const Raft raft(config, {.cluster = kTestCluster}, 0);
        EXPECT_GE(raft.next_deadline_ns(), config.election_timeout_ns);
        EXPECT_LT(raft.next_deadline_ns(), 2 * config.election_timeout_ns);
        seen.insert(raft.next_deadline_ns());
    }
    EXPECT_GT(seen.size(), 90u);
}

// 3.5: the leader appends the command to its log and sends it to all others in parallel.
TEST(LogReplication, AProposalIsAppendedAndSentToAll) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    const ProposeResult result = cluster.propose(1, "x");
    for (uint64_t id = 2; id <= 3; ++id) {
        const auto sent = cluster.sent<AppendEntries>(id);
        ASSERT_EQ(sent.size(), 1u);
        EXPECT_EQ(sent[0].prev_log_index, LogIndex{1});
        EXPECT_EQ(sent[0].prev_log_term, Term{1});
        ASSERT_EQ(sent[0].entries.size(), 1u);
        EXPECT_EQ(sent[0].entries[0], cluster.raft(1).cached_entry(result.index));  // the very bytes, not a copy
    }
}

// 3.5: an entry is committed when the leader that created it has it on a majority.
TEST(LogReplication, AnEntryIsCommittedOnAMajority) {
    for (const auto& [nodes, acknowledging, committed] : {std::tuple<size_t, uint64_t, bool>{3, 0, false},
                                                          {3, 1, true},
                                                          {5, 1, false},
                                                          {5, 2, true},
                                                          {4, 1, false},
                                                          {4, 2, true}}) {
        Cluster cluster(nodes);
        ASSERT_TRUE(cluster.elect(1));
        const ProposeResult result = cluster.propose(1, "x");
        for (uint64_t id = 2; id < 2 + acknowledging; ++id)
            cluster.settle({id});
        cluster.settle({1});
        EXPECT_EQ(cluster.raft(1).commit_index() >= result.index, committed)
            << nodes << " nodes, " << acknowledging << " acknowledge";
    }
}

// 3.5: this commits all earlier entries too, also those that earlier leaders created.
TEST(LogReplication, EarlierEntriesAreCommittedWithIt) {
    for (const std::vector<uint64_t>& log : {std::vector<uint64_t>{}, {2}, {1, 2}, {1}}) {
        Cluster cluster(3);
        load(cluster, 1, log, 2);
        ASSERT_TRUE(cluster.elect(1));
        EXPECT_EQ(cluster.raft(1).commit_index(), LogIndex{log.size() + 1});
        EXPECT_EQ(cluster.committed().size(), log.size() + 1);
    }
}

// 3.5: a follower that learns that an entry is committed applies it, in log order.
TEST(LogReplication, AFollowerAppliesWhatIsCommitted) {
    Cluster cluster(3);
    for (uint64_t id = 1; id <= 3; ++id)
        load(cluster, id, {1, 1, 1}, 1);
    cluster.inject(append(1, 2, 2, 3, 1, {}, 1));
    EXPECT_EQ(cluster.raft(2).commit_index(), LogIndex{1});
    EXPECT_EQ(cluster.node(2).applied_index, LogIndex{1});
    cluster.inject(append(1, 2, 2, 3, 1, {}, 3));
    EXPECT_EQ(cluster.node(2).applied_index, LogIndex{3});
}

// 3.5: leader_commit may be ahead of the follower's log; only what is known to agree counts.
TEST(LogReplication, CommitIsLimitedToWhatTheMessageProved) {
    Cluster cluster(3);
    for (uint64_t id = 1; id <= 3; ++id)
        load(cluster, id, {1, 1}, 1);
    cluster.inject(append(1, 2, 2, 1, 1, {}, 9));
    EXPECT_EQ(cluster.raft(2).commit_index(), LogIndex{1});  // index 2 may differ from the leader's
}

// 3.5: the leader tells in every AppendEntries, heartbeats included, what is committed.
TEST(LogReplication, HeartbeatsTellTheCommitIndex) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    EXPECT_EQ(cluster.raft(2).commit_index(), LogIndex{});
    cluster.advance(Cluster::kHeartbeatNs, {1});
    cluster.settle();
    EXPECT_EQ(cluster.raft(2).commit_index(), LogIndex{1});
}

// 3.5 and 3.7: a leader retries for ever, also after the entry was committed.
TEST(LogReplication, ALeaderRetriesUntilAllHaveTheEntry) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.isolate(3);
    const ProposeResult result = cluster.propose(1, "x");
    cluster.run_for(50 * Cluster::kHeartbeatNs);
    EXPECT_EQ(cluster.raft(1).commit_index(), result.index);
    EXPECT_LT(cluster.raft(3).last_index(), result.index);
    cluster.heal();
    cluster.advance(Cluster::kHeartbeatNs, {1});
    cluster.settle();
    EXPECT_EQ(cluster.raft(3).last_index(), result.index);
}

// 3.5: a follower without the entry before the new ones refuses them.
TEST(LogReplication, AFollowerRefusesEntriesThatDoNotFollowItsOwn) {
    struct Case {
        uint64_t prev_index;
        uint64_t prev_term;
        bool accepted;
    };
    for (const auto& [prev_index, prev_term, accepted] :
         {Case{0, 0, true}, {1, 1, true}, {2, 2, true}, {1, 2, false}, {2, 1, false}, {3, 3, false}}) {
        Cluster cluster(3);
        load(cluster, 2, {1, 2}, 2);
        cluster.inject(append(1, 2, 3, prev_index, prev_term));
        ASSERT_EQ(cluster.sent<AppendEntriesReply>(1).size(), 1u);
        EXPECT_EQ(cluster.sent<AppendEntriesReply>(1)[0].success, accepted) << prev_index << "/" << prev_term;
        if (accepted) {
            EXPECT_EQ(cluster.sent<AppendEntriesReply>(1)[0].match_index, LogIndex{prev_index});
        }
        if (!accepted) {
            EXPECT_EQ(cluster.sent<AppendEntriesReply>(1)[0].rejected_prev_index, LogIndex{prev_index});
        }
    }
}

// 3.5: a conflicting entry is deleted with all that follow it.
TEST(LogReplication, AConflictingEntryIsDeletedWithAllBehindIt) {
    Cluster cluster(3);
    load(cluster, 2, {1, 2, 2, 2}, 2);
    const EntryList leaders = make_log({1, 2, 3});
    cluster.inject(append(1, 2, 3, 2, 2, {leaders[2]}));
    EXPECT_EQ(terms_on_disk(cluster, 2), (std::vector<uint64_t>{1, 2, 3}));
}

// 3.5, figure 3.6: whatever a follower's log looks like, the leader makes it a copy of its own.
TEST(LogReplication, AnyFollowerBecomesACopyOfTheLeader) {
    const std::vector<uint64_t> leaders = {1, 1, 1, 4, 4, 5, 5, 6, 6, 6};
    const std::vector<std::vector<uint64_t>> followers = {
        {1, 1, 1, 4, 4, 5, 5, 6, 6},           // a: misses one
        {1, 1, 1, 4},                          // b: misses many
        {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6},     // c: one too many
        {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7},  // d: a term that the leader never saw
        {1, 1, 1, 4, 4, 4, 4},                 // e: both
        {1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3},     // f: both, over several terms
        {},
    };
    for (const std::vector<uint64_t>& follower : followers) {
        Cluster cluster(3);
        load(cluster, 1, leaders, 7);
        load(cluster, 2, follower, 7);
        load(cluster, 3, {}, 7);
        cluster.isolate(2);
        ASSERT_TRUE(cluster.elect(1));  // with the vote of 3
        cluster.heal();
        cluster.run_for(3 * Cluster::kHeartbeatNs);
        EXPECT_EQ(terms_on_disk(cluster, 2), terms_on_disk(cluster, 1));
        cluster.check_logs();
    }
}

// 3.5, end: with the hint of the follower, one rejection is enough for each conflicting term.
TEST(LogReplication, OneRejectionSkipsAWholeTerm) {
    Cluster cluster(3);
    std::vector<uint64_t> long_log(500, 1);
    load(cluster, 1, long_log, 3);
    long_log.resize(100);
    long_log.resize(600, 2);
    load(cluster, 2, long_log, 3);
    load(cluster, 3, {}, 3);
    cluster.isolate(2);
    ASSERT_TRUE(cluster.elect(1));
    cluster.heal();
    size_t rejections = 0;
    cluster.trace = [&](const std::string& line) { rejections += line.find("rejected") != std::string::npos ? 1 : 0; };
    cluster.run_for(3 * Cluster::kHeartbeatNs);
    EXPECT_LE(rejections, 3u);
    EXPECT_EQ(cluster.raft(2).last_index(), cluster.raft(1).last_index());
}

// 3.6.1: a voter refuses a candidate whose log is less up to date: later last term wins, then length.
TEST(Safety, ACandidateNeedsAnUpToDateLog) {
    struct Case {
        std::vector<uint64_t> voter;
        uint64_t last_index;
        uint64_t last_term;
        bool granted;
    };
    for (const auto& [voter, last_index, last_term, granted] : {Case{{1}, 1, 1, true},
                                                                {{1}, 2, 1, true},
                                                                {{1, 1}, 1, 1, false},
                                                                {{1}, 1, 2, true},
                                                                {{1}, 2, 2, true},
                                                                {{1, 1}, 1, 2, true},
                                                                {{2}, 1, 1, false},
                                                                {{2}, 2, 1, false},
                                                                {{2, 2}, 1, 1, false},
                                                                {{1}, 0, 0, false},
                                                                {{}, 0, 0, true}}) {
        Cluster cluster(3);
        load(cluster, 2, voter, 2);
        cluster.advance(Cluster::kElectionTimeoutNs, {2});
        cluster.inject(vote_request(1, 2, 3, last_index, last_term));
        EXPECT_EQ(cluster.sent<RequestVoteReply>(1)[0].granted, granted) << last_index << "/" << last_term;
    }
}

// 3.6.2: only entries of the current term are committed by counting.
TEST(Safety, EntriesOfEarlierTermsAreNotCommittedByCounting) {
    Cluster cluster(3);
    load(cluster, 1, {1, 2}, 2);
    load(cluster, 2, {1, 2}, 2);
    bring_to(cluster, Role::kCandidate);
    cluster.inject({NodeId{2}, NodeId{1}, RequestVoteReply{.term = Term{3}, .granted = true}});
    ASSERT_TRUE(cluster.raft(1).is_leader());
    cluster.inject(
        {NodeId{2}, NodeId{1}, AppendEntriesReply{.term = Term{3}, .success = true, .match_index = LogIndex{2}}});
    EXPECT_EQ(cluster.raft(1).commit_index(), LogIndex{});
    cluster.settle();
    EXPECT_EQ(cluster.raft(1).commit_index(), LogIndex{3});
}

// 3.7: AppendEntries that were taken already change nothing when they come again, also in another order.
TEST(Safety, AppendEntriesIsIdempotent) {
    Cluster cluster(3);
    const EntryList log = make_log({1, 1, 1});
    cluster.inject(append(1, 2, 1, 0, 0, {log[0], log[1], log[2]}));
    cluster.inject(append(1, 2, 1, 0, 0, {log[0]}));
    cluster.inject(append(1, 2, 1, 1, 1, {log[1]}));
    EXPECT_EQ(cluster.raft(2).last_index(), LogIndex{3});
    const auto replies = cluster.sent<AppendEntriesReply>(1);
    EXPECT_EQ(replies.back().match_index, LogIndex{2});  // what that message proved, not more
}

// 3.8: term, vote and log are on stable storage before a server answers.
TEST(Persistence, NothingIsAnsweredBeforeItIsDurable) {
    Cluster cluster(3);
    cluster.node(2).options.persist_at_once = false;
    cluster.advance(Cluster::kElectionTimeoutNs, {2});
    cluster.inject(vote_request(1, 2, 1));
    EXPECT_TRUE(cluster.sent<RequestVoteReply>().empty());
    cluster.persist(2);
    EXPECT_EQ(cluster.sent<RequestVoteReply>().size(), 1u);
    cluster.inject(append(1, 2, 1, 0, 0, make_log({1})));
    EXPECT_TRUE(cluster.sent<AppendEntriesReply>().empty());
    cluster.persist(2);
    ASSERT_EQ(cluster.sent<AppendEntriesReply>().size(), 1u);
    EXPECT_EQ(cluster.sent<AppendEntriesReply>()[0].match_index, LogIndex{1});
}

// 3.8: a restarted server takes commit_index as unknown and learns it anew.
TEST(Persistence, TheCommitIndexIsLearnedAnew) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.propose(1, "x");
    cluster.run_for(2 * Cluster::kHeartbeatNs);
    cluster.crash(2);
    cluster.restart(2);
    EXPECT_EQ(cluster.raft(2).commit_index(), LogIndex{});
    cluster.run_for(2 * Cluster::kHeartbeatNs);
    EXPECT_EQ(cluster.raft(2).commit_index(), LogIndex{2});
    EXPECT_EQ(cluster.node(2).applied_index, LogIndex{2});
}

// 6.2: a leader steps down when an election timeout passes without a round of heartbeats to a majority.
TEST(Clients, ALeaderWithoutAMajorityStepsDown) {
    Cluster cluster(5);
    ASSERT_TRUE(cluster.elect(1));
    cluster.partition({{1, 2}, {3, 4, 5}});
    cluster.run_for(Cluster::kElectionTimeoutNs + Cluster::kHeartbeatNs, {1, 2});
    EXPECT_FALSE(cluster.raft(1).is_leader());
    EXPECT_EQ(cluster.raft(1).current_term(), Term{1});
}

TEST(Clients, ALeaderWithAMajorityStays) {
    Cluster cluster(5);
    ASSERT_TRUE(cluster.elect(1));
    cluster.partition({{1, 2, 3}, {4}, {5}});
    cluster.run_for(5 * Cluster::kElectionTimeoutNs, {1, 2, 3});
    EXPECT_TRUE(cluster.raft(1).is_leader());
}

// 6.4: a new leader commits an entry of its own term before it trusts its commit index.
TEST(Clients, ALeaderBeginsItsTermWithANoop) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    ASSERT_TRUE(cluster.elect(2));
    EXPECT_EQ(cluster.entry(2, LogIndex{2})->header().type, EntryType::kNoop);
}

// 6.4: read_index is the commit index at the time of the read; it is confirmed by one more round of heartbeats.
TEST(Clients, AReadTakesTheCommitIndexAndNeedsARound) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.propose(1, "x");  // not committed when the read comes
    const uint64_t read = cluster.read(1).second;
    EXPECT_FALSE(cluster.confirmed(read).has_value());
    cluster.settle();
    ASSERT_TRUE(cluster.confirmed(read).has_value());
    EXPECT_EQ(cluster.confirmed(read)->read_index, LogIndex{1});
}

// 6.4: one round serves all reads that gathered.
TEST(Clients, ReadsOfOneTurnShareARound) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    Raft& leader = cluster.raft(1);
    for (uint64_t id = 1000; id < 1010; ++id)
        ASSERT_EQ(leader.read_index(id, cluster.now_ns()), ReadStatus::kAccepted);
    const Output output = leader.take_output();
    EXPECT_EQ(output.messages_now.size(), 2u);
}

// 9.6: a server raises its term only after a majority said that it would vote for it.
TEST(PreVote, TheTermRisesOnlyWithAMajorityBehindIt) {
    Cluster cluster(3);
    cluster.isolate(1);
    cluster.run_for(20 * Cluster::kElectionTimeoutNs, {1});
    EXPECT_EQ(cluster.raft(1).current_term(), Term{});
    EXPECT_EQ(cluster.raft(1).role(), Role::kPreCandidate);
}

// 9.6: it says so if the candidate's log is up to date and no leader was heard for the election timeout.
TEST(PreVote, NeedsAnUpToDateLogAndSilence) {
    const auto ask = [](Cluster& cluster, uint64_t term, uint64_t last_index, uint64_t last_term) {
        cluster.drop_all();
        cluster.inject({NodeId{3}, NodeId{2},
                        RequestVote{.term = Term{term},
                                    .pre_vote = true,
                                    .last_log_index = LogIndex{last_index},
                                    .last_log_term = Term{last_term}}});
        return cluster.sent<RequestVoteReply>(3).at(0);
    };
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    EXPECT_FALSE(ask(cluster, 2, 1, 1).granted);  // a leader was heard just now
    cluster.advance(Cluster::kElectionTimeoutNs - 1, {1});
    EXPECT_FALSE(ask(cluster, 2, 1, 1).granted);
    cluster.advance(1, {1});
    EXPECT_TRUE(ask(cluster, 2, 1, 1).granted);
    EXPECT_EQ(ask(cluster, 2, 1, 1).term, Term{2});
    EXPECT_FALSE(ask(cluster, 2, 0, 0).granted);  // its log is shorter
    EXPECT_FALSE(ask(cluster, 1, 0, 0).granted);  // its term is not new
}

TEST(PreVote, ChangesNothingAtTheVoter) {
    Cluster cluster(3);
    const uint64_t deadline_ns = cluster.raft(2).next_deadline_ns();
    cluster.inject({NodeId{3}, NodeId{2}, RequestVote{.term = Term{8}, .pre_vote = true}});
    EXPECT_EQ(cluster.raft(2).current_term(), Term{});
    EXPECT_EQ(cluster.raft(2).next_deadline_ns(), deadline_ns);
    EXPECT_FALSE(cluster.raft(2).has_output());
}

// 10.2.1: the leader may send entries while it writes them, and followers' disks may make the majority without its own.
TEST(Performance, TheLeaderWritesInParallel) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.node(1).options.persist_at_once = false;
    const ProposeResult result = cluster.propose(1, "x");
    EXPECT_EQ(cluster.sent<AppendEntries>().size(), 2u);
    cluster.settle({2, 3});
    cluster.deliver_all({1});
    EXPECT_EQ(cluster.raft(1).commit_index(), result.index);
    EXPECT_LT(cluster.raft(1).status().durable_index, result.index);
}

// 10.2.1: the leader does not wait for one AppendEntries to be answered before it sends the next.
TEST(Performance, TheLeaderPipelines) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    for (int i = 0; i < 10; ++i)
        cluster.propose(1, "x");
    EXPECT_EQ(cluster.sent<AppendEntries>(2).size(), 10u);
}

// 10.2.2: what gathered leaves in one message.
TEST(Performance, TheLeaderBatches) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    for (int i = 0; i < 10; ++i) {
        EntryBuilder builder(EntryType::kCommands);
        ASSERT_EQ(cluster.raft(1).propose(builder).status, ProposeStatus::kAccepted);
    }
    const Output output = cluster.raft(1).take_output();
    EXPECT_EQ(output.messages_now.size(), 2u);
    EXPECT_EQ(std::get<AppendEntries>(output.messages_now[0].body).entries.size(), 10u);
    EXPECT_EQ(output.entries.size(), 10u);
}

}  // namespace
}  // namespace kvorum::raft::testing
