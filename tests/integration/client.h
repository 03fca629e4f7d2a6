// Clients of a node. Client: one connection through hiredis, with a bound on every wait. RawConnection: bytes as they
// are. Thread: one owner each.
#pragma once

#include <hiredis/hiredis.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/io_backend.h"
#include "tests/integration/world.h"

namespace kvorum::integration {

// How a command ended, as its sender may know it.
enum class Outcome {
    kDone,         // any reply that is no error
    kNotExecuted,  // an error that promises so
    kUnknown,      // the connection was lost, or the node says that it does not know
    kOtherError,   // ERR, WRONGTYPE...: executed as far as it could be
};

struct Answer {
    Outcome outcome = Outcome::kUnknown;
    bool lost = true;  // no reply: the connection is gone
    std::string text;  // strings, errors, status; empty for null
    bool is_null = false;
    bool is_status = false;   // OK, PONG...
    bool is_integer = false;  // then `text` has it too
    int64_t integer = 0;
    std::vector<Answer> elements;

    [[nodiscard]] bool is_error() const {
        return outcome == Outcome::kNotExecuted || outcome == Outcome::kOtherError ||
               (outcome == Outcome::kUnknown && !lost);
    }
    // For comparisons in tests: text, number, (nil), [a b], or "lost".
    [[nodiscard]] std::string to_string() const;
};

class Client {
 public:
    explicit Client(const reactor::Endpoint& node, Milliseconds timeout = Milliseconds(15'000));

    [[nodiscard]] bool is_connected() const { return context_ && context_->err == 0; }
    Answer command(const std::vector<std::string>& words);
    // Several commands in one go, one answer each.
    std::vector<Answer> pipeline(const std::vector<std::vector<std::string>>& commands);
    // The same for commands that are encoded already, see encode().
    std::vector<Answer> exchange(const std::vector<std::string>& encoded);

 private:
    void append(const std::vector<std::string>& words);
    Answer receive();
    std::vector<Answer> receive(size_t count);

    std::unique_ptr<redisContext, decltype(&redisFree)> context_;
};

class RawConnection {
 public:
    RawConnection(const reactor::Endpoint& node, Milliseconds timeout);
    RawConnection(const RawConnection&) = delete;
    RawConnection& operator=(const RawConnection&) = delete;
    ~RawConnection();

    [[nodiscard]] bool is_connected() const { return handle_ >= 0; }
    // False when the other side has closed.
    bool send(std::string_view bytes);
    // Nothing more will be sent; what comes is still received. Who closes looks the same to the other side.
    void end_sending();
    // Receives until what came since the last call ends in `ending`, the other side closes, or the timeout; returns all
    // of it.
    std::string receive_until(std::string_view ending);
    // Receives until the other side closes. `closed` says whether it did within the timeout.
    std::string receive_until_closed(bool& closed);

 private:
    int handle_ = -1;
};

// A command as clients send it: *2\r\n$3\r\nGET\r\n...
[[nodiscard]] std::string encode(const std::vector<std::string>& words);

}  // namespace kvorum::integration
