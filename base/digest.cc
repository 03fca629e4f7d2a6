#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/assert.h"

namespace kvorum {
namespace {

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

unsigned char* bytes_of(Digest& digest) { return reinterpret_cast<unsigned char*>(digest.data()); }

}  // namespace

Digest sha256(std::string_view text) {
    Digest digest;
    const unsigned char* made = SHA256(bytes_of(text), text.size(), bytes_of(digest));
    KVORUM_ASSERT(made != nullptr, "libcrypto has no SHA-256");
    return digest;
}

Digest hmac_sha256(std::string_view key, std::string_view message) {
    Digest digest;
    unsigned int size = 0;
    const unsigned char* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(message),
                                     message.size(), bytes_of(digest), &size);
    KVORUM_ASSERT(made != nullptr && size == digest.size(), "libcrypto has no HMAC-SHA256");
    return digest;
}

bool digests_equal(const Digest& a, const Digest& b) { return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

}  // namespace kvorum
