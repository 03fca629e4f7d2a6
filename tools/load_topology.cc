#include "tools/load_topology.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/units.h"
#include "reactor/streams.h"

namespace kvorum::tools::load {
namespace {

constexpr uint64_t kAnswerTimeoutNs = kSecondNs;
constexpr uint64_t kPauseNs = 50 * kMillisecondNs;
constexpr std::string_view kQuestion = "*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n";

struct Deadline final : reactor::Timer {
    Deadline(reactor::Reactor& reactor, reactor::StopSource& what)
        : Timer([](Timer& self) { static_cast<Deadline&>(self).source.request_stop(); }), source(what) {
        reactor.arm(*this, reactor.now_ns() + kAnswerTimeoutNs);
    }
    reactor::StopSource& source;
};

bool is_slot(const redis::ReplyValue& value) {
    return value.type == redis::ReplyType::kInteger && value.integer >= 0 &&
           value.integer < static_cast<int64_t>(kSlotCount);
}

// [first slot, last slot, [host, port, ...] of the master, replicas...]
bool is_slot_range(const redis::ReplyValue& entry) {
    if (entry.elements.size() < 3 || !is_slot(entry.elements[0]) || !is_slot(entry.elements[1])) return false;
    const redis::ReplyValue& master = entry.elements[2];
    return entry.elements[0].integer <= entry.elements[1].integer && master.elements.size() >= 2 &&
           !master.elements[0].text.empty() && master.elements[1].integer > 0 &&
           master.elements[1].integer <= UINT16_MAX;
}

}  // namespace

std::optional<MovedTo> MovedTo::parse(std::string_view error) {
    const std::vector<std::string> words = absl::StrSplit(std::string(error), ' ');
    if (words.size() != 3 || words[0] != "MOVED") return std::nullopt;
    uint32_t slot = 0;
    const std::optional<reactor::Endpoint> node = reactor::Endpoint::parse(words[2]);
    if (!absl::SimpleAtoi(words[1], &slot) || slot >= kSlotCount || !node.has_value()) return std::nullopt;
    return MovedTo{.slot = static_cast<uint16_t>(slot), .node = *node};
}

Topology::Topology(reactor::Reactor& reactor, const std::vector<reactor::Endpoint>& seeds,
                   std::function<void()> on_change)
    : reactor_(reactor), on_change_(std::move(on_change)), nodes_(seeds), stale_(reactor) {
    owner_.fill(kNobody);
    stale_.set();
}

uint32_t Topology::find_or_add(const reactor::Endpoint& node) {
    const auto found = std::find(nodes_.begin(), nodes_.end(), node);
    if (found == nodes_.end()) {
        nodes_.push_back(node);
        return static_cast<uint32_t>(nodes_.size() - 1);
    }
    return static_cast<uint32_t>(found - nodes_.begin());
}

void Topology::apply(const MovedTo& moved) {
    const uint32_t node = find_or_add(moved.node);
    if (owner_[moved.slot] == node) return;
    owner_[moved.slot] = node;
    mark_stale();
    on_change_();
}

bool Topology::apply_slots(const redis::ReplyValue& reply) {
    if (reply.type != redis::ReplyType::kArray || reply.elements.empty()) return false;
    if (!std::all_of(reply.elements.begin(), reply.elements.end(), is_slot_range)) return false;
    owner_.fill(kNobody);
    for (const redis::ReplyValue& entry : reply.elements) {
        const redis::ReplyValue& master = entry.elements[2];
        const uint32_t node =
            find_or_add({.host = master.elements[0].text, .port = static_cast<uint16_t>(master.elements[1].integer)});
        std::fill(owner_.begin() + entry.elements[0].integer, owner_.begin() + entry.elements[1].integer + 1, node);
    }
    known_ = true;
    return true;
}

reactor::Task<void> Topology::keep_fresh() {
    while (!stop_.stop_requested()) {
        const bool asked_for = co_await stale_.wait(stop_.token());
        if (!asked_for) break;
        stale_.reset();
        const bool answered = co_await ask_somebody();
        if (answered) {
            on_change_();
        } else {
            stale_.set();
        }
        const bool waited = co_await reactor_.sleep_for(kPauseNs, stop_.token());
        maybe(!waited);
    }
}

void Topology::stop() {
    stop_.request_stop();
    if (question_ != nullptr) question_->request_stop();
}

reactor::Task<bool> Topology::ask_somebody() {
    for (size_t i = 0; i < nodes_.size() && !stop_.stop_requested(); ++i) {
        const bool answered = co_await ask(nodes_[i]);
        if (answered) co_return true;
    }
    co_return false;
}

reactor::Task<bool> Topology::ask(reactor::Endpoint node) {
    reactor::StopSource question;
    const Deadline deadline(reactor_, question);
    question_ = &question;
    const int32_t socket = co_await reactor_.connect(node, question.token());
    if (socket < 0) {
        last_error_ = fmt::format("{}: {}", node.to_string(), std::strerror(-socket));
        question_ = nullptr;
        co_return false;
    }
    const iovec piece{.iov_base = const_cast<char*>(kQuestion.data()), .iov_len = kQuestion.size()};
    const int32_t sent = co_await reactor_.send(socket, {&piece, 1}, question.token());
    bool answered = false;
    last_error_ = fmt::format("{}: no answer to CLUSTER SLOTS", node.to_string());
    reactor::ReceiveStream receive(reactor_, socket);
    redis::RespReplyParser parser;
    // So few bytes into a fresh connection are never cut.
    while (sent == static_cast<int32_t>(kQuestion.size())) {
        reactor::Chunk chunk = co_await receive.next(question.token());
        if (chunk.result <= 0) break;
        parser.feed(chunk.bytes);
        receive.release(chunk);
        redis::ReplyValue reply;
        const redis::ReplyStatus status = parser.next(reply);
        if (status == redis::ReplyStatus::kNeedMore) continue;
        answered = status == redis::ReplyStatus::kReply && take_answer(reply, node);
        break;
    }
    question_ = nullptr;
    co_await receive.close();
    const int32_t closed = co_await reactor_.close(socket);
    maybe(closed < 0);
    co_return answered;
}

bool Topology::take_answer(const redis::ReplyValue& reply, const reactor::Endpoint& node) {
    if (apply_slots(reply)) return true;
    last_error_ = fmt::format("{} answers CLUSTER SLOTS with {}", node.to_string(),
                              reply.is_error() ? reply.text : std::string("no master"));
    return false;
}

}  // namespace kvorum::tools::load
