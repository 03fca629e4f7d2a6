// A client of a simulated cluster: speaks RESP to drawn nodes over simulated connections, one batch of commands at a
// time, and records what it learns in a History by the reply classes of docs/guarantees.md. It never repeats a command.
//
// The commands are chosen so that the history can be checked. All clients move on to fresh keys every `key_life_ns`, so
// that what is searched together is short and has few outcomes that are open; now and then a command goes back to the
// keys before those. A few keys live for the whole run and know only SET and GET. Every value and suffix that is
// written, and nearly every increment, is unique, so that what is read tells which writes took effect.
//
// Thread: one. Ownership: events, network and the recorder outlive it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "base/prng.h"
#include "base/units.h"
#include "redis/resp_reply_parser.h"
#include "sim/history.h"
#include "sim/network.h"

namespace kvorum::sim {

struct ClientConfig {
    HostId host = 0;
    uint32_t nodes = 1;
    uint32_t hot_keys = 1;
    uint64_t key_life_ns = kSecondNs;
    uint64_t think_ns = 0;
    uint64_t patience_ns = 0;
    uint64_t seed = 1;
    bool reads_only = false;
    bool scripted = false;  // does only what request() asks for
};

class SimClient final : private SocketEvents {
 public:
    SimClient(ClientConfig config, EventQueue& events, Network& network, Trace& trace, History& history);

    void start();
    void stop() { stopped_ = true; }  // no new commands; those under way may still be answered
    // For a scripted client: one command to `node` on a connection of its own; `done` is told of the outcome.
    void request(Command command, HostId node, std::function<void(Outcome)> done);

    [[nodiscard]] bool idle() const { return outstanding_.empty(); }
    [[nodiscard]] uint64_t answered() const { return answered_; }

    // Where the last MOVED pointed, once; 0 when none came since.
    [[nodiscard]] HostId take_redirect() { return std::exchange(redirected_to_, 0); }

 private:
    // A command that is not part of the history: keys with a time to live, which the history's store does not know.
    static constexpr size_t kUnrecorded = SIZE_MAX;

    void step();
    void think();
    void send_batch();
    void add_command(Command command);
    void add_unrecorded_command();
    [[nodiscard]] std::vector<std::string> draw_large_command();
    [[nodiscard]] Command draw_command();
    [[nodiscard]] Command draw_read();
    [[nodiscard]] uint64_t draw_generation();
    [[nodiscard]] std::string draw_key(char family, uint64_t keys);
    [[nodiscard]] std::string draw_key(char family, uint64_t keys, uint64_t generation);
    [[nodiscard]] Command draw_lasting_key_command();
    [[nodiscard]] Command draw_counter_command();
    [[nodiscard]] Command draw_multi_key_command();
    void flush();
    void on_reply(const redis::ReplyValue& value);
    void finish(size_t operation, Outcome outcome, Reply reply);
    void give_up();
    void arm_patience();

    void on_connected(SocketId socket, int32_t result) override;
    void on_accepted(uint16_t port, SocketId socket) override;
    void on_readable(SocketId socket) override;
    void on_writable(SocketId socket) override;

    ClientConfig config_;
    EventQueue& events_;
    Network& network_;
    Trace& trace_;
    History& history_;
    Prng random_;
    bool stopped_ = false;
    uint64_t next_id_ = 1;
    uint64_t answered_ = 0;
    HostId target_ = 1;
    HostId redirected_to_ = 0;
    SocketId socket_ = kNoSocket;
    bool connected_ = false;
    std::string output_;
    redis::RespReplyParser parser_;
    std::deque<size_t> outstanding_;  // indexes into the history
    uint64_t patience_number_ = 0;
    uint64_t patience_pause_ns_ = 0;  // before the next command, because the last one's outcome is unknown
    std::function<void(Outcome)> done_;
    std::deque<Command> scripted_;
};

// The words of a command as they go over the wire.
[[nodiscard]] std::string encode_command(const Command& command);

}  // namespace kvorum::sim
