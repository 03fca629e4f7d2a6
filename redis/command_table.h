// What the commands of Redis are: all that COMMAND INFO and COMMAND DOCS tell of them, and what carries each of them
// out: an operation of the store, or a handler of this node.
//
// Thread: any; everything is constant after start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gateway/command.h"
#include "ops/operation_table.h"

namespace kvorum::redis {

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
    kFlagSkipSlowlog = 1u << 12,
    kFlagNoAsyncLoading = 1u << 13,
};

struct CommandContext;
using CommandHandler = void (*)(CommandContext&);

struct CommandSpec {
    std::string_view name;            // lower case; of a subcommand "client|id"
    const ops::Operation* operation;  // null: it is about the node or the connection, or a subcommand
    CommandHandler handler;           // without an operation; null: the gateway or the CommandGate carries it out
    int16_t arity;                    // as Redis counts it: the name included, negative = at least
    uint32_t flags;
    int16_t first_key;  // 0: none; so for OBJECT, whose subcommands have their key behind them
    int16_t last_key;   // -1: up to the last argument
    int16_t key_step;
    std::string_view group;  // "string", "generic", "connection", "server", "cluster"
    std::string_view since;  // Redis version that introduced it
    std::string_view summary;
    std::string_view complexity;
    std::string_view acl_categories;  // space separated, with '@'

    // True when `argument_count` (the name included) fits the arity.
    [[nodiscard]] bool takes(size_t argument_count) const {
        if (arity >= 0) return argument_count == static_cast<size_t>(arity);
        return argument_count >= static_cast<size_t>(-arity);
    }
    // As a row of the gateway's table, with what carries it out: of a subcommand what carries out its container.
    [[nodiscard]] constexpr gateway::Command for_gateway(gateway::CommandKind kind, const ops::Operation* carried_out,
                                                         uint16_t local_code) const {
        return {kind, carried_out, local_code, name, first_key, (flags & kFlagFast) != 0};
    }
};

// Those with an operation. find_data_command() ignores case; null when there is none of that name.
[[nodiscard]] std::span<const CommandSpec> data_commands();
[[nodiscard]] const CommandSpec* find_data_command(std::string_view name);
// What the gateway is told of one of them.
[[nodiscard]] const gateway::Command& gateway_command_of(const CommandSpec& data_command);
// Those without one.
[[nodiscard]] std::span<const CommandSpec> server_commands();
// Any command, ignoring case; null: unknown.
[[nodiscard]] const CommandSpec* find_command(std::string_view name);
// Null when there is no command `name`, which may be a subcommand's ("client|id"), ignoring case.
[[nodiscard]] const CommandSpec* find_command_or_subcommand(std::string_view name);
// The subcommands of `container` ("client"); empty when it has none. Those of one container are adjacent.
[[nodiscard]] std::span<const CommandSpec> subcommands_of(std::string_view container);

// Of a command without operation: its number in server_commands(), from 1. Of the others 0.
[[nodiscard]] uint16_t server_code_of(const CommandSpec& command);
inline constexpr uint16_t kWaitCommand = 1;
inline constexpr uint16_t kQuitCommand = 4;
inline constexpr uint16_t kResetCommand = 5;
inline constexpr uint16_t kSelectCommand = 8;
inline constexpr uint16_t kClientCommand = 9;
inline constexpr uint16_t kReadonlyCommand = 16;
inline constexpr uint16_t kReadwriteCommand = 17;
inline constexpr uint16_t kMultiCommand = 24;
inline constexpr uint16_t kExecCommand = 25;
inline constexpr uint16_t kDiscardCommand = 26;
inline constexpr uint16_t kWatchCommand = 27;
inline constexpr uint16_t kUnwatchCommand = 28;

// The command that `arguments` name, and the part of it that they are meant for.
struct NamedCommand {
    const CommandSpec* command = nullptr;  // null: unknown
    // Itself, or its subcommand; null: unknown. What is counted, and whose flags and keys count.
    const CommandSpec* called = nullptr;
    bool is_runnable = false;  // both are known, and the number of arguments fits
};
[[nodiscard]] NamedCommand find_named_command(std::span<const std::string_view> arguments);
// What the gateway is told of it.
[[nodiscard]] const gateway::Command& gateway_command(const NamedCommand& named);
// Why it is not runnable, as Redis says it.
[[nodiscard]] std::string not_runnable_error(const NamedCommand& named, std::span<const std::string_view> arguments);

}  // namespace kvorum::redis
