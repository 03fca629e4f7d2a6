// The commands that took longest, as SLOWLOG shows them: what, whose, how long, and in which stage the time went.
//
// Unlike Redis, which times the carrying out alone, a command's time here runs from its arrival to its reply, and so
// includes the wait for the disk and for a quorum.
//
// Thread: the owning core. Memory: slowlog-max-len entries, with at most 32 arguments of 128 bytes each.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvorum {

struct SlowCommand {
    uint64_t id = 0;  // given by the log
    int64_t unix_time_s = 0;
    uint64_t duration_us = 0;
    std::vector<std::string> arguments;  // as loggable_arguments() makes them
    std::string client_address;          // empty: another node's client, whose own node logs it too
    std::string client_name;
    std::string stages;
};

// Whether the argument at `index` is a user name or a password, which nothing may show.
[[nodiscard]] bool is_secret_argument(std::span<const std::string_view> arguments, size_t index);
// Of a command's arguments as many and as much as is kept, with a word about the rest; secrets are left out.
[[nodiscard]] std::vector<std::string> loggable_arguments(std::span<const std::string_view> arguments);

// The same in two steps, where it is not known yet whether a command will be slow: what is kept of the arguments, in
// one string whose capacity is used again, and from that what is shown. Costs no allocation in the steady state.
void pack_loggable_arguments(std::span<const std::string_view> arguments, std::string& out);
[[nodiscard]] std::vector<std::string> unpack_loggable_arguments(std::string_view packed);

class SlowLog {
 public:
    // Gives it the next id; the oldest entries go when there are more than `entries_max`.
    void add(SlowCommand command, uint64_t entries_max);
    [[nodiscard]] const std::deque<SlowCommand>& newest_first() const { return commands_; }
    void clear() { commands_.clear(); }  // ids go on

 private:
    std::deque<SlowCommand> commands_;
    uint64_t next_id_ = 0;
};

}  // namespace kvorum
