// LATENCY, SLOWLOG and KVORUM SLOWLOG. Of Redis's latency events only those of commands exist here. LATENCY HISTOGRAM
// also knows the stages of a write, as `stage:queue` and the like; KVORUM SLOWLOG tells those of slow commands, which
// the six fields of SLOWLOG have no room for.
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/text.h"
#include "redis/command_context.h"

namespace kvorum::redis {
namespace {

constexpr std::string_view kStagePrefix = "stage:";
constexpr size_t kSlowlogDefaultCount = 10;
constexpr uint64_t kBarWidth = 60;

// A container's name stands for all its subcommands.
bool is_called(std::string_view asked, std::string_view name) {
    return name == asked || (name.starts_with(asked) && name.substr(asked.size()).starts_with('|'));
}

struct NamedHistogram {
    std::string name;
    const Histogram* latency;
};

std::vector<NamedHistogram> all_histograms(NodeFacade& node) {
    std::vector<NamedHistogram> all;
    for (const auto& [name, latency] : node.latency().commands())
        all.push_back({std::string{name}, latency});
    for (size_t i = 0; i < kStageNames.size(); ++i) {
        const Histogram& stage = node.latency().stage(static_cast<Stage>(i));
        if (stage.count() > 0) all.push_back({fmt::format("{}{}", kStagePrefix, kStageNames[i]), &stage});
    }
    return all;
}

// Powers of two in microseconds and how many calls took no longer, from the first that counts any to the one that
// counts all; repeated counts are left out.
std::vector<std::pair<uint64_t, uint64_t>> cumulative(const Histogram& latency) {
    std::vector<std::pair<uint64_t, uint64_t>> steps;
    uint64_t counted = 0;
    for (uint64_t usec = 1; counted < latency.count() && usec <= (uint64_t{1} << 40); usec *= 2) {
        const uint64_t count = latency.count_up_to(usec * kMicrosecondNs);
        if (count > counted) steps.emplace_back(usec, count);
        counted = count;
    }
    return steps;
}

void reply_histogram(CommandContext& context, const NamedHistogram& named) {
    context.reply.bytes(named.name);
    context.reply.map(2);
    context.reply.bytes("calls");
    context.reply.integer(static_cast<int64_t>(named.latency->count()));
    context.reply.bytes("histogram_usec");
    const auto steps = cumulative(*named.latency);
    context.reply.map(steps.size());
    for (const auto& [usec, count] : steps) {
        context.reply.integer(static_cast<int64_t>(usec));
        context.reply.integer(static_cast<int64_t>(count));
    }
}

void reply_slow_command(CommandContext& context, const SlowCommand& command) {
    context.reply.list(6);
    context.reply.integer(static_cast<int64_t>(command.id));
    context.reply.integer(command.unix_time_s);
    context.reply.integer(static_cast<int64_t>(command.duration_us));
    context.reply.list(command.arguments.size());
    for (const std::string& argument : command.arguments)
        context.reply.bytes(argument);
    context.reply.bytes(command.client_address);
    context.reply.bytes(command.client_name);
}

void reply_stages(CommandContext& context, const SlowCommand& command) {
    context.reply.list(2);
    context.reply.integer(static_cast<int64_t>(command.id));
    context.reply.bytes(command.stages);
}

// Of SLOWLOG GET and KVORUM SLOWLOG.
void reply_slow_commands(CommandContext& context, void (*reply_one)(CommandContext&, const SlowCommand&)) {
    const auto& commands = context.node.slow_log().newest_first();
    size_t count = std::min(kSlowlogDefaultCount, commands.size());
    if (context.arguments.size() == 3) {
        const std::optional<int64_t> asked = parse_int64(context.arguments[2]);
        if (!asked.has_value() || *asked < -1) {
            context.reply.error("ERR count should be greater than or equal to -1");
            return;
        }
        count = *asked == -1 ? commands.size() : std::min(static_cast<size_t>(*asked), commands.size());
    }
    context.reply.list(count);
    for (size_t i = 0; i < count; ++i)
        reply_one(context, commands[i]);
}

void reply_sample(CommandContext& context, const LatencySample& sample) {
    context.reply.integer(sample.unix_time_s);
    context.reply.integer(static_cast<int64_t>(sample.latency_ms));
}

}  // namespace

void run_latency_latest(CommandContext& context) {
    const auto& all = context.node.latency().events().series();
    context.reply.list(all.size());
    for (const auto& [event, series] : all) {
        context.reply.list(4);
        context.reply.bytes(event);
        reply_sample(context, series.samples.back());
        context.reply.integer(static_cast<int64_t>(series.highest_ms));
    }
}

void run_latency_history(CommandContext& context) {
    const LatencyEvents::Series* series = context.node.latency().events().find(context.arguments[2]);
    context.reply.list(series == nullptr ? 0 : series->samples.size());
    if (series == nullptr) return;
    for (const LatencySample& sample : series->samples) {
        context.reply.list(2);
        reply_sample(context, sample);
    }
}

void run_latency_reset(CommandContext& context) {
    LatencyEvents& events = context.node.latency().events();
    std::vector<std::string> names(context.arguments.begin() + 2, context.arguments.end());
    if (names.empty()) {
        for (const auto& [event, series] : events.series())
            names.push_back(event);
    }
    const auto count = std::count_if(names.begin(), names.end(), [&](const auto& name) { return events.reset(name); });
    context.reply.integer(count);
}

// A bar of '#' for each sample, the oldest first, beside its age in seconds and its milliseconds.
void run_latency_graph(CommandContext& context) {
    const LatencyEvents::Series* series = context.node.latency().events().find(context.arguments[2]);
    if (series == nullptr) {
        context.fail("ERR No samples available for event '{}'", context.arguments[2]);
        return;
    }
    const auto [low, high] =
        std::minmax_element(series->samples.begin(), series->samples.end(),
                            [](const auto& a, const auto& b) { return a.latency_ms < b.latency_ms; });
    std::string text = fmt::format("{} - high {} ms, low {} ms (all time high {} ms)\n", context.arguments[2],
                                   high->latency_ms, low->latency_ms, series->highest_ms);
    const int64_t now_s = context.node.wall_clock_ms() / 1000;
    for (const LatencySample& sample : series->samples) {
        const uint64_t width = sample.latency_ms * kBarWidth / std::max<uint64_t>(1, high->latency_ms);
        text += fmt::format("{:>6}s {:>8} ms {}\n", now_s - sample.unix_time_s, sample.latency_ms,
                            std::string(std::max<uint64_t>(1, width), '#'));
    }
    context.reply.text(text);
}

void run_latency_doctor(CommandContext& context) {
    context.reply.text(
        "LATENCY HISTOGRAM tells how long commands take and in which stage of a write the time goes, SLOWLOG GET which "
        "commands took longest, KVORUM SLOWLOG in which stage, LATENCY LATEST when commands were slow (CONFIG SET "
        "latency-monitor-threshold <milliseconds> switches it on).");
}

void run_latency_histogram(CommandContext& context) {
    std::vector<NamedHistogram> chosen = all_histograms(context.node);
    const auto names = context.arguments.subspan(2);
    if (!names.empty()) {
        std::erase_if(chosen, [&](const NamedHistogram& named) {
            return std::none_of(names.begin(), names.end(),
                                [&](std::string_view name) { return is_called(to_lower(name), named.name); });
        });
    }
    context.reply.map(chosen.size());
    for (const NamedHistogram& named : chosen)
        reply_histogram(context, named);
}

void run_latency_help(CommandContext& context) {
    static constexpr auto kLines = std::to_array<std::string_view>({
        "DOCTOR",
        "    Return a human readable latency analysis report.",
        "GRAPH <event>",
        "    Return an ASCII latency graph for the <event> class.",
        "HISTORY <event>",
        "    Return time-latency samples for the <event> class.",
        "LATEST",
        "    Return the latest latency samples for all events.",
        "RESET [<event> ...]",
        "    Reset latency data of one or more <event> classes.",
        "    (default: reset all data for all event classes)",
        "HISTOGRAM [COMMAND ...]",
        "    Return a cumulative distribution of latencies in the format of a histogram for the specified command "
        "names.",
        "    If no commands are specified then all histograms are replied.",
    });
    reply_help(context, kLines);
}

void run_slowlog_get(CommandContext& context) {
    if (context.arguments.size() > 3) {
        context.fail("ERR unknown subcommand or wrong number of arguments for '{}'. Try SLOWLOG HELP.",
                     context.arguments[1]);
        return;
    }
    reply_slow_commands(context, reply_slow_command);
}

void run_kvorum_slowlog(CommandContext& context) {
    if (context.arguments.size() > 3) {
        context.reply.error(kSyntaxError);
        return;
    }
    reply_slow_commands(context, reply_stages);
}

void run_slowlog_len(CommandContext& context) {
    context.reply.integer(static_cast<int64_t>(context.node.slow_log().newest_first().size()));
}

void run_slowlog_reset(CommandContext& context) {
    context.node.slow_log().clear();
    context.ok();
}

void run_slowlog_help(CommandContext& context) {
    static constexpr auto kLines = std::to_array<std::string_view>({
        "GET [<count>]",
        "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
        "    Entries are made of:",
        "    id, timestamp, time in microseconds, arguments array, client IP and port,",
        "    client name",
        "LEN",
        "    Return the length of the slowlog.",
        "RESET",
        "    Reset the slowlog.",
    });
    reply_help(context, kLines);
}

}  // namespace kvorum::redis
