#include "gateway/forwarded_sessions.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "net/partial_buffer.h"

namespace kvorum::gateway {
namespace {

constexpr std::string_view kBuffersFull =
    "TRYAGAIN The buffers of the leader are full (max-buffer-memory): the command was not executed";

// Each fills what room there is, and there may be thousands.
constexpr int kSessionsWokenPerTurn = 16;

}  // namespace

class ForwardedSessions::ForwardedSession final : public ReplyPort {
 public:
    ForwardedSession(ForwardedSessions& owner, NodeId origin, uint64_t session_id)
        : owner_(owner), origin_(origin), lane_(*this, session_id, ClientOf::kOtherNode), share_(owner.buffers_) {}

    bool waits = false;  // in the owner's list

    [[nodiscard]] Key key() const { return {origin_, lane_.session_id()}; }
    [[nodiscard]] Lane& lane() { return lane_; }
    void set_format(ReplyFormat format) { format_ = format; }

    ReplyWriter& begin_reply() override {
        reply_.clear();
        return writer_to(reply_);
    }
    void pause_reply() override {
        send(peers::ForwardOutcome::kPart, reply_);
        reply_.clear();
    }
    ReplyWriter& resume_reply() override { return writer_to(reply_); }
    void end_reply() override {
        send(peers::ForwardOutcome::kExecuted, reply_);
        if (reply_.capacity() > kKeptReplyBytes) net::release_memory(reply_);
    }
    void write_reply(std::string_view reply) override { send(peers::ForwardOutcome::kExecuted, reply); }
    void write_reply_part(std::string part, bool is_last) override {
        send(is_last ? peers::ForwardOutcome::kExecuted : peers::ForwardOutcome::kPart, part);
    }
    ReplyWriter& writer_to(std::string& out) override {
        ReplyWriter& writer = *owner_.writer_;
        writer.set_output(out);
        writer.set_format(format_);
        writer.forget_error();
        return writer;
    }
    [[nodiscard]] ReplyFormat format() const override { return format_; }
    [[nodiscard]] std::string_view error_code_of(std::string_view reply) const override {
        return owner_.writer_->error_code_of(reply);
    }
    [[nodiscard]] bool output_has_room() const override {
        return client_left_ || (unsent_.empty() && untaken_bytes_ < kWindowBytes);
    }
    [[nodiscard]] bool output_has_bulk_room() const override {
        return client_left_ || (output_has_room() && owner_.sender_.has_reply_room(origin_));
    }
    [[nodiscard]] bool has_room_for_next() const {
        return lane_.waits_for_bulk_room ? output_has_bulk_room() : output_has_room();
    }
    void cut_off() override { KVORUM_ASSERT(false, "a reply for another node comes from nowhere else"); }
    void reply_not_executed(std::string_view why) override { send(peers::ForwardOutcome::kNotExecuted, why); }
    void reply_outcome_unknown(std::string_view why) override { send(peers::ForwardOutcome::kUnknown, why); }

    std::string_view carry_out(uint16_t local_code, ops::Arguments /*arguments*/) override {
        KVORUM_ASSERT(false, "command {} is not carried out for other nodes", local_code);
        return {};
    }
    [[nodiscard]] std::string redirection(const Command& /*command*/, ops::Arguments /*arguments*/,
                                          const Member& /*leader*/) const override {
        KVORUM_ASSERT(false, "a command makes one hop only");
        return {};
    }

    void flush() override {
        share_.set(sizeof(*this) + lane_.memory_bytes() + unsent_bytes_ + reply_.capacity());
        owner_.look_at(*this);
    }
    [[nodiscard]] bool is_idle() const { return lane_.queue().empty() && unsent_.empty(); }
    void taken(uint64_t bytes) {
        untaken_bytes_ -= std::min(bytes, untaken_bytes_);
        if (bytes != peers::kCreditOfNobody) return;
        client_left_ = true;
        unsent_.clear();
        unsent_bytes_ = 0;
    }
    void send_unsent() {
        while (!unsent_.empty()) {
            const Unsent& next = unsent_.front();
            if (!owner_.sender_.send_forward_reply(origin_, {next.request_id, next.outcome, next.reply, next.seen}))
                return;
            unsent_bytes_ -= next.reply.size();
            unsent_.pop_front();
        }
    }
    [[nodiscard]] ClientName client() const override { return {}; }

 private:
    void send(peers::ForwardOutcome outcome, std::string_view reply) {
        if (client_left_) return;
        const uint64_t id = lane_.queue().front().origin_id;
        untaken_bytes_ += reply.size();
        const LogIndex seen = lane_.seen();
        if (unsent_.empty() && owner_.sender_.send_forward_reply(origin_, {id, outcome, reply, seen})) return;
        unsent_.push_back({id, outcome, std::string(reply), seen});
        unsent_bytes_ += reply.size();
    }

    struct Unsent {
        uint64_t request_id;
        peers::ForwardOutcome outcome;
        std::string reply;
        LogIndex seen;
    };

    // A reply that is larger goes out alone.
    static constexpr uint64_t kWindowBytes = 1 * kMiB;
    static constexpr size_t kKeptReplyBytes = 64 * kKiB;

    ForwardedSessions& owner_;
    const NodeId origin_;
    Lane lane_;
    ReplyFormat format_ = 0;
    std::string reply_;
    std::deque<Unsent> unsent_;
    uint64_t unsent_bytes_ = 0;
    uint64_t untaken_bytes_ = 0;
    bool client_left_ = false;
    BufferShare share_;
};

ForwardedSessions::ForwardedSessions(Gateway& gateway, ForwardedProtocol& protocol, peers::ForwardReplySender& sender,
                                     NodeCounters& counters, BufferBudget& buffers)
    : gateway_(gateway),
      protocol_(protocol),
      sender_(sender),
      counters_(counters),
      buffers_(buffers),
      writer_(protocol.make_writer()) {}

ForwardedSessions::~ForwardedSessions() {
    for (auto& [key, session] : sessions_)
        gateway_.remove_lane(session->lane());
}

void ForwardedSessions::on_requests(NodeId origin, Term leads_in, std::span<const peers::ForwardRequest> requests) {
    for (const peers::ForwardRequest& request : requests) {
        if (ForwardedSession* session = session_for(origin, leads_in, request))
            protocol_.submit(session->lane(), request.arguments, request.request_id);
    }
}

void ForwardedSessions::on_large_request(NodeId origin, Term leads_in, const peers::ForwardRequest& request,
                                         PackedCommand command) {
    if (ForwardedSession* session = session_for(origin, leads_in, request))
        protocol_.submit_large(session->lane(), std::move(command), request.request_id);
}

ForwardedSessions::ForwardedSession* ForwardedSessions::session_for(NodeId origin, Term leads_in,
                                                                    const peers::ForwardRequest& request) {
    if (leads_in.is_none() || request.leader_term != leads_in) {
        sender_.send_forward_reply(origin, {request.request_id, peers::ForwardOutcome::kNotExecuted, {}});
        return nullptr;
    }
    if (buffers_are_spent_) {
        ++counters_.replies_not_executed;
        std::string reply;
        writer_->set_output(reply);
        writer_->error(kBuffersFull);
        (void)sender_.send_forward_reply(origin, {request.request_id, peers::ForwardOutcome::kExecuted, reply});
        return nullptr;
    }
    ++counters_.forwarded_in;
    std::unique_ptr<ForwardedSession>& session = sessions_[{origin, request.session_id}];
    if (session == nullptr) {
        session = std::make_unique<ForwardedSession>(*this, origin, request.session_id);
        gateway_.add_lane(session->lane());
    }
    session->set_format(request.reply_format);
    return session.get();
}

void ForwardedSessions::look_at(ForwardedSession& session) {
    if (session.is_idle()) {
        idle_.push_back(session.key());
    } else if (!session.has_room_for_next() && !std::exchange(session.waits, true)) {
        waiting_.push_back(session.key());
    }
}

ForwardedSessions::ForwardedSession* ForwardedSessions::find(const Key& key) {
    const auto it = sessions_.find(key);
    return it == sessions_.end() ? nullptr : it->second.get();
}

void ForwardedSessions::on_credit(NodeId origin, const peers::ForwardCredit& credit) {
    // One that is gone had nothing left to send.
    if (ForwardedSession* session = find({origin, credit.session_id})) session->taken(credit.bytes);
}

void ForwardedSessions::finish_turn() {
    int woken = 0;
    std::erase_if(waiting_, [&](const Key& key) {
        ForwardedSession* session = find(key);
        if (session == nullptr) return true;
        session->send_unsent();
        // They share what room there is.
        if (woken == kSessionsWokenPerTurn || !session->has_room_for_next()) return false;
        ++woken;
        session->waits = false;
        gateway_.wake(session->lane());
        return true;
    });
    for (const Key& key : idle_) {
        const auto it = sessions_.find(key);
        if (it == sessions_.end() || !it->second->is_idle()) continue;
        gateway_.remove_lane(it->second->lane());
        sessions_.erase(it);
    }
    idle_.clear();
}

void ForwardedSessions::end_turn() { buffers_are_spent_ = buffers_.needs_room(); }

void ForwardedSessions::drop_origin(NodeId origin) {
    absl::erase_if(sessions_, [&](auto& item) {
        if (item.first.first != origin) return false;
        gateway_.remove_lane(item.second->lane());
        return true;
    });
}

}  // namespace kvorum::gateway
