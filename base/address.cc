#include "base/address.h"

namespace kvorum {

std::string_view host_of(std::string_view address) {
    if (address.starts_with('[')) return address.substr(1, address.find(']') - 1);
    const size_t colon = address.find(':');
    const bool is_ipv6 = colon != std::string_view::npos && address.find(':', colon + 1) != std::string_view::npos;
    return is_ipv6 ? address : address.substr(0, colon);
}

bool is_loopback(std::string_view address) {
    std::string_view host = host_of(address);
    if (host.starts_with("::ffff:")) host.remove_prefix(7);
    const bool is_ipv4 = host.find_first_not_of("0123456789.") == std::string_view::npos;
    return (is_ipv4 && host.starts_with("127.")) || host == "::1" || host == "localhost";
}

}  // namespace kvorum
