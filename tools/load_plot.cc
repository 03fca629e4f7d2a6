#include "tools/load_plot.h"

#include <absl/strings/str_replace.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tools/load_report.h"

namespace kvorum::tools::load {
namespace {

constexpr double kWidth = 900;
constexpr double kChartHeight = 300;
constexpr double kLeft = 80;
constexpr double kRight = 20;
constexpr double kTop = 40;
constexpr double kBottom = 50;
constexpr double kPlotWidth = kWidth - kLeft - kRight;
constexpr double kPlotHeight = kChartHeight - kTop - kBottom;
constexpr const char* kColors[] = {"#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#8c564b", "#e377c2"};

std::string escape(std::string_view text) {
    return absl::StrReplaceAll(std::string(text), {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view text) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escape(text));
}

std::string line(double x1, double y1, double x2, double y2, std::string_view color) {
    return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1, y1, x2,
                       y2, color);
}

std::string rectangle(double x, double y, double width, double height, std::string_view color) {
    return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>\n", x, y,
                       width, height, color);
}

// 1, 2 or 5 times a power of ten, so that there are about `wanted` of them up to `most`.
double round_step(double most, double wanted) {
    const double raw = std::max(most / wanted, 1e-9);
    const double power = std::pow(10, std::floor(std::log10(raw)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * power >= raw) return factor * power;
    }
    return 10 * power;
}

// --- latency by percentile, both axes logarithmic: nines to the right, milliseconds up ---

struct LatencyAxes {
    double nines_max = 1;  // 3 = 99.9 %
    double low = -2;       // powers of ten of milliseconds
    double high = 1;

    [[nodiscard]] double x(double quantile) const {
        const double nines = std::min(nines_max, -std::log10(std::max(1 - quantile, 1e-12)));
        return kLeft + nines / nines_max * kPlotWidth;
    }
    [[nodiscard]] double y(double ms) const {
        const double power = std::clamp(std::log10(std::max(ms, 1e-6)), low, high);
        return kTop + (high - power) / (high - low) * kPlotHeight;
    }
};

LatencyAxes latency_axes(const LoadStats& stats) {
    const Histogram all = stats.totals().latency;
    LatencyAxes axes;
    axes.nines_max = std::clamp(std::log10(static_cast<double>(all.count()) + 1), 1.0, 7.0);
    axes.low = std::floor(std::log10(std::max(static_cast<double>(all.min()) / 1e6, 1e-4)));
    axes.high = std::ceil(std::log10(std::max(static_cast<double>(all.max()) / 1e6, 1e-3)));
    if (axes.high <= axes.low) axes.high = axes.low + 1;
    return axes;
}

std::string latency_grid(const LatencyAxes& axes) {
    std::string svg;
    for (int step = 0; axes.low + step <= axes.high; ++step) {
        const double power = axes.low + step;
        const double y = axes.y(std::pow(10, power));
        svg += line(kLeft, y, kWidth - kRight, y, "#ddd");
        svg += text_at(kLeft - 6, y + 4, "end", fmt::format("{:g} ms", std::pow(10, power)));
    }
    for (const double percentile : {0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999}) {
        const double nines = -std::log10(1 - percentile / 100);
        if (nines > axes.nines_max) break;
        const double x = axes.x(percentile / 100);
        svg += line(x, kTop, x, kTop + kPlotHeight, "#ddd");
        svg += text_at(x, kTop + kPlotHeight + 18, "middle", fmt::format("{:g} %", percentile));
    }
    return svg;
}

std::string latency_chart(const LoadConfig& config, const LoadStats& stats) {
    constexpr unsigned kSteps = 8;
    const LatencyAxes axes = latency_axes(stats);
    std::string svg = text_at(kLeft, kTop - 16, "start",
                              config.is_open_loop() ? "Latency by percentile, from when a request was due"
                                                    : "Latency by percentile, closed loop");
    svg += latency_grid(axes);
    for (size_t i = 0; i < config.commands.size(); ++i) {
        const Histogram& latency = stats.commands[i].latency;
        std::string points;
        for (const double quantile : quantile_ladder(latency.count(), kSteps)) {
            points += fmt::format("{:.1f},{:.1f} ", axes.x(quantile),
                                  axes.y(static_cast<double>(latency.value_at(quantile)) / 1e6));
        }
        const char* color = kColors[i % std::size(kColors)];
        svg += fmt::format("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"2\" points=\"{}\"/>\n", color, points);
        const double y = kTop + 14 + 16 * static_cast<double>(i);
        svg += rectangle(kLeft + 10, y - 9, 10, 10, color);
        svg += text_at(kLeft + 26, y, "start", config.commands[i].type);
    }
    return svg;
}

// --- throughput over time ---

// Not more bars than can be seen.
struct Bars {
    uint64_t width_ns = Timeline::kFirstWidthNs;
    std::vector<Timeline::Slice> slices;
};

Bars make_bars(const Timeline& timeline) {
    constexpr size_t kBarsMax = 400;
    const size_t group = std::max<size_t>(1, (timeline.slices().size() + kBarsMax - 1) / kBarsMax);
    Bars bars{.width_ns = timeline.width_ns() * group, .slices = {}};
    bars.slices.resize((timeline.slices().size() + group - 1) / group);
    for (size_t i = 0; i < timeline.slices().size(); ++i)
        bars.slices[i / group].merge(timeline.slices()[i]);
    return bars;
}

std::string time_grid(double seconds, double rate_most) {
    std::string svg;
    const double rate_step = round_step(rate_most, 4);
    for (int step = 0; step * rate_step <= rate_most; ++step) {
        const double rate = step * rate_step;
        const double y = kTop + kPlotHeight * (1 - rate / rate_most);
        svg += line(kLeft, y, kWidth - kRight, y, "#ddd");
        svg += text_at(kLeft - 6, y + 4, "end", fmt::format("{:g}/s", rate));
    }
    const double time_step = round_step(seconds, 10);
    for (int step = 0; step * time_step <= seconds; ++step) {
        const double at = step * time_step;
        svg += text_at(kLeft + at / seconds * kPlotWidth, kTop + kPlotHeight + 18, "middle", fmt::format("{:g} s", at));
    }
    return svg;
}

std::string time_chart(const LoadStats& stats) {
    const Bars bars = make_bars(stats.timeline);
    const SilenceLog::Silence gap = stats.silences.longest();
    const double bar_seconds = static_cast<double>(bars.width_ns) / 1e9;
    const double seconds = std::max(static_cast<double>(bars.slices.size()) * bar_seconds, 1e-3);
    double rate_most = 1;
    for (const Timeline::Slice& slice : bars.slices)
        rate_most = std::max(rate_most, static_cast<double>(slice.ok + slice.errors + slice.unknown) / bar_seconds);
    const auto x_of = [&](uint64_t ns) { return kLeft + static_cast<double>(ns) / 1e9 / seconds * kPlotWidth; };

    std::string svg =
        text_at(kLeft, kTop - 16, "start",
                fmt::format("Replies over time: ok blue, error orange, unknown red; longest gap without an "
                            "OK {:.1f} ms (grey)",
                            static_cast<double>(gap.length_ns()) / 1e6));
    const double gap_width = std::max(1.0, x_of(gap.end_ns) - x_of(gap.begin_ns));
    if (gap.length_ns() > 0) svg += rectangle(x_of(gap.begin_ns), kTop, gap_width, kPlotHeight, "#ccc");
    svg += time_grid(seconds, rate_most);
    const double bar_width = kPlotWidth / static_cast<double>(std::max<size_t>(bars.slices.size(), 1));
    for (size_t i = 0; i < bars.slices.size(); ++i) {
        const Timeline::Slice& slice = bars.slices[i];
        double top = kTop + kPlotHeight;
        const auto stack = [&](uint64_t count, std::string_view color) {
            if (count == 0) return;
            const double height = static_cast<double>(count) / bar_seconds / rate_most * kPlotHeight;
            top -= height;
            svg += rectangle(kLeft + bar_width * static_cast<double>(i), top, bar_width, height, color);
        };
        stack(slice.ok, "#1f77b4");
        stack(slice.errors, "#ff7f0e");
        stack(slice.unknown, "#d62728");
    }
    return svg;
}

std::string svg_document(const LoadConfig& config, const LoadStats& stats) {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
        "<g>\n{2}</g>\n<g transform=\"translate(0,{3})\">\n{4}</g>\n</svg>\n",
        kWidth, 2 * kChartHeight, latency_chart(config, stats), kChartHeight, time_chart(stats));
}

}  // namespace

std::string plot(const LoadConfig& config, const LoadStats& stats) {
    std::string svg = svg_document(config, stats);
    if (config.plot_file.ends_with(".svg")) return svg;
    return fmt::format(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>kvorum load</title></head>\n"
        "<body>\n{}<pre>\n{}</pre>\n</body>\n</html>\n",
        svg, escape(text_report(config, stats, "ALL STATS")));
}

}  // namespace kvorum::tools::load
