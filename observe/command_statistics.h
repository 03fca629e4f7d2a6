// How often each command was called, refused and failed, and which errors clients got: INFO commandstats, errorstats,
// total_commands_processed and total_error_replies. As in Redis 7 a command is *rejected* when it was refused before it
// was carried out, and *failed* when it was carried out and its reply is an error; a rejected one is not a call.
//
// Everything is counted here and nowhere else, once, when the reply is known. A command counts at the node whose client
// sent it. Subcommands count by themselves ("client|list"). A command is known by its name, whose text stays where it
// is. Thread: the owning core. Memory: some words for each command that was ever sent, and at most kErrorCodesMax error
// codes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"

namespace kvorum {

struct CommandCounts {
    uint64_t calls = 0;
    uint64_t rejected = 0;
    uint64_t failed = 0;
};

// "ERR" of "ERR syntax error".
[[nodiscard]] std::string_view error_code_of_line(std::string_view line);

class CommandStatistics {
 public:
    // Clients choose no error codes, so there are a few dozen; this is only to be safe.
    static constexpr size_t kErrorCodesMax = 128;

    // `command` was answered. `error_code` is empty unless the reply is an error.
    // False: the error says that it was not carried out, so it was no call.
    bool answered(std::string_view command, std::string_view error_code) {
        CommandCounts& counts = counts_of(command);
        if (!error_code.empty() && !count_error_reply(counts, error_code)) [[unlikely]]
            return false;
        ++counts.calls;
        ++calls_;
        return true;
    }
    // It was refused and not carried out; empty: there is no such command.
    void rejected(std::string_view command, std::string_view error_code);

    [[nodiscard]] uint64_t calls() const { return calls_; }
    [[nodiscard]] uint64_t errors() const { return errors_; }
    void visit_commands(const std::function<void(std::string_view, const CommandCounts&)>& visit) const;
    void visit_errors(const std::function<void(std::string_view, uint64_t)>& visit) const;
    void reset();

 private:
    CommandCounts& counts_of(std::string_view command) {
        if (last_command_.data() != command.data()) {
            last_command_ = command;
            last_counts_ = &counts_[command];
        }
        return *last_counts_;
    }
    bool count_error_reply(CommandCounts& counts, std::string_view error_code);
    void count_error(std::string_view error_code);

    absl::flat_hash_map<std::string_view, CommandCounts> counts_;
    // The command that came last: most come in runs.
    std::string_view last_command_;
    CommandCounts* last_counts_ = nullptr;  // in counts_; what moves it sets both
    uint64_t calls_ = 0;
    uint64_t errors_ = 0;
    std::map<std::string, uint64_t, std::less<>> errors_by_code_;
};

}  // namespace kvorum
