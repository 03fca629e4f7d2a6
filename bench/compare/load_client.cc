// A closed-loop load client for what redis-benchmark cannot do: memcached's text protocol, a mix of SET and GET, and
// writing every key once. One thread, so that it takes no more of the machine than redis-benchmark does.
//
//   load_client --port P [--protocol resp|memcached] [--op set|get|mix] [--clients N] [--pipeline N] [--size BYTES]
//               [--keys N] [--seconds S | --fill]
//
// Each client sends a batch of `pipeline` commands, waits for all replies, and sends the next; the latency of a reply
// runs from the sending of its batch to the reading of the reply. The mix is ten GETs for each SET. An error reply ends
// the program. One JSON object is printed: operations, seconds, percentiles.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.h"
#include "base/prng.h"
#include "base/units.h"

namespace kvorum::bench {
namespace {

constexpr uint64_t kGetsPerSet = 10;
constexpr uint32_t kFillPipeline = 64;
constexpr size_t kReadBytes = 256 * kKiB;

enum class Protocol { kResp, kMemcached };
enum class Operation { kSet, kGet, kMix };

struct Options {
    uint16_t port = 0;
    Protocol protocol = Protocol::kResp;
    Operation operation = Operation::kSet;
    uint32_t clients = 50;
    uint32_t pipeline = 1;
    uint32_t value_bytes = 64;
    uint64_t keys = 100'000;
    double seconds = 3;
    bool fill = false;
};

[[noreturn]] void fail(std::string_view what) {
    fmt::print(stderr, "load_client: {}\n", what);
    std::exit(1);
}

uint64_t now_ns() {
    return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

// The number between `text`'s position `from` and its CR.
int64_t number_at(std::string_view text, size_t from) {
    int64_t value = 0;
    const auto parsed = std::from_chars(text.data() + from, text.data() + text.size(), value);
    if (parsed.ec != std::errc()) fail("a reply with a bad length");
    return value;
}

// The size of the first reply in `data`; nothing while it is incomplete.
std::optional<size_t> resp_reply_bytes(std::string_view data) {
    const size_t line_end = data.find("\r\n");
    if (line_end == std::string_view::npos) return std::nullopt;
    if (data[0] == '+' || data[0] == ':' || data[0] == '_') return line_end + 2;
    if (data[0] != '$') fail(fmt::format("unexpected reply: {}", data.substr(0, line_end)));
    const int64_t length = number_at(data, 1);
    const size_t size = line_end + 2 + (length < 0 ? 0 : static_cast<size_t>(length) + 2);
    return size <= data.size() ? std::optional(size) : std::nullopt;
}

std::optional<size_t> memcached_reply_bytes(std::string_view data) {
    constexpr std::string_view kEnd = "END\r\n";
    const size_t line_end = data.find("\r\n");
    if (line_end == std::string_view::npos) return std::nullopt;
    const std::string_view line = data.substr(0, line_end);
    if (line == "STORED" || line == "END") return line_end + 2;
    if (!line.starts_with("VALUE ")) fail(fmt::format("unexpected reply: {}", line));
    const size_t size = line_end + 2 + static_cast<size_t>(number_at(data, line.rfind(' ') + 1)) + 2 + kEnd.size();
    return size <= data.size() ? std::optional(size) : std::nullopt;
}

class Commands {
 public:
    explicit Commands(const Options& options)
        : options_(options), value_(options.value_bytes, 'x'), chance_(options.clients * 1000 + options.pipeline) {}

    void append_random(std::string& out) {
        const bool set = options_.operation == Operation::kSet ||
                         (options_.operation == Operation::kMix && chance_.chance(1, kGetsPerSet + 1));
        const uint64_t key = chance_.below(options_.keys);
        set ? append_set(out, key) : append_get(out, key);
    }

    void append_set(std::string& out, uint64_t key) {
        auto to = std::back_inserter(out);
        if (options_.protocol == Protocol::kResp)
            fmt::format_to(to, "*3\r\n$3\r\nSET\r\n$16\r\nkey:{:012}\r\n${}\r\n{}\r\n", key, value_.size(), value_);
        else
            fmt::format_to(to, "set key:{:012} 0 0 {}\r\n{}\r\n", key, value_.size(), value_);
    }

 private:
    void append_get(std::string& out, uint64_t key) {
        auto to = std::back_inserter(out);
        if (options_.protocol == Protocol::kResp)
            fmt::format_to(to, "*2\r\n$3\r\nGET\r\n$16\r\nkey:{:012}\r\n", key);
        else
            fmt::format_to(to, "get key:{:012}\r\n", key);
    }

    const Options& options_;
    std::string value_;
    Prng chance_;
};

struct Client {
    int fd = -1;
    uint32_t replies_awaited = 0;
    uint64_t sent_ns = 0;
    std::string input;
};

class Load {
 public:
    explicit Load(const Options& options)
        : options_(options), commands_(options), clients_(options.clients), read_buffer_(kReadBytes) {
        poll_ = epoll_create1(EPOLL_CLOEXEC);
        for (Client& client : clients_) {
            connect_to_server(client);
            epoll_event event{.events = EPOLLIN, .data = {.ptr = &client}};
            epoll_ctl(poll_, EPOLL_CTL_ADD, client.fd, &event);
        }
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load() {
        for (const Client& client : clients_)
            close(client.fd);
        close(poll_);
    }

    void run() {
        const uint64_t started_ns = now_ns();
        deadline_ns_ = started_ns + static_cast<uint64_t>(options_.seconds * static_cast<double>(kSecondNs));
        for (Client& client : clients_)
            send_batch(client);
        std::vector<epoll_event> events(clients_.size());
        while (busy_ > 0) {
            const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
            if (count < 0 && errno != EINTR) fail("epoll_wait");
            for (int i = 0; i < count; ++i)
                read_replies(*static_cast<Client*>(events[static_cast<size_t>(i)].data.ptr));
        }
        print(static_cast<double>(now_ns() - started_ns) / static_cast<double>(kSecondNs));
    }

 private:
    void connect_to_server(Client& client) const {
        client.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client.fd < 0) fail(fmt::format("socket: {}", std::strerror(errno)));
        const int yes = 1;
        setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(options_.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(client.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            fail(fmt::format("cannot connect to port {}: {}", options_.port, std::strerror(errno)));
    }

    [[nodiscard]] bool is_over() const { return options_.fill ? next_key_ == options_.keys : now_ns() >= deadline_ns_; }

    void send_batch(Client& client) {
        if (is_over()) return;
        output_.clear();
        for (uint32_t i = 0; i < options_.pipeline && !(options_.fill && next_key_ == options_.keys); ++i) {
            options_.fill ? commands_.append_set(output_, next_key_++) : commands_.append_random(output_);
            ++client.replies_awaited;
        }
        ++busy_;
        client.sent_ns = now_ns();
        for (size_t sent = 0; sent < output_.size();) {
            const ssize_t count = write(client.fd, output_.data() + sent, output_.size() - sent);
            if (count < 0) fail(fmt::format("write: {}", std::strerror(errno)));
            sent += static_cast<size_t>(count);
        }
    }

    void read_replies(Client& client) {
        const ssize_t count = read(client.fd, read_buffer_.data(), read_buffer_.size());
        if (count <= 0) fail("the server closed a connection");
        std::string_view data(read_buffer_.data(), static_cast<size_t>(count));
        if (!client.input.empty()) {
            client.input.append(data);
            data = client.input;
        }
        const uint64_t latency_ns = now_ns() - client.sent_ns;
        uint32_t replies = 0;
        while (const auto size = data.empty() ? std::nullopt : reply_bytes(data)) {
            data.remove_prefix(*size);
            ++replies;
        }
        client.input = std::string(data);
        if (replies > client.replies_awaited) fail("more replies than commands");
        latency_ns_.record(latency_ns, replies);
        client.replies_awaited -= replies;
        if (client.replies_awaited > 0) return;
        --busy_;
        send_batch(client);
    }

    [[nodiscard]] std::optional<size_t> reply_bytes(std::string_view data) const {
        return options_.protocol == Protocol::kResp ? resp_reply_bytes(data) : memcached_reply_bytes(data);
    }

    void print(double seconds) const {
        const auto at_us = [this](double quantile) {
            return static_cast<double>(latency_ns_.value_at(quantile)) / static_cast<double>(kMicrosecondNs);
        };
        fmt::print(
            "{{\"ops\": {}, \"seconds\": {:.6f}, \"p50_us\": {:.1f}, \"p99_us\": {:.1f}, \"p999_us\": {:.1f}}}\n",
            latency_ns_.count(), seconds, at_us(0.5), at_us(0.99), at_us(0.999));
    }

    const Options& options_;
    Commands commands_;
    std::vector<Client> clients_;
    std::vector<char> read_buffer_;
    std::string output_;
    Histogram latency_ns_;
    uint64_t deadline_ns_ = 0;
    uint64_t next_key_ = 0;
    uint32_t busy_ = 0;
    int poll_ = -1;
};

int main_with(int argument_count, char** arguments) {
    const std::map<std::string, Protocol> protocols{{"resp", Protocol::kResp}, {"memcached", Protocol::kMemcached}};
    const std::map<std::string, Operation> operations{
        {"set", Operation::kSet}, {"get", Operation::kGet}, {"mix", Operation::kMix}};
    Options options;
    CLI::App app("Closed-loop load of a RESP or memcached server on this machine");
    app.add_option("--port", options.port)->required();
    app.add_option("--protocol", options.protocol)->transform(CLI::CheckedTransformer(protocols));
    app.add_option("--op", options.operation)->transform(CLI::CheckedTransformer(operations));
    app.add_option("--clients", options.clients)->check(CLI::Range(1, 1000));
    app.add_option("--pipeline", options.pipeline)->check(CLI::Range(1, 1000));
    app.add_option("--size", options.value_bytes)->check(CLI::Range(1, 65536));
    app.add_option("--keys", options.keys)->check(CLI::PositiveNumber);
    app.add_option("--seconds", options.seconds)->check(CLI::PositiveNumber);
    app.add_flag("--fill", options.fill, "write every key once");
    CLI11_PARSE(app, argument_count, arguments);
    if (options.fill) options.pipeline = kFillPipeline;
    Load load(options);
    load.run();
    return 0;
}

}  // namespace
}  // namespace kvorum::bench

int main(int argument_count, char** arguments) { return kvorum::bench::main_with(argument_count, arguments); }
