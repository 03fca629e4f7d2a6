// Addresses as text, "host:port" or a host alone. Pure functions; thread: any.
#pragma once

#include <string_view>

namespace kvorum {

// Without the port and the brackets of "[::1]:7001". Leaves a bare host, IPv6 included, as it is.
[[nodiscard]] std::string_view host_of(std::string_view address);
// Whether "host:port", or a host alone, is of this machine: 127.0.0.0/8, ::1, localhost.
[[nodiscard]] bool is_loopback(std::string_view address);

}  // namespace kvorum
