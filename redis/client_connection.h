// One client's connection: bytes in, commands to the dispatcher, replies out in order.
//
// One coroutine per connection, none per command. Back-pressure: a client with too much unanswered, in commands or in
// bytes, or with too much that it has not read yet, is neither read nor executed until it has caught up. Above
// --max-output-buffer it is closed when it reads nothing for a while. A client that closes its sending side still gets
// the replies to what it sent, as long as one comes every 5 s; Gateway::end_input() says what waits no longer.
//
// The end: after QUIT, CLIENT KILL of itself or a protocol error nothing more is executed; the replies that are due are
// sent for as long as the client takes some of them; then our side is closed, and what the client still sends is thrown
// away for a while, because a connection that is closed with unread input is reset, and the last reply with it.
//
// Thread: the owning core. Ownership: the coroutine that serves it owns it. serve() ends when the client is gone, at
// such an end, or soon after close_now().
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gateway/access_control.h"
#include "gateway/buffer_budget.h"
#include "gateway/gateway.h"
#include "net/output_stream.h"
#include "reactor/event.h"
#include "reactor/reactor.h"
#include "reactor/stop.h"
#include "reactor/streams.h"
#include "redis/client_state.h"
#include "redis/command_gate.h"
#include "redis/dispatcher.h"
#include "redis/resp_parser.h"
#include "redis/resp_writer.h"

namespace kvorum::redis {

// What every connection of a node uses; all of it outlives the connections.
struct ClientServices {
    reactor::Reactor& reactor;
    net::OutputFlusher& flusher;
    gateway::Gateway& gateway;
    Dispatcher& dispatcher;
    NodeFacade& node;
    NodeCounters& counters;
    const Limits& limits;
    const gateway::AccessControl& access;
    gateway::BufferBudget& buffers;
};

class ClientConnection final : public gateway::ReplyPort, private MonitorListener {
 public:
    ClientConnection(ClientServices services, reactor::Handle socket, uint64_t id);
    ~ClientConnection() override;

    reactor::Task<void> serve();
    // Gives up on the client: pending replies are not sent.
    void close_now();
    // Ends it after the replies that are due.
    void close_after_replies();
    // After close_after_replies(): all replies are sent.
    [[nodiscard]] bool is_finished() const { return finished_; }
    // Closes a client that is idle, takes nothing, or has stopped in the middle of a command; called about once a
    // second.
    void check_timeouts(uint64_t now_ns);
    // Those of the services: they hold from the next command on.
    void limits_changed() { set_authenticated(state_.authenticated); }

    // What its buffers take of the node's budget.
    [[nodiscard]] uint64_t buffer_bytes() const { return share_.bytes(); }
    // Replies wait, and none of them has been taken for a second or more. As check_timeouts() saw it last.
    [[nodiscard]] bool takes_nothing(uint64_t now_ns) const;
    // Closes it because the budget is spent.
    void evict();
    [[nodiscard]] bool is_evicted() const { return share_.is_leaving(); }

    [[nodiscard]] uint64_t id() const { return state_.id; }
    [[nodiscard]] ClientState& state();
    [[nodiscard]] bool is_evicted_last() const { return state_.no_evict; }

    // --- gateway::ReplyPort ---
    ReplyWriter& begin_reply() override;
    void end_reply() override;
    void pause_reply() override;
    ReplyWriter& resume_reply() override { return begin_reply(); }
    void write_reply(std::string_view reply) override;
    void write_reply_part(std::string part, bool is_last) override;
    ReplyWriter& writer_to(std::string& out) override;
    [[nodiscard]] ReplyFormat format() const override { return writer_.format(); }
    [[nodiscard]] std::string_view error_code_of(std::string_view reply) const override {
        return writer_.error_code_of(reply);
    }
    [[nodiscard]] bool output_has_room() const override { return output_.queued_bytes() < kOutputRoomBytes; }
    void cut_off() override { close_now(); }
    void reply_not_executed(std::string_view why) override;
    void reply_outcome_unknown(std::string_view why) override;
    std::string_view carry_out(uint16_t local_code, ops::Arguments arguments) override;
    [[nodiscard]] std::string redirection(const gateway::Command& command, ops::Arguments arguments,
                                          const Member& leader) const override;
    void flush() override;
    [[nodiscard]] gateway::ClientName client() const override { return {state_.address, state_.name}; }

 private:
    // While so much is unsent or unanswered, nothing more is carried out or read.
    static constexpr uint64_t kOutputRoomBytes = 512 * kKiB;
    static constexpr uint64_t kQueueRoomBytes = 2 * kMiB;

    void run_commands();
    [[nodiscard]] size_t prefetch_keys_ahead();
    void answer_protocol_error();
    void write_error(std::string_view line);
    [[nodiscard]] bool has_room() const {
        const gateway::RequestQueue& queue = lane_.queue();
        return queue.size() < services_.limits.pipeline_depth_max && queue.memory_bytes() < kQueueRoomBytes &&
               !lane_.holds_input() && lane_.large == nullptr && !held_reply_.armed() && output_has_room();
    }
    [[nodiscard]] Dispatcher::Client as_client() { return {lane_, gate_, state_}; }
    void note_command();
    void submit_large();
    [[nodiscard]] uint64_t memory_bytes() const;  // of its buffers
    void account();
    void submit_unauthenticated();
    void set_authenticated(bool authenticated);
    void set_monitors(bool monitors);
    void hold_reply_back();
    reactor::Task<void> finish_replies();
    reactor::Task<void> throw_input_away();
    reactor::Task<void> shut_down();
    [[nodiscard]] bool is_stuck(uint64_t now_ns);

    // Scheduled by the output when a send ended.
    struct OutputProgress : reactor::Runnable {
        explicit OutputProgress(ClientConnection& owner)
            : Runnable([](Runnable& self) { static_cast<OutputProgress&>(self).connection.on_output_progress(); }),
              connection(owner) {}
        ClientConnection& connection;
    };
    void on_output_progress();
    void count_output();

    // The reply to a wrong password, until its time has come.
    struct HeldReply : reactor::Timer {
        explicit HeldReply(ClientConnection& owner)
            : Timer([](Timer& self) { static_cast<HeldReply&>(self).connection.release_reply(); }), connection(owner) {}
        ClientConnection& connection;
        std::string text;
    };
    void release_reply();

    // --- MonitorListener ---
    void write_line(std::string_view line) override;
    [[nodiscard]] bool is_replying() const override { return lane_.long_reply != nullptr; }

    ClientServices services_;
    gateway::Lane lane_;
    CommandGate gate_;
    reactor::Handle socket_;
    reactor::StopSource stop_;
    reactor::StopSource input_stop_;  // nothing more is read
    reactor::ReceiveStream receive_;
    OutputProgress output_progress_;
    net::OutputStream output_;
    RespParser parser_;
    RespWriter writer_;
    reactor::Event progress_;  // set whenever commands were answered
    ClientState state_;
    std::vector<std::string_view> arguments_;
    bool reading_ = false;  // the last command was a read that was answered at once: those behind it are likely to be
    bool took_all_ = true;  // run_commands() left nothing that is complete
    size_t reply_start_ = 0;
    HeldReply held_reply_;
    gateway::BufferShare share_;
    bool closing_ = false;   // no more commands are taken
    bool finished_ = false;  // all replies are out
    uint64_t last_input_ns_ = 0;
    uint64_t counted_output_bytes_ = 0;
    // For check_timeouts(): how much the client had taken when, at the last change that was seen.
    uint64_t taken_bytes_ = 0;
    uint64_t took_last_ns_ = 0;
};

}  // namespace kvorum::redis
