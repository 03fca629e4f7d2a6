// The secret that the nodes of a cluster share, and the proofs that a connection's two ends know it.
//
// Neither the secret nor anything that tells it apart from others crosses the network before the other side has proved
// itself: the dialled node sends a fresh nonce, the dialling one answers with an HMAC-SHA256 (RFC 2104) over both
// nonces and everything that its Hello says, and only then does the dialled one prove itself, over its own answer too.
// Each proof names its maker's role, so that neither serves as the other's (reflection), and both nonces, so that it
// serves once (replay). This proves who connects; it does not protect a connection against somebody who can change the
// bytes on its way.
//
// While a secret is changed there are two: the first is used to prove, either is accepted. Thread: one owner.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/digest.h"

namespace kvorum::peers {

struct Hello;
struct HelloAck;
enum class RejectCode : uint8_t;

using Nonce = std::array<std::byte, 32>;

inline constexpr size_t kSecretBytesMin = 16;
inline constexpr size_t kSecretsMax = 2;

// The lines of a secret file: one, or two while the secret is changed. Spaces around them and empty lines do not count.
[[nodiscard]] absl::StatusOr<std::vector<std::string>> parse_secrets(std::string_view file);

class PeerSecrets {
 public:
    PeerSecrets() = default;  // none: peers are believed
    explicit PeerSecrets(std::vector<std::string> secrets) { set(std::move(secrets)); }

    void set(std::vector<std::string> secrets);  // at most kSecretsMax; what is connected stays so
    [[nodiscard]] bool empty() const { return secrets_.empty(); }
    [[nodiscard]] const std::vector<std::string>& secrets() const { return secrets_; }

    // There must be a secret. `challenge` is the dialled node's nonce.
    [[nodiscard]] Digest prove_dialler(const Hello& hello, const Nonce& challenge) const;
    [[nodiscard]] Digest prove_dialled(const Hello& hello, const Nonce& challenge, const HelloAck& ack) const;
    [[nodiscard]] Digest prove_rejecting(const Hello& hello, const Nonce& challenge, RejectCode code) const;
    [[nodiscard]] bool accepts_dialler(const Hello& hello, const Nonce& challenge, const Digest& proof) const;
    // The proof is the one in `ack`.
    [[nodiscard]] bool accepts_dialled(const Hello& hello, const Nonce& challenge, const HelloAck& ack) const;
    [[nodiscard]] bool accepts_rejecting(const Hello& hello, const Nonce& challenge, RejectCode code,
                                         const Digest& proof) const;

 private:
    [[nodiscard]] bool any_makes(const std::string& statement, const Digest& proof) const;

    std::vector<std::string> secrets_;
};

}  // namespace kvorum::peers
