// Random commands for tests that compare two ways to carry them out.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/prng.h"
#include "ops/dump_payload.h"

namespace kvorum::ops {

class RandomCommands {
 public:
    explicit RandomCommands(uint64_t seed) : prng_(seed) {}

    // A write or read of any data command whose effect depends on nothing but the state, the arguments and the time.
    // Mostly well-formed. Deadlines lie in the past, more than 1000 s ahead, or at `kAbsoluteMs`: never where a few
    // milliseconds would matter.
    std::vector<std::string> next() {
        if (prng_.chance(1, 4)) return expand(rarer_form());
        const std::string_view form = pick<std::string_view>({
            "GET k",           "SET k v",          "SET k v c",
            "SET k v c c",     "SET k v e",        "SET k v c e",
            "SET k v e c GET", "SETNX k v",        "SETEX k l v",
            "PSETEX k L v",    "GETSET k v",       "GETDEL k",
            "GETEX k",         "GETEX k e",        "GETEX k PERSIST",
            "MGET k k k",      "MSET k v k v",     "MSET k v k",
            "MSETNX k v k v",  "APPEND k v",       "STRLEN k",
            "GETRANGE k i i",  "SUBSTR k i i",     "SETRANGE k i v",
            "INCR k",          "DECR k",           "INCRBY k n",
            "DECRBY k n",      "INCRBYFLOAT k f",  "DEL k",
            "DEL k k",         "UNLINK k k",       "EXISTS k k",
            "TYPE k",          "EXPIRE k l",       "PEXPIRE k L",
            "EXPIREAT k a",    "PEXPIREAT k A",    "EXPIREAT k a x",
            "PEXPIREAT k A x", "EXPIREAT k a x x", "TTL k",
            "PTTL k",          "EXPIRETIME k",     "PEXPIRETIME k",
            "PERSIST k",       "RENAME k k",       "RENAMENX k k",
            "COPY k k",        "COPY k k REPLACE", "COPY k k DB 0",
            "TOUCH k k k",
        });
        return expand(form);
    }

    Prng& prng() { return prng_; }

    static constexpr int64_t kAbsoluteMs = 4'102'444'800'000;

 private:
    std::string_view rarer_form() {
        return pick<std::string_view>({
            "LCS k k",
            "LCS k k LEN",
            "LCS k k IDX",
            "LCS k k IDX MINMATCHLEN i WITHMATCHLEN",
            "SETBIT k o b",
            "GETBIT k o",
            "BITCOUNT k",
            "BITCOUNT k i i",
            "BITCOUNT k i i u",
            "BITPOS k b",
            "BITPOS k b i",
            "BITPOS k b i i",
            "BITPOS k b i i u",
            "BITOP p k k",
            "BITOP p k k k",
            "BITFIELD k g",
            "BITFIELD k g g",
            "BITFIELD k g g g",
            "BITFIELD_RO k g",
            "RESTORE k L d",
            "RESTORE k 0 d REPLACE",
            "RESTORE k A d ABSTTL REPLACE",
            "SORT k",
            "SORT k LIMIT i i",
            "SORT k STORE k",
            "SORT_RO k DESC",
        });
    }

    template <typename T>
    T pick(std::initializer_list<T> choices) {
        return choices.begin()[prng_.below(choices.size())];
    }

    // Lower-case letters of a form stand for kinds of arguments, each for one or more words.
    std::vector<std::string> expand(std::string_view form) {
        std::vector<std::string> words;
        while (!form.empty()) {
            const size_t end = std::min(form.find(' '), form.size());
            const std::string_view part = form.substr(0, end);
            form.remove_prefix(std::min(end + 1, form.size()));
            if (part.size() > 1 || part == "0") {
                words.emplace_back(part);
            } else if (part == "e") {
                add_lifetime(words);
            } else if (part == "g") {
                add_bitfield(words);
            } else {
                words.push_back(argument(part[0]));
            }
        }
        return words;
    }

    std::string argument(char kind) {
        switch (kind) {
            case 'k': return prng_.chance(1, 50) ? std::string("\0\r\n", 3) : fmt::format("k{}", prng_.below(8));
            case 'v': return value();
            case 'i': return pick<std::string>({"0", "1", "-1", "3", "-4", "10", "x", "70", "-9223372036854775808"});
            case 'n':
                return pick<std::string>(
                    {"1", "-1", "5", "0", "9223372036854775807", "-9223372036854775808", "1.5", "01"});
            case 'f':
                return pick<std::string>(
                    {"1", "-0.5", "0.1", "1e5", "3.14159265358979", "-1e-10", "inf", "x", "1e300", "0x1p3"});
            case 'l':
                return pick<std::string>({"2000", "0", "-5", "100000", "x", "9223372036854775807", "9223372036854775"});
            case 'L': return pick<std::string>({"2000000", "0", "-5", "100000000", "x", "9223372036854775807"});
            case 'a': return pick<std::string>({"4102444800", "4102444801", "1", "0", "x", "9223372036854775807"});
            case 'A': return pick<std::string>({"4102444800000", "4102444800499", "4102444800500", "1", "-3", "x"});
            case 'c': return pick<std::string>({"NX", "XX", "GET", "KEEPTTL", "nx", "FOO"});
            case 'x': return pick<std::string>({"NX", "XX", "GT", "LT", "gt", "FOO"});
            case 'o': return pick<std::string>({"0", "1", "7", "8", "100", "333", "-1", "x", "4294967296"});
            case 'b': return pick<std::string>({"0", "1", "0", "1", "2", "x"});
            case 'u': return pick<std::string>({"BIT", "BYTE", "bit", "FOO"});
            case 'p': return pick<std::string>({"AND", "OR", "XOR", "NOT", "not", "FOO"});
            case 'd': return payload();
            default: break;
        }
        KVORUM_ASSERT(false, "no kind '{}'", kind);
        return {};
    }

    std::string value() {
        switch (prng_.below(6)) {
            case 0: return std::to_string(prng_.below(20));
            case 1: return pick<std::string>({"", "-1", "9223372036854775807", "10.5", "007", " 1", "1e2", "abc"});
            case 2: return std::string(prng_.below(100), 'x');
            case 3: return random_bytes(prng_.below(20));
            default: return fmt::format("v{}", prng_.below(1000));
        }
    }

    // Of DUMP, or something like it.
    std::string payload() {
        std::string bytes = dump_payload(value());
        if (prng_.chance(1, 6)) bytes[prng_.below(bytes.size())] ^= 1;
        if (prng_.chance(1, 10)) bytes.resize(prng_.below(bytes.size()));
        return bytes;
    }

    void add_bitfield(std::vector<std::string>& words) {
        if (prng_.chance(1, 3)) {
            words.emplace_back("OVERFLOW");
            words.push_back(pick<std::string>({"WRAP", "SAT", "FAIL", "sat", "FOO"}));
        }
        const std::string operation = pick<std::string>({"GET", "SET", "INCRBY", "get", "FOO"});
        words.push_back(operation);
        words.push_back(pick<std::string>({"i8", "u8", "i5", "u63", "i64", "u1", "i1", "u32", "u64", "x8", "i0"}));
        words.push_back(pick<std::string>({"0", "3", "8", "#1", "#2", "64", "-1", "#x", "4294967296"}));
        if (operation != "GET" && operation != "get") words.push_back(argument('n'));
    }

    std::string random_bytes(uint64_t size) {
        std::string bytes;
        for (uint64_t i = 0; i < size; ++i)
            bytes += static_cast<char>(prng_.below(256));
        return bytes;
    }

    void add_lifetime(std::vector<std::string>& words) {
        const char kind = pick({'l', 'L', 'a', 'A'});
        words.emplace_back(kind == 'l' ? "EX" : kind == 'L' ? "PX" : kind == 'a' ? "EXAT" : "pxat");
        // A key that SET gives a past time stays countable in Redis until it is next looked at.
        words.push_back(kind == 'a' ? "4102444800" : kind == 'A' ? "4102444800499" : argument(kind));
    }

    Prng prng_;
};

}  // namespace kvorum::ops
