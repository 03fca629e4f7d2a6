// kvorum load: memtier_benchmark's flags, and beyond them an open loop, outcomes apart, gaps and plots.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>

#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/load_arguments.h"
#include "tools/load_json.h"
#include "tools/load_plot.h"
#include "tools/load_report.h"
#include "tools/load_run.h"

namespace kvorum::tools {
namespace {

using load::LoadArguments;
using load::LoadConfig;
using load::LoadStats;

// Flags of memtier that have no meaning here, and why: more helpful than "not expected".
struct RefusedFlag {
    const char* names;
    const char* why;
};
constexpr RefusedFlag kRefusedFlags[] = {
    {"-S,--unix-socket", "connections are TCP here; give --server and --port"},
    {"--tls", "Kvorum has no TLS yet; leave it out"},
    {"--cert", "it is of --tls, which Kvorum does not have yet; leave it out"},
    {"--key", "it is of --tls, which Kvorum does not have yet; leave it out"},
    {"--cacert", "it is of --tls, which Kvorum does not have yet; leave it out"},
    {"--tls-skip-verify", "it is of --tls, which Kvorum does not have yet; leave it out"},
    {"--sni", "it is of --tls, which Kvorum does not have yet; leave it out"},
    {"--multi-key-get", "memtier itself has it for memcached only; use --command \"MGET __key__ __key__\""},
    {"--data-size-range", "sizes are equal in a run: give --data-size"},
    {"--data-size-list", "sizes are equal in a run: give --data-size"},
    {"--data-size-pattern", "sizes are equal in a run: give --data-size"},
    {"--data-import", "data is made here, not read from a file; give --data-size, and --random-data"},
    {"--data-verify",
     "it compares with --data-import, which is not here; `./dev nemesis` checks what a cluster answers"},
    {"--client-stats",
     "what each client did is not kept apart; --json-out-file has each second, and each kind of request"},
    {"--reconnect-interval", "connections are kept, and made again only when they break"},
};

// Flags of memtier that ask for what is always so here.
struct GrantedFlag {
    const char* names;
    const char* why;
};
constexpr GrantedFlag kGrantedFlags[] = {
    {"--reconnect-on-error", "Always so: a connection that broke is made again"},
    {"--distinct-client-seed", "Always so: no two clients draw the same keys"},
};

int usage(std::string_view what) {
    fmt::print(stderr, "kvorum load: {}\n`kvorum load --help` shows all flags.\n", what);
    return kExitUsage;
}

bool write_file(const std::string& path, std::string_view text) {
    std::ofstream file(path, std::ios::trunc | std::ios::binary);
    file << text;
    file.close();
    if (!file.fail()) return true;
    fmt::print(stderr, "kvorum load: cannot write {}\n", path);
    return false;
}

bool write_hdr_files(const LoadConfig& config, const LoadStats& stats, size_t run) {
    bool written = true;
    const auto write_hdr = [&](std::string_view what, const Histogram& latency) {
        const std::string path = fmt::format("{}_{}_run_{}.txt", config.hdr_file_prefix, what, run);
        written = write_file(path, load::hdr_percentiles(latency)) && written;
    };
    write_hdr("FULL", stats.totals().latency);
    for (size_t i = 0; i < config.commands.size(); ++i)
        write_hdr(config.commands[i].type, stats.commands[i].latency);
    return written;
}

using Results = std::vector<std::pair<std::string, const LoadStats*>>;

// What is told of the runs: the only one; or of several the best, the worst and all together, as memtier_benchmark
// does.
Results name_results(const LoadConfig& config, const std::vector<LoadStats>& runs, const LoadStats& all) {
    if (runs.size() == 1) return {{"ALL STATS", &runs[0]}};
    const auto rate = [](const LoadStats& stats) {
        return static_cast<double>(stats.totals().ok) / static_cast<double>(std::max<uint64_t>(1, stats.duration_ns));
    };
    const auto [worst, best] = std::minmax_element(
        runs.begin(), runs.end(), [&](const LoadStats& a, const LoadStats& b) { return rate(a) < rate(b); });
    Results results;
    if (config.print_all_runs) {
        for (size_t i = 0; i < runs.size(); ++i)
            results.emplace_back(fmt::format("RUN #{} RESULTS", i + 1), &runs[i]);
    } else {
        results = {{"BEST RUN RESULTS", &*best}, {"WORST RUN RESULTS", &*worst}};
    }
    results.emplace_back(fmt::format("AGGREGATED AVERAGE RESULTS ({} runs)", runs.size()), &all);
    return results;
}

int report(const LoadConfig& config, const std::vector<LoadStats>& runs) {
    LoadStats all = runs[0];
    for (size_t i = 1; i < runs.size(); ++i)
        all.append(runs[i]);
    const Results results = name_results(config, runs, all);
    std::string text;
    for (const auto& [title, stats] : results)
        text += load::text_report(config, *stats, title);
    bool written = true;
    if (config.out_file.empty()) {
        fmt::print("{}", text);
    } else {
        written = write_file(config.out_file, text);
    }
    if (!config.json_file.empty())
        written = write_file(config.json_file, load::json_report(config, results)) && written;
    if (!config.plot_file.empty()) written = write_file(config.plot_file, load::plot(config, runs.back())) && written;
    for (size_t i = 0; i < runs.size() && !config.hdr_file_prefix.empty(); ++i)
        written = write_hdr_files(config, runs[i], i + 1) && written;
    return written ? kExitDone : kExitFailed;
}

int run_load_command(const LoadArguments& arguments, const CLI::App& command) {
    for (const RefusedFlag& flag : kRefusedFlags) {
        const std::string name = std::string(flag.names).substr(std::string_view(flag.names).find("--"));
        if (command.count(name) > 0) return usage(fmt::format("{}: {}", name, flag.why));
    }
    const absl::StatusOr<LoadConfig> config = load::to_config(arguments);
    if (!config.ok()) return usage(std::string(config.status().message()));
    std::vector<LoadStats> runs;
    while (runs.size() < config->runs && (runs.empty() || !runs.back().interrupted)) {
        absl::StatusOr<LoadStats> stats = load::run_load(*config);
        if (!stats.ok()) {
            fmt::print(stderr, "kvorum load: {}\n", std::string(stats.status().message()));
            return kExitFailed;
        }
        runs.push_back(*std::move(stats));
    }
    return report(*config, runs);
}

void add_target_options(CLI::App& load, LoadArguments& arguments) {
    const auto group = std::string("Where to");
    LoadConfig& config = arguments.config;
    load.add_option("-h,-s,--host,--server", arguments.server, "A server")->group(group)->capture_default_str();
    load.add_option("-p,--port", arguments.port, "Its port")->group(group)->capture_default_str();
    load.add_option("--servers", arguments.servers,
                    "HOST:PORT,HOST:PORT,...: clients spread over them, and go to the next when one is gone")
        ->group(group);
    load.add_option("-u,--uri", arguments.uri, "redis://USER:PASSWORD@HOST:PORT/DATABASE, instead of these")
        ->group(group);
    load.add_flag("-4,--ipv4", arguments.ipv4, "Names stand for their IPv4 addresses")->group(group);
    load.add_flag("-6,--ipv6", arguments.ipv6, "Names stand for their IPv6 addresses")->group(group);
    load.add_option("-a,--authenticate", arguments.credentials, "PASSWORD or USER:PASSWORD, for AUTH")->group(group);
    load.add_option("-P,--protocol", arguments.protocol, "redis, or resp2 or resp3: begin with HELLO 2 or 3")
        ->group(group)
        ->capture_default_str();
    load.add_option("--select-db", config.database, "SELECT it first")->group(group);
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
    load.add_option("--wait-ratio", arguments.wait_ratio, "SETs to WAITs; default: no WAITs")->group(group);
    load.add_option("--num-slaves", arguments.replicas, "N or A-B: how many replicas a WAIT asks for (default 1)")
        ->group(group);
    load.add_option("--wait-timeout", arguments.wait_ms, "N or A-B: milliseconds of a WAIT (default 0, no limit)")
        ->group(group);
    load.add_option("--data-offset", config.data_offset_bytes, "SETRANGE and GETRANGE from this byte on")->group(group);
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
    load.add_option("--key-zipf-exp", config.keys.zipf_exponent, "The exponent of Z")
        ->group(group)
        ->capture_default_str();
    load.add_option("--command", arguments.commands,
                    "Another command instead of SET and GET, with __key__ (another one each time) and __data__; may be "
                    "repeated")
        ->group(group)
        ->take_all();
    load.add_option("--command-ratio", arguments.command_ratios, "How often each --command comes in a round")
        ->group(group)
        ->take_all();
    load.add_option("--command-key-pattern", arguments.command_key_patterns, "R, G, Z, S or P for each --command")
        ->group(group)
        ->take_all();
    load.add_flag("--randomize", arguments.randomize, "Other random keys and data in every run")->group(group);
}

void add_schedule_options(CLI::App& load, LoadArguments& arguments) {
    const auto group = std::string("How long and how fast");
    LoadConfig& config = arguments.config;
    load.add_option("-n,--requests", arguments.requests, "Of each client, or allkeys: one for each key (default 10000)")
        ->group(group);
    load.add_option("--test-time", arguments.test_time_s, "Seconds, instead of -n")->group(group);
    load.add_option("-x,--run-count", config.runs, "So many runs; the best, the worst and their average are told")
        ->group(group)
        ->capture_default_str();
    load.add_option("--rate", arguments.rate,
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
    load.add_option("-o,--out-file", config.out_file, "The report, instead of standard output")->group(group);
    load.add_flag("--print-all-runs", config.print_all_runs, "With -x: each run, not the best and the worst")
        ->group(group);
    load.add_flag("-D,--debug", config.debug, "What happens to connections, on stderr")->group(group);
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
    // -h is the host, and of a flag that is repeated the last one counts, as in memtier_benchmark.
    load->set_help_flag("--help", "Print this help message and exit");
    load->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    add_target_options(*load, *arguments);
    add_request_options(*load, *arguments);
    add_schedule_options(*load, *arguments);
    add_output_options(*load, *arguments);
    for (const RefusedFlag& flag : kRefusedFlags)
        load->add_option_function<std::string>(
                flag.names, [](const std::string&) {}, flag.why)
            ->group("")
            ->expected(0, 1);
    for (const GrantedFlag& flag : kGrantedFlags)
        load->add_flag(flag.names, flag.why)->group("How long and how fast");
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
