// What is wrong with a command line that has a word nobody knows, and which known word is near to it.
//
// For kvorumd and for every subcommand of kvorum. Pure functions of what CLI11 has parsed. Thread: any.
#pragma once

#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace kvorum {

// "kvorum local: 'restrat' is no subcommand; did you mean 'restart'?" Empty when every word was understood.
[[nodiscard]] std::string unknown_word_hint(const CLI::App& app);

// "kvorum local: give one of its subcommands: start, stop". Empty when none is missing.
[[nodiscard]] std::string missing_subcommand_hint(const CLI::App& app);

}  // namespace kvorum
