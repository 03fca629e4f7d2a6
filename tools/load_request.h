// Requests as bytes: a command with placeholders, compiled once, then written into a connection's output again and
// again without a parse or an allocation of its own.
//
// Placeholders, within an argument too, as in memtier_benchmark: __key__ and __data__; ours: __expiry__, a number of
// seconds. Thread: RequestTemplate any, once made; RequestData one owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/prng.h"
#include "tools/load_config.h"

namespace kvorum::tools::load {

// What the placeholders of one request stand for.
struct RequestValues {
    std::string_view key;
    std::string_view data;
    std::string_view expiry;
};

class RequestTemplate {
 public:
    // Words as in redis-cli, quotes included. InvalidArgument: none, or quotes that do not match.
    [[nodiscard]] static absl::StatusOr<RequestTemplate> compile(std::string_view command);

    void append_to(std::string& out, const RequestValues& values) const;

    [[nodiscard]] std::string_view name() const { return name_; }  // the command, in capitals
    [[nodiscard]] bool uses_key() const { return uses_[static_cast<size_t>(Piece::kKey)]; }
    [[nodiscard]] bool uses_data() const { return uses_[static_cast<size_t>(Piece::kData)]; }
    [[nodiscard]] bool uses_expiry() const { return uses_[static_cast<size_t>(Piece::kExpiry)]; }

 private:
    enum class Piece : uint8_t { kText, kKey, kData, kExpiry, kLength };
    struct Part {
        Piece piece = Piece::kText;
        std::string text = {};            // kText
        uint64_t length_fixed_bytes = 0;  // kLength: of an argument with placeholders, its own bytes
        uint32_t keys = 0;                // and how often each stands in it
        uint32_t data = 0;
        uint32_t expiries = 0;
    };

    void add_argument(std::string_view argument);
    void add_text(std::string_view text);
    void append_length(std::string& out, const Part& part, const RequestValues& values) const;

    std::string name_;
    std::vector<Part> parts_;
    bool uses_[4] = {};
};

// Keys, values and expiry times as text, for one thread.
class RequestData {
 public:
    RequestData(const LoadConfig& config, uint64_t seed);

    // Valid until the next call of the same method.
    [[nodiscard]] std::string_view key(uint64_t number);
    [[nodiscard]] std::string_view data();
    [[nodiscard]] std::string_view expiry();

    [[nodiscard]] Prng& prng() { return prng_; }

 private:
    const LoadConfig& config_;
    Prng prng_;
    std::string key_;
    size_t prefix_size_ = 0;
    std::string data_;  // random data: a pool, of which each value is a window
    std::string expiry_;
};

}  // namespace kvorum::tools::load
