// Requests as bytes: a command with placeholders, compiled once, then written into a connection's output again and
// again without a parse or an allocation of its own.
//
// Placeholders, within an argument too, as in memtier_benchmark: __key__, another key each time it stands there, and
// __data__; ours: __expiry__, a number of seconds, and for WAIT __replicas__ and __wait_ms__. Thread: RequestTemplate
// any, once made; RequestData one owner.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/prng.h"
#include "tools/load_config.h"

namespace kvorum::tools::load {

// What the placeholders of one request stand for.
struct RequestValues {
    std::span<const std::string> keys;  // one for each __key__, in their order
    std::string_view data;
    std::string_view expiry;
    std::string_view replicas;
    std::string_view wait_ms;
};

class RequestTemplate {
 public:
    // Words as in redis-cli, quotes included. InvalidArgument: none, or quotes that do not match.
    [[nodiscard]] static absl::StatusOr<RequestTemplate> compile(std::string_view command);

    void append_to(std::string& out, const RequestValues& values) const;

    [[nodiscard]] std::string_view name() const { return name_; }  // the command, in capitals
    [[nodiscard]] uint32_t key_count() const { return uses_[static_cast<size_t>(Piece::kKey)]; }
    [[nodiscard]] bool uses_data() const { return uses_[static_cast<size_t>(Piece::kData)] > 0; }
    [[nodiscard]] bool uses_expiry() const { return uses_[static_cast<size_t>(Piece::kExpiry)] > 0; }
    [[nodiscard]] bool waits() const { return uses_[static_cast<size_t>(Piece::kReplicas)] > 0; }

 private:
    enum class Piece : uint8_t { kText, kKey, kData, kExpiry, kReplicas, kWaitMs, kLength };
    struct Part {
        Piece piece = Piece::kText;
        std::string text = {};                // kText
        uint64_t length_fixed_bytes = 0;      // kLength: of an argument with placeholders, its own bytes
        std::array<uint32_t, 6> counts = {};  // and how often each stands in it, by Piece
    };

    void add_argument(std::string_view argument);
    void add_text(std::string_view text);
    void append_length(std::string& out, const Part& part, const RequestValues& values, size_t first_key) const;

    std::string name_;
    std::vector<Part> parts_;
    std::array<uint32_t, 6> uses_ = {};  // by Piece
};

// What a connection sends before anything else: which protocol, who it is, which database.
struct Greeting {
    std::string bytes;
    uint32_t replies = 0;  // that it gets for it

    [[nodiscard]] static Greeting of(const LoadConfig& config);
};

// Keys, values and expiry times as text, for one thread.
class RequestData {
 public:
    RequestData(const LoadConfig& config, uint64_t seed);

    // Valid until the next call of the same method.
    [[nodiscard]] std::span<const std::string> keys(std::span<const uint64_t> numbers);
    [[nodiscard]] std::string_view data();
    [[nodiscard]] std::string_view expiry();
    [[nodiscard]] std::string_view replicas();
    [[nodiscard]] std::string_view wait_ms();

    [[nodiscard]] Prng& prng() { return prng_; }

 private:
    [[nodiscard]] std::string_view draw(std::string& text, uint64_t least, uint64_t most);

    const LoadConfig& config_;
    Prng prng_;
    std::vector<std::string> keys_;
    std::string data_;  // random data: a pool, of which each value is a window
    std::string expiry_;
    std::string replicas_;
    std::string wait_ms_;
};

}  // namespace kvorum::tools::load
