// A client's connection to a simulated node, for tests that say every word themselves.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "redis/resp_reply_parser.h"
#include "tests/sim/machine_cluster.h"

namespace kvorum::sim {

using Words = std::vector<std::string>;

inline constexpr uint16_t kClientPort = 7000;

// One connection to a node. It says what it is told to and keeps the replies.
class Connection final : private SocketEvents {
 public:
    Connection(Cluster& cluster, HostId self, HostId node) : network_(cluster.network()), self_(self) {
        network_.host_up(self, *this);
        socket_ = network_.connect(self, node, kClientPort);
    }
    ~Connection() { network_.host_down(self_, Network::Death::kProcess); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void send(const Words& words) {
        std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
        for (const std::string& word : words)
            bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
        send_bytes(bytes);
    }
    void send_bytes(std::string_view bytes) {
        output_ += bytes;
        flush();
    }
    void end_sending() { network_.shut_down_output(socket_); }
    // Until then nothing is read.
    void read_from_now_on(bool reads) {
        reads_ = reads;
        on_readable(socket_);
    }
    [[nodiscard]] bool has_ended() const { return ended_; }
    [[nodiscard]] size_t count() const { return replies_.size(); }
    [[nodiscard]] std::string reply(size_t i) const { return i < replies_.size() ? replies_[i] : "(none)"; }

 private:
    static std::string show(const redis::ReplyValue& value) {
        switch (value.type) {
            case redis::ReplyType::kArray: return std::to_string(value.elements.size()) + " items";
            case redis::ReplyType::kSimpleString:
            case redis::ReplyType::kError:
            case redis::ReplyType::kBulkString: return value.text;
            default: return value.to_string();
        }
    }
    void flush() {
        while (connected_ && !output_.empty()) {
            const int64_t sent = network_.send(socket_, as_bytes(output_));
            if (sent <= 0) return;
            output_.erase(0, static_cast<size_t>(sent));
        }
    }
    void on_connected(SocketId /*socket*/, int32_t result) override {
        ASSERT_EQ(result, 0);
        connected_ = true;
        flush();
    }
    void on_accepted(uint16_t /*port*/, SocketId /*socket*/) override {}
    void on_writable(SocketId /*socket*/) override { flush(); }
    void on_readable(SocketId socket) override {
        if (!reads_) return;
        ended_ = network_.at_end(socket) || network_.was_reset(socket);
        if (network_.readable_bytes(socket) == 0) return;
        const std::string bytes = network_.read(socket, SIZE_MAX);
        parser_.feed(as_bytes(bytes));
        redis::ReplyValue value;
        while (parser_.next(value) == redis::ReplyStatus::kReply)
            replies_.push_back(show(value));
        ended_ = network_.at_end(socket) || network_.was_reset(socket);
    }

    Network& network_;
    HostId self_;
    SocketId socket_ = kNoSocket;
    bool connected_ = false;
    bool reads_ = true;
    bool ended_ = false;
    std::string output_;
    redis::RespReplyParser parser_;
    std::vector<std::string> replies_;
};

}  // namespace kvorum::sim
