// One client of a load, as memtier counts them: a stream of requests of which at most `pipeline` wait for a reply, over
// one connection, or, in cluster mode, one to each master.
//
// A connection is one coroutine (Link): it connects, receives, and after a loss connects again with a bounded back-off,
// to the next server of the list. Requests and replies are plain calls below it: no coroutine and no allocation per
// request. What had no reply when a connection broke is counted as unknown and not sent again.
//
// Thread: the worker's. Ownership: the LoadThread context outlives the clients, the clients their links' tasks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fifo.h"
#include "net/output_stream.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "reactor/streams.h"
#include "tools/load_config.h"
#include "tools/load_replies.h"
#include "tools/load_request.h"
#include "tools/load_stats.h"
#include "tools/load_topology.h"

namespace kvorum::tools::load {

class Client;
class Pacer;

// What the clients of a thread share.
struct LoadThread {
    LoadThread(reactor::Reactor& its_reactor, const LoadConfig& its_config, uint64_t seed);

    reactor::Reactor& reactor;
    const LoadConfig& config;
    net::OutputFlusher flusher;
    reactor::TaskScope scope;
    std::vector<RequestTemplate> templates;  // as config.commands
    RequestData data;
    LoadStats stats;
    Greeting greeting;
    Topology* topology = nullptr;  // in cluster mode
    bool started = false;          // requests may be sent
    bool ending = false;           // and no longer
    uint64_t start_ns = 0;
    uint32_t clients_attempted = 0;  // that have connected, or failed to, once
    uint32_t clients_connected = 0;
    uint32_t clients_finished = 0;
    std::string connect_error;  // the last one

    [[nodiscard]] uint64_t since_start(uint64_t now_ns) const { return now_ns - std::min(now_ns, start_ns); }
    // With --debug: a line on stderr.
    void tell(std::string_view what) const;
};

class Link {
 public:
    // `server` is an index into the configuration's servers, or in cluster mode into the topology's nodes.
    Link(Client& client, LoadThread& thread, uint32_t server) : client_(client), thread_(thread), server_(server) {}
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    // Until the client stops.
    reactor::Task<void> serve();

    // Connected, and the server has taken the greeting.
    [[nodiscard]] bool is_ready() const { return socket_.has_value() && greetings_missing_ == 0; }
    void send(uint8_t command, const RequestValues& values, uint64_t due_ns, uint64_t now_ns);

 private:
    struct Socket {
        Socket(LoadThread& thread, reactor::Handle socket)
            : receive(thread.reactor, socket), output(thread.reactor, thread.flusher, socket) {}
        reactor::ReceiveStream receive;
        net::OutputStream output;
    };
    struct Flight {
        uint64_t due_ns = 0;
        uint64_t sent_ns = 0;
        uint8_t command = 0;
    };

    reactor::Task<void> serve_socket(reactor::Handle socket);
    [[nodiscard]] bool on_bytes(Bytes bytes);
    // False when the server refuses.
    [[nodiscard]] bool on_greeting(const ScannedReply& reply);
    void on_reply(const ScannedReply& reply, uint64_t bytes, Timeline::Slice& slice);
    void on_error(std::string_view error, CommandStats& command, Timeline::Slice& slice);
    void lose_flights();
    [[nodiscard]] reactor::Endpoint endpoint() const;
    void next_server();

    Client& client_;
    LoadThread& thread_;
    uint32_t server_;
    std::optional<Socket> socket_;
    ReplyScanner scanner_;
    Fifo<Flight> flights_;
    uint64_t backoff_ns_ = 0;
    uint32_t greetings_missing_ = 0;  // replies
};

class Client {
 public:
    // `number` counts over all threads.
    Client(LoadThread& thread, Pacer* pacer, uint64_t number);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Spawns its connection, or one to each master that is known.
    void connect();
    // Starts what may be started: everything in a closed loop; in an open loop it tells its pacer.
    void fill();
    [[nodiscard]] bool can_start() const;
    // One request that is due at `due_ns`. can_start() holds.
    void start(uint64_t due_ns, uint64_t now_ns);
    // The end: `abort` does not wait for replies.
    void finish_if_done();
    void abort() { stop_.request_stop(); }

    [[nodiscard]] reactor::StopToken stop_token() { return stop_.token(); }
    [[nodiscard]] bool in_pacer_queue() const { return in_pacer_queue_; }
    void set_in_pacer_queue(bool value) { in_pacer_queue_ = value; }

 private:
    friend class Link;
    struct Request {
        std::vector<uint64_t> keys;
        uint64_t due_ns = 0;
        uint8_t command = 0;
    };

    void on_connect_attempt(bool connected);
    void on_ready();
    void on_outcomes(uint64_t count);
    [[nodiscard]] uint8_t next_command();
    [[nodiscard]] Link* route(std::string_view key);
    Link& link_to(uint32_t server);
    [[nodiscard]] bool send(uint64_t now_ns);
    [[nodiscard]] uint64_t request_count(uint64_t client_count) const;

    LoadThread& thread_;
    Pacer* pacer_;
    const uint64_t number_;
    std::vector<std::unique_ptr<Link>> links_;  // by node in cluster mode, else one
    std::vector<KeySequence> keys_;             // as the commands
    uint64_t remaining_ = 0;
    uint32_t in_flight_ = 0;
    uint8_t command_ = 0;  // which kind comes now, and how often it came already
    uint32_t command_repeats_ = 0;
    Request request_;    // the one that is being started
    bool held_ = false;  // it could not be sent: its node is not connected, and what comes behind it waits too
    bool attempted_ = false;
    bool finished_ = false;
    bool in_pacer_queue_ = false;
    reactor::StopSource stop_;
};

}  // namespace kvorum::tools::load
