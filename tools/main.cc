// kvorum: everything around a cluster that is not the server itself.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "server/version.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"

namespace {

int run(int argument_count, char** arguments) {
    CLI::App app("kvorum: start, look at and inspect kvorum clusters. The server itself is kvorumd.", "kvorum");
    app.require_subcommand(1);
    app.set_version_flag("--version", fmt::format("kvorum {}", kvorum::server::kKvorumVersion));
    app.footer(
        "Exit codes: 0 done; 1 failed, the message says why; 2 wrong arguments;\n"
        "3 done, but what was looked at is not well (a node is dead, a file is damaged).\n"
        "`kvorum COMMAND --help` explains a command.");
    int exit_code = kvorum::tools::kExitDone;
    kvorum::tools::add_local_command(app, exit_code);
    kvorum::tools::add_status_command(app, exit_code);
    kvorum::tools::add_top_command(app, exit_code);
    kvorum::tools::add_load_command(app, exit_code);
    kvorum::tools::add_sim_command(app, exit_code);
    kvorum::tools::add_wal_command(app, exit_code);
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kvorum::tools::kExitDone : kvorum::tools::kExitUsage;
    }
    return exit_code;
}

}  // namespace

int main(int argument_count, char** arguments) {
    try {
        return run(argument_count, arguments);
    } catch (const std::exception& error) {
        (void)std::fprintf(stderr, "kvorum: %s\n", error.what());
        return kvorum::tools::kExitFailed;
    }
}
