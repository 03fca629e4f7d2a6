#include "peers/peer_secrets.h"

#include <fmt/format.h>

#include "absl/status/status.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "peers/handshake_codec.h"

namespace kvorum::peers {
namespace {

std::string_view trimmed(std::string_view line) {
    constexpr std::string_view kSpaces = " \t\r";
    const size_t begin = line.find_first_not_of(kSpaces);
    if (begin == std::string_view::npos) return {};
    return line.substr(begin, line.find_last_not_of(kSpaces) - begin + 1);
}

// What a dialling node states: all fields have a fixed size, so no two statements share their bytes.
std::string dialler_statement(std::string_view role, const Hello& hello, const Nonce& challenge) {
    std::string text{role};
    ByteWriter writer(text);
    writer.write<uint16_t>(hello.protocol_version);
    writer.write<uint64_t>(hello.cluster.value());
    writer.write<uint64_t>(hello.from.value());
    writer.write<uint64_t>(hello.incarnation);
    writer.write<uint64_t>(hello.log_id.value());
    writer.write<uint16_t>(hello.feature_level);
    writer.write<uint64_t>(hello.dialled.value());
    writer.write<uint8_t>(static_cast<uint8_t>(hello.purpose));
    writer.write_text(as_text(hello.nonce));
    writer.write_text(as_text(challenge));
    return text;
}

std::string dialled_statement(const Hello& hello, const Nonce& challenge, const HelloAck& ack) {
    std::string text = dialler_statement("kvorum peer, dialled", hello, challenge);
    ByteWriter writer(text);
    writer.write<uint64_t>(ack.from.value());
    writer.write<uint64_t>(ack.incarnation);
    writer.write<uint64_t>(ack.log_id.value());
    writer.write<uint16_t>(ack.feature_level);
    return text;
}

std::string rejecting_statement(const Hello& hello, const Nonce& challenge, RejectCode code) {
    std::string text = dialler_statement("kvorum peer, rejecting", hello, challenge);
    ByteWriter(text).write<uint8_t>(static_cast<uint8_t>(code));
    return text;
}

constexpr std::string_view kDiallerRole = "kvorum peer, dialling";

}  // namespace

absl::StatusOr<std::vector<std::string>> parse_secrets(std::string_view file) {
    std::vector<std::string> secrets;
    while (!file.empty()) {
        const size_t end = std::min(file.find('\n'), file.size());
        const std::string_view line = trimmed(file.substr(0, end));
        file.remove_prefix(std::min(end + 1, file.size()));
        if (line.empty()) continue;
        if (line.size() < kSecretBytesMin) {
            return absl::InvalidArgumentError(fmt::format(
                "a secret of {} characters could be guessed; give at least {}, for instance what `openssl rand -hex "
                "32` prints",
                line.size(), kSecretBytesMin));
        }
        secrets.emplace_back(line);
    }
    if (secrets.empty())
        return absl::InvalidArgumentError("it is empty; put one line with what `openssl rand -hex 32` prints in it");
    if (secrets.size() > kSecretsMax) {
        return absl::InvalidArgumentError(
            fmt::format("it has {} secrets; give one, or two while you change it", secrets.size()));
    }
    return secrets;
}

void PeerSecrets::set(std::vector<std::string> secrets) {
    KVORUM_ASSERT(secrets.size() <= kSecretsMax);
    secrets_ = std::move(secrets);
}

Digest PeerSecrets::prove_dialler(const Hello& hello, const Nonce& challenge) const {
    KVORUM_ASSERT(!empty());
    return hmac_sha256(secrets_.front(), dialler_statement(kDiallerRole, hello, challenge));
}

Digest PeerSecrets::prove_dialled(const Hello& hello, const Nonce& challenge, const HelloAck& ack) const {
    KVORUM_ASSERT(!empty());
    return hmac_sha256(secrets_.front(), dialled_statement(hello, challenge, ack));
}

Digest PeerSecrets::prove_rejecting(const Hello& hello, const Nonce& challenge, RejectCode code) const {
    KVORUM_ASSERT(!empty());
    return hmac_sha256(secrets_.front(), rejecting_statement(hello, challenge, code));
}

bool PeerSecrets::accepts_dialler(const Hello& hello, const Nonce& challenge, const Digest& proof) const {
    return any_makes(dialler_statement(kDiallerRole, hello, challenge), proof);
}

bool PeerSecrets::accepts_dialled(const Hello& hello, const Nonce& challenge, const HelloAck& ack) const {
    return any_makes(dialled_statement(hello, challenge, ack), ack.proof);
}

bool PeerSecrets::accepts_rejecting(const Hello& hello, const Nonce& challenge, RejectCode code,
                                    const Digest& proof) const {
    return any_makes(rejecting_statement(hello, challenge, code), proof);
}

bool PeerSecrets::any_makes(const std::string& statement, const Digest& proof) const {
    bool found = false;
    for (const std::string& secret : secrets_)
        found |= digests_equal(hmac_sha256(secret, statement), proof);
    return found;
}

}  // namespace kvorum::peers
