// What a command is: its name, arity, flags and key positions, as Redis 7's COMMAND reports them, and which part of the
// node carries it out.
//
// The data commands are listed here (ops/command_table.cc); the server adds a table of its own for connection and
// introspection commands. Thread: any; everything is constant after start.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace kvorum::ops {

enum class CommandKind : uint8_t {
    kWrite,   // changes the state: goes through the log, carried out by apply_batch
    kRead,    // reads the state: carried out by execute_read
    kServer,  // the connection's or the node's business: never touches the key space
    kWait,    // counts replicas: the gateway's business
};

// The flags of COMMAND INFO, bit by bit.
enum CommandFlags : uint32_t {
    kFlagWrite = 1u << 0,
    kFlagReadonly = 1u << 1,
    kFlagDenyOom = 1u << 2,
    kFlagFast = 1u << 3,
    kFlagAdmin = 1u << 4,
    kFlagLoading = 1u << 5,
    kFlagStale = 1u << 6,
    kFlagNoAuth = 1u << 7,
    kFlagNoScript = 1u << 8,
    kFlagBlocking = 1u << 9,
    kFlagMovableKeys = 1u << 10,
    kFlagAllowBusy = 1u << 11,
};

struct CommandSpec {
    std::string_view name;  // lower case
    CommandKind kind;
    uint16_t code;  // unique within its table; what the log records for a write (never renumber, never reuse)
    int16_t arity;  // as Redis counts it: the name included, negative = at least
    uint32_t flags;
    int16_t first_key;  // 0: none; so for OBJECT, whose subcommands have their key behind them
    int16_t last_key;   // -1: up to the last argument
    int16_t key_step;
    std::string_view group;  // "string", "generic", "connection", "server", "cluster"
    std::string_view since;  // Redis version that introduced it
    std::string_view summary;
    std::string_view complexity;
    std::string_view acl_categories;  // space separated, with '@'
};

// The data commands. find_data_command ignores case; null when there is none of that name here.
[[nodiscard]] std::span<const CommandSpec> data_commands();
[[nodiscard]] const CommandSpec* find_data_command(std::string_view name);

// True when `argument_count` (the name included) fits the command's arity.
[[nodiscard]] bool arity_fits(const CommandSpec& spec, size_t argument_count);

}  // namespace kvorum::ops
