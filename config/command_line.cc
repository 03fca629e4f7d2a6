// The command line and config file of kvorumd, and the texts that explain them, all made from the table of options.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "base/nearest_word.h"
#include "config/command_line_hints.h"
#include "config/config.h"
#include "config/config_options.h"
#include "config/version.h"

namespace kvorum {
namespace {

constexpr std::string_view kDescription =
    "kvorumd: one node of Kvorum, a replicated, linearizable key-value store that speaks the Redis protocol.\n"
    "OK to a write means: on the disks of a majority of the members.\n";

constexpr std::string_view kExamples = R"(
One node, for development (redis-cli -p 7001):
  kvorumd --data-dir ./data

Three nodes on three hosts: the same command on each, with its own --id.
  openssl rand -hex 32 > /etc/kvorum.secret; chmod 600 /etc/kvorum.secret   (once; copy it to all three)
  kvorumd --id 1 --cluster shop --data-dir /var/lib/kvorum --cluster-secret-file /etc/kvorum.secret \
      --member 1=10.0.0.1:17001/10.0.0.1:7001 \
      --member 2=10.0.0.2:17001/10.0.0.2:7001 \
      --member 3=10.0.0.3:17001/10.0.0.3:7001

The same from a file, kvorumd --config /etc/kvorum.toml, where the names are those of the flags and a flag on the command line wins:
  id = 1
  cluster = "shop"
  data-dir = "/var/lib/kvorum"
  cluster-secret-file = "/etc/kvorum.secret"
  member = ["1=10.0.0.1:17001/10.0.0.1:7001", "2=10.0.0.2:17001/10.0.0.2:7001", "3=10.0.0.3:17001/10.0.0.3:7001"]
'#' starts a comment in a config file, inside quotes too. kvorumd --print-sample-config shows every option.

Sizes are bytes, or numbers with KiB, MiB or GiB.
)";

constexpr size_t kOptionColumnWidth = 36;
constexpr size_t kHelpWidth = 80;
constexpr size_t kSampleWidth = 116;

constexpr uint16_t kDefaultClientPort = 7001;
constexpr uint16_t kDefaultPeerPort = 17001;

// What CLI11 collected: per option, the texts given for it.
using GivenValues = std::map<std::string_view, std::vector<std::string>>;

// `text` in lines of at most `width` characters, each started with `prefix`.
std::string wrapped(std::string_view text, size_t width, std::string_view prefix) {
    std::string lines{prefix};
    size_t column = 0;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (column > 0 && column + 1 + word.size() > width) {
            lines += fmt::format("\n{}", prefix);
            column = 0;
        }
        lines += fmt::format("{}{}", column == 0 ? "" : " ", word);
        column += word.size() + (column == 0 ? 0 : 1);
    }
    return lines;
}

std::string help_of(const ConfigOption& option) {
    const std::string standard = option.show(NodeConfig{});
    return fmt::format("{}\nDefault: {}", wrapped(option.help, kHelpWidth, ""), standard.empty() ? "none" : standard);
}

void add_options(CLI::App& app, GivenValues& values) {
    const std::string sample_help = "Print a config file with every option, commented out at its default, and exit";
    const std::string version_help = "Print the version and exit";
    app.add_flag("--print-sample-config", sample_help)->configurable(false);
    app.add_flag("--version", version_help)->configurable(false);
    app.set_config("--config", "", "Read options from FILE (TOML or INI form); see the example below")
        ->type_name("FILE");
    for (const ConfigOption& option : config_options()) {
        std::vector<std::string>& given = values[option.name];
        CLI::Option* added = app.add_option(fmt::format("--{}", option.name), given, help_of(option));
        added->group(std::string{option.group})->type_name(std::string{option.value});
        if (option.name != "member") added->expected(1);      // the one that may be repeated
        if (option.value == "yes|no") added->expected(0, 1);  // --flag is --flag yes
        added->allow_extra_args(false);
    }
}

// Sets what was given; returns what is wrong with it.
std::vector<std::string> set_given(const GivenValues& values, NodeConfig& config) {
    std::vector<std::string> problems;
    for (const ConfigOption& option : config_options()) {
        const auto given = values.find(option.name);
        if (given == values.end()) continue;
        for (const std::string& text : given->second) {
            const bool is_bare_flag = option.value == "yes|no" && text.empty();
            if (text.starts_with('"')) {
                problems.push_back(fmt::format(
                    "{}: the quote of {} is not closed ('#' starts a comment, inside quotes too)", option.name, text));
            } else if (const auto problem = option.parse(config, is_bare_flag ? "yes" : text); problem.has_value()) {
                problems.push_back(fmt::format("{}: {}", option.name, *problem));
            }
        }
    }
    return problems;
}

// Without members this node is a cluster of its own, on the addresses that it binds.
void default_to_single_node(NodeConfig& config) {
    if (!config.members.empty()) return;
    if (config.id.is_none()) config.id = NodeId{1};
    const auto reachable = [](const std::optional<reactor::Endpoint>& bound, uint16_t port) {
        if (!bound.has_value()) return reactor::Endpoint{.host = "127.0.0.1", .port = port};
        const bool wildcard = bound->host == "0.0.0.0" || bound->host == "::";
        return reactor::Endpoint{.host = wildcard ? "127.0.0.1" : bound->host, .port = bound->port};
    };
    config.members.push_back({.id = config.id,
                              .peer = reachable(config.peer_listen, kDefaultPeerPort),
                              .client = reachable(config.listen, kDefaultClientPort)});
}

absl::Status joined(const std::vector<std::string>& problems) {
    std::string text;
    for (const std::string& problem : problems)
        text += (text.empty() ? "" : "\n") + problem;
    return absl::InvalidArgumentError(text);
}

std::string unknown_in_file(const std::string& name) {
    std::vector<std::string> known;
    for (const ConfigOption& option : config_options())
        known.emplace_back(option.name);
    const std::string nearest = nearest_word(name, known);
    return fmt::format("the config file sets '{}', which is not an option{}", name,
                       nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest));
}

// The error of CLI11 in our words where its own are about INI files.
absl::Status parse_failure(const CLI::App& app, const CLI::ParseError& error) {
    const std::string hint = unknown_word_hint(app);
    std::string what = hint.empty() ? std::string(error.what()) : hint.substr(hint.find(": ") + 2);
    constexpr std::string_view kUnknownInFile = "INI was not able to parse ";
    if (what.starts_with(kUnknownInFile)) {
        what = unknown_in_file(what.substr(kUnknownInFile.size()));
    }
    return absl::InvalidArgumentError(fmt::format("{} (kvorumd --help lists all options)", what));
}

bool print_what_was_asked(const CLI::App& app) {
    if (app.count("--version") > 0) {
        fmt::print("kvorumd {} (Redis {} protocol)\n", kKvorumVersion, kRedisVersion);
        return true;
    }
    if (app.count("--print-sample-config") > 0) {
        fmt::print("{}", sample_config());
        return true;
    }
    return false;
}

}  // namespace

std::string sample_config() {
    std::string text =
        "# Options of kvorumd, each commented out at its default. kvorumd --config FILE reads this file.\n";
    std::string_view group;
    for (const ConfigOption& option : config_options()) {
        if (option.group != group) fmt::format_to(std::back_inserter(text), "\n# --- {} ---\n", option.group);
        group = option.group;
        fmt::format_to(std::back_inserter(text), "\n{}\n# Form: {}\n#{} = \"{}\"\n",
                       wrapped(option.help, kSampleWidth, "# "), option.value, option.name, option.show(NodeConfig{}));
    }
    return text;
}

absl::StatusOr<CommandLineResult> parse_command_line(int argument_count, const char* const* arguments) {
    CLI::App app{std::string{kDescription}, "kvorumd"};
    app.footer(std::string{kExamples});
    app.allow_config_extras(CLI::config_extras_mode::error);
    app.get_formatter()->column_width(kOptionColumnWidth);
    GivenValues values;
    add_options(app, values);
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::CallForHelp&) {
        fmt::print("{}", app.help());
        return CommandLineResult{.exit_now = true, .config = {}};
    } catch (const CLI::ParseError& error) {
        return parse_failure(app, error);
    }
    if (print_what_was_asked(app)) return CommandLineResult{.exit_now = true, .config = {}};

    CommandLineResult result;
    if (const std::vector<std::string> problems = set_given(values, result.config); !problems.empty())
        return joined(problems);
    if (!result.config.members.empty() && result.config.id.is_none()) {
        return absl::InvalidArgumentError("id: is missing; give the id of the member that this node is");
    }
    default_to_single_node(result.config);
    if (const std::vector<std::string> problems = result.config.validate(); !problems.empty()) return joined(problems);
    return result;
}

}  // namespace kvorum
