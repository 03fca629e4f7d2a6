// kvorum snapshot: what snapshot files say, and whether they are whole.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "snapshot/snapshot_file.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/snapshot_report.h"

namespace kvorum::tools {
namespace {

int run_inspect(const std::string& file) {
    const absl::StatusOr<SnapshotReport> report = read_snapshot_report(file);
    if (!report.ok()) {
        fmt::print(stderr, "kvorum: {}\n", std::string(report.status().message()));
        return kExitFailed;
    }
    fmt::print("{}", format_report(*report));
    return kExitDone;
}

// The snapshots of a directory, the newest last; of a file, that file.
absl::StatusOr<std::vector<std::string>> snapshots_at(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) return std::vector<std::string>{path};
    std::vector<std::string> files;
    for (auto entry = std::filesystem::directory_iterator(path, error); !error && entry != end(entry);
         entry.increment(error)) {
        if (snapshot::parse_snapshot_file_name(entry->path().filename().string())) files.push_back(entry->path());
    }
    if (error) return absl::UnavailableError(fmt::format("{}: {}", path, error.message()));
    if (files.empty()) return absl::NotFoundError(fmt::format("{}: there is no snapshot", path));
    std::sort(files.begin(), files.end());
    return files;
}

int run_verify(const std::string& path) {
    const absl::StatusOr<std::vector<std::string>> files = snapshots_at(path);
    if (!files.ok()) {
        fmt::print(stderr, "kvorum: {}\n", std::string(files.status().message()));
        return kExitFailed;
    }
    int exit_code = kExitDone;
    for (const std::string& file : *files) {
        const absl::StatusOr<SnapshotReport> report = read_snapshot_report(file);
        if (report.ok()) {
            fmt::print("{}: whole, {} keys, {}\n", file, report->records, format_bytes(report->file_bytes));
        } else {
            fmt::print(stderr, "kvorum: {}\n", std::string(report.status().message()));
            exit_code = kExitUnhealthy;
        }
    }
    return exit_code;
}

}  // namespace

void add_snapshot_command(CLI::App& app, int& exit_code) {
    CLI::App* snapshot = app.add_subcommand("snapshot", "Look into snapshot files");
    snapshot->require_subcommand(1);
    const auto path = std::make_shared<std::string>();
    CLI::App* inspect = snapshot->add_subcommand(
        "inspect", "Prints whose a snapshot is, of which entry and state, and how large it is.\nChanges nothing.");
    inspect->add_option("file", *path, "A snapshot: DATA-DIR/snapshot-*.kvs")->required();
    inspect->callback([path, &exit_code] { exit_code = run_inspect(*path); });
    CLI::App* verify = snapshot->add_subcommand(
        "verify",
        "Reads a snapshot, or all of a data directory, and verifies every chunk.\n"
        "What is damaged is told with the file, the byte and the reason, and the exit code is 3.\n"
        "Changes nothing; a node may be running.");
    verify->add_option("path", *path, "A snapshot, or a data directory")->required();
    verify->callback([path, &exit_code] { exit_code = run_verify(*path); });
}

}  // namespace kvorum::tools
