// Splits the line of an inline command ("SET key \"a b\"\r\n" typed into telnet) into arguments by Redis's quoting
// rules:
//   - blanks separate; a quote starts a quoted part, also within a word, and its closing quote must end the word;
//   - in "...": \n \r \t \b \a, \xHH (two hex digits), any other escaped character stands for itself;
//   - in '...': only \' is an escape.
// Departure from Redis: a NUL byte is an ordinary byte instead of the end of the line.
//
// Pure. Cost: linear in the line, which the caller has bounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvorum::redis {

// A piece of a buffer that may still move.
struct ByteSpan {
    uint32_t offset = 0;
    uint32_t size = 0;
};

// Appends the unquoted arguments to `storage` and where they lie in it to `arguments`; a line of blanks has none.
// False: the quotes are unbalanced, or text follows a closing quote directly; both outputs are then garbage. `line` has
// no newline and less than 4 GiB.
[[nodiscard]] bool split_inline_command(std::string_view line, std::string& storage, std::vector<ByteSpan>& arguments);

}  // namespace kvorum::redis
