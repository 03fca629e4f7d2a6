// kvorum wal: what the files of a log say, for people.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "wal/dump.h"

namespace kvorum::tools {
namespace {

int run_dump(const std::vector<std::string>& files) {
    for (const std::string& file : files) {
        if (files.size() > 1) fmt::print("== {}\n", file);
        const absl::Status dumped = wal::dump_segment(file, [](std::string_view line) { fmt::print("{}\n", line); });
        if (!dumped.ok()) {
            fmt::print(stderr, "kvorum: {}\n", std::string(dumped.message()));
            return kExitFailed;
        }
    }
    return kExitDone;
}

}  // namespace

void add_wal_command(CLI::App& app, int& exit_code) {
    CLI::App* wal = app.add_subcommand("wal", "Look into the files of a write-ahead log");
    wal->require_subcommand(1);
    const auto files = std::make_shared<std::vector<std::string>>();
    CLI::App* dump =
        wal->add_subcommand("dump",
                            "Prints the groups of segment files, the records in them, and where and why the log ends.\n"
                            "Changes nothing. Meant for a stopped node or for a copy: a running node writes on.");
    dump->add_option("file", *files, "Segment files: DATA-DIR/wal-*.seg")->required();
    dump->callback([files, &exit_code] { exit_code = run_dump(*files); });
}

}  // namespace kvorum::tools
