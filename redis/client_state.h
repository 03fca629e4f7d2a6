// What the node knows of one client connection: CLIENT LIST's line, and what HELLO, CLIENT SETNAME and the like change.
// Thread: the core that owns the connection.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/read_choice.h"

namespace kvorum::redis {

struct ClientState {
    uint64_t id = 0;
    std::string address;  // "ip:port" of the client
    std::string local_address;
    std::string name;
    std::string library_name;
    std::string library_version;
    uint64_t connected_at_ns = 0;
    uint64_t last_command_at_ns = 0;
    const char* last_command = "NULL";
    uint64_t commands = 0;
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    int descriptor = -1;
    uint64_t query_buffer_bytes = 0;
    uint64_t query_buffer_free_bytes = 0;
    uint64_t argument_bytes = 0;  // of the commands that wait
    uint64_t output_buffer_bytes = 0;
    uint32_t pending_commands = 0;
    int protocol = 2;
    bool no_evict = false;
    bool no_touch = false;
    bool tracking = false;
    bool readonly = false;
    gateway::ReadChoice read_choice;  // CLIENT CONSISTENCY
    bool monitors = false;            // MONITOR
    // CLIENT REPLY OFF, and SKIP, of which the first says what becomes of the command that is answered now.
    bool replies_off = false;
    bool skips_reply = false;
    bool skips_next_reply = false;
    bool close_after_reply = false;
    bool authenticated = true;    // gave the password, or was there before one was needed
    uint64_t reply_delay_ns = 0;  // the reply that was just written must wait so long

    [[nodiscard]] uint64_t buffer_bytes() const {
        return query_buffer_bytes + query_buffer_free_bytes + argument_bytes + output_buffer_bytes;
    }
};

}  // namespace kvorum::redis
