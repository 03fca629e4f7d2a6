// kvorum: everything around a cluster that is not the server itself.
#include <fmt/format.h>

#include <cstdio>
#include <sstream>

#include "base/standard_output.h"
#include "config/command_line_hints.h"
#include "config/version.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"

namespace {

// Help that was asked for goes to standard output, what is wrong to stderr.
int explain(const CLI::App& app, const CLI::ParseError& error) {
    std::string hint = kvorum::unknown_word_hint(app);
    if (hint.empty() && error.get_name() == "RequiredError") hint = kvorum::missing_subcommand_hint(app);
    if (error.get_exit_code() != 0 && !hint.empty()) {
        fmt::print(stderr, "{}\nRun with --help for more information.\n", hint);
        return kvorum::tools::kExitUsage;
    }
    std::ostringstream help;
    std::ostringstream wrong;
    const int exit_code = app.exit(error, help, wrong);
    fmt::print("{}", help.str());
    fmt::print(stderr, "{}", wrong.str());
    return exit_code == 0 ? kvorum::tools::kExitDone : kvorum::tools::kExitUsage;
}

int run(int argument_count, char** arguments) {
    CLI::App app("kvorum: start, look at and inspect kvorum clusters. The server itself is kvorumd.", "kvorum");
    app.require_subcommand(1);
    app.set_version_flag("--version", fmt::format("kvorum {}", kvorum::kKvorumVersion));
    app.footer(
        "Exit codes: 0 done; 1 failed, the message says why; 2 wrong arguments;\n"
        "3 done, but what was looked at is not well (a node is dead, a file is damaged);\n"
        "4 and 5: of `kvorum health`, no write is committed, and no node answers.\n"
        "`kvorum COMMAND --help` explains a command.");
    int exit_code = kvorum::tools::kExitDone;
    kvorum::tools::add_local_command(app, exit_code);
    kvorum::tools::add_status_command(app, exit_code);
    kvorum::tools::add_health_command(app, exit_code);
    kvorum::tools::add_leader_command(app, exit_code);
    kvorum::tools::add_top_command(app, exit_code);
    kvorum::tools::add_load_command(app, exit_code);
    kvorum::tools::add_sim_command(app, exit_code);
    kvorum::tools::add_wal_command(app, exit_code);
    kvorum::tools::add_snapshot_command(app, exit_code);
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::ParseError& error) {
        return explain(app, error);
    }
    return exit_code;
}

}  // namespace

int main(int argument_count, char** arguments) {
    return kvorum::run_and_flush("kvorum", [&] { return run(argument_count, arguments); });
}
