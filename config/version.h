// The versions that HELLO, INFO and --version report.
#pragma once

#include <string_view>

namespace kvorum {

inline constexpr std::string_view kKvorumVersion = "0.2.0";
// The Redis release whose commands, replies and error texts we follow.
inline constexpr std::string_view kRedisVersion = "7.0.15";

}  // namespace kvorum
