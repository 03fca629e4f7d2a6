// The subcommands of kvorum. Each function adds one to `app`; when the user names it, its exit code is put into
// `exit_code`.
#pragma once

#include <CLI/CLI.hpp>

namespace kvorum::tools {

void add_local_command(CLI::App& app, int& exit_code);
void add_status_command(CLI::App& app, int& exit_code);
void add_health_command(CLI::App& app, int& exit_code);
void add_leader_command(CLI::App& app, int& exit_code);
void add_top_command(CLI::App& app, int& exit_code);
void add_load_command(CLI::App& app, int& exit_code);
void add_sim_command(CLI::App& app, int& exit_code);
void add_wal_command(CLI::App& app, int& exit_code);
void add_snapshot_command(CLI::App& app, int& exit_code);

}  // namespace kvorum::tools
