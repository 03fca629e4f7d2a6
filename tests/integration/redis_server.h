// A redis-server process to compare with: nothing on disk, a port of its own, gone with the object. Thread: one.
#pragma once

#include <csignal>
#include <string>

#include "base/assert.h"
#include "tests/integration/client.h"
#include "tests/integration/world.h"
#include "tools/process.h"

namespace kvorum::integration {

class RedisServer {
 public:
    RedisServer() : ports_(1) {
        const auto process =
            tools::start_in_background("/usr/bin/setpriv",
                                       {"--pdeathsig", "KILL", "redis-server", "--port", std::to_string(ports_[0]),
                                        "--save", "", "--appendonly", "no", "--dir", directory_.path()},
                                       directory_.path() + "/log");
        KVORUM_ASSERT(process.ok(), "{}", std::string(process.status().message()));
        process_ = *process;
        KVORUM_ASSERT(
            wait_until(Milliseconds(15'000), [this] { return Client(endpoint()).command({"PING"}).text == "PONG"; }),
            "redis-server does not answer");
    }
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;
    ~RedisServer() {
        tools::send_signal(process_, SIGKILL);
        (void)tools::wait_for_exit(process_, 5000);
    }

    [[nodiscard]] reactor::Endpoint endpoint() const { return {"127.0.0.1", ports_[0]}; }

 private:
    TestDirectory directory_;
    Ports ports_;
    tools::ProcessId process_;
};

}  // namespace kvorum::integration
