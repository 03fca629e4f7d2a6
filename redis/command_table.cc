#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/text.h"
#include "redis/command_context.h"
#include "redis/command_table.h"

namespace kvorum::redis {
namespace {

using enum CommandFlags;

// As COMMAND INFO and COMMAND DOCS of Redis 7.0.15 tell it (CLIENT SETINFO and NO-TOUCH: of 7.2).
constexpr auto kCommands = std::to_array<CommandSpec>({
    {"wait", nullptr, nullptr, 3, kFlagNoScript, 0, 0, 0, "generic", "3.0.0",
     "Wait for the synchronous replication of all the write commands sent in the context of the current connection",
     "O(1)", "@slow @connection"},
    {"ping", nullptr, run_ping, -1, kFlagFast, 0, 0, 0, "connection", "1.0.0", "Ping the server", "O(1)",
     "@fast @connection"},
    {"echo", nullptr, run_echo, 2, kFlagLoading | kFlagStale | kFlagFast, 0, 0, 0, "connection", "1.0.0",
     "Echo the given string", "O(1)", "@fast @connection"},
    {"quit", nullptr, run_quit, -1,
     kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagNoAuth | kFlagAllowBusy, 0, 0, 0, "connection",
     "1.0.0", "Close the connection", "O(1)", "@fast @connection"},
    {"reset", nullptr, run_reset, 1,
     kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagNoAuth | kFlagAllowBusy, 0, 0, 0, "connection",
     "6.2.0", "Reset the connection", "O(1)", "@fast @connection"},
    {"hello", nullptr, run_hello, -1,
     kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagNoAuth | kFlagAllowBusy, 0, 0, 0, "connection",
     "6.0.0", "Handshake with Redis", "O(1)", "@fast @connection"},
    {"auth", nullptr, run_auth, -2,
     kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagNoAuth | kFlagAllowBusy, 0, 0, 0, "connection",
     "1.0.0", "Authenticate to the server", "O(N) where N is the number of passwords defined for the user",
     "@fast @connection"},
    {"select", nullptr, run_select, 2, kFlagLoading | kFlagStale | kFlagFast, 0, 0, 0, "connection", "1.0.0",
     "Change the selected database for the current connection", "O(1)", "@fast @connection"},
    {"client", nullptr, run_subcommand, -2, 0, 0, 0, 0, "connection", "2.4.0",
     "A container for client connection commands", "Depends on subcommand.", "@slow"},
    {"command", nullptr, run_command, -1, kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.8.13",
     "Get array of Redis command details", "O(N) where N is the total number of Redis commands", "@slow @connection"},
    {"info", nullptr, run_info, -1, kFlagLoading | kFlagStale, 0, 0, 0, "server", "1.0.0",
     "Get information and statistics about the server", "O(1)", "@slow @dangerous"},
    {"config", nullptr, run_subcommand, -2, 0, 0, 0, 0, "server", "2.0.0",
     "A container for server configuration commands", "Depends on subcommand.", "@slow"},
    {"time", nullptr, run_time, 1, kFlagLoading | kFlagStale | kFlagFast, 0, 0, 0, "server", "2.6.0",
     "Return the current server time", "O(1)", "@fast"},
    {"role", nullptr, run_role, 1, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast, 0, 0, 0, "server", "2.8.12",
     "Return the role of the instance in the context of replication", "O(1)", "@admin @fast @dangerous"},
    {"cluster", nullptr, run_subcommand, -2, 0, 0, 0, 0, "cluster", "3.0.0", "A container for cluster commands",
     "Depends on subcommand.", "@slow"},
    {"readonly", nullptr, run_readonly, 1, kFlagLoading | kFlagStale | kFlagFast, 0, 0, 0, "cluster", "3.0.0",
     "Enables read queries for a connection to a cluster replica node", "O(1)", "@fast @connection"},
    {"readwrite", nullptr, run_readwrite, 1, kFlagLoading | kFlagStale | kFlagFast, 0, 0, 0, "cluster", "3.0.0",
     "Disables read queries for a connection to a cluster replica node", "O(1)", "@fast @connection"},
    {"asking", nullptr, run_asking, 1, kFlagFast, 0, 0, 0, "cluster", "3.0.0",
     "Sent by cluster clients after an -ASK redirect", "O(1)", "@fast @connection"},
    {"lolwut", nullptr, run_lolwut, -1, kFlagReadonly | kFlagFast, 0, 0, 0, "server", "5.0.0",
     "Display some computer art and the Redis version", "", "@read @fast"},
    {"module", nullptr, run_subcommand, -2, 0, 0, 0, 0, "server", "4.0.0", "A container for module commands",
     "Depends on subcommand.", "@slow"},
    {"acl", nullptr, run_subcommand, -2, 0, 0, 0, 0, "server", "6.0.0", "A container for Access List Control commands ",
     "Depends on subcommand.", "@slow"},
    {"latency", nullptr, run_subcommand, -2, 0, 0, 0, 0, "server", "2.8.13",
     "A container for latency diagnostics commands", "Depends on subcommand.", "@slow"},
    {"slowlog", nullptr, run_subcommand, -2, 0, 0, 0, 0, "server", "2.2.12", "A container for slow log commands",
     "Depends on subcommand.", "@slow"},
    {"multi", nullptr, nullptr, 1, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagAllowBusy, 0, 0, 0,
     "transactions", "1.2.0", "Mark the start of a transaction block", "O(1)", "@fast @transaction"},
    {"exec", nullptr, nullptr, 1, kFlagNoScript | kFlagLoading | kFlagStale | kFlagSkipSlowlog, 0, 0, 0, "transactions",
     "1.2.0", "Execute all commands issued after MULTI", "Depends on commands in the transaction",
     "@slow @transaction"},
    {"discard", nullptr, nullptr, 1, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagAllowBusy, 0, 0, 0,
     "transactions", "2.0.0", "Discard all commands issued after MULTI",
     "O(N), when N is the number of queued commands", "@fast @transaction"},
    {"watch", nullptr, nullptr, -2, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagAllowBusy, 1, -1, 1,
     "transactions", "2.2.0", "Watch the given keys to determine execution of the MULTI/EXEC block",
     "O(1) for every key.", "@fast @transaction"},
    {"unwatch", nullptr, nullptr, 1, kFlagNoScript | kFlagLoading | kFlagStale | kFlagFast | kFlagAllowBusy, 0, 0, 0,
     "transactions", "2.2.0", "Forget about all watched keys", "O(1)", "@fast @transaction"},
    {"kvorum", nullptr, run_subcommand, -2, 0, 0, 0, 0, "server", "7.0.0",
     "A container for commands that Redis does not have", "Depends on subcommand.", "@slow"},
    {"monitor", nullptr, run_monitor, 1, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server",
     "1.0.0", "Listen for all requests received by the server in real time", "", "@admin @slow @dangerous"},
    {"bgsave", nullptr, run_bgsave, -1, kFlagAdmin | kFlagNoScript | kFlagNoAsyncLoading, 0, 0, 0, "server", "1.0.0",
     "Asynchronously save the dataset to disk", "O(1)", "@admin @slow @dangerous"},
    {"lastsave", nullptr, run_lastsave, 1, kFlagLoading | kFlagStale | kFlagFast, 0, 0, 0, "server", "1.0.0",
     "Get the UNIX time stamp of the last successful save to disk", "O(1)", "@admin @fast @dangerous"},
});

// Those of data commands have no handler: what carries the command out knows them.
constexpr auto kSubcommands = std::to_array<CommandSpec>({
    {"client|id", nullptr, run_client_id, 2, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection", "5.0.0",
     "Returns the client ID for the current connection", "O(1)", "@slow @connection"},
    {"client|getname", nullptr, run_client_getname, 2, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection",
     "2.6.9", "Get the current connection name", "O(1)", "@slow @connection"},
    {"client|setname", nullptr, run_client_setname, 3, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection",
     "2.6.9", "Set the current connection name", "O(1)", "@slow @connection"},
    {"client|setinfo", nullptr, run_client_setinfo, 4, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection",
     "7.2.0", "Sets information specific to the client or connection.", "O(1)", "@slow @connection"},
    {"client|info", nullptr, run_client_info, 2, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection",
     "6.2.0", "Returns information about the current client connection.", "O(1)", "@slow @connection"},
    {"client|list", nullptr, run_client_list, -2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "connection", "2.4.0", "Get the list of client connections", "O(N) where N is the number of client connections",
     "@admin @slow @dangerous @connection"},
    {"client|kill", nullptr, run_client_kill, -3, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "connection", "2.4.0", "Kill the connection of a client", "O(N) where N is the number of client connections",
     "@admin @slow @dangerous @connection"},
    {"client|pause", nullptr, run_client_pause, -3, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "connection", "2.9.50", "Stop processing commands from clients for some time", "O(1)",
     "@admin @slow @dangerous @connection"},
    {"client|unpause", nullptr, run_client_unpause, 2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "connection", "6.2.0", "Resume processing of clients that were paused",
     "O(N) Where N is the number of paused clients", "@admin @slow @dangerous @connection"},
    {"client|no-evict", nullptr, run_client_no_evict, 3, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0,
     0, "connection", "7.0.0", "Set client eviction mode for the current connection", "O(1)",
     "@admin @slow @dangerous @connection"},
    {"client|no-touch", nullptr, run_client_no_touch, 3, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "connection", "7.2.0", "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.", "O(1)",
     "@slow @connection"},
    {"client|reply", nullptr, run_client_reply, 3, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection",
     "3.2.0", "Instruct the server whether to reply to commands", "O(1)", "@slow @connection"},
    {"client|consistency", nullptr, run_client_consistency, -2, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "connection", "7.0.0", "Set how old the state may be that reads of this connection are answered from", "O(1)",
     "@slow @connection"},
    {"client|tracking", nullptr, run_client_tracking, -3, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "connection", "6.0.0", "Enable or disable server assisted client side caching support",
     "O(1). Some options may introduce additional complexity.", "@slow @connection"},
    {"client|trackinginfo", nullptr, run_client_trackinginfo, 2, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "connection", "6.2.0", "Return information about server assisted client side caching for the current connection",
     "O(1)", "@slow @connection"},
    {"client|caching", nullptr, run_client_caching, 3, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "connection",
     "6.0.0", "Instruct the server about tracking or not keys in the next request", "O(1)", "@slow @connection"},
    {"client|getredir", nullptr, run_client_getredir, 2, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "connection", "6.0.0", "Get tracking notifications redirection client ID if any", "O(1)", "@slow @connection"},
    {"client|help", nullptr, run_client_help, 2, kFlagLoading | kFlagStale, 0, 0, 0, "connection", "5.0.0",
     "Show helpful text about the different subcommands", "O(1)", "@slow @connection"},
    {"command|count", nullptr, run_command_count, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.8.13",
     "Get total number of Redis commands", "O(1)", "@slow @connection"},
    {"command|info", nullptr, run_command_info, -2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.8.13",
     "Get array of specific Redis command details, or all when no argument is given.",
     "O(N) where N is the number of commands to look up", "@slow @connection"},
    {"command|docs", nullptr, run_command_docs, -2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "7.0.0",
     "Get array of specific Redis command documentation", "O(N) where N is the number of commands to look up",
     "@slow @connection"},
    {"command|list", nullptr, run_command_list, -2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "7.0.0",
     "Get an array of Redis command names", "O(N) where N is the total number of Redis commands", "@slow @connection"},
    {"command|getkeys", nullptr, run_command_getkeys, -4, kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.8.13",
     "Extract keys given a full Redis command", "O(N) where N is the number of arguments to the command",
     "@slow @connection"},
    {"command|getkeysandflags", nullptr, run_command_getkeysandflags, -4, kFlagLoading | kFlagStale, 0, 0, 0, "server",
     "7.0.0", "Extract keys and access flags given a full Redis command",
     "O(N) where N is the number of arguments to the command", "@slow @connection"},
    {"command|help", nullptr, run_command_help, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "5.0.0",
     "Show helpful text about the different subcommands", "O(1)", "@slow @connection"},
    {"config|get", nullptr, run_config_get, -3, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "server", "2.0.0", "Get the values of configuration parameters",
     "O(N) when N is the number of configuration parameters provided", "@admin @slow @dangerous"},
    {"config|set", nullptr, run_config_set, -4, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "server", "2.0.0", "Set configuration parameters to the given values",
     "O(N) when N is the number of configuration parameters provided", "@admin @slow @dangerous"},
    {"config|resetstat", nullptr, run_config_resetstat, 2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0,
     0, "server", "2.0.0", "Reset the stats returned by INFO", "O(1)", "@admin @slow @dangerous"},
    {"config|rewrite", nullptr, run_config_rewrite, 2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "server", "2.8.0", "Rewrite the configuration file with the in memory configuration", "O(1)",
     "@admin @slow @dangerous"},
    {"config|help", nullptr, run_config_help, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "5.0.0",
     "Show helpful text about the different subcommands", "O(1)", "@slow"},
    {"latency|latest", nullptr, run_latency_latest, 2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "server", "2.8.13", "Return the latest latency samples for all events.", "O(1)", "@admin @slow @dangerous"},
    {"latency|history", nullptr, run_latency_history, 3, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0,
     0, "server", "2.8.13", "Return timestamp-latency samples for the event.", "O(1)", "@admin @slow @dangerous"},
    {"latency|reset", nullptr, run_latency_reset, -2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "server", "2.8.13", "Reset latency data for one or more events.", "O(1)", "@admin @slow @dangerous"},
    {"latency|graph", nullptr, run_latency_graph, 3, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "server", "2.8.13", "Return a latency graph for the event.", "O(1)", "@admin @slow @dangerous"},
    {"latency|doctor", nullptr, run_latency_doctor, 2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0,
     "server", "2.8.13", "Return a human readable latency analysis report.", "O(1)", "@admin @slow @dangerous"},
    {"latency|histogram", nullptr, run_latency_histogram, -2, kFlagAdmin | kFlagNoScript | kFlagLoading | kFlagStale, 0,
     0, 0, "server", "7.0.0", "Return the cumulative distribution of latencies of a subset of commands or all.",
     "O(N) where N is the number of commands with latency information being retrieved.", "@admin @slow @dangerous"},
    {"latency|help", nullptr, run_latency_help, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.8.13",
     "Show helpful text about the different subcommands.", "O(1)", "@slow"},
    {"slowlog|get", nullptr, run_slowlog_get, -2, kFlagAdmin | kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.2.12",
     "Get the slow log's entries", "O(N) where N is the number of entries returned", "@admin @slow @dangerous"},
    {"slowlog|len", nullptr, run_slowlog_len, 2, kFlagAdmin | kFlagLoading | kFlagStale, 0, 0, 0, "server", "2.2.12",
     "Get the slow log's length", "O(1)", "@admin @slow @dangerous"},
    {"slowlog|reset", nullptr, run_slowlog_reset, 2, kFlagAdmin | kFlagLoading | kFlagStale, 0, 0, 0, "server",
     "2.2.12", "Clear all entries from the slow log", "O(N) where N is the number of entries in the slowlog",
     "@admin @slow @dangerous"},
    {"slowlog|help", nullptr, run_slowlog_help, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "6.2.0",
     "Show helpful text about the different subcommands", "O(1)", "@slow"},
    {"cluster|info", nullptr, run_cluster_info, 2, kFlagStale, 0, 0, 0, "cluster", "3.0.0",
     "Provides info about Redis Cluster node state", "O(1)", "@slow"},
    {"cluster|slots", nullptr, run_cluster_slots, 2, kFlagStale, 0, 0, 0, "cluster", "3.0.0",
     "Get array of Cluster slot to node mappings", "O(N) where N is the total number of Cluster nodes", "@slow"},
    {"cluster|shards", nullptr, run_cluster_shards, 2, kFlagStale, 0, 0, 0, "cluster", "7.0.0",
     "Get array of cluster slots to node mappings", "O(N) where N is the total number of cluster nodes", "@slow"},
    {"cluster|nodes", nullptr, run_cluster_nodes, 2, kFlagStale, 0, 0, 0, "cluster", "3.0.0",
     "Get Cluster config for the node", "O(N) where N is the total number of Cluster nodes", "@slow"},
    {"cluster|links", nullptr, run_cluster_links, 2, kFlagStale, 0, 0, 0, "cluster", "7.0.0",
     "Returns a list of all TCP links to and from peer nodes in cluster",
     "O(N) where N is the total number of Cluster nodes", "@slow"},
    {"cluster|myid", nullptr, run_cluster_myid, 2, kFlagStale, 0, 0, 0, "cluster", "3.0.0", "Return the node id",
     "O(1)", "@slow"},
    {"cluster|keyslot", nullptr, run_cluster_keyslot, 3, kFlagStale, 0, 0, 0, "cluster", "3.0.0",
     "Returns the hash slot of the specified key", "O(N) where N is the number of bytes in the key", "@slow"},
    {"cluster|countkeysinslot", nullptr, run_cluster_countkeysinslot, 3, kFlagStale, 0, 0, 0, "cluster", "3.0.0",
     "Return the number of local keys in the specified hash slot", "O(1)", "@slow"},
    {"cluster|getkeysinslot", nullptr, run_cluster_getkeysinslot, 4, kFlagStale, 0, 0, 0, "cluster", "3.0.0",
     "Return local key names in the specified hash slot", "O(log(N)) where N is the number of requested keys", "@slow"},
    {"cluster|replicas", nullptr, run_cluster_replicas, 3, kFlagAdmin | kFlagStale, 0, 0, 0, "cluster", "5.0.0",
     "List replica nodes of the specified master node", "O(1)", "@admin @slow @dangerous"},
    {"cluster|slaves", nullptr, run_cluster_replicas, 3, kFlagAdmin | kFlagStale, 0, 0, 0, "cluster", "3.0.0",
     "List replica nodes of the specified master node", "O(1)", "@admin @slow @dangerous"},
    {"cluster|count-failure-reports", nullptr, run_cluster_count_failure_reports, 3, kFlagAdmin | kFlagStale, 0, 0, 0,
     "cluster", "3.0.0", "Return the number of failure reports active for a given node",
     "O(N) where N is the number of failure reports", "@admin @slow @dangerous"},
    {"cluster|help", nullptr, run_cluster_help, 2, kFlagLoading | kFlagStale, 0, 0, 0, "cluster", "5.0.0",
     "Show helpful text about the different subcommands", "O(1)", "@slow"},
    {"object|encoding", nullptr, nullptr, 3, kFlagReadonly, 2, 2, 1, "generic", "2.2.3",
     "Inspect the internal encoding of a Redis object", "O(1)", "@keyspace @read @slow"},
    {"object|refcount", nullptr, nullptr, 3, kFlagReadonly, 2, 2, 1, "generic", "2.2.3",
     "Get the number of references to the value of the key", "O(1)", "@keyspace @read @slow"},
    {"object|idletime", nullptr, nullptr, 3, kFlagReadonly, 2, 2, 1, "generic", "2.2.3",
     "Get the time since a Redis object was last accessed", "O(1)", "@keyspace @read @slow"},
    {"object|freq", nullptr, nullptr, 3, kFlagReadonly, 2, 2, 1, "generic", "4.0.0",
     "Get the logarithmic access frequency counter of a Redis object", "O(1)", "@keyspace @read @slow"},
    {"object|help", nullptr, nullptr, 2, kFlagLoading | kFlagStale, 0, 0, 0, "generic", "6.2.0",
     "Show helpful text about the different subcommands", "O(1)", "@keyspace @slow"},
    {"memory|usage", nullptr, nullptr, -3, kFlagReadonly, 2, 2, 1, "server", "4.0.0",
     "Estimate the memory usage of a key", "O(N) where N is the number of samples.", "@read @slow"},
    {"memory|doctor", nullptr, nullptr, 2, 0, 0, 0, 0, "server", "4.0.0", "Outputs memory problems report", "O(1)",
     "@slow"},
    {"memory|stats", nullptr, nullptr, 2, 0, 0, 0, 0, "server", "4.0.0", "Show memory usage details", "O(1)", "@slow"},
    {"memory|purge", nullptr, nullptr, 2, 0, 0, 0, 0, "server", "4.0.0", "Ask the allocator to release memory",
     "Depends on how much memory is allocated, could be slow", "@slow"},
    {"memory|malloc-stats", nullptr, nullptr, 2, 0, 0, 0, 0, "server", "4.0.0", "Show allocator internal stats",
     "Depends on how much memory is allocated, could be slow", "@slow"},
    {"memory|help", nullptr, nullptr, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "4.0.0",
     "Show helpful text about the different subcommands", "O(1)", "@slow"},
    {"kvorum|slowlog", nullptr, run_kvorum_slowlog, -2, kFlagAdmin | kFlagLoading | kFlagStale, 0, 0, 0, "server",
     "7.0.0", "Get the stages in which the time of slow commands went",
     "O(N) where N is the number of entries returned", "@admin @slow @dangerous"},
    {"kvorum|leader", nullptr, run_kvorum_leader, -3, kFlagAdmin | kFlagNoScript, 0, 0, 0, "server", "7.0.0",
     "Hand the leadership over to another node", "O(1)", "@admin @slow @dangerous"},
    {"kvorum|help", nullptr, run_kvorum_help, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "7.0.0",
     "Show helpful text about the different subcommands", "O(1)", "@slow"},
    {"module|list", nullptr, run_module_list, 2, kFlagAdmin | kFlagNoScript, 0, 0, 0, "server", "4.0.0",
     "List all modules loaded by the server", "O(N) where N is the number of loaded modules.",
     "@admin @slow @dangerous"},
    {"module|help", nullptr, run_module_help, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "5.0.0",
     "Show helpful text about the different subcommands", "O(1)", "@slow"},
    {"acl|whoami", nullptr, run_acl_whoami, 2, kFlagNoScript | kFlagLoading | kFlagStale, 0, 0, 0, "server", "6.0.0",
     "Return the name of the user associated to the current connection", "O(1)", "@slow"},
    {"acl|help", nullptr, run_acl_help, 2, kFlagLoading | kFlagStale, 0, 0, 0, "server", "6.0.0",
     "Show helpful text about the different subcommands", "O(1)", "@slow"},
});

constexpr bool is_row(uint16_t code, std::string_view name) { return kCommands[code - 1].name == name; }
static_assert(is_row(kWaitCommand, "wait") && is_row(kQuitCommand, "quit") && is_row(kResetCommand, "reset"));
static_assert(is_row(kSelectCommand, "select") && is_row(kReadonlyCommand, "readonly"));
static_assert(is_row(kClientCommand, "client"));
static_assert(is_row(kReadwriteCommand, "readwrite") && is_row(kMultiCommand, "multi"));
static_assert(is_row(kExecCommand, "exec") && is_row(kDiscardCommand, "discard"));
static_assert(is_row(kWatchCommand, "watch") && is_row(kUnwatchCommand, "unwatch"));

constexpr size_t kErrorArgumentBytesMax = 128;

// Redis prints names and arguments as C strings of at most 128 bytes.
std::string_view printable_start(std::string_view text, size_t bytes_max) {
    text = text.substr(0, bytes_max);
    return text.substr(0, text.find('\0'));
}

const CommandSpec* find_subcommand(std::string_view container, std::string_view name) {
    for (const CommandSpec& subcommand : subcommands_of(container)) {
        if (equals_ignore_case(subcommand.name.substr(container.size() + 1), name)) return &subcommand;
    }
    return nullptr;
}

constexpr gateway::CommandKind kind_of(uint16_t server_code) {
    return server_code == kWaitCommand ? gateway::CommandKind::kWait : gateway::CommandKind::kLocal;
}

constexpr auto kGatewayCommands = [] {
    std::array<gateway::Command, kCommands.size()> commands{};
    for (size_t i = 0; i < kCommands.size(); ++i) {
        const auto code = static_cast<uint16_t>(i + 1);
        commands[i] = kCommands[i].for_gateway(kind_of(code), nullptr, code);
    }
    return commands;
}();

std::array<gateway::Command, kSubcommands.size()> make_gateway_subcommands() {
    std::array<gateway::Command, kSubcommands.size()> commands{};
    for (size_t i = 0; i < kSubcommands.size(); ++i) {
        const std::string_view name = kSubcommands[i].name;
        const CommandSpec& container = *find_command(name.substr(0, name.find('|')));
        const gateway::Command& carrier = gateway_command({&container, &container, true});
        commands[i] = kSubcommands[i].for_gateway(carrier.kind, carrier.operation, carrier.local_code);
    }
    return commands;
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
bool is_container(const CommandSpec& spec) {
    if (spec.operation != nullptr) return spec.flags == 0;
    static const auto kContainers = [] {
        std::array<bool, kCommands.size() + 1> containers{};
        for (const CommandSpec& command : kCommands)
            containers[server_code_of(command)] = !subcommands_of(command.name).empty();
        return containers;
    }();
    return kContainers[server_code_of(spec)];
}

}  // namespace

std::span<const CommandSpec> server_commands() { return kCommands; }

uint16_t server_code_of(const CommandSpec& command) {
    if (command.operation != nullptr) return 0;
    const auto code = static_cast<size_t>(&command - kCommands.data()) + 1;
    KVORUM_ASSERT(code <= kCommands.size(), "{} is a subcommand", command.name);
    return static_cast<uint16_t>(code);
}

std::span<const CommandSpec> subcommands_of(std::string_view container) {
    const auto belongs = [container](const CommandSpec& row) {
        return row.name.size() > container.size() && row.name.starts_with(container) &&
               row.name[container.size()] == '|';
    };
    const auto first = std::find_if(kSubcommands.begin(), kSubcommands.end(), belongs);
    const auto last = std::find_if_not(first, kSubcommands.end(), belongs);
    return {first, last};
}

const CommandSpec* find_command(std::string_view name) {
    if (const CommandSpec* spec = find_data_command(name); spec != nullptr) return spec;
    for (const CommandSpec& spec : kCommands) {
        if (equals_ignore_case(spec.name, name)) return &spec;
    }
    return nullptr;
}

const CommandSpec* find_command_or_subcommand(std::string_view name) {
    for (const CommandSpec& subcommand : kSubcommands) {
        if (equals_ignore_case(subcommand.name, name)) return &subcommand;
    }
    return find_command(name);
}

NamedCommand find_named_command(std::span<const std::string_view> arguments) {
    NamedCommand named{.command = find_command(arguments[0])};
    if (named.command == nullptr) return named;
    named.called = named.command;
    if (arguments.size() > 1 && is_container(*named.command)) {
        const CommandSpec* subcommand = find_subcommand(named.command->name, arguments[1]);
        named.called = subcommand;
    }
    named.is_runnable =
        named.called != nullptr && named.command->takes(arguments.size()) && named.called->takes(arguments.size());
    return named;
}

const gateway::Command& gateway_command(const NamedCommand& named) {
    if (named.called == nullptr) return gateway::kUnknownCommand;
    if (named.called != named.command) {
        static const auto kGatewaySubcommands = make_gateway_subcommands();
        return kGatewaySubcommands[static_cast<size_t>(named.called - kSubcommands.data())];
    }
    if (named.command->operation != nullptr) return gateway_command_of(*named.command);
    return kGatewayCommands[server_code_of(*named.command) - size_t{1}];
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
    const CommandSpec* subcommand = find_subcommand(to_lower(context.arguments[0]), context.arguments[1]);
    KVORUM_ASSERT(subcommand != nullptr, "{}", context.arguments[1]);
    subcommand->handler(context);
}

void execute_server_command(const CommandSpec& command, std::span<const std::string_view> arguments,
                            ClientState& client, NodeFacade& node, RespWriter& reply) {
    KVORUM_ASSERT(command.handler != nullptr, "{} is carried out elsewhere", command.name);
    CommandContext context{arguments, client, node, reply};
    command.handler(context);
}

void reply_help(CommandContext& context, std::span<const std::string_view> lines) {
    context.reply.list(lines.size() + 3);
    context.reply.status(
        fmt::format("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", to_upper(context.arguments[0])));
    for (const std::string_view line : lines)
        context.reply.status(line);
    context.reply.status("HELP");
    context.reply.status("    Prints this help.");
}

std::string_view redis_role(const raft::Status& status) {
    return status.role == raft::Role::kLeader ? "master" : "slave";
}

const Member* known_leader(NodeFacade& node, const raft::Status& status) {
    return status.leader.is_none() ? nullptr : node.config().find_member(status.leader);
}

}  // namespace kvorum::redis
