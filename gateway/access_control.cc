#include "gateway/access_control.h"

#include <algorithm>
#include <utility>

namespace kvorum::gateway {
namespace {

// Whoever has an IPv6 address usually has 2^64 of them: they count as one.
std::string guesser_of(std::string_view address) {
    const std::string_view host = host_of(address);
    size_t end = 0;
    for (int groups = 0; groups < 4 && end != std::string_view::npos; ++groups)
        end = host.find(':', end == 0 ? 0 : end + 1);
    return std::string(host.substr(0, end));
}

}  // namespace

void AccessControl::configure(AccessConfig config) {
    config_ = std::move(config);
    password_digest_ = sha256(config_.password);
}

bool AccessControl::admits(std::string_view address) const {
    return !config_.protected_mode || password_required() || is_loopback(address);
}

bool AccessControl::is_right(std::string_view user, std::string_view password) const {
    const bool matches = digests_equal(sha256(password), password_digest_);
    return user == "default" && (matches || !password_required());
}

uint64_t AccessControl::note_failure(std::string_view address, uint64_t now_ns) {
    ++failures_;
    const std::string guesser = guesser_of(address);
    if (!addresses_.contains(guesser)) make_room(now_ns);
    Guesses& guesses = addresses_[guesser];
    if (now_ns - guesses.last_ns > kForgetNs) guesses.count = 0;
    guesses.last_ns = now_ns;
    const uint32_t doublings = std::min<uint32_t>(guesses.count, 16);
    ++guesses.count;
    return std::min(kFirstDelayNs << doublings, kDelayNsMax);
}

void AccessControl::make_room(uint64_t now_ns) {
    if (addresses_.size() < kAddressesMax) return;
    const auto quiet = std::min_element(addresses_.begin(), addresses_.end(), [now_ns](const auto& a, const auto& b) {
        return now_ns - a.second.last_ns > now_ns - b.second.last_ns;
    });
    addresses_.erase(quiet);
}

}  // namespace kvorum::gateway
