// BGSAVE, LASTSAVE, and INFO's section "Persistence".
#include <algorithm>

#include "base/byte_progress.h"
#include "base/text.h"
#include "redis/command_context.h"
#include "redis/info_field.h"

namespace kvorum::redis {
namespace {

// As Redis says it of a file that it loads.
void write_loading(const LoadingFacts& loading, int64_t wall_clock_ms, std::string& out) {
    const auto elapsed_s = static_cast<uint64_t>(std::max<int64_t>(0, wall_clock_ms - loading.began_wall_ms) / 1000);
    const uint64_t left_bytes = loading.total_bytes - loading.loaded_bytes;
    field(out, "loading_start_time", loading.began_wall_ms / 1000);
    field(out, "loading_total_bytes", loading.total_bytes);
    field(out, "loading_loaded_bytes", loading.loaded_bytes);
    field(out, "loading_loaded_perc", fmt::format("{:.2f}", percent_done(loading.loaded_bytes, loading.total_bytes)));
    field(out, "loading_eta_seconds", elapsed_s == 0 ? 1 : elapsed_s * left_bytes / (loading.loaded_bytes + 1));
}

}  // namespace

// There is no rewriting of a log that SCHEDULE could wait for.
void run_bgsave(CommandContext& context) {
    const auto& arguments = context.arguments;
    if (arguments.size() > 2 || (arguments.size() == 2 && !equals_ignore_case(arguments[1], "schedule"))) {
        context.reply.error(kSyntaxError);
        return;
    }
    if (!context.node.save_snapshot()) {
        context.reply.error("ERR Background save already in progress");
        return;
    }
    context.reply.text("Background saving started");
}

void run_lastsave(CommandContext& context) { context.reply.integer(last_save_s(context.node)); }

// As Redis, whose data counts as saved when it starts.
int64_t last_save_s(NodeFacade& node) {
    const int64_t saved_ms = node.snapshots().last_saved_wall_ms;
    return (saved_ms != 0 ? saved_ms : node.counters().started_at_wall_ms) / 1000;
}

// Every write is on the disks of a majority before it is answered: nothing ever waits to be saved.
void write_persistence_info(NodeFacade& node, std::string& out) {
    const LoadingFacts loading = node.loading();
    field(out, "loading", loading.loading ? 1 : 0);
    field(out, "async_loading", 0);
    const replica::SnapshotFacts snapshots = node.snapshots();
    const LogCounters log = node.log_counters();
    field(out, "rdb_changes_since_last_save", node.keyspace().revision - snapshots.last_revision);
    field(out, "rdb_bgsave_in_progress", snapshots.saving ? 1 : 0);
    field(out, "rdb_last_save_time", last_save_s(node));
    field(out, "rdb_last_bgsave_status", snapshots.last_error.empty() ? "ok" : "err");
    field(out, "rdb_last_bgsave_time_sec",
          snapshots.taken == 0 ? -1 : static_cast<int64_t>(snapshots.last_duration_ms / 1000));
    field(out, "rdb_current_bgsave_time_sec",
          snapshots.saving ? static_cast<int64_t>((node.now_ns() - snapshots.saving_since_ns) / kSecondNs) : -1);
    field(out, "rdb_saves", snapshots.taken);
    field(out, "rdb_last_cow_size", snapshots.preimage_bytes);
    field(out, "aof_enabled", 1);
    field(out, "aof_rewrite_in_progress", 0);
    field(out, "aof_rewrite_scheduled", 0);
    field(out, "aof_last_rewrite_time_sec", -1);
    field(out, "aof_current_rewrite_time_sec", -1);
    field(out, "aof_last_bgrewrite_status", "ok");
    field(out, "aof_last_write_status", log.low_on_space ? "err" : "ok");
    field(out, "aof_last_cow_size", 0);
    field(out, "module_fork_in_progress", 0);
    field(out, "module_fork_last_cow_size", 0);
    field(out, "snapshot_last_index", snapshots.last_index);
    field(out, "snapshot_last_bytes", snapshots.last_bytes);
    field(out, "snapshot_saved_keys", snapshots.saved_keys);
    field(out, "snapshot_failures", snapshots.failed);
    field(out, "snapshot_last_error", snapshots.last_error);
    field(out, "snapshots_installed", snapshots.installed);
    field(out, "snapshot_fetching_from", snapshots.fetching_from);
    field(out, "snapshot_fetched_bytes", snapshots.fetched_bytes);
    field(out, "snapshot_fetch_size_bytes", snapshots.fetch_size_bytes);
    field(out, "snapshot_parts_sent", snapshots.sent_parts);
    field(out, "log_first_index", log.first_index);
    if (loading.loading) write_loading(loading, node.wall_clock_ms(), out);
}

}  // namespace kvorum::redis
