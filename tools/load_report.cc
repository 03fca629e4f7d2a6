#include "tools/load_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace kvorum::tools::load {
namespace {

constexpr double kNsPerMs = 1e6;

double to_ms(uint64_t ns) { return static_cast<double>(ns) / kNsPerMs; }
double to_ms(double ns) { return ns / kNsPerMs; }
double to_s(uint64_t ns) { return static_cast<double>(ns) / static_cast<double>(kSecondNs); }

double rate(uint64_t count, const LoadStats& stats) {
    return stats.duration_ns == 0 ? 0 : static_cast<double>(count) / to_s(stats.duration_ns);
}

double kilobytes_rate(const CommandStats& command, const LoadStats& stats) {
    return rate(command.bytes_sent + command.bytes_received, stats) / static_cast<double>(kKiB);
}

std::string cells(size_t count, size_t width) {
    std::string text;
    for (size_t i = 0; i < count; ++i)
        text += fmt::format("{:>{}}", "---", width);
    return text;
}

std::string row_text(const LoadConfig& config, const LoadStats& stats, const ReportRow& row) {
    std::string text = fmt::format("{:<12}{:>14.2f}", row.type, rate(row.stats.ok, stats));
    text +=
        row.has_hits ? fmt::format("{:>14.2f}{:>14.2f}", rate(row.hits, stats), rate(row.misses, stats)) : cells(2, 14);
    // A kind of request that was not asked for has no latency and no bytes, which is not the same as none at all.
    if (row.stats.outcomes() == 0) {
        text += cells(1 + config.percentiles.size(), 16) + cells(3, 14);
        return text + (config.cluster_mode ? cells(1, 14) : "") + '\n';
    }
    text += fmt::format("{:>16.5f}", to_ms(row.stats.latency.mean()));
    for (const double percentile : config.percentiles)
        text += fmt::format("{:>16.5f}", to_ms(row.stats.latency.value_at(percentile / 100)));
    text += fmt::format("{:>14.2f}{:>14.2f}{:>14.2f}", kilobytes_rate(row.stats, stats), rate(row.stats.errors, stats),
                        rate(row.stats.unknown, stats));
    if (config.cluster_mode) text += fmt::format("{:>14.2f}", rate(row.stats.moved, stats));
    return text + '\n';
}

std::string table(const LoadConfig& config, const LoadStats& stats, std::string_view title) {
    std::string heading =
        fmt::format("{:<12}{:>14}{:>14}{:>14}{:>16}", "Type", "Ops/sec", "Hits/sec", "Misses/sec", "Avg. Latency");
    for (const double percentile : config.percentiles)
        heading += fmt::format("{:>16}", fmt::format("p{} Latency", percentile));
    heading += fmt::format("{:>14}{:>14}{:>14}", "KB/sec", "Errors/sec", "Unknown/sec");
    if (config.cluster_mode) heading += fmt::format("{:>14}", "MOVED/sec");
    const std::string rule(heading.size(), '=');
    std::string text = fmt::format("\n{}\n{}\n{}\n{}\n", title, rule, heading, std::string(heading.size(), '-'));
    for (const ReportRow& row : report_rows(config, stats))
        text += row_text(config, stats, row);
    return text;
}

std::string outcomes(const LoadConfig& config, const LoadStats& stats) {
    const CommandStats totals = stats.totals();
    std::string text = fmt::format("\nOutcomes in {:.3f} s: {} ok, {} error, {} unknown", to_s(stats.duration_ns),
                                   totals.ok, totals.errors, totals.unknown);
    if (totals.moved > 0) text += fmt::format(", {} MOVED", totals.moved);
    if (config.is_open_loop()) text += fmt::format(", {} never sent", stats.never_started);
    text += fmt::format("\nConnections: {} made, {} lost, {} attempts failed\n", stats.connects, stats.connections_lost,
                        stats.connect_failures);
    const SilenceLog::Silence gap = stats.silences.longest();
    text += gap.length_ns() == 0 ? std::string("Longest gap without an OK: below 1 ms\n")
                                 : fmt::format("Longest gap without an OK: {:.1f} ms, from {:.3f} s to {:.3f} s\n",
                                               to_ms(gap.length_ns()), to_s(gap.begin_ns), to_s(gap.end_ns));
    for (const auto& [word, kind] : stats.errors.kinds())
        text += fmt::format("{} times {}: {}\n", kind.count, word, kind.example);
    if (!config.is_open_loop()) return text;
    text += fmt::format(
        "Latency counts from when a request was due; from when it was sent: avg {:.3f} ms, p50 {:.3f} ms, p99 {:.3f} "
        "ms\n",
        to_ms(stats.service.mean()), to_ms(stats.service.value_at(0.5)), to_ms(stats.service.value_at(0.99)));
    if (stats.never_started > 0) {
        text += fmt::format(
            "The rate was not reached: {} requests were due when no client was free (--clients, --pipeline).\n",
            stats.never_started);
    }
    return text;
}

std::string distribution(const LoadConfig& config, const LoadStats& stats) {
    constexpr unsigned kSteps = 4;
    std::string text = "\nRequest Latency Distribution\nType     <= msec         Percent\n";
    text += std::string(72, '-') + "\n";
    for (size_t i = 0; i < config.commands.size(); ++i) {
        const Histogram& latency = stats.commands[i].latency;
        uint64_t previous_ns = UINT64_MAX;
        for (const double quantile : quantile_ladder(latency.count(), kSteps)) {
            const uint64_t value_ns = latency.value_at(quantile);
            if (value_ns == previous_ns) continue;
            previous_ns = value_ns;
            text += fmt::format("{:<8} {:>8.3f} {:>14.5f}\n", config.commands[i].type, to_ms(value_ns), quantile * 100);
        }
        text += "---\n";
    }
    return text;
}

std::string timeline_text(const LoadStats& stats) {
    const Timeline& timeline = stats.timeline;
    std::string text =
        fmt::format("\nTimeline, {} ms a line\n{:>10}{:>12}{:>10}{:>10}{:>14}{:>14}\n",
                    timeline.width_ns() / kMillisecondNs, "second", "ok", "error", "unknown", "avg ms", "max ms");
    for (size_t i = 0; i < timeline.slices().size(); ++i) {
        const Timeline::Slice& slice = timeline.slices()[i];
        const double mean_ns =
            slice.ok == 0 ? 0 : static_cast<double>(slice.latency_sum_ns) / static_cast<double>(slice.ok);
        text += fmt::format("{:>10.1f}{:>12}{:>10}{:>10}{:>14.3f}{:>14.3f}\n", to_s(i * timeline.width_ns()), slice.ok,
                            slice.errors, slice.unknown, to_ms(mean_ns), to_ms(slice.latency_ns_max));
    }
    return text;
}

}  // namespace

std::vector<double> quantile_ladder(uint64_t count, unsigned steps) {
    std::vector<double> ladder;
    if (count == 0) return ladder;
    double begin = 0;
    double left = 1;
    while (left * static_cast<double>(count) >= 1) {
        for (unsigned i = 0; i < steps; ++i)
            ladder.push_back(begin + left / 2 * i / steps);
        begin += left / 2;
        left /= 2;
    }
    ladder.push_back(1);
    return ladder;
}

std::vector<ReportRow> report_rows(const LoadConfig& config, const LoadStats& stats) {
    std::vector<ReportRow> rows;
    ReportRow totals{.type = "Totals", .stats = stats.totals()};
    for (size_t i = 0; i < config.commands.size(); ++i) {
        ReportRow row{.type = config.commands[i].type, .stats = stats.commands[i]};
        row.has_hits = config.commands[i].has_hits;
        row.hits = row.has_hits ? row.stats.ok - row.stats.nulls : 0;
        row.misses = row.has_hits ? row.stats.nulls : 0;
        totals.has_hits = totals.has_hits || row.has_hits;
        totals.hits += row.hits;
        totals.misses += row.misses;
        rows.push_back(std::move(row));
    }
    if (config.is_mix) {
        // memtier_benchmark has these three in this order, whatever the mix.
        constexpr std::array<std::string_view, 3> kMix{"Sets", "Gets", "Waits"};
        for (size_t i = 0; i < kMix.size(); ++i) {
            if (i >= rows.size() || rows[i].type != kMix[i])
                rows.insert(rows.begin() + static_cast<ptrdiff_t>(i), ReportRow{.type = std::string(kMix[i])});
        }
    }
    rows.push_back(std::move(totals));
    return rows;
}

std::string percentile_name(double percentile) {
    const std::string two_digits = fmt::format("p{:.2f}", percentile);
    const std::string exact = fmt::format("p{}", percentile);
    constexpr size_t kPointAndTwoDigits = 3;
    const size_t point = exact.find('.');
    return point != std::string::npos && exact.size() - point > kPointAndTwoDigits ? exact : two_digits;
}

std::string text_report(const LoadConfig& config, const LoadStats& stats, std::string_view title) {
    std::string text = fmt::format("{:<9} Threads\n{:<9} Connections per thread\n", config.threads, config.clients);
    text += config.test_time_s > 0 ? fmt::format("{:<9} Seconds\n", config.test_time_s)
            : config.all_keys      ? fmt::format("{:<9} Requests per client, one for each of {} keys\n",
                                                 config.requests_of_client(), config.keys.count())
                                   : fmt::format("{:<9} Requests per client\n", config.requests_per_client);
    if (config.is_open_loop()) {
        text += fmt::format("{:<9} Requests a second {}, {} arrivals\n", config.rate,
                            config.rate_per_client ? "of each client" : "of all clients",
                            config.arrivals == Arrivals::kPoisson ? "Poisson" : "constant");
    }
    text += table(config, stats, title) + outcomes(config, stats);
    if (!config.hide_histogram) text += distribution(config, stats);
    if (config.timeline) text += timeline_text(stats);
    return text;
}

std::string hdr_percentiles(const Histogram& histogram) {
    constexpr unsigned kSteps = 5;
    std::string text =
        fmt::format("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    for (const double quantile : quantile_ladder(histogram.count(), kSteps)) {
        const auto count = static_cast<uint64_t>(std::ceil(quantile * static_cast<double>(histogram.count())));
        text += fmt::format("{:>12.3f} {:>2.12f} {:>10}", to_ms(histogram.value_at(quantile)), quantile, count);
        text += quantile < 1 ? fmt::format(" {:>14.2f}\n", 1 / (1 - quantile)) : std::string("\n");
    }
    text += fmt::format("#[Mean    = {:>12.3f}, Max     = {:>12.3f}]\n#[Total count = {}]\n", to_ms(histogram.mean()),
                        to_ms(histogram.max()), histogram.count());
    return text;
}

}  // namespace kvorum::tools::load
