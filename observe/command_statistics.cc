#include "observe/command_statistics.h"

#include <algorithm>
#include <array>

namespace kvorum {
namespace {

// Errors that say that the command was not carried out, whoever found out, this node or the leader.
constexpr std::array<std::string_view, 6> kRejections{"CLUSTERDOWN", "MOVED", "TRYAGAIN", "MISCONF", "OOM", "NOAUTH"};

bool is_rejection(std::string_view error_code) {
    return std::find(kRejections.begin(), kRejections.end(), error_code) != kRejections.end();
}

}  // namespace

std::string_view error_code_of_line(std::string_view line) { return line.substr(0, line.find_first_of(" \r")); }

void CommandStatistics::rejected(std::string_view command, std::string_view error_code) {
    if (!command.empty()) ++counts_of(command).rejected;
    count_error(error_code);
}

// False: it was not carried out.
bool CommandStatistics::count_error_reply(CommandCounts& counts, std::string_view error_code) {
    count_error(error_code);
    const bool carried_out = !is_rejection(error_code);
    ++(carried_out ? counts.failed : counts.rejected);
    return carried_out;
}

void CommandStatistics::count_error(std::string_view error_code) {
    ++errors_;
    const auto known = errors_by_code_.find(error_code);
    if (known != errors_by_code_.end()) {
        ++known->second;
    } else if (errors_by_code_.size() < kErrorCodesMax) {
        errors_by_code_.emplace(error_code, 1);
    }
}

void CommandStatistics::visit_commands(const std::function<void(std::string_view, const CommandCounts&)>& visit) const {
    for (const auto& [command, counts] : counts_)
        visit(command, counts);
}

void CommandStatistics::visit_errors(const std::function<void(std::string_view, uint64_t)>& visit) const {
    for (const auto& [code, count] : errors_by_code_)
        visit(code, count);
}

void CommandStatistics::reset() { *this = CommandStatistics(); }

}  // namespace kvorum
