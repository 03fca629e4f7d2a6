// Who may use this node: protected mode, the password, and how often somebody guessed wrong.
//
// Protected mode, as in Redis: while no password is set, only clients of this machine are served. A password is kept as
// its SHA-256 beside the text that CONFIG GET shows, and compared by that in constant time. After a wrong password the
// reply is held back: 50 ms at first, twice as long after each further failure from the same address, 2 s at most; an
// address that was quiet for a minute begins anew. A right password is never held back, so whoever shares an address
// with a guesser (a proxy, a NAT) is not slowed by it.
//
// Thread: the owning core. Memory: at most kAddressesMax addresses; the one that was quiet longest makes room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/btree_map.h"
#include "base/address.h"
#include "base/digest.h"
#include "base/units.h"
#include "config/config.h"

namespace kvorum::gateway {

class AccessControl {
 public:
    static constexpr size_t kAddressesMax = 1024;
    static constexpr uint64_t kFirstDelayNs = 50 * kMillisecondNs;
    static constexpr uint64_t kDelayNsMax = 2 * kSecondNs;
    static constexpr uint64_t kForgetNs = 60 * kSecondNs;

    explicit AccessControl(AccessConfig config) { configure(std::move(config)); }

    // Connections that were served before stay so.
    void configure(AccessConfig config);
    [[nodiscard]] const AccessConfig& config() const { return config_; }

    // False: protected mode turns away whoever comes from `address`.
    [[nodiscard]] bool admits(std::string_view address) const;
    [[nodiscard]] bool password_required() const { return !config_.password.empty(); }
    // The only user is "default"; while no password is set, any is right for it.
    [[nodiscard]] bool is_right(std::string_view user, std::string_view password) const;

    // Counts a wrong password from `address` ("host:port"); returns how long its reply must wait.
    [[nodiscard]] uint64_t note_failure(std::string_view address, uint64_t now_ns);
    [[nodiscard]] uint64_t failures() const { return failures_; }
    void reset_failures() { failures_ = 0; }
    [[nodiscard]] size_t address_count() const { return addresses_.size(); }

 private:
    struct Guesses {
        uint32_t count = 0;
        uint64_t last_ns = 0;
    };

    void make_room(uint64_t now_ns);

    AccessConfig config_;
    Digest password_digest_{};
    uint64_t failures_ = 0;
    absl::btree_map<std::string, Guesses> addresses_;
};

}  // namespace kvorum::gateway
