// What a server command sees, and the list of their handlers. Private to the commands_*.cc files and their table.
// Thread: the owning core; everything borrowed lives until the handler returns.
#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>

#include "redis/command_table.h"
#include "redis/server_commands.h"

namespace kvorum::redis {

struct CommandContext {
    std::span<const std::string_view> arguments;  // the command's name is the first
    ClientState& client;
    NodeFacade& node;
    RespWriter& reply;

    // A reply with a formatted error line.
    template <typename... Args>
    void fail(fmt::format_string<Args...> format, Args&&... args) {
        reply.error(fmt::format(format, std::forward<Args>(args)...));
    }
    void ok() { reply.done(); }
};

// Carries out the subcommand that the second argument names, or says that it is unknown or has the wrong number of
// arguments.
void run_subcommand(CommandContext& context);

inline constexpr std::string_view kSyntaxError = "ERR syntax error";
inline constexpr std::string_view kNotAnInteger = "ERR value is not an integer or out of range";

// The reply of every HELP: a title line, `lines`, and HELP itself.
void reply_help(CommandContext& context, std::span<const std::string_view> lines);

// What the rest of the node looks like from the outside of Raft.
[[nodiscard]] std::string_view redis_role(const raft::Status& status);  // "master" or "slave"
// The leader that this node knows, or null.
[[nodiscard]] const Member* known_leader(NodeFacade& node, const raft::Status& status);

// commands_connection.cc
void run_ping(CommandContext& context);
void run_echo(CommandContext& context);
void run_quit(CommandContext& context);
void run_reset(CommandContext& context);
void run_hello(CommandContext& context);
void run_auth(CommandContext& context);
void run_select(CommandContext& context);
void run_time(CommandContext& context);
void run_lolwut(CommandContext& context);
void run_monitor(CommandContext& context);
void run_module_list(CommandContext& context);
void run_module_help(CommandContext& context);
void run_acl_whoami(CommandContext& context);
void run_acl_help(CommandContext& context);
// Replies with an error and returns false unless `text` may be the value of CLIENT SETNAME and the like, which the
// message calls `what`.
[[nodiscard]] bool check_client_word(CommandContext& context, std::string_view text, std::string_view what);

// commands_client.cc
void run_client_id(CommandContext& context);
void run_client_getname(CommandContext& context);
void run_client_setname(CommandContext& context);
void run_client_setinfo(CommandContext& context);
void run_client_info(CommandContext& context);
void run_client_list(CommandContext& context);
void run_client_kill(CommandContext& context);
void run_client_pause(CommandContext& context);
void run_client_unpause(CommandContext& context);
void run_client_no_evict(CommandContext& context);
void run_client_no_touch(CommandContext& context);
void run_client_reply(CommandContext& context);
void run_client_help(CommandContext& context);

// commands_tracking.cc
void run_client_tracking(CommandContext& context);
void run_client_trackinginfo(CommandContext& context);
void run_client_caching(CommandContext& context);
void run_client_getredir(CommandContext& context);

// commands_command.cc
void run_command(CommandContext& context);
void run_command_count(CommandContext& context);
void run_command_info(CommandContext& context);
void run_command_docs(CommandContext& context);
void run_command_list(CommandContext& context);
void run_command_getkeys(CommandContext& context);
void run_command_getkeysandflags(CommandContext& context);
void run_command_help(CommandContext& context);

// commands_info.cc
void run_info(CommandContext& context);

// commands_latency.cc
void run_latency_latest(CommandContext& context);
void run_latency_history(CommandContext& context);
void run_latency_reset(CommandContext& context);
void run_latency_graph(CommandContext& context);
void run_latency_doctor(CommandContext& context);
void run_latency_histogram(CommandContext& context);
void run_latency_help(CommandContext& context);
void run_slowlog_get(CommandContext& context);
void run_slowlog_len(CommandContext& context);
void run_slowlog_reset(CommandContext& context);
void run_slowlog_help(CommandContext& context);
void run_kvorum_slowlog(CommandContext& context);

// commands_kvorum.cc
void run_kvorum_leader(CommandContext& context);
void run_kvorum_help(CommandContext& context);

// commands_config.cc
void run_config_get(CommandContext& context);
void run_config_set(CommandContext& context);
void run_config_resetstat(CommandContext& context);
void run_config_rewrite(CommandContext& context);
void run_config_help(CommandContext& context);

// commands_cluster.cc
void run_role(CommandContext& context);
void run_client_consistency(CommandContext& context);
void run_readonly(CommandContext& context);
void run_readwrite(CommandContext& context);
void run_asking(CommandContext& context);
void run_cluster_info(CommandContext& context);
void run_cluster_slots(CommandContext& context);
void run_cluster_shards(CommandContext& context);
void run_cluster_nodes(CommandContext& context);
void run_cluster_links(CommandContext& context);
void run_cluster_myid(CommandContext& context);
void run_cluster_keyslot(CommandContext& context);
void run_cluster_countkeysinslot(CommandContext& context);
void run_cluster_getkeysinslot(CommandContext& context);
void run_cluster_replicas(CommandContext& context);
void run_cluster_count_failure_reports(CommandContext& context);
void run_cluster_help(CommandContext& context);

// commands_persistence.cc
void run_bgsave(CommandContext& context);
void run_lastsave(CommandContext& context);
[[nodiscard]] int64_t last_save_s(NodeFacade& node);
void write_persistence_info(NodeFacade& node, std::string& out);

}  // namespace kvorum::redis
