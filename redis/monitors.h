// The connections that asked for MONITOR: each gets a line for every command that a client of this node sends, as Redis
// writes it, before the command is carried out. Commands of administration are left out and secrets are hidden.
//
// Thread: the owning core. Costs the other clients one comparison a command while nobody listens. A monitor that does
// not read is closed at the output limit, as every client.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ops/commands.h"

namespace kvorum::redis {

// "1339518083.107412 [0 127.0.0.1:60866] "get" "key"", without an end of line.
[[nodiscard]] std::string monitor_line(int64_t wall_clock_us, std::string_view client_address,
                                       ops::Arguments arguments);

class MonitorListener {
 public:
    virtual ~MonitorListener() = default;
    virtual void write_line(std::string_view line) = 0;
    // It is in the midst of a reply: no line may stand inside of that.
    [[nodiscard]] virtual bool is_replying() const = 0;
};

class Monitors {
 public:
    [[nodiscard]] bool empty() const { return listeners_.empty(); }
    // Until it is removed, which its owner sees to.
    void add(MonitorListener& listener) { listeners_.push_back(&listener); }
    void remove(MonitorListener& listener) { std::erase(listeners_, &listener); }
    // Returns how many bytes it wrote.
    uint64_t tell(std::string_view client_address, ops::Arguments arguments, int64_t wall_clock_us);

 private:
    std::vector<MonitorListener*> listeners_;
};

}  // namespace kvorum::redis
