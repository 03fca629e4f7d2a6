// Many sessions and everything that can happen to them, in random order, against a model of what each may be told.
//
// Checked besides by the gateway itself after every turn (Gateway::check, Lane::check).
#include <chrono>

#include "tests/gateway/lane_model.h"
#include "tests/gateway/remote_leader.h"

namespace kvorum::gateway {
namespace {

constexpr uint64_t kSeeds = 400;
constexpr int kSteps = 300;
constexpr size_t kClients = 6;

class LanesWorld : public GatewayTest {
 public:
    explicit LanesWorld(uint64_t seed) : prng_(seed) {
        put("big", big_);
        group_.has_lease = prng_.chance(1, 2);
        for (size_t i = 0; i < kClients; ++i)
            add_client();
    }
    void TestBody() override {}

    void run() {
        for (int step = 0; step < kSteps && !HasFatalFailure(); ++step) {
            happen();
            if (prng_.chance(1, 2)) turn();
            judge();
        }
        if (HasFatalFailure()) return;
        come_to_rest();
        judge();
        for (LaneModel& model : models_) {
            if (model.client().is_cut_off) continue;
            ASSERT_TRUE(model.all_answered()) << model.key() << " waits for ever: " << state_of(model.client().lane);
            ASSERT_TRUE(model.client().lane.queue().empty());
        }
    }

 private:
    static std::string state_of(Lane& lane) {
        std::string states;
        for (uint64_t s = lane.queue().head_sequence(); s < lane.queue().end_sequence(); ++s) {
            const Request& request = *lane.queue().find(s);
            states += fmt::format("{} in state {}{}, ", request.command->name, static_cast<int>(request.state),
                                  request.is_barrier ? " (barrier)" : "");
        }
        return states + fmt::format("target {} in term {}, of another node {}", lane.target.node, lane.target.term,
                                    lane.is_of_other_node());
    }
    bool one_in(uint64_t n) { return prng_.chance(1, n); }
    void add_client() {
        FakeClient& client = one_in(4) ? new_client_of_other_node() : new_client();
        models_.emplace_back(client, fmt::format("k{}", clients_.size()));
    }
    LaneModel& some_client() { return models_[models_.size() - 1 - prng_.below(kClients)]; }

    void happen() {
        // What was sent in the turn.
        remote_.look(group_.leader(), group_.current_term());
        switch (prng_.below(12)) {
            case 0:
            case 1:
            case 2:
            case 3: send(some_client()); break;
            case 4: commit(); break;
            case 5: group_.serve_reads(); break;
            case 6:
            case 7: remote_acts(); break;
            case 8: change_room(some_client().client()); break;
            case 9: change_moods(); break;
            case 10: pass_time(); break;
            case 11: happen_rarely(); break;
        }
        remote_.look(group_.leader(), group_.current_term());
    }
    void happen_rarely() {
        switch (prng_.below(4)) {
            case 0:
            case 1: change_leader(); break;
            case 2: remote_.lose_link(one_in(2) ? kOther : kThird); break;
            case 3: replace_client(); break;
        }
    }

    // A client is read while it has room and nothing keeps its input.
    void send(LaneModel& model) {
        FakeClient& client = model.client();
        for (uint64_t left = prng_.between(1, 4); left > 0; --left) {
            const Lane& lane = client.lane;
            if (client.is_cut_off || lane.input_ended || lane.large != nullptr || lane.holds_input()) return;
            if (!lane.is_of_other_node() && !client.has_room) return;
            if (lane.is_of_other_node() && !may_send_here(model)) return;
            send_one(model);
        }
    }
    // As another node does: to a leader, and not in a new term before all is answered that it sent in an old one.
    bool may_send_here(LaneModel& model) {
        if (model.all_answered()) model.sent_in = group_.current_term();
        return group_.is_leader() && model.sent_in == group_.current_term();
    }
    void send_one(LaneModel& model) {
        using Kind = LaneModel::Kind;
        FakeClient& client = model.client();
        if (!client.lane.is_of_other_node() && one_in(6)) client.lane.read_choice = draw_read_choice();
        const std::string append = fmt::format("append {} {};", model.key(), model.next());
        switch (const uint64_t draw = prng_.below(client.lane.is_of_other_node() ? 20 : 24); draw) {
            default:
                model.sent({Kind::kAppend, {}, true});
                submit(client, append);
                return;
            case 10:
                model.sent({Kind::kAppend, {}, true});
                submit_large(client, ops::split(append));
                return;
            case 11:
            case 12:
            case 13:
            case 14:
                model.sent({Kind::kGet, {}});
                submit(client, "get " + model.key());
                return;
            case 15:
                model.sent({Kind::kFixed, bulk(big_)});
                submit(client, "get big");
                return;
            case 16:
                model.sent({Kind::kFixed, bulk(big_), true});
                submit(client, "getex big");
                return;
            case 17:
                model.sent({Kind::kFixed, many_nulls_});
                submit(client, many_keys_);
                return;
            case 18:
                model.sent({Kind::kFixed, syntax_error(), true});
                submit(client, "set a b nonsense");
                return;
            case 19:
                model.sent({Kind::kWait, {}});
                submit(client, fmt::format("wait {} {}", prng_.below(3), prng_.below(2) * 100));
                return;
            case 20:
            case 21:
                model.sent({Kind::kLocal, simple("ping")});
                submit_ping(client, prng_.chance(1, 4) ? 700 * kKiB : 5);
                return;
            case 22:
                model.sent({Kind::kLocal, simple("hello")});
                submit_hello(client);
                return;
            case 23:
                if (one_in(4)) gateway_.end_input(client.lane);
                return;
        }
    }

    ReadChoice draw_read_choice() {
        return std::array{ReadChoice{}, ReadChoice{Consistency::kBounded, 100},
                          ReadChoice{Consistency::kStale}}[prng_.below(3)];
    }

    // --- outcomes ---
    void commit() {
        if (!group_.is_leader() && group_.writes() == 0) return;
        if (one_in(2)) group_.propose();
        for (uint64_t left = prng_.below(4); left > 0 && group_.writes() > 0; --left) {
            if (gateway_.outcomes().holds_state()) return;
            (void)group_.apply_step(one_in(3) ? prng_.below(50'000) : kTurnWorkBudget);
        }
    }
    // What is left of our log: some of it was committed by the next leader, before anything of its own.
    bool settle_log() {
        if (group_.writes() == 0) return true;
        if (gateway_.outcomes().holds_state()) return false;
        if (group_.mid_entry()) {
            (void)group_.apply_step();
        } else if (one_in(2)) {
            (void)group_.apply_step();
        } else {
            group_.lose_log();
        }
        return group_.writes() == 0;
    }
    void remote_acts() {
        if (!group_.is_leader() && settle_log() && one_in(2)) remote_.execute_one();
        remote_.answer_one();
    }
    void change_leader() {
        const NodeId leader = std::array{NodeId{}, kSelf, kSelf, kOther, kThird}[prng_.below(5)];
        // Another leader's entries may stand where ours were, once it has appended some.
        if (group_.leader() != leader) group_.elect(leader, group_.current_term() + 1);
    }

    // --- circumstances ---
    void change_room(FakeClient& client) {
        client.has_room = !client.has_room;
        client.has_bulk_room = client.has_room && !one_in(3);
        if (client.has_room) gateway_.wake(client.lane);
    }
    void change_moods() {
        using enum replica::WriteAdmission;
        group_.has_lease = one_in(2);
        group_.takes_large = !one_in(4);
        group_.replicas = static_cast<uint32_t>(prng_.below(3));
        group_.has_unapplied = one_in(3);
        group_.admission = one_in(4) ? std::array{kOverloaded, kDiskFull, kOutOfMemory}[prng_.below(3)] : kAccepted;
        peers_.connected = !one_in(5);
        group_.can_ask = !one_in(5);
        group_.age_ns = one_in(2) ? 1 : UINT64_MAX;
        peers_.pieces_left = one_in(3) ? 0 : UINT64_MAX;
    }
    void pass_time() {
        pass_ms(one_in(10) ? prng_.below(2 * config_.outcome_wait_ms) : prng_.below(200));
        if (one_in(2)) gateway_.expire_overdue();
    }
    void replace_client() {
        LaneModel& model = some_client();
        if (model.client().lane.handle.generation != 0) disconnect(model.client());
        model.client().is_cut_off = true;
        add_client();
    }

    // --- what must hold ---
    void judge() {
        for (; judged_requests_ < peers_.requests.size(); ++judged_requests_) {
            const FakePeers::Request& request = peers_.requests[judged_requests_];
            LaneModel& model = models_.at(request.session_id - 1);
            if (request.words[0] != "append") continue;
            ASSERT_FALSE(model.is_answered(std::stoul(request.words[2]))) << "sent again after it was answered";
        }
        for (LaneModel& model : models_) {
            const std::string value = value_of(model.key());
            model.judge_replies(value);
            model.judge_value(value);
            FakeClient& client = model.client();
            if (client.is_cut_off && client.lane.handle.generation != 0) disconnect(client);
        }
    }
    // A stable leader here, and room everywhere: nothing is left to wait for.
    void come_to_rest() {
        if (group_.leader() != kSelf) {
            while (!settle_log())
                turn();
            group_.elect(kSelf, group_.current_term() + 1);
        }
        remote_.look(group_.leader(), group_.current_term());
        while (remote_.has_answers())
            remote_.answer_one();
        group_.admission = replica::WriteAdmission::kAccepted;
        group_.takes_large = true;
        group_.has_unapplied = false;
        group_.can_ask = true;
        group_.replicas = 9;
        for (LaneModel& model : models_)
            if (model.client().lane.handle.generation != 0) give_room(model.client());
        gateway_.expire_overdue();
        // A read waits for its end, turn after turn.
        if (group_.mid_entry()) (void)group_.apply_step();
        for (int round = 0; round < 200; ++round) {
            turns();
            group_.serve_reads();
            group_.apply();
        }
    }

    Prng prng_;
    const std::string big_ = std::string(600 * kKiB, 'b');
    const std::string many_keys_ = [] {
        std::string line = "mget";
        for (int i = 0; i < 300; ++i)
            line += " none";
        return line;
    }();
    const std::string many_nulls_ = array(std::vector<std::string>(300, null()));
    RemoteLeader remote_{peers_, store_, gateway_, prng_};
    std::deque<LaneModel> models_;
    size_t judged_requests_ = 0;
};

TEST(LanesRandom, EachCommandIsAnsweredOnceInOrderAndAsItWas) {
    const char* only = std::getenv("KVORUM_SEED");
    const uint64_t first = only == nullptr ? 1 : std::stoul(only);
    const uint64_t last = only == nullptr ? kSeeds : first;
    for (uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        LanesWorld(seed).run();
    }
}

}  // namespace
}  // namespace kvorum::gateway
