// A command on its way through the gateway: what is carried out, and by which name it is counted.
//
// One is a row of a table that its protocol has. Rows are constant and stay for as long as the program runs, so whoever
// keeps a command keeps a reference to its row. Thread: any.
#pragma once

#include <cstdint>
#include <string_view>

#include "ops/operation_table.h"

namespace kvorum::gateway {

enum class CommandKind : uint8_t {
    kUnknown,    // there is none of that name: it is only answered
    kOperation,  // on the state
    kWait,       // counts the nodes that have what its client wrote (gateway/waits.h)
    kLocal,      // about the node or the connection: the port carries it out
};

struct Command {
    CommandKind kind = CommandKind::kUnknown;
    const ops::Operation* operation = nullptr;  // kOperation, unless a part of it has an unknown name
    uint16_t local_code = 0;                    // kLocal: its number in the port's protocol
    std::string_view name;                      // what is counted, a subcommand's too; empty: unknown
    int16_t first_key = 0;                      // which argument is the first key; 0: none is
    bool is_fast = false;  // as it is counted: it takes no time to speak of unless it has many arguments

    [[nodiscard]] bool is_write() const {
        return operation != nullptr && operation->kind == ops::OperationKind::kWrite;
    }
    [[nodiscard]] bool is_read() const { return operation != nullptr && operation->kind == ops::OperationKind::kRead; }
};

// Of what is only answered, and was never one.
inline constexpr Command kUnknownCommand{};

}  // namespace kvorum::gateway
