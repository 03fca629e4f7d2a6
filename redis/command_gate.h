// What a connection has said that refuses or changes the commands behind it, known when a command arrives.
//
// A pipeline is routed before its first reply is there, so nothing may wait for the reply of MULTI or SELECT: the
// outcome of these is known from their arguments, and what stands behind them is judged at once, in the order in which
// it was sent.
//
//   MULTI      There are no transactions yet. The body of one must not run without its atomicity, so everything up to
//              EXEC (answered EXECABORT) or DISCARD is refused. RESET and QUIT work, as in Redis.
//   SELECT     There is one database. A client that asked for another and goes on regardless would mix its data with
//              that of database 0: commands on keys are refused until SELECT 0 or RESET, unless --after-refused-select
//              says otherwise.
//   READONLY   Reads may be served by a follower; matters with --follower-mode redirect only.
//   CLIENT CONSISTENCY   How old the state may be that the reads behind it are answered from.
//
// What is refused here was definitely not executed. One per session. Thread: the owning core.
#pragma once

#include <cstdint>

#include "config/config.h"
#include "gateway/read_choice.h"
#include "ops/commands.h"
#include "redis/command_table.h"

namespace kvorum::redis {

class CommandGate {
 public:
    // False: every command must be shown to answers().
    [[nodiscard]] bool is_open() const { return !in_transaction_ && !database_refused_; }
    [[nodiscard]] bool is_readonly() const { return is_readonly_; }
    [[nodiscard]] gateway::ReadChoice read_choice() const { return read_choice_; }

    // Takes note of a command that arrived, one of server_commands() or, while the gate is closed, any; its arity is
    // right. True: `reply` holds its reply, and it is not to be carried out.
    [[nodiscard]] bool answers(const CommandSpec& command, ops::Arguments arguments, AfterRefusedSelect after_refused,
                               ReplySink& reply);

 private:
    bool answers_in_transaction(const CommandSpec& command, ReplySink& reply);
    void note_client(ops::Arguments arguments);

    bool in_transaction_ = false;
    bool database_refused_ = false;
    bool is_readonly_ = false;
    gateway::ReadChoice read_choice_;
};

}  // namespace kvorum::redis
