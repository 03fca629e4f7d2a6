// What COMMAND INFO and COMMAND DOCS tell of commands beyond their CommandSpec: where keys are and what becomes of
// them, hints for proxies, syntax, history. Facts are those of Redis 7.0.15. Thread: any; everything is constant.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "redis/resp_writer.h"

namespace kvorum::redis {

struct CommandFacts {
    std::string_view name;
    std::string_view keys{};        // "RW access delete @1; OW update @2": as key_specs() reads it
    std::string_view tips{};        // words
    std::string_view syntax{};      // as reply_arguments() reads it
    std::string_view history{};     // "6.0.0 KEEPTTL; 6.2.0 GET"
    std::string_view deprecated{};  // "6.2.0 what to use instead"
};
// Of a command or a subcommand ("client|list"); all but the name is empty when nothing is known.
[[nodiscard]] CommandFacts facts_of(std::string_view name);

// One group of a command's keys. In the table: flags, then '@' and the place (the first key's index; "..-1" when the
// last is counted from the end, "..1" when it is so much behind the first; "/2" when every second one is a key; '?'
// when it cannot be told), then '~' and a note.
struct KeySpec {
    std::vector<std::string_view> flags;
    bool is_known = true;
    int64_t first = 0;
    int64_t last = 0;  // from the first; negative: from the last argument
    int64_t step = 1;
    std::string_view note;
};
[[nodiscard]] std::vector<KeySpec> key_specs(std::string_view keys);

[[nodiscard]] std::vector<std::string_view> split_words(std::string_view words);
// The parts between "; ".
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view list);

// The arguments of COMMAND DOCS. A syntax is a list of arguments, each of them
//   type:name  then in this order  #key-spec  "TOKEN"  ? optional  * repeated  + repeated with its token
//   @since  !deprecated-since  {arguments, for the types oneof and block}
// where the type is the first letter of key, string, pattern, oneof, double, token, unix-time, integer or block.
void reply_arguments(RespWriter& reply, std::string_view syntax);

}  // namespace kvorum::redis
