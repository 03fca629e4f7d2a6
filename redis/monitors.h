// The connections that asked for MONITOR: each gets a line for every command that a client of this node sends, as Redis
// writes it, before the command is carried out. Commands of administration are left out and secrets are hidden.
//
// Thread: the owning core. Costs the other clients one comparison a command while nobody listens. A monitor that does
// not read is closed at the output limit, as every client.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/session_table.h"
#include "ops/commands.h"

namespace kvorum::redis {

// "1339518083.107412 [0 127.0.0.1:60866] "get" "key"", without an end of line.
[[nodiscard]] std::string monitor_line(int64_t wall_clock_us, std::string_view client_address,
                                       ops::Arguments arguments);

class Monitors {
 public:
    explicit Monitors(const gateway::SessionTable& sessions) : sessions_(sessions) {}

    [[nodiscard]] bool empty() const { return listeners_.empty(); }
    void add(gateway::SessionHandle session) { listeners_.push_back(session); }
    void remove(gateway::SessionHandle session) { std::erase(listeners_, session); }
    // Returns how many bytes it wrote.
    uint64_t tell(const gateway::Session& sender, const ops::CommandSpec& called, ops::Arguments arguments,
                  int64_t wall_clock_us);

 private:
    const gateway::SessionTable& sessions_;
    std::vector<gateway::SessionHandle> listeners_;  // some may be gone
};

}  // namespace kvorum::redis
