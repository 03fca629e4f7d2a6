// kvorum load: memtier_benchmark's flags, and beyond them an open loop, outcomes apart, gaps and plots.
#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <random>

#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/load_config.h"
#include "tools/load_plot.h"
#include "tools/load_report.h"
#include "tools/load_request.h"
#include "tools/load_run.h"

namespace kvorum::tools {
namespace {

using load::LoadConfig;

// As typed; to_config() understands it.
struct LoadArguments {
    LoadConfig config;
    std::string server = "127.0.0.1";
    uint16_t port = 6379;
    std::string servers;
    std::string requests;
    std::string ratio = "1:10";
    std::string key_pattern = "R:R";
    std::string expiry_range;
    std::string percentiles;
    std::vector<std::string> commands;
    std::vector<uint32_t> command_ratios;
    std::vector<std::string> command_key_patterns;
    uint64_t rate_per_client = 0;
    std::string arrivals;
    bool randomize = false;
    std::vector<std::string> refused;
};

// Flags of memtier that have no meaning here, and why: more helpful than "not expected".
struct RefusedFlag {
    const char* names;
    const char* why;
};
constexpr RefusedFlag kRefusedFlags[] = {
    {"-a,--authenticate", "Kvorum has no passwords yet; leave it out"},
    {"--select-db", "Kvorum has one database, number 0; leave it out"},
    {"-P,--protocol", "only RESP2 is spoken here; leave it out"},
    {"--tls", "Kvorum has no TLS yet; leave it out"},
    {"--multi-key-get", "memtier itself has it for memcached only; use --command \"MGET __key__ __key__\""},
    {"--wait-ratio", "every OK of Kvorum is on the disks of a majority; for another server use --command \"WAIT 1 0\""},
    {"--data-size-range", "sizes are equal in a run: give --data-size"},
    {"--data-size-list", "sizes are equal in a run: give --data-size"},
    {"-x,--run-count", "one run at a time: call it again, and compare the --json-out-file of each"},
    {"--reconnect-interval", "connections are kept, and made again only when they break"},
};

int usage(std::string_view what) {
    fmt::print(stderr, "kvorum load: {}\n`kvorum load --help` shows all flags.\n", what);
    return kExitUsage;
}

template <typename T, typename Into>
absl::Status store(const absl::StatusOr<T>& parsed, Into& into) {
    if (parsed.ok()) into = *parsed;
    return parsed.status();
}

absl::Status read_mix(const LoadArguments& arguments, LoadConfig& config) {
    std::pair<uint32_t, uint32_t> ratio;
    std::pair<load::KeyPattern, load::KeyPattern> patterns;
    absl::Status status = store(load::parse_ratio(arguments.ratio), ratio);
    if (status.ok()) status = store(load::parse_key_patterns(arguments.key_pattern), patterns);
    if (!status.ok()) return status;
    const bool expires = config.expiry_s_max > 0;
    const char* set = expires ? "SETEX __key__ __expiry__ __data__" : "SET __key__ __data__";
    if (ratio.first > 0)
        config.commands.push_back({.text = set, .type = "Sets", .ratio = ratio.first, .pattern = patterns.first});
    if (ratio.second > 0) {
        config.commands.push_back(
            {.text = "GET __key__", .type = "Gets", .ratio = ratio.second, .pattern = patterns.second});
    }
    return absl::OkStatus();
}

// The rows of the report are told apart by their names.
std::string row_name(const LoadConfig& config, std::string_view command) {
    std::string name = absl::AsciiStrToLower(std::string(command));
    name[0] = absl::ascii_toupper(static_cast<unsigned char>(name[0]));
    name += 's';
    size_t same = 0;
    for (const load::CommandSpec& other : config.commands)
        same += other.type.starts_with(name) ? 1 : 0;
    return same == 0 ? name : fmt::format("{}-{}", name, same + 1);
}

absl::Status read_commands(const LoadArguments& arguments, LoadConfig& config) {
    constexpr size_t kCommandsMax = 64;
    const size_t count = arguments.commands.size();
    if (count > kCommandsMax)
        return absl::InvalidArgumentError(fmt::format("--command: at most {} of them", kCommandsMax));
    const auto fits = [count](size_t given) { return given == 0 || given == count; };
    if (!fits(arguments.command_ratios.size()) || !fits(arguments.command_key_patterns.size())) {
        return absl::InvalidArgumentError(
            "--command-ratio and --command-key-pattern: give none, or one for each --command, in their order");
    }
    for (size_t i = 0; i < count; ++i) {
        load::CommandSpec spec;
        spec.text = arguments.commands[i];
        const absl::StatusOr<load::RequestTemplate> compiled = load::RequestTemplate::compile(spec.text);
        if (!compiled.ok()) return compiled.status();
        if (config.cluster_mode && !compiled->uses_key()) {
            return absl::InvalidArgumentError(
                fmt::format("--command '{}': --cluster-mode needs __key__ in it, to choose the node", spec.text));
        }
        if (compiled->uses_expiry() && config.expiry_s_max == 0)
            return absl::InvalidArgumentError("--command with __expiry__: give --expiry-range too");
        spec.type = row_name(config, compiled->name());
        if (!arguments.command_ratios.empty()) spec.ratio = arguments.command_ratios[i];
        if (spec.ratio == 0) return absl::InvalidArgumentError("--command-ratio 0: leave the command out instead");
        if (!arguments.command_key_patterns.empty()) {
            const std::optional<load::KeyPattern> pattern = load::parse_key_pattern(arguments.command_key_patterns[i]);
            if (!pattern.has_value()) {
                return absl::InvalidArgumentError(fmt::format(
                    "--command-key-pattern {}: {}", arguments.command_key_patterns[i], load::kKeyPatternHelp));
            }
            spec.pattern = *pattern;
        }
        config.commands.push_back(std::move(spec));
    }
    return absl::OkStatus();
}

absl::Status read_length(const LoadArguments& arguments, LoadConfig& config) {
    if (!arguments.requests.empty() && config.test_time_s > 0)
        return absl::InvalidArgumentError("-n and --test-time: each of them ends the load; give one");
    if (config.test_time_s > 0) {
        config.requests_per_client = 0;
        return absl::OkStatus();
    }
    config.all_keys = arguments.requests == "allkeys";
    if (config.all_keys || arguments.requests.empty()) return absl::OkStatus();
    if (!absl::SimpleAtoi(arguments.requests, &config.requests_per_client) || config.requests_per_client == 0) {
        return absl::InvalidArgumentError(
            fmt::format("-n {}: give a number of requests for each client, or allkeys", arguments.requests));
    }
    return absl::OkStatus();
}

absl::Status read_rate(const LoadArguments& arguments, LoadConfig& config) {
    if (arguments.rate_per_client > 0 && config.rate > 0)
        return absl::InvalidArgumentError(
            "--rate and --rate-limiting: give --rate for all clients together, or --rate-limiting for each of them");
    config.rate_per_client = arguments.rate_per_client > 0;
    if (config.rate_per_client) config.rate = arguments.rate_per_client;
    const bool is_open = config.rate > 0;
    if (!is_open && !arguments.arrivals.empty())
        return absl::InvalidArgumentError("--arrivals: it says how requests of a --rate arrive; give --rate too");
    if (is_open)
        config.arrivals = arguments.arrivals == "poisson" ? load::Arrivals::kPoisson : load::Arrivals::kConstant;
    return absl::OkStatus();
}

absl::StatusOr<LoadConfig> to_config(const LoadArguments& arguments) {
    LoadConfig config = arguments.config;
    if (arguments.randomize) config.seed = std::random_device()();
    absl::Status status;
    if (arguments.servers.empty()) {
        config.servers = {{.host = arguments.server, .port = arguments.port}};
    } else {
        status = store(load::parse_servers(arguments.servers), config.servers);
    }
    std::pair<uint64_t, uint64_t> expiry;
    if (status.ok() && !arguments.expiry_range.empty()) {
        status = store(load::parse_range("--expiry-range", arguments.expiry_range), expiry);
        config.expiry_s_min = expiry.first;
        config.expiry_s_max = expiry.second;
    }
    if (status.ok() && !arguments.percentiles.empty())
        status = store(load::parse_percentiles(arguments.percentiles), config.percentiles);
    if (status.ok())
        status = arguments.commands.empty() ? read_mix(arguments, config) : read_commands(arguments, config);
    if (status.ok()) status = read_length(arguments, config);
    if (status.ok()) status = read_rate(arguments, config);
    if (status.ok()) status = load::validate(config);
    if (!status.ok()) return status;
    return config;
}

bool write_file(const std::string& path, std::string_view text) {
    std::ofstream file(path, std::ios::trunc | std::ios::binary);
    file << text;
    file.close();
    if (!file.fail()) return true;
    fmt::print(stderr, "kvorum load: cannot write {}\n", path);
    return false;
}

bool write_files(const LoadConfig& config, const load::LoadStats& stats) {
    bool written = true;
    if (!config.json_file.empty()) written = write_file(config.json_file, load::json_report(config, stats));
    if (!config.plot_file.empty()) written = write_file(config.plot_file, load::plot(config, stats)) && written;
    if (config.hdr_file_prefix.empty()) return written;
    const auto write_hdr = [&](std::string_view what, const Histogram& latency) {
        written =
            write_file(fmt::format("{}_{}_run_1.txt", config.hdr_file_prefix, what), load::hdr_percentiles(latency)) &&
            written;
    };
    write_hdr("FULL", stats.totals().latency);
    for (size_t i = 0; i < config.commands.size(); ++i)
        write_hdr(config.commands[i].type, stats.commands[i].latency);
    return written;
}

int run_load_command(const LoadArguments& arguments, const CLI::App& command) {
    for (const RefusedFlag& flag : kRefusedFlags) {
        const std::string name = std::string(flag.names).substr(std::string_view(flag.names).find("--"));
        if (command.count(name) > 0) return usage(fmt::format("{}: {}", name, flag.why));
    }
    const absl::StatusOr<LoadConfig> config = to_config(arguments);
    if (!config.ok()) return usage(std::string(config.status().message()));
    const absl::StatusOr<load::LoadStats> stats = load::run_load(*config);
    if (!stats.ok()) {
        fmt::print(stderr, "kvorum load: {}\n", std::string(stats.status().message()));
        return kExitFailed;
    }
    fmt::print("{}", load::text_report(*config, *stats));
    return write_files(*config, *stats) ? kExitDone : kExitFailed;
}

void add_target_options(CLI::App& load, LoadArguments& arguments) {
    const auto group = std::string("Where to");
    LoadConfig& config = arguments.config;
    load.add_option("-s,--server,--host", arguments.server, "A server")->group(group)->capture_default_str();
    load.add_option("-p,--port", arguments.port, "Its port")->group(group)->capture_default_str();
    load.add_option("--servers", arguments.servers,
                    "HOST:PORT,HOST:PORT,...: clients spread over them, and go to the next when one is gone")
        ->group(group);
    load.add_flag("--cluster-mode", config.cluster_mode,
                  "Each key to the node that serves its slot (CLUSTER SLOTS, MOVED)")
        ->group(group);
    load.add_option("-t,--threads", config.threads, "Threads, a reactor each")->group(group)->capture_default_str();
    load.add_option("-c,--clients", config.clients, "Clients of each thread, a connection each")
        ->group(group)
        ->capture_default_str();
    load.add_option("--pipeline", config.pipeline, "Requests of a client that wait for a reply, at most")
        ->group(group)
        ->capture_default_str();
}

void add_request_options(CLI::App& load, LoadArguments& arguments) {
    const auto group = std::string("What to send");
    LoadConfig& config = arguments.config;
    load.add_option("--ratio", arguments.ratio, "SETs to GETs")->group(group)->capture_default_str();
    load.add_option("-d,--data-size", config.data_size_bytes, "Bytes of a value")->group(group)->capture_default_str();
    load.add_flag("-R,--random-data", config.random_data, "Random bytes instead of the letter x")->group(group);
    load.add_option("--expiry-range", arguments.expiry_range, "A-B: SETEX with so many seconds, at random")
        ->group(group);
    load.add_option("--key-prefix", config.keys.prefix, "What stands before the number of a key")
        ->group(group)
        ->capture_default_str();
    load.add_option("--key-minimum", config.keys.minimum, "The smallest number")->group(group)->capture_default_str();
    load.add_option("--key-maximum", config.keys.maximum, "The largest number")->group(group)->capture_default_str();
    load.add_option("--key-pattern", arguments.key_pattern,
                    fmt::format("Of SETs and of GETs. {}", std::string(load::kKeyPatternHelp)))
        ->group(group)
        ->capture_default_str();
    load.add_option("--key-stddev", config.keys.standard_deviation, "Of G; default: a sixth of the range")
        ->group(group);
    load.add_option("--key-median", config.keys.median, "Of G; default: the middle of the range")->group(group);
    load.add_option("--command", arguments.commands,
                    "Another command instead of SET and GET, with __key__ and __data__; may be repeated")
        ->group(group)
        ->take_all();
    load.add_option("--command-ratio", arguments.command_ratios, "How often each --command comes in a round")
        ->group(group)
        ->take_all();
    load.add_option("--command-key-pattern", arguments.command_key_patterns, "R, G, S or P for each --command")
        ->group(group)
        ->take_all();
    load.add_flag("--randomize", arguments.randomize, "Other random keys and data in every run")->group(group);
}

void add_schedule_options(CLI::App& load, LoadArguments& arguments) {
    const auto group = std::string("How long and how fast");
    LoadConfig& config = arguments.config;
    load.add_option("-n,--requests", arguments.requests, "Of each client, or allkeys: one for each key (default 10000)")
        ->group(group);
    load.add_option("--test-time", config.test_time_s, "Seconds, instead of -n")->group(group);
    load.add_option("--rate", config.rate,
                    "Open loop: requests a second of all clients together, sent when they are due whatever the server "
                    "does; latency counts from when a request was due. Without: each client sends when it has a reply")
        ->group(group);
    load.add_option("--arrivals", arguments.arrivals, "Of --rate: constant (default), or poisson, as independent users")
        ->group(group)
        ->check(CLI::IsMember({"constant", "poisson"}));
    load.add_option("--rate-limiting", arguments.rate_per_client, "Open loop with this rate for each client")
        ->group(group);
}

void add_output_options(CLI::App& load, LoadArguments& arguments) {
    const auto group = std::string("What to tell");
    LoadConfig& config = arguments.config;
    load.add_option("--print-percentiles", arguments.percentiles, "Default 50,99,99.9")->group(group);
    load.add_flag("--hide-histogram", config.hide_histogram, "Without the latency distribution")->group(group);
    load.add_flag("--timeline", config.timeline, "Counts and latencies of each 100 ms")->group(group);
    load.add_option("--json-out-file", config.json_file, "Everything as JSON, with memtier's names")->group(group);
    load.add_option("--hdr-file-prefix", config.hdr_file_prefix, "Percentiles in files for HdrHistogram's plotter")
        ->group(group);
    load.add_option("--plot", config.plot_file, "FILE.html or FILE.svg: latency by percentile, throughput over time")
        ->group(group);
}

}  // namespace

void add_load_command(CLI::App& app, int& exit_code) {
    const auto arguments = std::make_shared<LoadArguments>();
    CLI::App* load = app.add_subcommand(
        "load",
        "Load a server that speaks the Redis protocol, with memtier_benchmark's flags: how many requests a "
        "second, how fast,\nhow many ok, failed and unknown, and the longest gap.");
    add_target_options(*load, *arguments);
    add_request_options(*load, *arguments);
    add_schedule_options(*load, *arguments);
    add_output_options(*load, *arguments);
    for (const RefusedFlag& flag : kRefusedFlags)
        load->add_option(flag.names, arguments->refused, flag.why)->group("")->expected(0, 1);
    load->footer(
        "Examples:\n"
        "  fill the keys 0 to 99999:   kvorum load -p 7001 --ratio 1:0 --key-pattern P:P --key-maximum 99999 -n "
        "allkeys\n"
        "  as fast as it goes:         kvorum load -p 7001 --pipeline 16 --test-time 10\n"
        "  latency at 20,000 a second: kvorum load -p 7001 --rate 20000 --arrivals poisson --test-time 30 --plot "
        "l.html\n"
        "  a failover:                 kvorum load --servers 127.0.0.1:7001,127.0.0.1:7002 --rate 1000 --test-time 20\n"
        "Outcomes: ok; error (the reply says so); unknown (the connection broke first, or UNCERTAIN: it may have been "
        "done).\n"
        "Ctrl-C ends the load and prints what there is.");
    load->callback([arguments, load, &exit_code] { exit_code = run_load_command(*arguments, *load); });
}

}  // namespace kvorum::tools
