// The commands on the state, as Redis tells of them, and how they are found by their names.
#include <array>
#include <cstddef>

#include "redis/command_table.h"

namespace kvorum::redis {
namespace {

using enum CommandFlags;
using enum ops::OperationCode;
using ops::operation_of;

// As COMMAND INFO and COMMAND DOCS of Redis 7.0.15 tell it; tests/redis/redis_equality_test.cc compares the two.
constexpr auto kCommands = std::to_array<CommandSpec>({
    {"get", &operation_of(kGet), nullptr, 2, kFlagReadonly | kFlagFast, 1, 1, 1, "string", "1.0.0",
     "Get the value of a key", "O(1)", "@read @string @fast"},
    {"set", &operation_of(kSet), nullptr, -3, kFlagWrite | kFlagDenyOom, 1, 1, 1, "string", "1.0.0",
     "Set the string value of a key", "O(1)", "@write @string @slow"},
    {"setnx", &operation_of(kSetnx), nullptr, 3, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1, "string", "1.0.0",
     "Set the value of a key, only if the key does not exist", "O(1)", "@write @string @fast"},
    {"setex", &operation_of(kSetex), nullptr, 4, kFlagWrite | kFlagDenyOom, 1, 1, 1, "string", "2.0.0",
     "Set the value and expiration of a key", "O(1)", "@write @string @slow"},
    {"psetex", &operation_of(kPsetex), nullptr, 4, kFlagWrite | kFlagDenyOom, 1, 1, 1, "string", "2.6.0",
     "Set the value and expiration in milliseconds of a key", "O(1)", "@write @string @slow"},
    {"getset", &operation_of(kGetset), nullptr, 3, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1, "string", "1.0.0",
     "Set the string value of a key and return its old value", "O(1)", "@write @string @fast"},
    {"getdel", &operation_of(kGetdel), nullptr, 2, kFlagWrite | kFlagFast, 1, 1, 1, "string", "6.2.0",
     "Get the value of a key and delete the key", "O(1)", "@write @string @fast"},
    {"getex", &operation_of(kGetex), nullptr, -2, kFlagWrite | kFlagFast, 1, 1, 1, "string", "6.2.0",
     "Get the value of a key and optionally set its expiration", "O(1)", "@write @string @fast"},
    {"mget", &operation_of(kMget), nullptr, -2, kFlagReadonly | kFlagFast, 1, -1, 1, "string", "1.0.0",
     "Get the values of all the given keys", "O(N) where N is the number of keys to retrieve.", "@read @string @fast"},
    {"mset", &operation_of(kMset), nullptr, -3, kFlagWrite | kFlagDenyOom, 1, -1, 2, "string", "1.0.1",
     "Set multiple keys to multiple values", "O(N) where N is the number of keys to set.", "@write @string @slow"},
    {"msetnx", &operation_of(kMsetnx), nullptr, -3, kFlagWrite | kFlagDenyOom, 1, -1, 2, "string", "1.0.1",
     "Set multiple keys to multiple values, only if none of the keys exist",
     "O(N) where N is the number of keys to set.", "@write @string @slow"},
    {"append", &operation_of(kAppend), nullptr, 3, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1, "string", "2.0.0",
     "Append a value to a key",
     "O(1). The amortized time complexity is O(1) assuming the appended value is small and the "
     "already present value is of any size, since the dynamic string library used by Redis will "
     "double the free space available on every reallocation.",
     "@write @string @fast"},
    {"strlen", &operation_of(kStrlen), nullptr, 2, kFlagReadonly | kFlagFast, 1, 1, 1, "string", "2.2.0",
     "Get the length of the value stored in a key", "O(1)", "@read @string @fast"},
    {"getrange", &operation_of(kGetrange), nullptr, 4, kFlagReadonly, 1, 1, 1, "string", "2.4.0",
     "Get a substring of the string stored at a key",
     "O(N) where N is the length of the returned string. The complexity is ultimately determined"
     " by the returned length, but because creating a substring from an existing string is very "
     "cheap, it can be considered O(1) for small strings.",
     "@read @string @slow"},
    {"substr", &operation_of(kSubstr), nullptr, 4, kFlagReadonly, 1, 1, 1, "string", "1.0.0",
     "Get a substring of the string stored at a key",
     "O(N) where N is the length of the returned string. The complexity is ultimately determined"
     " by the returned length, but because creating a substring from an existing string is very "
     "cheap, it can be considered O(1) for small strings.",
     "@read @string @slow"},
    {"setrange", &operation_of(kSetrange), nullptr, 4, kFlagWrite | kFlagDenyOom, 1, 1, 1, "string", "2.2.0",
     "Overwrite part of a string at key starting at the specified offset",
     "O(1), not counting the time taken to copy the new string in place. Usually, this string is"
     " very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M "
     "being the length of the value argument.",
     "@write @string @slow"},
    {"incr", &operation_of(kIncr), nullptr, 2, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1, "string", "1.0.0",
     "Increment the integer value of a key by one", "O(1)", "@write @string @fast"},
    {"decr", &operation_of(kDecr), nullptr, 2, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1, "string", "1.0.0",
     "Decrement the integer value of a key by one", "O(1)", "@write @string @fast"},
    {"incrby", &operation_of(kIncrby), nullptr, 3, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1, "string", "1.0.0",
     "Increment the integer value of a key by the given amount", "O(1)", "@write @string @fast"},
    {"decrby", &operation_of(kDecrby), nullptr, 3, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1, "string", "1.0.0",
     "Decrement the integer value of a key by the given number", "O(1)", "@write @string @fast"},
    {"incrbyfloat", &operation_of(kIncrbyfloat), nullptr, 3, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1, "string",
     "2.6.0", "Increment the float value of a key by the given amount", "O(1)", "@write @string @fast"},
    {"del", &operation_of(kDel), nullptr, -2, kFlagWrite, 1, -1, 1, "generic", "1.0.0", "Delete a key",
     "O(N) where N is the number of keys that will be removed. When a key to remove holds a "
     "value other than a string, the individual complexity for this key is O(M) where M is the "
     "number of elements in the list, set, sorted set or hash. Removing a single key that holds "
     "a string value is O(1).",
     "@keyspace @write @slow"},
    {"unlink", &operation_of(kUnlink), nullptr, -2, kFlagWrite | kFlagFast, 1, -1, 1, "generic", "4.0.0",
     "Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non "
     "blocking.",
     "O(1) for each key removed regardless of its size. Then the command does O(N) work in a "
     "different thread in order to reclaim memory, where N is the number of allocations the "
     "deleted objects where composed of.",
     "@keyspace @write @fast"},
    {"exists", &operation_of(kExists), nullptr, -2, kFlagReadonly | kFlagFast, 1, -1, 1, "generic", "1.0.0",
     "Determine if a key exists", "O(N) where N is the number of keys to check.", "@keyspace @read @fast"},
    {"type", &operation_of(kType), nullptr, 2, kFlagReadonly | kFlagFast, 1, 1, 1, "generic", "1.0.0",
     "Determine the type stored at key", "O(1)", "@keyspace @read @fast"},
    {"expire", &operation_of(kExpire), nullptr, -3, kFlagWrite | kFlagFast, 1, 1, 1, "generic", "1.0.0",
     "Set a key's time to live in seconds", "O(1)", "@keyspace @write @fast"},
    {"pexpire", &operation_of(kPexpire), nullptr, -3, kFlagWrite | kFlagFast, 1, 1, 1, "generic", "2.6.0",
     "Set a key's time to live in milliseconds", "O(1)", "@keyspace @write @fast"},
    {"expireat", &operation_of(kExpireat), nullptr, -3, kFlagWrite | kFlagFast, 1, 1, 1, "generic", "1.2.0",
     "Set the expiration for a key as a UNIX timestamp", "O(1)", "@keyspace @write @fast"},
    {"pexpireat", &operation_of(kPexpireat), nullptr, -3, kFlagWrite | kFlagFast, 1, 1, 1, "generic", "2.6.0",
     "Set the expiration for a key as a UNIX timestamp specified in milliseconds", "O(1)", "@keyspace @write @fast"},
    {"ttl", &operation_of(kTtl), nullptr, 2, kFlagReadonly | kFlagFast, 1, 1, 1, "generic", "1.0.0",
     "Get the time to live for a key in seconds", "O(1)", "@keyspace @read @fast"},
    {"pttl", &operation_of(kPttl), nullptr, 2, kFlagReadonly | kFlagFast, 1, 1, 1, "generic", "2.6.0",
     "Get the time to live for a key in milliseconds", "O(1)", "@keyspace @read @fast"},
    {"expiretime", &operation_of(kExpiretime), nullptr, 2, kFlagReadonly | kFlagFast, 1, 1, 1, "generic", "7.0.0",
     "Get the expiration Unix timestamp for a key", "O(1)", "@keyspace @read @fast"},
    {"pexpiretime", &operation_of(kPexpiretime), nullptr, 2, kFlagReadonly | kFlagFast, 1, 1, 1, "generic", "7.0.0",
     "Get the expiration Unix timestamp for a key in milliseconds", "O(1)", "@keyspace @read @fast"},
    {"persist", &operation_of(kPersist), nullptr, 2, kFlagWrite | kFlagFast, 1, 1, 1, "generic", "2.2.0",
     "Remove the expiration from a key", "O(1)", "@keyspace @write @fast"},
    {"scan", &operation_of(kScan), nullptr, -2, kFlagReadonly, 0, 0, 0, "generic", "2.8.0",
     "Incrementally iterate the keys space",
     "O(1) for every call. O(N) for a complete iteration, including enough command calls for the"
     " cursor to return back to 0. N is the number of elements inside the collection.",
     "@keyspace @read @slow"},
    {"keys", &operation_of(kKeys), nullptr, 2, kFlagReadonly, 0, 0, 0, "generic", "1.0.0",
     "Find all keys matching the given pattern",
     "O(N) with N being the number of keys in the database, under the assumption that the key "
     "names in the database and the given pattern have limited length.",
     "@keyspace @read @slow @dangerous"},
    {"randomkey", &operation_of(kRandomkey), nullptr, 1, kFlagReadonly, 0, 0, 0, "generic", "1.0.0",
     "Return a random key from the keyspace", "O(1)", "@keyspace @read @slow"},
    {"rename", &operation_of(kRename), nullptr, 3, kFlagWrite, 1, 2, 1, "generic", "1.0.0", "Rename a key", "O(1)",
     "@keyspace @write @slow"},
    {"renamenx", &operation_of(kRenamenx), nullptr, 3, kFlagWrite | kFlagFast, 1, 2, 1, "generic", "1.0.0",
     "Rename a key, only if the new key does not exist", "O(1)", "@keyspace @write @fast"},
    {"copy", &operation_of(kCopy), nullptr, -3, kFlagWrite | kFlagDenyOom, 1, 2, 1, "generic", "6.2.0", "Copy a key",
     "O(N) worst case for collections, where N is the number of nested items. O(1) for string "
     "values.",
     "@keyspace @write @slow"},
    {"touch", &operation_of(kTouch), nullptr, -2, kFlagReadonly | kFlagFast, 1, -1, 1, "generic", "3.2.1",
     "Alters the last access time of a key(s). Returns the number of existing keys specified.",
     "O(N) where N is the number of keys that will be touched.", "@keyspace @read @fast"},
    {"flushdb", &operation_of(kFlushdb), nullptr, -1, kFlagWrite, 0, 0, 0, "server", "1.0.0",
     "Remove all keys from the current database", "O(N) where N is the number of keys in the selected database",
     "@keyspace @write @slow @dangerous"},
    {"flushall", &operation_of(kFlushall), nullptr, -1, kFlagWrite, 0, 0, 0, "server", "1.0.0",
     "Remove all keys from all databases", "O(N) where N is the total number of keys in all databases",
     "@keyspace @write @slow @dangerous"},
    {"object", &operation_of(kObject), nullptr, -2, 0, 0, 0, 0, "generic", "2.2.3",
     "A container for object introspection commands", "Depends on subcommand.", "@slow"},
    {"lcs", &operation_of(kLcs), nullptr, -3, kFlagReadonly, 1, 2, 1, "string", "7.0.0",
     "Find longest common substring", "O(N*M) where N and M are the lengths of s1 and s2, respectively",
     "@read @string @slow"},
    {"setbit", &operation_of(kSetbit), nullptr, 4, kFlagWrite | kFlagDenyOom, 1, 1, 1, "bitmap", "2.2.0",
     "Sets or clears the bit at offset in the string value stored at key", "O(1)", "@write @bitmap @slow"},
    {"getbit", &operation_of(kGetbit), nullptr, 3, kFlagReadonly | kFlagFast, 1, 1, 1, "bitmap", "2.2.0",
     "Returns the bit value at offset in the string value stored at key", "O(1)", "@read @bitmap @fast"},
    {"bitcount", &operation_of(kBitcount), nullptr, -2, kFlagReadonly, 1, 1, 1, "bitmap", "2.6.0",
     "Count set bits in a string", "O(N)", "@read @bitmap @slow"},
    {"bitpos", &operation_of(kBitpos), nullptr, -3, kFlagReadonly, 1, 1, 1, "bitmap", "2.8.7",
     "Find first bit set or clear in a string", "O(N)", "@read @bitmap @slow"},
    {"bitop", &operation_of(kBitop), nullptr, -4, kFlagWrite | kFlagDenyOom, 2, -1, 1, "bitmap", "2.6.0",
     "Perform bitwise operations between strings", "O(N)", "@write @bitmap @slow"},
    {"bitfield", &operation_of(kBitfield), nullptr, -2, kFlagWrite | kFlagDenyOom, 1, 1, 1, "bitmap", "3.2.0",
     "Perform arbitrary bitfield integer operations on strings", "O(1) for each subcommand specified",
     "@write @bitmap @slow"},
    {"bitfield_ro", &operation_of(kBitfieldRo), nullptr, -2, kFlagReadonly | kFlagFast, 1, 1, 1, "bitmap", "6.0.0",
     "Perform arbitrary bitfield integer operations on strings. Read-only variant of BITFIELD",
     "O(1) for each subcommand specified", "@read @bitmap @fast"},
    {"dump", &operation_of(kDump), nullptr, 2, kFlagReadonly, 1, 1, 1, "generic", "2.6.0",
     "Return a serialized version of the value stored at the specified key.",
     "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis "
     "objects composing the value and M their average size. For small string values the time "
     "complexity is thus O(1)+O(1*M) where M is small, so simply O(1).",
     "@keyspace @read @slow"},
    {"restore", &operation_of(kRestore), nullptr, -4, kFlagWrite | kFlagDenyOom, 1, 1, 1, "generic", "2.6.0",
     "Create a key using the provided serialized value, previously obtained using DUMP.",
     "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where "
     "N is the number of Redis objects composing the value and M their average size. For small "
     "string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). "
     "However for sorted set values the complexity is O(N*M*log(N)) because inserting values into "
     "sorted sets is O(log(N)).",
     "@keyspace @write @slow @dangerous"},
    {"sort", &operation_of(kSort), nullptr, -2, kFlagWrite | kFlagDenyOom | kFlagMovableKeys, 1, 1, 1, "generic",
     "1.0.0", "Sort the elements in a list, set or sorted set",
     "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number "
     "of returned elements. When the elements are not sorted, complexity is O(N).",
     "@write @set @sortedset @list @slow @dangerous"},
    {"sort_ro", &operation_of(kSortRo), nullptr, -2, kFlagReadonly | kFlagMovableKeys, 1, 1, 1, "generic", "7.0.0",
     "Sort the elements in a list, set or sorted set. Read-only variant of SORT.",
     "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number "
     "of returned elements. When the elements are not sorted, complexity is O(N).",
     "@read @set @sortedset @list @slow @dangerous"},
    {"memory", &operation_of(kMemory), nullptr, -2, 0, 0, 0, 0, "server", "4.0.0",
     "A container for memory diagnostics commands", "Depends on subcommand.", "@slow"},
    {"dbsize", &operation_of(kDbsize), nullptr, 1, kFlagReadonly | kFlagFast, 0, 0, 0, "server", "1.0.0",
     "Return the number of keys in the selected database", "O(1)", "@keyspace @read @fast"},
});

constexpr auto kGatewayCommands = [] {
    std::array<gateway::Command, kCommands.size()> commands{};
    for (size_t i = 0; i < kCommands.size(); ++i)
        commands[i] = kCommands[i].for_gateway(gateway::CommandKind::kOperation, kCommands[i].operation, 0);
    return commands;
}();

constexpr size_t kNameSizeMax = 16;
constexpr size_t kIndexSize = 256;
constexpr uint8_t kFree = 255;
static_assert(kCommands.size() < kIndexSize / 2, "the index must stay sparse");

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr size_t place_of(std::string_view name) {
    uint64_t hash = name.size();
    for (const char c : name)
        hash = (hash ^ static_cast<unsigned char>(lower(c))) * 0x100000001b3ULL;
    return (hash * 0x9e3779b97f4a7c15ULL) >> 56;
}

// Open addressing: the place of a name holds the number of its command, or a later place does.
constexpr std::array<uint8_t, kIndexSize> make_index() {
    std::array<uint8_t, kIndexSize> index{};
    index.fill(kFree);
    for (size_t i = 0; i < kCommands.size(); ++i) {
        size_t place = place_of(kCommands[i].name);
        while (index[place] != kFree)
            place = (place + 1) % kIndexSize;
        index[place] = static_cast<uint8_t>(i);
    }
    return index;
}

constexpr std::array<uint8_t, kIndexSize> kIndex = make_index();

bool is_name(std::string_view lower_case_name, std::string_view name) {
    if (lower_case_name.size() != name.size()) return false;
    for (size_t i = 0; i < name.size(); ++i) {
        if (lower(name[i]) != lower_case_name[i]) return false;
    }
    return true;
}

}  // namespace

std::span<const CommandSpec> data_commands() { return kCommands; }

const gateway::Command& gateway_command_of(const CommandSpec& data_command) {
    return kGatewayCommands[static_cast<size_t>(&data_command - kCommands.data())];
}

const CommandSpec* find_data_command(std::string_view name) {
    if (name.size() > kNameSizeMax) return nullptr;
    for (size_t place = place_of(name); kIndex[place] != kFree; place = (place + 1) % kIndexSize) {
        const CommandSpec& spec = kCommands[kIndex[place]];
        if (is_name(spec.name, name)) return &spec;
    }
    return nullptr;
}

}  // namespace kvorum::redis
