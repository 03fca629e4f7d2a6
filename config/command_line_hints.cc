#include "config/command_line_hints.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <vector>

#include "base/nearest_word.h"

namespace kvorum {
namespace {

const CLI::App& innermost(const CLI::App& app) {
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    return chosen.empty() ? app : innermost(*chosen.back());
}

std::string full_name(const CLI::App& app) {
    return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* subcommand : app.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(subcommand->get_name());
    return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames())
            names.push_back("--" + name);
    }
    return names;
}

}  // namespace

std::string unknown_word_hint(const CLI::App& app) {
    const CLI::App& command = innermost(app);
    const std::vector<std::string> unknown = command.remaining();
    if (unknown.empty()) return {};
    // The option of "--nodez=5" is what stands before the '='.
    const bool is_option = unknown.front().starts_with("-");
    const std::string word = is_option ? unknown.front().substr(0, unknown.front().find('=')) : unknown.front();
    const std::vector<std::string> subcommands = subcommand_names(command);
    const char* kind = is_option ? "no option" : subcommands.empty() ? "not expected" : "no subcommand";
    const std::string nearest = nearest_word(word, is_option ? option_names(command) : subcommands);
    const std::string meant = nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest);
    return fmt::format("{}: '{}' is {}{}", full_name(command), word, kind, meant);
}

std::string missing_subcommand_hint(const CLI::App& app) {
    const CLI::App& command = innermost(app);
    if (command.get_require_subcommand_min() == 0) return {};
    return fmt::format("{}: give one of its subcommands: {}", full_name(command),
                       fmt::join(subcommand_names(command), ", "));
}

}  // namespace kvorum
