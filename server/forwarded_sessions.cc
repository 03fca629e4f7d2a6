#include "server/forwarded_sessions.h"

#include <utility>

namespace kvorum::server {

class ForwardedSessions::ForwardedSession final : public Session {
 public:
    ForwardedSession(ForwardedSessions& owner, NodeId origin, uint64_t session_id)
        : owner_(owner), origin_(origin), session_id_(session_id), writer_(reply_) {
        queue_id = session_id;
    }

    [[nodiscard]] Key key() const { return {origin_, session_id_}; }
    void set_protocol(net::RespVersion version) { writer_.set_version(version); }

    net::RespWriter& begin_reply() override {
        reply_.clear();
        writer_.forget_error();
        return writer_;
    }
    void pause_reply() override {}
    net::RespWriter& resume_reply() override { return writer_; }
    void end_reply() override { send(net::ForwardOutcome::kExecuted, reply_); }
    void write_reply(std::string_view reply) override { send(net::ForwardOutcome::kExecuted, reply); }
    void write_reply_part(std::string_view part, bool is_last) override {
        parts_.append(part);
        if (is_last) send(net::ForwardOutcome::kExecuted, std::exchange(parts_, {}));
    }
    [[nodiscard]] bool output_has_room() const override { return true; }
    void reply_not_executed(std::string_view why) override { send(net::ForwardOutcome::kNotExecuted, why); }
    void reply_outcome_unknown(std::string_view why) override { send(net::ForwardOutcome::kUnknown, why); }

    std::string_view execute_server_command(const kv::CommandSpec& spec,
                                            std::span<const std::string_view> /*arguments*/) override {
        // Followers answer these themselves, so only a node of another version could send one.
        begin_reply().error(fmt::format("ERR command '{}' is not carried out for other nodes", spec.name));
        end_reply();
        return writer_.error_code();
    }

    void write_line(std::string_view /*line*/) override {}
    void flush() override {
        if (queue.empty()) owner_.retire(*this);
    }
    [[nodiscard]] bool may_be_forwarded() const override { return false; }
    [[nodiscard]] net::RespVersion protocol() const override { return writer_.version(); }
    [[nodiscard]] const ClientState* client() const override { return nullptr; }

 private:
    void send(net::ForwardOutcome outcome, std::string_view reply) {
        owner_.sender_.send_forward_reply(origin_, queue.front().origin_id, outcome, reply);
    }

    ForwardedSessions& owner_;
    NodeId origin_;
    uint64_t session_id_;
    std::string reply_;
    std::string parts_;  // of the reply that is written in parts
    net::RespWriter writer_;
};

ForwardedSessions::ForwardedSessions(CommandRouter& router, ForwardReplySender& sender, NodeCounters& counters)
    : router_(router), sender_(sender), counters_(counters) {}

ForwardedSessions::~ForwardedSessions() {
    for (auto& [key, session] : sessions_)
        router_.remove_session(*session);
}

void ForwardedSessions::on_requests(NodeId origin, Term leads_in, std::span<const net::ForwardRequest> requests) {
    for (const net::ForwardRequest& request : requests) {
        if (ForwardedSession* session = session_for(origin, leads_in, request))
            router_.submit(*session, request.arguments, request.request_id);
    }
}

void ForwardedSessions::on_large_request(NodeId origin, Term leads_in, const net::ForwardRequest& request,
                                         PackedCommand command) {
    if (ForwardedSession* session = session_for(origin, leads_in, request))
        router_.submit_large(*session, std::move(command), request.request_id);
}

ForwardedSessions::ForwardedSession* ForwardedSessions::session_for(NodeId origin, Term leads_in,
                                                                    const net::ForwardRequest& request) {
    if (leads_in.is_none() || request.leader_term != leads_in) {
        sender_.send_forward_reply(origin, request.request_id, net::ForwardOutcome::kNotExecuted, {});
        return nullptr;
    }
    ++counters_.forwarded_in;
    std::unique_ptr<ForwardedSession>& session = sessions_[{origin, request.session_id}];
    if (session == nullptr) {
        session = std::make_unique<ForwardedSession>(*this, origin, request.session_id);
        router_.add_session(*session);
    }
    session->set_protocol(request.resp_version == 3 ? net::RespVersion::kResp3 : net::RespVersion::kResp2);
    return session.get();
}

void ForwardedSessions::retire(ForwardedSession& session) { idle_.push_back(session.key()); }

void ForwardedSessions::finish_turn() {
    for (const Key& key : idle_) {
        const auto it = sessions_.find(key);
        if (it == sessions_.end() || !it->second->queue.empty()) continue;
        router_.remove_session(*it->second);
        sessions_.erase(it);
    }
    idle_.clear();
}

void ForwardedSessions::drop_origin(NodeId origin) {
    absl::erase_if(sessions_, [&](auto& item) {
        if (item.first.first != origin) return false;
        router_.remove_session(*item.second);
        return true;
    });
}

}  // namespace kvorum::server
