#include "redis/command_gate.h"

#include <optional>
#include <string_view>

#include "base/text.h"
#include "redis/consistency_words.h"
#include "redis/server_commands.h"

namespace kvorum::redis {
namespace {

constexpr std::string_view kMultiRefused =
    "ERR MULTI is not supported yet: the commands up to EXEC or DISCARD are refused and not executed";
constexpr std::string_view kBodyRefused =
    "ERR This connection is in a transaction that was refused: the command was not executed (DISCARD goes on)";
constexpr std::string_view kWatchRefused = "ERR WATCH is not supported yet: there are no transactions";
constexpr std::string_view kExecAborted = "EXECABORT Transaction discarded because of previous errors.";
constexpr std::string_view kDatabaseRefused =
    "ERR Another database was selected and refused, there is only database 0: the command was not executed (SELECT 0 "
    "goes on)";

}  // namespace

bool CommandGate::answers_in_transaction(const CommandSpec& command, ReplySink& reply) {
    switch (server_code_of(command)) {
        case kQuitCommand: return false;
        case kResetCommand: *this = CommandGate(); return false;
        case kMultiCommand: reply.error("ERR MULTI calls can not be nested"); return true;
        case kWatchCommand: reply.error("ERR WATCH inside MULTI is not allowed"); return true;
        case kExecCommand:
            in_transaction_ = false;
            reply.error(kExecAborted);
            return true;
        case kDiscardCommand:
            in_transaction_ = false;
            reply.done();
            return true;
        default: reply.error(kBodyRefused); return true;
    }
}

// What is wrong changes nothing, and is answered so by whoever carries it out.
void CommandGate::note_client(ops::Arguments arguments) {
    if (!equals_ignore_case(arguments[1], "consistency")) return;
    if (const auto choice = parse_read_choice(arguments.subspan(2)); choice.has_value()) read_choice_ = *choice;
}

bool CommandGate::answers(const CommandSpec& command, ops::Arguments arguments, AfterRefusedSelect after_refused,
                          ReplySink& reply) {
    if (in_transaction_) return answers_in_transaction(command, reply);
    const uint16_t code = server_code_of(command);
    if (code == 0 || code == kWaitCommand) {
        if (!database_refused_) return false;
        reply.error(kDatabaseRefused);
        return true;
    }
    switch (code) {
        case kResetCommand: *this = CommandGate(); return false;
        case kClientCommand: note_client(arguments); return false;
        case kReadonlyCommand: is_readonly_ = true; return false;
        case kReadwriteCommand: is_readonly_ = false; return false;
        case kSelectCommand:
            database_refused_ = parse_int64(arguments[1]) != 0 && after_refused == AfterRefusedSelect::kRefuse;
            return false;
        case kMultiCommand:
            in_transaction_ = true;
            reply.error(kMultiRefused);
            return true;
        case kExecCommand: reply.error("ERR EXEC without MULTI"); return true;
        case kDiscardCommand: reply.error("ERR DISCARD without MULTI"); return true;
        case kWatchCommand: reply.error(kWatchRefused); return true;
        case kUnwatchCommand: reply.done(); return true;
        default: return false;
    }
}

}  // namespace kvorum::redis
