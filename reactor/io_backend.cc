#include "reactor/io_backend.h"

#include <fmt/format.h>

#include <charconv>

namespace kvorum::reactor {

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const std::string_view port_text = text.substr(colon + 1);
    const bool bracketed = host.front() == '[';
    if (bracketed) {
        if (host.size() < 3 || host.back() != ']') return std::nullopt;
        host = host.substr(1, host.size() - 2);
    }
    // A bare IPv6 address would leave it open where the port begins.
    if (!bracketed && host.find(':') != std::string_view::npos) return std::nullopt;
    uint16_t port = 0;
    const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
    if (error != std::errc{} || end != port_text.data() + port_text.size()) return std::nullopt;
    return Endpoint{.host = std::string(host), .port = port};
}

std::string Endpoint::to_string() const {
    const bool is_ipv6 = host.find(':') != std::string::npos;
    return is_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string_view direct_io_name(DirectIo direct_io) {
    switch (direct_io) {
        case DirectIo::kUnknown: return "unknown";
        case DirectIo::kYes: return "yes";
        case DirectIo::kBuffered: return "buffered";
        case DirectIo::kRefused: return "refused";
    }
    return "unknown";
}

std::string DeviceFacts::to_string() const {
    return fmt::format(
        "device {} ({}), write_cache {}, fua {}, logical block {} bytes, physical block {} bytes, direct I/O {}{}",
        device, filesystem, write_cache, fua, logical_block_bytes, physical_block_bytes, direct_io_name(direct_io),
        direct_io_reason.empty() ? std::string() : fmt::format(" ({})", direct_io_reason));
}

}  // namespace kvorum::reactor
