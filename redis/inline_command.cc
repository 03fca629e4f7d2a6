#include "redis/inline_command.h"

namespace kvorum::redis {
namespace {

// The blanks of C's isspace() in the "C" locale.
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// What ends an unquoted word: fewer characters than isspace() has, as in Redis.
bool ends_word(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

char unescape(char c) {
    switch (c) {
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        case 'b': return '\b';
        case 'a': return '\a';
        default: return c;
    }
}

// A quoted part, `at` being behind its opening quote. Sets `at` behind the closing quote.
bool take_quoted(std::string_view line, char quote, size_t& at, std::string& storage) {
    while (at < line.size()) {
        const char c = line[at];
        if (c == quote) {
            ++at;
            return at == line.size() || is_space(line[at]);
        }
        const bool escape = c == '\\' && at + 1 < line.size();
        if (escape && quote == '"') {
            if (line[at + 1] == 'x' && at + 3 < line.size() && hex_value(line[at + 2]) >= 0 &&
                hex_value(line[at + 3]) >= 0) {
                storage.push_back(static_cast<char>(hex_value(line[at + 2]) * 16 + hex_value(line[at + 3])));
                at += 4;
            } else {
                storage.push_back(unescape(line[at + 1]));
                at += 2;
            }
        } else if (escape && line[at + 1] == '\'') {
            storage.push_back('\'');
            at += 2;
        } else {
            storage.push_back(c);
            ++at;
        }
    }
    return false;
}

bool take_argument(std::string_view line, size_t& at, std::string& storage) {
    while (at < line.size() && !ends_word(line[at])) {
        const char c = line[at++];
        if (c == '"' || c == '\'') return take_quoted(line, c, at, storage);
        storage.push_back(c);
    }
    return true;
}

}  // namespace

bool split_inline_command(std::string_view line, std::string& storage, std::vector<ByteSpan>& arguments) {
    size_t at = 0;
    while (true) {
        while (at < line.size() && is_space(line[at]))
            ++at;
        if (at == line.size()) return true;
        const size_t begin = storage.size();
        if (!take_argument(line, at, storage)) return false;
        arguments.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(storage.size() - begin)});
    }
}

}  // namespace kvorum::redis
