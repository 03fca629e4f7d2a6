// A command on its way through the gateway: what is carried out, and by which name it is counted.
#pragma once

#include <cstdint>
#include <string_view>

#include "ops/command_table.h"

namespace kvorum::gateway {

struct Command {
    const ops::CommandSpec* spec = nullptr;  // null: there is none of that name
    std::string_view name;                   // what is counted, a subcommand's too; empty: unknown
    int16_t first_key = 0;                   // which argument is the first key; 0: none is
    bool is_fast = false;  // as it is counted: it takes no time to speak of unless it has many arguments

    [[nodiscard]] bool is_write() const { return spec != nullptr && spec->kind == ops::CommandKind::kWrite; }
    [[nodiscard]] bool is_read() const { return spec != nullptr && spec->kind == ops::CommandKind::kRead; }
};

}  // namespace kvorum::gateway
