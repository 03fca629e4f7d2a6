// A key space of its own that is spoken to as a client of Redis does, and answers in RESP2.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "redis/command_table.h"
#include "redis/resp_writer.h"
#include "tests/ops/database.h"

namespace kvorum::redis {

using ops::split;
using ops::Words;

class RedisDatabase {
 public:
    std::string operator()(std::string_view line) { return run(split(line)); }

    std::string run(const Words& words) {
        std::string reply;
        RespWriter writer(reply);
        const std::vector<std::string_view> arguments(words.begin(), words.end());
        const NamedCommand named = find_named_command(arguments);
        if (named.command == nullptr || !named.command->takes(arguments.size())) {
            writer.error(not_runnable_error(named, arguments));
        } else {
            KVORUM_ASSERT(named.command->operation != nullptr, "{} is not about the state", words[0]);
            database_.run(*named.command->operation, arguments, writer);
        }
        return reply;
    }

    void pass_ms(int64_t duration_ms) { database_.pass_ms(duration_ms); }
    void set_clock_ms(int64_t clock_ms) { database_.set_clock_ms(clock_ms); }

 private:
    ops::Database database_;
};

}  // namespace kvorum::redis
