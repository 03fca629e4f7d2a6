// One client's connection: bytes in, commands to the router, replies out in order.
//
// One coroutine per connection, none per command. Back-pressure: a client with too many unanswered commands is not read
// until some are answered; one that does not read its replies is closed at the output limit. A client that closes its
// sending side still gets the replies to what it sent, for 5 s; CommandRouter::end_input() says what waits no longer.
//
// Thread: the owning core. Ownership: the coroutine that serves it owns it. serve() ends when the client is gone, after
// QUIT or a protocol error once the replies are out, or soon after close_now().
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "net/output_stream.h"
#include "net/resp_parser.h"
#include "net/resp_writer.h"
#include "reactor/event.h"
#include "reactor/reactor.h"
#include "reactor/stop.h"
#include "reactor/streams.h"
#include "server/access_control.h"
#include "server/client_state.h"
#include "server/command_router.h"
#include "server/session.h"

namespace kvorum::server {

// What every connection of a node uses; all of it outlives the connections.
struct ClientServices {
    reactor::Reactor& reactor;
    net::OutputFlusher& flusher;
    CommandRouter& router;
    NodeFacade& node;
    NodeCounters& counters;
    const Limits& limits;
    const AccessControl& access;
};

class ClientConnection final : public Session {
 public:
    ClientConnection(ClientServices services, reactor::Handle socket, uint64_t id);
    ~ClientConnection() override;

    reactor::Task<void> serve();
    // Gives up on the client: pending replies are not sent.
    void close_now();
    // Ends it after the replies that are due.
    void close_after_replies();
    // Closes an idle, stuck or endlessly typing client; called about once a second.
    void check_timeouts(uint64_t now_ns);
    // Those of the services: they hold from the next command on.
    void limits_changed() { set_authenticated(state_.authenticated); }

    [[nodiscard]] ClientState& state();

    // --- Session ---
    net::RespWriter& begin_reply() override;
    void end_reply() override;
    void pause_reply() override;
    net::RespWriter& resume_reply() override { return begin_reply(); }
    void write_reply(std::string_view reply) override;
    void write_reply_part(std::string_view part, bool is_last) override;
    [[nodiscard]] bool output_has_room() const override { return output_.queued_bytes() < kOutputRoomBytes; }
    void reply_not_executed(std::string_view why) override;
    void reply_outcome_unknown(std::string_view why) override;
    std::string_view execute_server_command(const kv::CommandSpec& spec,
                                            std::span<const std::string_view> arguments) override;
    void write_line(std::string_view line) override;
    void flush() override;
    [[nodiscard]] bool may_be_forwarded() const override { return true; }
    [[nodiscard]] net::RespVersion protocol() const override { return writer_.version(); }
    [[nodiscard]] const ClientState* client() const override { return &state_; }

 private:
    // Long replies wait while so much is unsent.
    static constexpr uint64_t kOutputRoomBytes = 512 * kKiB;

    void run_commands();
    [[nodiscard]] size_t prefetch_keys_ahead();
    void answer_protocol_error();
    void write_error(std::string_view line);
    // While who the client is may change, and while a reply is held back, no further command is looked at.
    [[nodiscard]] bool has_room() const {
        return queue.size() < services_.limits.pipeline_depth_max && identity_changes == 0 && large == nullptr &&
               !held_reply_.armed();
    }
    void note_command();
    void submit_large();
    void submit_unauthenticated();
    void set_authenticated(bool authenticated);
    void hold_reply_back();
    reactor::Task<void> finish_replies();
    reactor::Task<void> shut_down();

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

    ClientServices services_;
    reactor::Handle socket_;
    reactor::StopSource stop_;
    reactor::ReceiveStream receive_;
    OutputProgress output_progress_;
    net::OutputStream output_;
    net::RespParser parser_;
    net::RespWriter writer_;
    reactor::Event progress_;  // set whenever commands were answered
    ClientState state_;
    std::vector<std::string_view> arguments_;
    bool reading_ = false;  // the last command was a read that was answered at once: those behind it are likely to be
    bool took_all_ = true;  // run_commands() left nothing that is complete
    size_t reply_start_ = 0;
    HeldReply held_reply_;
    bool closing_ = false;  // no more commands are taken
    uint64_t closing_since_ns_ = 0;
    uint64_t last_input_ns_ = 0;
    uint64_t counted_output_bytes_ = 0;
    uint64_t command_began_ns_ = 0;  // of an incomplete command; 0: none
};

}  // namespace kvorum::server
