// A gateway over a fake group, fake peers and fake clients: no socket, no log, no Raft. The test says what happens, and
// turn() is the end of a node's turn.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/gateway.h"
#include "gateway/reply_lines.h"
#include "tests/gateway/fake_client.h"
#include "tests/gateway/fake_group.h"
#include "tests/ops/database.h"
#include "tests/reactor/fake_backend.h"

namespace kvorum::gateway {

inline constexpr NodeId kSelf{1};
inline constexpr NodeId kOther{2};
inline constexpr NodeId kThird{3};

// What was sent to leaders.
class FakePeers final : public peers::ForwardSender {
 public:
    struct Request {
        NodeId leader;
        Term term;
        uint64_t id;
        uint64_t session_id;
        ops::Words words;
    };
    struct Credit {
        uint64_t session_id;
        uint64_t bytes;
        bool operator==(const Credit&) const = default;
    };

    bool connected = true;
    bool takes_credit = true;
    uint64_t pieces_left = UINT64_MAX;
    std::vector<Request> requests;
    std::vector<Credit> credits;
    std::string pieces;      // of the large command that was begun last
    uint64_t pieces_of = 0;  // its session, until its request

    // What was sent, one command a line.
    [[nodiscard]] std::vector<std::string> lines() const {
        std::vector<std::string> lines;
        for (const Request& request : requests) {
            std::string& line = lines.emplace_back();
            for (const std::string& word : request.words)
                line += (line.empty() ? "" : " ") + word;
        }
        return lines;
    }

    bool send_forward_request(NodeId leader, Term term, uint64_t request_id, uint64_t session_id, ReplyFormat,
                              std::span<const std::string_view> arguments) override {
        if (!connected) return false;
        requests.push_back({leader, term, request_id, session_id, {arguments.begin(), arguments.end()}});
        return true;
    }
    peers::PieceStatus send_forward_piece(NodeId, const peers::ForwardPiece& piece) override {
        if (!connected) return peers::PieceStatus::kBeginAgain;
        if (pieces_left == 0) return peers::PieceStatus::kWait;
        --pieces_left;
        if (piece.offset == 0) {
            pieces.clear();
            pieces_of = piece.session_id;
        }
        EXPECT_EQ(piece.offset, pieces.size());
        pieces += piece.bytes;
        return peers::PieceStatus::kSent;
    }
    bool send_large_request(NodeId leader, Term term, uint64_t request_id, uint64_t session_id, ReplyFormat,
                            uint64_t command_bytes) override {
        // Another command was begun since, as PeerLink has it.
        if (!connected || std::exchange(pieces_of, 0) != session_id) return false;
        EXPECT_EQ(command_bytes, pieces.size());
        std::vector<std::string_view> words;
        unpack_arguments(pieces, words);
        requests.push_back({leader, term, request_id, session_id, {words.begin(), words.end()}});
        return true;
    }
    bool send_forward_credit(NodeId, uint64_t session_id, uint64_t bytes) override {
        if (!connected || !takes_credit) return false;
        credits.push_back({session_id, bytes});
        return true;
    }
};

inline Command make_command(std::string_view name) {
    if (name == "wait") return {.kind = CommandKind::kWait, .name = "wait"};
    const ops::Operation& operation = ops::operation_named(name);
    const bool has_key = operation.operands_min > 0 && operation.code != ops::OperationCode::kScan &&
                         operation.code != ops::OperationCode::kKeys;
    const bool is_fast = operation.code == ops::OperationCode::kGet || operation.code == ops::OperationCode::kMget ||
                         operation.code == ops::OperationCode::kIncr || operation.code == ops::OperationCode::kExists;
    return {.kind = CommandKind::kOperation,
            .operation = &operation,
            .name = operation.name,
            .first_key = static_cast<int16_t>(has_key ? 1 : 0),
            .is_fast = is_fast};
}
// As the protocol's own table has it: a row stays.
inline const Command& command_named(std::string_view name) {
    static std::map<std::string, Command, std::less<>> table;
    const auto known = table.find(name);
    return known != table.end() ? known->second : table.emplace(name, make_command(name)).first->second;
}
inline constexpr Command kPing{.kind = CommandKind::kLocal, .local_code = 1, .name = "ping"};
inline constexpr Command kHello{.kind = CommandKind::kLocal, .local_code = 1, .name = "hello"};

class GatewayTest : public ::testing::Test {
 protected:
    explicit GatewayTest(NodeConfig config = usual_config()) : config_(std::move(config)) {
        KVORUM_ASSERT(store_.set(kv::Setting::kHashSeed, 1));
        backend_.advance_to_deadline = false;
        backend_.time_ns = 1000 * kSecondNs;
        (void)reactor_.turn(0);
        group_.attach(gateway_.outcomes());
    }
    ~GatewayTest() override {
        for (const auto& client : clients_)
            if (client->lane.handle.generation != 0) gateway_.remove_lane(client->lane);
    }

    static NodeConfig usual_config() {
        NodeConfig config;
        config.id = kSelf;
        for (const NodeId id : {kSelf, kOther, kThird})
            config.members.push_back({.id = id, .peer = {}, .client = {}});
        config.leader_wait_ms = 1000;
        config.outcome_wait_ms = 4000;
        return config;
    }

    // --- clients ---
    FakeClient& new_client(ClientOf client_of = ClientOf::kThisNode) {
        clients_.push_back(std::make_unique<FakeClient>(clients_.size() + 1, client_of));
        gateway_.add_lane(clients_.back()->lane);
        return *clients_.back();
    }
    // The client of another node that forwards to this one, but for the sending (forwarded_sessions_test.cc has that).
    FakeClient& new_client_of_other_node() { return new_client(ClientOf::kOtherNode); }
    // True: it was a read and is answered.
    bool submit(FakeClient& client, std::string_view line) { return submit(client, ops::split(line)); }
    bool submit(FakeClient& client, const ops::Words& words) {
        const std::vector<std::string_view> arguments(words.begin(), words.end());
        return gateway_.submit(client.lane, command_named(words[0]), arguments, false,
                               client.lane.is_of_other_node() ? ++origin_id_ : 0);
    }
    void submit_large(FakeClient& client, const ops::Words& words) {
        const std::vector<std::string_view> arguments(words.begin(), words.end());
        gateway_.submit_large(client.lane, command_named(words[0]), PackedCommand::of(arguments), false);
    }
    // About the node: its reply is its name.
    void submit_ping(FakeClient& client, uint64_t reply_bytes = 5) {
        gateway_.submit_local(client.lane, kPing, std::vector<std::string_view>{"ping"}, reply_bytes, false);
    }
    void submit_hello(FakeClient& client) {
        gateway_.submit_local(client.lane, kHello, std::vector<std::string_view>{"hello"}, 5, true);
    }
    void give_room(FakeClient& client) {
        client.has_room = client.has_bulk_room = true;
        gateway_.wake(client.lane);
    }
    void disconnect(FakeClient& client) { gateway_.remove_lane(client.lane); }

    // --- the node ---
    void put(std::string_view key, std::string_view value) {
        (void)store_.advance(store_.applied_index() + 1, FakeGroup::kClockMs);
        store_.put(key, value, kv::kNoExpiry);
    }
    void put_keys(size_t count) {
        (void)store_.advance(store_.applied_index() + 1, FakeGroup::kClockMs);
        for (size_t i = 0; i < count; ++i)
            store_.put(fmt::format("key:{}", i), "v", kv::kNoExpiry);
    }
    // Empty: there is none.
    [[nodiscard]] std::string value_of(std::string_view key) const {
        const kv::Record* record = store_.find(key);
        return record == nullptr ? std::string() : std::string(record->value());
    }
    void lead(uint64_t term = 1) { group_.elect(kSelf, Term{term}); }
    void follow(NodeId leader = kOther, uint64_t term = 1) { group_.elect(leader, Term{term}); }
    void know_no_leader(uint64_t term = 1) { group_.elect(NodeId{}, Term{term}); }
    void turn() {
        (void)reactor_.turn(0);
        reactor_.work().end_input();
        gateway_.finish_turn();
    }
    // As long as there is something to do that waits for nothing.
    void turns() {
        int left = 100'000;
        do {
            turn();
        } while (gateway_.has_work() && --left > 0);
        ASSERT_GT(left, 0) << "it never comes to an end";
    }
    void pass_ms(uint64_t duration_ms) {
        backend_.time_ns += duration_ms * kMillisecondNs;
        (void)reactor_.turn(0);
    }
    // The sweep that is made several times a second.
    void sweep() {
        gateway_.expire_overdue();
        turns();
    }

    // --- the leader elsewhere ---
    using Outcome = peers::ForwardOutcome;
    void answer(size_t request, Outcome outcome, std::string_view reply = {}) {
        const FakePeers::Request& sent = peers_.requests.at(request);
        gateway_.on_forward_reply(sent.leader, {sent.id, outcome, reply});
    }
    void lose_link(NodeId leader, size_t sent) {
        const uint64_t first_unsent = sent < peers_.requests.size() ? peers_.requests[sent].id : UINT64_MAX;
        gateway_.on_link_lost(leader, first_unsent);
    }

    NodeConfig config_;
    reactor::FakeBackend backend_;
    reactor::Reactor reactor_{backend_, {}};
    kv::Store store_;
    FakeGroup group_{kSelf, store_};
    FakePeers peers_;
    NodeCounters counters_;
    LatencyMonitor latency_;
    SlowLog slow_log_;
    BufferBudget buffers_{config_.limits, 64 * kMiB};
    Gateway gateway_{{config_, reactor_, store_, group_, peers_, counters_, latency_, slow_log_, buffers_}};
    std::vector<std::unique_ptr<FakeClient>> clients_;
    uint64_t origin_id_ = 0;
};

}  // namespace kvorum::gateway
