// Digests of secrets: SHA-256, HMAC-SHA256 (FIPS 180-4, RFC 2104) and a comparison that takes as long for a near miss
// as for a far one. By OpenSSL's libcrypto. They may allocate: not for the path of a command. Thread: any.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace kvorum {

using Digest = std::array<std::byte, 32>;

[[nodiscard]] Digest sha256(std::string_view text);
[[nodiscard]] Digest hmac_sha256(std::string_view key, std::string_view message);
// In a time that does not depend on what is in them.
[[nodiscard]] bool digests_equal(const Digest& a, const Digest& b);

}  // namespace kvorum
