// The other nodes as leaders, over the same store: carries out what was sent to them in its order, and answers in any
// order, in parts perhaps, or not at all.
#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "gateway/gateway.h"
#include "tests/gateway/gateway_fixture.h"

namespace kvorum::gateway {

class RemoteLeader {
 public:
    RemoteLeader(FakePeers& peers, kv::Store& store, Gateway& gateway, Prng& prng)
        : peers_(peers), store_(store), gateway_(gateway), prng_(prng) {}

    // Requests that came for a leader that is none any more are not executed; nor are those that it had not begun with.
    void look(NodeId leader, Term term) {
        for (; seen_ < peers_.requests.size(); ++seen_)
            open_.push_back(seen_);
        std::erase_if(open_, [&](size_t index) {
            const FakePeers::Request& request = peers_.requests[index];
            if (request.leader == leader && request.term == term) return false;
            answers_.push_back({index, peers::ForwardOutcome::kNotExecuted, {}});
            return true;
        });
    }
    void execute_one() {
        if (open_.empty()) return;
        const size_t index = open_.front();
        open_.pop_front();
        answers_.push_back({index, peers::ForwardOutcome::kExecuted, reply_to(peers_.requests[index].words)});
    }
    // Some answer, or a part of it: of each session in order.
    void answer_one() {
        if (answers_.empty()) return;
        const uint64_t session_id = peers_.requests[answers_[prng_.below(answers_.size())].request].session_id;
        const auto first = std::find_if(answers_.begin(), answers_.end(), [&](const Answer& answer) {
            return peers_.requests[answer.request].session_id == session_id;
        });
        const auto which = static_cast<size_t>(first - answers_.begin());
        Answer& answer = answers_[which];
        const FakePeers::Request& request = peers_.requests[answer.request];
        if (answer.text.size() > 1 && prng_.chance(1, 3)) {
            const std::string part = answer.text.substr(0, prng_.between(1, answer.text.size() - 1));
            answer.text.erase(0, part.size());
            gateway_.on_forward_reply(request.leader, {request.id, peers::ForwardOutcome::kPart, part});
            return;
        }
        const Answer last = std::exchange(answers_[which], {});
        answers_.erase(answers_.begin() + static_cast<ptrdiff_t>(which));
        gateway_.on_forward_reply(request.leader, {request.id, last.outcome, last.text});
        if (prng_.chance(1, 10)) gateway_.on_forward_reply(request.leader, {request.id, last.outcome, last.text});
    }
    // Of what was not begun with, some never left, some was carried out all the same; no answer comes any more.
    void lose_link(NodeId leader) {
        std::deque<size_t> lost;
        std::copy_if(open_.begin(), open_.end(), std::back_inserter(lost),
                     [&](size_t index) { return peers_.requests[index].leader == leader; });
        uint64_t first_unsent = UINT64_MAX;
        while (!lost.empty() && prng_.chance(1, 2)) {
            first_unsent = peers_.requests[lost.back()].id;
            lost.pop_back();
        }
        while (!lost.empty() && prng_.chance(1, 2)) {
            (void)reply_to(peers_.requests[lost.front()].words);
            lost.pop_front();
        }
        std::erase_if(open_, [&](size_t index) { return peers_.requests[index].leader == leader; });
        std::erase_if(answers_, [&](const Answer& answer) { return peers_.requests[answer.request].leader == leader; });
        gateway_.on_link_lost(leader, first_unsent);
    }
    [[nodiscard]] bool has_answers() const { return !answers_.empty(); }

 private:
    struct Answer {
        size_t request = 0;
        peers::ForwardOutcome outcome{};
        std::string text;
    };

    std::string reply_to(const ops::Words& words) {
        const std::vector<std::string_view> arguments(words.begin(), words.end());
        std::string reply;
        redis::RespWriter sink(reply);
        const Command& command = command_named(words[0]);
        if (command.kind == CommandKind::kWait) return integer(0);
        if (command.is_read()) {
            (void)ops::execute_read(store_, *command.operation, arguments, {.now_ms = FakeGroup::kClockMs}, sink);
            return reply;
        }
        LogBuffer batch;
        ops::begin_batch({}, batch);
        if (!ops::encode_write(*command.operation, arguments, FakeGroup::kClockMs, batch, sink)) return reply;
        EXPECT_TRUE(ops::apply_batch(store_, store_.applied_index() + 1, FakeGroup::kClockMs, 1, as_bytes(batch),
                                     [&sink](uint32_t) -> ReplySink& { return sink; }));
        return reply;
    }

    FakePeers& peers_;
    kv::Store& store_;
    Gateway& gateway_;
    Prng& prng_;
    size_t seen_ = 0;          // of the requests
    std::deque<size_t> open_;  // sent and not begun with
    std::vector<Answer> answers_;
};

}  // namespace kvorum::gateway
