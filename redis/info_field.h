// A line of INFO. Private to redis/commands_*.cc. Thread: any.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>

namespace kvorum::redis {

template <typename Value>
void field(std::string& out, std::string_view name, const Value& value) {
    fmt::format_to(std::back_inserter(out), "{}:{}\r\n", name, value);
}

}  // namespace kvorum::redis
