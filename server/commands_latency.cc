// LATENCY and SLOWLOG. Redis's latency *events* (fork, AOF...) do not exist here: what asks for them hears what Redis
// says when there were none. LATENCY HISTOGRAM also knows the stages of a write, as `stage:queue` and the like.
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "kv/text.h"
#include "server/command_context.h"

namespace kvorum::server {
namespace {

constexpr std::string_view kStagePrefix = "stage:";
constexpr size_t kSlowlogDefaultCount = 10;

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
    context.reply.bulk_string(named.name);
    context.reply.map(2);
    context.reply.bulk_string("calls");
    context.reply.integer(static_cast<int64_t>(named.latency->count()));
    context.reply.bulk_string("histogram_usec");
    const auto steps = cumulative(*named.latency);
    context.reply.map(steps.size());
    for (const auto& [usec, count] : steps) {
        context.reply.integer(static_cast<int64_t>(usec));
        context.reply.integer(static_cast<int64_t>(count));
    }
}

void reply_slow_command(CommandContext& context, const SlowCommand& command) {
    context.reply.array(7);
    context.reply.integer(static_cast<int64_t>(command.id));
    context.reply.integer(command.unix_time_s);
    context.reply.integer(static_cast<int64_t>(command.duration_us));
    context.reply.array(command.arguments.size());
    for (const std::string& argument : command.arguments)
        context.reply.bulk_string(argument);
    context.reply.bulk_string(command.client_address);
    context.reply.bulk_string(command.client_name);
    context.reply.bulk_string(command.stages);
}

}  // namespace

void run_latency_latest(CommandContext& context) { context.reply.array(0); }
void run_latency_history(CommandContext& context) { context.reply.array(0); }
void run_latency_reset(CommandContext& context) { context.reply.integer(0); }

void run_latency_graph(CommandContext& context) {
    context.fail("ERR No samples available for event '{}'", context.arguments[2]);
}

void run_latency_doctor(CommandContext& context) {
    context.reply.verbatim_text(
        "There are no latency events here to look into. LATENCY HISTOGRAM tells how long commands take and in which "
        "stage of a write the time goes, SLOWLOG GET which commands took longest.");
}

void run_latency_histogram(CommandContext& context) {
    std::vector<NamedHistogram> chosen = all_histograms(context.node);
    const auto names = context.arguments.subspan(2);
    if (!names.empty()) {
        std::erase_if(chosen, [&](const NamedHistogram& named) {
            return std::none_of(names.begin(), names.end(),
                                [&](std::string_view name) { return kv::equals_ignore_case(name, named.name); });
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
    const auto& commands = context.node.slow_log().newest_first();
    size_t count = std::min(kSlowlogDefaultCount, commands.size());
    if (context.arguments.size() == 3) {
        const std::optional<int64_t> asked = kv::parse_int64(context.arguments[2]);
        if (!asked.has_value() || *asked < -1) {
            context.reply.error("ERR count should be greater than or equal to -1");
            return;
        }
        count = *asked == -1 ? commands.size() : std::min(static_cast<size_t>(*asked), commands.size());
    }
    context.reply.array(count);
    for (size_t i = 0; i < count; ++i)
        reply_slow_command(context, commands[i]);
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

}  // namespace kvorum::server
