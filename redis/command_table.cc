#include <algorithm>
#include <array>
#include <cctype>

#include "base/assert.h"
#include "base/text.h"
#include "redis/command_context.h"

namespace kvorum::redis {
namespace {

using enum ops::CommandFlags;
using enum ops::CommandKind;

// As COMMAND INFO and COMMAND DOCS of Redis 7.0.15 tell it (CLIENT SETINFO and NO-TOUCH: of 7.2). A code is the row's
// number, from 1.
constexpr auto kCommands = std::to_array<ServerCommand>({
    {{"wait", ops::CommandKind::kWait, kWaitCommand, 3, kFlagNoScript, 0, 0, 0, "generic", "3.0.0",
      "Wait for the synchronous replication of all the write commands sent in the context of the current connection",
      "O(1)", "@slow @connection"},
     nullptr},
    {{"ping", kServer, 2, -1, kFlagFast, 0, 0, 0, "connection", "1.0.0", "Ping the server", "O(1)",
      "@fast @connection"},
     run_ping},
    {{"echo", kServer, 3, 2, kFlagLoading | kFlagStale | kFlagFast, 0, 0, 0, "connection", "1.0.0",
      "Echo the given string", "O(1)", "@fast @connection"},
     run_echo},
    {{"quit", kServer, 4, -1, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagNoAuth | kFlagAllowBusy, 0,
      0, 0, "connection", "1.0.0", "Close the connection", "O(1)", "@fast @connection"},
     run_quit},
    {{"reset", kServer, 5, 1, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagNoAuth | kFlagAllowBusy, 0,
      0, 0, "connection", "6.2.0", "Reset the connection", "O(1)", "@fast @connection"},
     run_reset},
    {{"hello", kServer, 6, -1, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagNoAuth | kFlagAllowBusy, 0,
      0, 0, "connection", "6.0.0", "Handshake with Redis", "O(1)", "@fast @connection"},
     run_hello},
    {{"auth", kServer, 7, -2, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagNoAuth | kFlagAllowBusy, 0,
      0, 0, "connection", "1.0.0", "Authenticate to the server",
      "O(N) where N is the number of passwords defined for the user", "@fast @connection"},
     run_auth},
    {{"select", kServer, 8, 2, kFlagLoading | kFlagStale | kFlagFast, 0, 0, 0, "connection", "1.0.0",
      "Change the selected database for the current connection", "O(1)", "@fast @connection"},
     run_select},
    {{"client", kServer, 9, -2, 0, 0, 0, 0, "connection", "2.4.0", "A container for client connection commands",
      "Depends on subcommand.", "@slow"},
     run_subcommand},
    {{"command", kServer, 10, -1, kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.8.13",
      "Get array of Redis command details", "O(N) where N is the total number of Redis commands", "@slow @connection"},
     run_command},
    {{"info", kServer, 11, -1, kFlagLoading | kFlagStale, 0, 0, 0, "server", "1.0.0",
      "Get information and statistics about the server", "O(1)", "@slow @dangerous"},
     run_info},
    {{"config", kServer, 12, -2, 0, 0, 0, 0, "server", "2.0.0", "A container for server configuration commands",
      "Depends on subcommand.", "@slow"},
     run_subcommand},
    {{"time", kServer, 13, 1, kFlagLoading | kFlagStale | kFlagFast, 0, 0, 0, "server", "2.6.0",
      "Return the current server time", "O(1)", "@fast"},
     run_time},
    {{"role", kServer, 14, 1, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast, 0, 0, 0, "server", "2.8.12",
      "Return the role of the instance in the context of replication", "O(1)", "@admin @fast @dangerous"},
     run_role},
    {{"cluster", kServer, 15, -2, 0, 0, 0, 0, "cluster", "3.0.0", "A container for cluster commands",
      "Depends on subcommand.", "@slow"},
     run_subcommand},
    {{"readonly", kServer, 16, 1, kFlagLoading | kFlagStale | kFlagFast, 0, 0, 0, "cluster", "3.0.0",
      "Enables read queries for a connection to a cluster replica node", "O(1)", "@fast @connection"},
     run_readonly},
    {{"readwrite", kServer, 17, 1, kFlagLoading | kFlagStale | kFlagFast, 0, 0, 0, "cluster", "3.0.0",
      "Disables read queries for a connection to a cluster replica node", "O(1)", "@fast @connection"},
     run_readwrite},
    {{"asking", kServer, 18, 1, kFlagFast, 0, 0, 0, "cluster", "3.0.0",
      "Sent by cluster clients after an -ASK redirect", "O(1)", "@fast @connection"},
     run_asking},
    {{"lolwut", kServer, 19, -1, kFlagReadonly | kFlagFast, 0, 0, 0, "server", "5.0.0",
      "Display some computer art and the Redis version", "", "@read @fast"},
     run_lolwut},
    {{"module", kServer, 20, -2, 0, 0, 0, 0, "server", "4.0.0", "A container for module commands",
      "Depends on subcommand.", "@slow"},
     run_subcommand},
    {{"acl", kServer, 21, -2, 0, 0, 0, 0, "server", "6.0.0", "A container for Access List Control commands ",
      "Depends on subcommand.", "@slow"},
     run_subcommand},
    {{"latency", kServer, 22, -2, 0, 0, 0, 0, "server", "2.8.13", "A container for latency diagnostics commands",
      "Depends on subcommand.", "@slow"},
     run_subcommand},
    {{"slowlog", kServer, 23, -2, 0, 0, 0, 0, "server", "2.2.12", "A container for slow log commands",
      "Depends on subcommand.", "@slow"},
     run_subcommand},
    {{"multi", kServer, kMultiCommand, 1, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagAllowBusy, 0, 0,
      0, "transactions", "1.2.0", "Mark the start of a transaction block", "O(1)", "@fast @transaction"},
     nullptr},
    {{"exec", kServer, kExecCommand, 1, kFlagNoScript | kFlagLoading | kFlagStale | kFlagSkipSlowlog, 0, 0, 0,
      "transactions", "1.2.0", "Execute all commands issued after MULTI", "Depends on commands in the transaction",
      "@slow @transaction"},
     nullptr},
    {{"discard", kServer, kDiscardCommand, 1, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagAllowBusy, 0,
      0, 0, "transactions", "2.0.0", "Discard all commands issued after MULTI",
      "O(N), when N is the number of queued commands", "@fast @transaction"},
     nullptr},
    {{"watch", kServer, kWatchCommand, -2, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagAllowBusy, 1,
      -1, 1, "transactions", "2.2.0", "Watch the given keys to determine execution of the MULTI/EXEC block",
      "O(1) for every key.", "@fast @transaction"},
     nullptr},
    {{"unwatch", kServer, kUnwatchCommand, 1, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagAllowBusy, 0,
      0, 0, "transactions", "2.2.0", "Forget about all watched keys", "O(1)", "@fast @transaction"},
     nullptr},
    {{"kvorum", kServer, 29, -2, 0, 0, 0, 0, "server", "7.0.0", "A container for commands that Redis does not have",
      "Depends on subcommand.", "@slow"},
     run_subcommand},
    {{"monitor", kServer, 30, 1, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server", "1.0.0",
      "Listen for all requests received by the server in real time", "", "@admin @slow @dangerous"},
     run_monitor},
});

// Their code is 0: nothing looks a subcommand up by its code. Those of data commands have no handler here.
constexpr auto kSubcommands = std::to_array<ServerCommand>({
    {{"client|id", kServer, 0, 2, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection", "5.0.0",
      "Returns the client ID for the current connection", "O(1)", "@slow @connection"},
     run_client_id},
    {{"client|getname", kServer, 0, 2, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection", "2.6.9",
      "Get the current connection name", "O(1)", "@slow @connection"},
     run_client_getname},
    {{"client|setname", kServer, 0, 3, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection", "2.6.9",
      "Set the current connection name", "O(1)", "@slow @connection"},
     run_client_setname},
    {{"client|setinfo", kServer, 0, 4, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection", "7.2.0",
      "Sets information specific to the client or connection.", "O(1)", "@slow @connection"},
     run_client_setinfo},
    {{"client|info", kServer, 0, 2, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection", "6.2.0",
      "Returns information about the current client connection.", "O(1)", "@slow @connection"},
     run_client_info},
    {{"client|list", kServer, 0, -2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection",
      "2.4.0", "Get the list of client connections", "O(N) where N is the number of client connections",
      "@admin @slow @dangerous @connection"},
     run_client_list},
    {{"client|kill", kServer, 0, -3, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection",
      "2.4.0", "Kill the connection of a client", "O(N) where N is the number of client connections",
      "@admin @slow @dangerous @connection"},
     run_client_kill},
    {{"client|pause", kServer, 0, -3, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection",
      "2.9.50", "Stop processing commands from clients for some time", "O(1)", "@admin @slow @dangerous @connection"},
     run_client_pause},
    {{"client|unpause", kServer, 0, 2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection",
      "6.2.0", "Resume processing of clients that were paused", "O(N) Where N is the number of paused clients",
      "@admin @slow @dangerous @connection"},
     run_client_unpause},
    {{"client|no-evict", kServer, 0, 3, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection",
      "7.0.0", "Set client eviction mode for the current connection", "O(1)", "@admin @slow @dangerous @connection"},
     run_client_no_evict},
    {{"client|no-touch", kServer, 0, 3, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection", "7.2.0",
      "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.", "O(1)", "@slow @connection"},
     run_client_no_touch},
    {{"client|reply", kServer, 0, 3, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection", "3.2.0",
      "Instruct the server whether to reply to commands", "O(1)", "@slow @connection"},
     run_client_reply},
    {{"client|tracking", kServer, 0, -3, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection", "6.0.0",
      "Enable or disable server assisted client side caching support",
      "O(1). Some options may introduce additional complexity.", "@slow @connection"},
     run_client_tracking},
    {{"client|trackinginfo", kServer, 0, 2, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection", "6.2.0",
      "Return information about server assisted client side caching for the current connection", "O(1)",
      "@slow @connection"},
     run_client_trackinginfo},
    {{"client|caching", kServer, 0, 3, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection", "6.0.0",
      "Instruct the server about tracking or not keys in the next request", "O(1)", "@slow @connection"},
     run_client_caching},
    {{"client|getredir", kServer, 0, 2, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection", "6.0.0",
      "Get tracking notifications redirection client ID if any", "O(1)", "@slow @connection"},
     run_client_getredir},
    {{"client|help", kServer, 0, 2, kFlagLoading | kFlagStale, 0, 0, 0, "connection", "5.0.0",
      "Show helpful text about the different subcommands", "O(1)", "@slow @connection"},
     run_client_help},
    {{"command|count", kServer, 0, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.8.13",
      "Get total number of Redis commands", "O(1)", "@slow @connection"},
     run_command_count},
    {{"command|info", kServer, 0, -2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.8.13",
      "Get array of specific Redis command details, or all when no argument is given.",
      "O(N) where N is the number of commands to look up", "@slow @connection"},
     run_command_info},
    {{"command|docs", kServer, 0, -2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "7.0.0",
      "Get array of specific Redis command documentation", "O(N) where N is the number of commands to look up",
      "@slow @connection"},
     run_command_docs},
    {{"command|list", kServer, 0, -2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "7.0.0",
      "Get an array of Redis command names", "O(N) where N is the total number of Redis commands", "@slow @connection"},
     run_command_list},
    {{"command|getkeys", kServer, 0, -4, kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.8.13",
      "Extract keys given a full Redis command", "O(N) where N is the number of arguments to the command",
      "@slow @connection"},
     run_command_getkeys},
    {{"command|getkeysandflags", kServer, 0, -4, kFlagLoading | kFlagStale, 0, 0, 0, "server", "7.0.0",
      "Extract keys and access flags given a full Redis command",
      "O(N) where N is the number of arguments to the command", "@slow @connection"},
     run_command_getkeysandflags},
    {{"command|help", kServer, 0, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "5.0.0",
      "Show helpful text about the different subcommands", "O(1)", "@slow @connection"},
     run_command_help},
    {{"config|get", kServer, 0, -3, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.0.0",
      "Get the values of configuration parameters", "O(N) when N is the number of configuration parameters provided",
      "@admin @slow @dangerous"},
     run_config_get},
    {{"config|set", kServer, 0, -4, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.0.0",
      "Set configuration parameters to the given values",
      "O(N) when N is the number of configuration parameters provided", "@admin @slow @dangerous"},
     run_config_set},
    {{"config|resetstat", kServer, 0, 2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server",
      "2.0.0", "Reset the stats returned by INFO", "O(1)", "@admin @slow @dangerous"},
     run_config_resetstat},
    {{"config|rewrite", kServer, 0, 2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server",
      "2.8.0", "Rewrite the configuration file with the in memory configuration", "O(1)", "@admin @slow @dangerous"},
     run_config_rewrite},
    {{"config|help", kServer, 0, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "5.0.0",
      "Show helpful text about the different subcommands", "O(1)", "@slow"},
     run_config_help},
    {{"latency|latest", kServer, 0, 2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server",
      "2.8.13", "Return the latest latency samples for all events.", "O(1)", "@admin @slow @dangerous"},
     run_latency_latest},
    {{"latency|history", kServer, 0, 3, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server",
      "2.8.13", "Return timestamp-latency samples for the event.", "O(1)", "@admin @slow @dangerous"},
     run_latency_history},
    {{"latency|reset", kServer, 0, -2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server",
      "2.8.13", "Reset latency data for one or more events.", "O(1)", "@admin @slow @dangerous"},
     run_latency_reset},
    {{"latency|graph", kServer, 0, 3, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server",
      "2.8.13", "Return a latency graph for the event.", "O(1)", "@admin @slow @dangerous"},
     run_latency_graph},
    {{"latency|doctor", kServer, 0, 2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server",
      "2.8.13", "Return a human readable latency analysis report.", "O(1)", "@admin @slow @dangerous"},
     run_latency_doctor},
    {{"latency|histogram", kServer, 0, -2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server",
      "7.0.0", "Return the cumulative distribution of latencies of a subset of commands or all.",
      "O(N) where N is the number of commands with latency information being retrieved.", "@admin @slow @dangerous"},
     run_latency_histogram},
    {{"latency|help", kServer, 0, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.8.13",
      "Show helpful text about the different subcommands.", "O(1)", "@slow"},
     run_latency_help},
    {{"slowlog|get", kServer, 0, -2, kFlagAdmin | kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.2.12",
      "Get the slow log's entries", "O(N) where N is the number of entries returned", "@admin @slow @dangerous"},
     run_slowlog_get},
    {{"slowlog|len", kServer, 0, 2, kFlagAdmin | kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.2.12",
      "Get the slow log's length", "O(1)", "@admin @slow @dangerous"},
     run_slowlog_len},
    {{"slowlog|reset", kServer, 0, 2, kFlagAdmin | kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.2.12",
      "Clear all entries from the slow log", "O(N) where N is the number of entries in the slowlog",
      "@admin @slow @dangerous"},
     run_slowlog_reset},
    {{"slowlog|help", kServer, 0, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "6.2.0",
      "Show helpful text about the different subcommands", "O(1)", "@slow"},
     run_slowlog_help},
    {{"cluster|info", kServer, 0, 2, kFlagStale, 0, 0, 0, "cluster", "3.0.0",
      "Provides info about Redis Cluster node state", "O(1)", "@slow"},
     run_cluster_info},
    {{"cluster|slots", kServer, 0, 2, kFlagStale, 0, 0, 0, "cluster", "3.0.0",
      "Get array of Cluster slot to node mappings", "O(N) where N is the total number of Cluster nodes", "@slow"},
     run_cluster_slots},
    {{"cluster|shards", kServer, 0, 2, kFlagStale, 0, 0, 0, "cluster", "7.0.0",
      "Get array of cluster slots to node mappings", "O(N) where N is the total number of cluster nodes", "@slow"},
     run_cluster_shards},
    {{"cluster|nodes", kServer, 0, 2, kFlagStale, 0, 0, 0, "cluster", "3.0.0", "Get Cluster config for the node",
      "O(N) where N is the total number of Cluster nodes", "@slow"},
     run_cluster_nodes},
    {{"cluster|links", kServer, 0, 2, kFlagStale, 0, 0, 0, "cluster", "7.0.0",
      "Returns a list of all TCP links to and from peer nodes in cluster",
      "O(N) where N is the total number of Cluster nodes", "@slow"},
     run_cluster_links},
    {{"cluster|myid", kServer, 0, 2, kFlagStale, 0, 0, 0, "cluster", "3.0.0", "Return the node id", "O(1)", "@slow"},
     run_cluster_myid},
    {{"cluster|keyslot", kServer, 0, 3, kFlagStale, 0, 0, 0, "cluster", "3.0.0",
      "Returns the hash slot of the specified key", "O(N) where N is the number of bytes in the key", "@slow"},
     run_cluster_keyslot},
    {{"cluster|countkeysinslot", kServer, 0, 3, kFlagStale, 0, 0, 0, "cluster", "3.0.0",
      "Return the number of local keys in the specified hash slot", "O(1)", "@slow"},
     run_cluster_countkeysinslot},
    {{"cluster|getkeysinslot", kServer, 0, 4, kFlagStale, 0, 0, 0, "cluster", "3.0.0",
      "Return local key names in the specified hash slot", "O(log(N)) where N is the number of requested keys",
      "@slow"},
     run_cluster_getkeysinslot},
    {{"cluster|replicas", kServer, 0, 3, kFlagAdmin | kFlagStale, 0, 0, 0, "cluster", "5.0.0",
      "List replica nodes of the specified master node", "O(1)", "@admin @slow @dangerous"},
     run_cluster_replicas},
    {{"cluster|slaves", kServer, 0, 3, kFlagAdmin | kFlagStale, 0, 0, 0, "cluster", "3.0.0",
      "List replica nodes of the specified master node", "O(1)", "@admin @slow @dangerous"},
     run_cluster_replicas},
    {{"cluster|count-failure-reports", kServer, 0, 3, kFlagAdmin | kFlagStale, 0, 0, 0, "cluster", "3.0.0",
      "Return the number of failure reports active for a given node", "O(N) where N is the number of failure reports",
      "@admin @slow @dangerous"},
     run_cluster_count_failure_reports},
    {{"cluster|help", kServer, 0, 2, kFlagLoading | kFlagStale, 0, 0, 0, "cluster", "5.0.0",
      "Show helpful text about the different subcommands", "O(1)", "@slow"},
     run_cluster_help},
    {{"object|encoding", kRead, 0, 3, kFlagReadonly, 2, 2, 1, "generic", "2.2.3",
      "Inspect the internal encoding of a Redis object", "O(1)", "@keyspace @read @slow"},
     nullptr},
    {{"object|refcount", kRead, 0, 3, kFlagReadonly, 2, 2, 1, "generic", "2.2.3",
      "Get the number of references to the value of the key", "O(1)", "@keyspace @read @slow"},
     nullptr},
    {{"object|idletime", kRead, 0, 3, kFlagReadonly, 2, 2, 1, "generic", "2.2.3",
      "Get the time since a Redis object was last accessed", "O(1)", "@keyspace @read @slow"},
     nullptr},
    {{"object|freq", kRead, 0, 3, kFlagReadonly, 2, 2, 1, "generic", "4.0.0",
      "Get the logarithmic access frequency counter of a Redis object", "O(1)", "@keyspace @read @slow"},
     nullptr},
    {{"object|help", kRead, 0, 2, kFlagLoading | kFlagStale, 0, 0, 0, "generic", "6.2.0",
      "Show helpful text about the different subcommands", "O(1)", "@keyspace @slow"},
     nullptr},
    {{"memory|usage", kRead, 0, -3, kFlagReadonly, 2, 2, 1, "server", "4.0.0", "Estimate the memory usage of a key",
      "O(N) where N is the number of samples.", "@read @slow"},
     nullptr},
    {{"memory|doctor", kRead, 0, 2, 0, 0, 0, 0, "server", "4.0.0", "Outputs memory problems report", "O(1)", "@slow"},
     nullptr},
    {{"memory|stats", kRead, 0, 2, 0, 0, 0, 0, "server", "4.0.0", "Show memory usage details", "O(1)", "@slow"},
     nullptr},
    {{"memory|purge", kRead, 0, 2, 0, 0, 0, 0, "server", "4.0.0", "Ask the allocator to release memory",
      "Depends on how much memory is allocated, could be slow", "@slow"},
     nullptr},
    {{"memory|malloc-stats", kRead, 0, 2, 0, 0, 0, 0, "server", "4.0.0", "Show allocator internal stats",
      "Depends on how much memory is allocated, could be slow", "@slow"},
     nullptr},
    {{"memory|help", kRead, 0, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "4.0.0",
      "Show helpful text about the different subcommands", "O(1)", "@slow"},
     nullptr},
    {{"kvorum|slowlog", kServer, 0, -2, kFlagAdmin | kFlagLoading | kFlagStale, 0, 0, 0, "server", "7.0.0",
      "Get the stages in which the time of slow commands went", "O(N) where N is the number of entries returned",
      "@admin @slow @dangerous"},
     run_kvorum_slowlog},
    {{"kvorum|help", kServer, 0, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "7.0.0",
      "Show helpful text about the different subcommands", "O(1)", "@slow"},
     run_kvorum_help},
    {{"module|list", kServer, 0, 2, kFlagAdmin | kFlagNoScript, 0, 0, 0, "server", "4.0.0",
      "List all modules loaded by the server", "O(N) where N is the number of loaded modules.",
      "@admin @slow @dangerous"},
     run_module_list},
    {{"module|help", kServer, 0, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "5.0.0",
      "Show helpful text about the different subcommands", "O(1)", "@slow"},
     run_module_help},
    {{"acl|whoami", kServer, 0, 2, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server", "6.0.0",
      "Return the name of the user associated to the current connection", "O(1)", "@slow"},
     run_acl_whoami},
    {{"acl|help", kServer, 0, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "6.0.0",
      "Show helpful text about the different subcommands", "O(1)", "@slow"},
     run_acl_help},
});

constexpr bool is_row(uint16_t code, std::string_view name) {
    return kCommands[code - 1].spec.code == code && kCommands[code - 1].spec.name == name;
}
static_assert(is_row(kWaitCommand, "wait") && is_row(kQuitCommand, "quit") && is_row(kResetCommand, "reset"));
static_assert(is_row(kSelectCommand, "select") && is_row(kReadonlyCommand, "readonly"));
static_assert(is_row(kReadwriteCommand, "readwrite") && is_row(kMultiCommand, "multi"));
static_assert(is_row(kExecCommand, "exec") && is_row(kDiscardCommand, "discard"));
static_assert(is_row(kWatchCommand, "watch") && is_row(kUnwatchCommand, "unwatch"));

constexpr auto kCommandSpecs = [] {
    std::array<ops::CommandSpec, kCommands.size()> specs{};
    for (size_t i = 0; i < specs.size(); ++i)
        specs[i] = kCommands[i].spec;
    return specs;
}();

constexpr size_t kErrorArgumentBytesMax = 128;

// Redis prints names and arguments as C strings of at most 128 bytes.
std::string_view printable_start(std::string_view text, size_t bytes_max) {
    text = text.substr(0, bytes_max);
    return text.substr(0, text.find('\0'));
}

const ServerCommand* find_subcommand(std::string_view container, std::string_view name) {
    for (const ServerCommand& subcommand : subcommands_of(container)) {
        if (equals_ignore_case(subcommand.spec.name.substr(container.size() + 1), name)) return &subcommand;
    }
    return nullptr;
}

// Redis's "ERR unknown command 'x', with args beginning with: ..." line.
std::string unknown_command_error(std::span<const std::string_view> arguments) {
    std::string beginning;
    for (size_t i = 1; i < arguments.size() && beginning.size() < kErrorArgumentBytesMax; ++i)
        beginning += fmt::format("'{}' ", printable_start(arguments[i], kErrorArgumentBytesMax - beginning.size()));
    return fmt::format("ERR unknown command '{}', with args beginning with: {}",
                       printable_start(arguments[0], kErrorArgumentBytesMax), beginning);
}

// Asked for every command: without a search for names. A data command without a flag is one that has subcommands.
bool is_container(const ops::CommandSpec& spec) {
    if (spec.kind != kServer) return spec.flags == 0;
    static const auto kContainers = [] {
        std::array<bool, kCommands.size() + 1> containers{};
        for (const ServerCommand& command : kCommands)
            containers[command.spec.code] = !subcommands_of(command.spec.name).empty();
        return containers;
    }();
    return kContainers[spec.code];
}

std::string change_case(std::string_view text, int (*change)(int)) {
    std::string changed{text};
    std::transform(changed.begin(), changed.end(), changed.begin(),
                   [change](char c) { return static_cast<char>(change(static_cast<unsigned char>(c))); });
    return changed;
}

}  // namespace

std::string to_lower(std::string_view text) { return change_case(text, std::tolower); }
std::string to_upper(std::string_view text) { return change_case(text, std::toupper); }

std::span<const ops::CommandSpec> server_commands() { return kCommandSpecs; }

std::span<const ServerCommand> subcommands_of(std::string_view container) {
    const auto belongs = [container](const ServerCommand& row) {
        return row.spec.name.size() > container.size() && row.spec.name.starts_with(container) &&
               row.spec.name[container.size()] == '|';
    };
    const auto first = std::find_if(kSubcommands.begin(), kSubcommands.end(), belongs);
    const auto last = std::find_if_not(first, kSubcommands.end(), belongs);
    return {first, last};
}

const ops::CommandSpec* find_command(std::string_view name) {
    if (const ops::CommandSpec* spec = ops::find_data_command(name); spec != nullptr) return spec;
    for (const ops::CommandSpec& spec : kCommandSpecs) {
        if (equals_ignore_case(spec.name, name)) return &spec;
    }
    return nullptr;
}

const ops::CommandSpec* find_command_or_subcommand(std::string_view name) {
    for (const ServerCommand& subcommand : kSubcommands) {
        if (equals_ignore_case(subcommand.spec.name, name)) return &subcommand.spec;
    }
    return find_command(name);
}

NamedCommand find_named_command(std::span<const std::string_view> arguments) {
    NamedCommand named{.command = find_command(arguments[0])};
    if (named.command == nullptr) return named;
    named.called = named.command;
    if (arguments.size() > 1 && is_container(*named.command)) {
        const ServerCommand* subcommand = find_subcommand(named.command->name, arguments[1]);
        named.called = subcommand == nullptr ? nullptr : &subcommand->spec;
    }
    named.is_runnable = named.called != nullptr && ops::arity_fits(*named.command, arguments.size()) &&
                        ops::arity_fits(*named.called, arguments.size());
    return named;
}

std::string not_runnable_error(const NamedCommand& named, std::span<const std::string_view> arguments) {
    if (named.command == nullptr) return unknown_command_error(arguments);
    if (named.called == nullptr) {
        return fmt::format("ERR unknown subcommand '{}'. Try {} HELP.",
                           printable_start(arguments[1], kErrorArgumentBytesMax), to_upper(named.command->name));
    }
    return fmt::format("ERR wrong number of arguments for '{}' command", named.called->name);
}

// That there is one, and with so many arguments, was checked.
void run_subcommand(CommandContext& context) {
    const ServerCommand* subcommand = find_subcommand(to_lower(context.arguments[0]), context.arguments[1]);
    KVORUM_ASSERT(subcommand != nullptr, "{}", context.arguments[1]);
    subcommand->handler(context);
}

void execute_server_command(const ops::CommandSpec& spec, std::span<const std::string_view> arguments,
                            ClientState& client, NodeFacade& node, RespWriter& reply) {
    KVORUM_ASSERT(spec.kind == kServer && spec.code >= 1 && spec.code <= kCommands.size(), "{}", spec.name);
    const CommandHandler handler = kCommands[spec.code - 1].handler;
    KVORUM_ASSERT(handler != nullptr, "{} is the session's", spec.name);
    CommandContext context{arguments, client, node, reply};
    handler(context);
}

void reply_help(CommandContext& context, std::span<const std::string_view> lines) {
    context.reply.array(lines.size() + 3);
    context.reply.simple_string(
        fmt::format("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", to_upper(context.arguments[0])));
    for (const std::string_view line : lines)
        context.reply.simple_string(line);
    context.reply.simple_string("HELP");
    context.reply.simple_string("    Prints this help.");
}

std::string_view redis_role(const raft::Status& status) {
    return status.role == raft::Role::kLeader ? "master" : "slave";
}

const Member* known_leader(NodeFacade& node, const raft::Status& status) {
    return status.leader.is_none() ? nullptr : node.config().find_member(status.leader);
}

}  // namespace kvorum::redis
