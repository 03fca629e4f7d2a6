// What one `kvorum load` does: memtier_benchmark's options with memtier's defaults, and ours for the open loop.
//
// Plain data and pure functions. validate() returns what is wrong in words that say what to write instead.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "reactor/io_backend.h"
#include "tools/load_keys.h"

namespace kvorum::tools::load {

inline constexpr uint32_t kPipelineMax = 65536;
inline constexpr uint32_t kClientsMax = 10'000;  // of a thread
inline constexpr uint64_t kRateMax = 100'000'000;
inline constexpr uint64_t kTestTimeSMax = 366ULL * 24 * 3600;
inline constexpr uint32_t kRunsMax = 1000;
inline constexpr double kZipfExponentMax = 5;

enum class Arrivals { kClosedLoop, kConstant, kPoisson };

// One kind of request, sent `ratio` times in each round of the mix.
struct CommandSpec {
    std::string text;       // "SET __key__ __data__"
    std::string type;       // its row in the report: Sets, Gets, Waits, or the name of the command
    bool has_hits = false;  // a null reply is a miss
    uint32_t ratio = 1;
    KeyPattern pattern = KeyPattern::kRandom;
};

struct LoadConfig {
    std::vector<reactor::Endpoint> servers;
    bool cluster_mode = false;
    std::string user;       // of AUTH; empty: the default one
    std::string password;   // empty: no AUTH
    uint32_t protocol = 0;  // of HELLO: 2 or 3; 0: none is sent
    uint32_t database = 0;  // of SELECT
    bool debug = false;     // what happens to connections, on stderr
    uint32_t threads = 4;
    uint32_t clients = 50;  // of a thread
    uint32_t pipeline = 1;  // requests of a client without a reply, at most
    // One of the two ends the test.
    uint64_t requests_per_client = 10'000;  // 0: no such end
    uint64_t test_time_s = 0;               // 0: no such end
    bool all_keys = false;                  // requests_per_client is what covers the key range once

    std::vector<CommandSpec> commands;
    bool is_mix = true;  // of SETs, GETs and WAITs, not of commands of the user's own
    KeyRange keys;
    uint64_t data_size_bytes = 32;
    uint64_t data_offset_bytes = 0;  // SETRANGE and GETRANGE from there
    bool random_data = false;
    uint64_t expiry_s_min = 0;
    uint64_t expiry_s_max = 0;
    uint64_t wait_replicas_min = 0;
    uint64_t wait_replicas_max = 0;
    uint64_t wait_ms_min = 0;
    uint64_t wait_ms_max = 0;
    uint64_t seed = 0;  // the same seed, the same keys and data

    Arrivals arrivals = Arrivals::kClosedLoop;
    uint64_t rate = 0;             // requests a second of all clients together; with an open loop only
    bool rate_per_client = false;  // `rate` is of each client (--rate-limiting)

    std::vector<double> percentiles = {50, 99, 99.9};
    bool hide_histogram = false;
    uint32_t runs = 1;
    bool print_all_runs = false;
    std::string out_file;
    bool timeline = false;
    std::string json_file;
    std::string hdr_file_prefix;
    std::string plot_file;

    [[nodiscard]] uint64_t total_clients() const { return uint64_t{threads} * clients; }
    // Of each client; for all keys, of those that have the most.
    [[nodiscard]] uint64_t requests_of_client() const {
        if (!all_keys) return requests_per_client;
        const bool each_has_all = !commands.empty() && commands.front().pattern == KeyPattern::kSequential;
        return each_has_all ? keys.count() : (keys.count() - 1) / total_clients() + 1;
    }
    [[nodiscard]] bool is_open_loop() const { return arrivals != Arrivals::kClosedLoop; }
};

// "1:10": two counts, of which one may be 0.
[[nodiscard]] absl::StatusOr<std::pair<uint32_t, uint32_t>> parse_ratio(std::string_view text);
// "R:R": patterns of the two kinds of request.
[[nodiscard]] absl::StatusOr<std::pair<KeyPattern, KeyPattern>> parse_key_patterns(std::string_view text);
// "10-20", or "10".
[[nodiscard]] absl::StatusOr<std::pair<uint64_t, uint64_t>> parse_range(std::string_view flag, std::string_view text);
// "redis://user:password@host:port/database": what it says, into `config`.
[[nodiscard]] absl::Status parse_uri(std::string_view text, LoadConfig& config);
// "password" or "user:password".
void parse_credentials(std::string_view text, LoadConfig& config);
// "50,99,99.9"
[[nodiscard]] absl::StatusOr<std::vector<double>> parse_percentiles(std::string_view text);
// "HOST:PORT,HOST:PORT"
[[nodiscard]] absl::StatusOr<std::vector<reactor::Endpoint>> parse_servers(std::string_view text);

[[nodiscard]] absl::Status validate(const LoadConfig& config);

}  // namespace kvorum::tools::load
