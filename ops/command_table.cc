#include "ops/command_table.h"

#include <array>
#include <cstddef>

#include "ops/command_codes.h"

namespace kvorum::ops {
namespace {

constexpr uint16_t code(CommandCode code) { return static_cast<uint16_t>(code); }

// As COMMAND INFO and COMMAND DOCS of Redis 7.0.15 tell it; tests/ops/redis_equality_test.cc compares the two.
constexpr auto kCommands = std::to_array<CommandSpec>({
    {"get", CommandKind::kRead, code(CommandCode::kGet), 2, kFlagReadonly | kFlagFast, 1, 1, 1, "string", "1.0.0",
     "Get the value of a key", "O(1)", "@read @string @fast"},
    {"set", CommandKind::kWrite, code(CommandCode::kSet), -3, kFlagWrite | kFlagDenyOom, 1, 1, 1, "string", "1.0.0",
     "Set the string value of a key", "O(1)", "@write @string @slow"},
    {"setnx", CommandKind::kWrite, code(CommandCode::kSetnx), 3, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1,
     "string", "1.0.0", "Set the value of a key, only if the key does not exist", "O(1)", "@write @string @fast"},
    {"setex", CommandKind::kWrite, code(CommandCode::kSetex), 4, kFlagWrite | kFlagDenyOom, 1, 1, 1, "string", "2.0.0",
     "Set the value and expiration of a key", "O(1)", "@write @string @slow"},
    {"psetex", CommandKind::kWrite, code(CommandCode::kPsetex), 4, kFlagWrite | kFlagDenyOom, 1, 1, 1, "string",
     "2.6.0", "Set the value and expiration in milliseconds of a key", "O(1)", "@write @string @slow"},
    {"getset", CommandKind::kWrite, code(CommandCode::kGetset), 3, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1,
     "string", "1.0.0", "Set the string value of a key and return its old value", "O(1)", "@write @string @fast"},
    {"getdel", CommandKind::kWrite, code(CommandCode::kGetdel), 2, kFlagWrite | kFlagFast, 1, 1, 1, "string", "6.2.0",
     "Get the value of a key and delete the key", "O(1)", "@write @string @fast"},
    {"getex", CommandKind::kWrite, code(CommandCode::kGetex), -2, kFlagWrite | kFlagFast, 1, 1, 1, "string", "6.2.0",
     "Get the value of a key and optionally set its expiration", "O(1)", "@write @string @fast"},
    {"mget", CommandKind::kRead, code(CommandCode::kMget), -2, kFlagReadonly | kFlagFast, 1, -1, 1, "string", "1.0.0",
     "Get the values of all the given keys", "O(N) where N is the number of keys to retrieve.", "@read @string @fast"},
    {"mset", CommandKind::kWrite, code(CommandCode::kMset), -3, kFlagWrite | kFlagDenyOom, 1, -1, 2, "string", "1.0.1",
     "Set multiple keys to multiple values", "O(N) where N is the number of keys to set.", "@write @string @slow"},
    {"msetnx", CommandKind::kWrite, code(CommandCode::kMsetnx), -3, kFlagWrite | kFlagDenyOom, 1, -1, 2, "string",
     "1.0.1", "Set multiple keys to multiple values, only if none of the keys exist",
     "O(N) where N is the number of keys to set.", "@write @string @slow"},
    {"append", CommandKind::kWrite, code(CommandCode::kAppend), 3, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1,
     "string", "2.0.0", "Append a value to a key",
     "O(1). The amortized time complexity is O(1) assuming the appended value is small and the "
     "already present value is of any size, since the dynamic string library used by Redis will "
     "double the free space available on every reallocation.",
     "@write @string @fast"},
    {"strlen", CommandKind::kRead, code(CommandCode::kStrlen), 2, kFlagReadonly | kFlagFast, 1, 1, 1, "string", "2.2.0",
     "Get the length of the value stored in a key", "O(1)", "@read @string @fast"},
    {"getrange", CommandKind::kRead, code(CommandCode::kGetrange), 4, kFlagReadonly, 1, 1, 1, "string", "2.4.0",
     "Get a substring of the string stored at a key",
     "O(N) where N is the length of the returned string. The complexity is ultimately determined"
     " by the returned length, but because creating a substring from an existing string is very "
     "cheap, it can be considered O(1) for small strings.",
     "@read @string @slow"},
    {"substr", CommandKind::kRead, code(CommandCode::kSubstr), 4, kFlagReadonly, 1, 1, 1, "string", "1.0.0",
     "Get a substring of the string stored at a key",
     "O(N) where N is the length of the returned string. The complexity is ultimately determined"
     " by the returned length, but because creating a substring from an existing string is very "
     "cheap, it can be considered O(1) for small strings.",
     "@read @string @slow"},
    {"setrange", CommandKind::kWrite, code(CommandCode::kSetrange), 4, kFlagWrite | kFlagDenyOom, 1, 1, 1, "string",
     "2.2.0", "Overwrite part of a string at key starting at the specified offset",
     "O(1), not counting the time taken to copy the new string in place. Usually, this string is"
     " very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M "
     "being the length of the value argument.",
     "@write @string @slow"},
    {"incr", CommandKind::kWrite, code(CommandCode::kIncr), 2, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1, "string",
     "1.0.0", "Increment the integer value of a key by one", "O(1)", "@write @string @fast"},
    {"decr", CommandKind::kWrite, code(CommandCode::kDecr), 2, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1, "string",
     "1.0.0", "Decrement the integer value of a key by one", "O(1)", "@write @string @fast"},
    {"incrby", CommandKind::kWrite, code(CommandCode::kIncrby), 3, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1,
     "string", "1.0.0", "Increment the integer value of a key by the given amount", "O(1)", "@write @string @fast"},
    {"decrby", CommandKind::kWrite, code(CommandCode::kDecrby), 3, kFlagWrite | kFlagDenyOom | kFlagFast, 1, 1, 1,
     "string", "1.0.0", "Decrement the integer value of a key by the given number", "O(1)", "@write @string @fast"},
    {"incrbyfloat", CommandKind::kWrite, code(CommandCode::kIncrbyfloat), 3, kFlagWrite | kFlagDenyOom | kFlagFast, 1,
     1, 1, "string", "2.6.0", "Increment the float value of a key by the given amount", "O(1)", "@write @string @fast"},
    {"del", CommandKind::kWrite, code(CommandCode::kDel), -2, kFlagWrite, 1, -1, 1, "generic", "1.0.0", "Delete a key",
     "O(N) where N is the number of keys that will be removed. When a key to remove holds a "
     "value other than a string, the individual complexity for this key is O(M) where M is the "
     "number of elements in the list, set, sorted set or hash. Removing a single key that holds "
     "a string value is O(1).",
     "@keyspace @write @slow"},
    {"unlink", CommandKind::kWrite, code(CommandCode::kUnlink), -2, kFlagWrite | kFlagFast, 1, -1, 1, "generic",
     "4.0.0",
     "Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non "
     "blocking.",
     "O(1) for each key removed regardless of its size. Then the command does O(N) work in a "
     "different thread in order to reclaim memory, where N is the number of allocations the "
     "deleted objects where composed of.",
     "@keyspace @write @fast"},
    {"exists", CommandKind::kRead, code(CommandCode::kExists), -2, kFlagReadonly | kFlagFast, 1, -1, 1, "generic",
     "1.0.0", "Determine if a key exists", "O(N) where N is the number of keys to check.", "@keyspace @read @fast"},
    {"type", CommandKind::kRead, code(CommandCode::kType), 2, kFlagReadonly | kFlagFast, 1, 1, 1, "generic", "1.0.0",
     "Determine the type stored at key", "O(1)", "@keyspace @read @fast"},
    {"expire", CommandKind::kWrite, code(CommandCode::kExpire), -3, kFlagWrite | kFlagFast, 1, 1, 1, "generic", "1.0.0",
     "Set a key's time to live in seconds", "O(1)", "@keyspace @write @fast"},
    {"pexpire", CommandKind::kWrite, code(CommandCode::kPexpire), -3, kFlagWrite | kFlagFast, 1, 1, 1, "generic",
     "2.6.0", "Set a key's time to live in milliseconds", "O(1)", "@keyspace @write @fast"},
    {"expireat", CommandKind::kWrite, code(CommandCode::kExpireat), -3, kFlagWrite | kFlagFast, 1, 1, 1, "generic",
     "1.2.0", "Set the expiration for a key as a UNIX timestamp", "O(1)", "@keyspace @write @fast"},
    {"pexpireat", CommandKind::kWrite, code(CommandCode::kPexpireat), -3, kFlagWrite | kFlagFast, 1, 1, 1, "generic",
     "2.6.0", "Set the expiration for a key as a UNIX timestamp specified in milliseconds", "O(1)",
     "@keyspace @write @fast"},
    {"ttl", CommandKind::kRead, code(CommandCode::kTtl), 2, kFlagReadonly | kFlagFast, 1, 1, 1, "generic", "1.0.0",
     "Get the time to live for a key in seconds", "O(1)", "@keyspace @read @fast"},
    {"pttl", CommandKind::kRead, code(CommandCode::kPttl), 2, kFlagReadonly | kFlagFast, 1, 1, 1, "generic", "2.6.0",
     "Get the time to live for a key in milliseconds", "O(1)", "@keyspace @read @fast"},
    {"expiretime", CommandKind::kRead, code(CommandCode::kExpiretime), 2, kFlagReadonly | kFlagFast, 1, 1, 1, "generic",
     "7.0.0", "Get the expiration Unix timestamp for a key", "O(1)", "@keyspace @read @fast"},
    {"pexpiretime", CommandKind::kRead, code(CommandCode::kPexpiretime), 2, kFlagReadonly | kFlagFast, 1, 1, 1,
     "generic", "7.0.0", "Get the expiration Unix timestamp for a key in milliseconds", "O(1)",
     "@keyspace @read @fast"},
    {"persist", CommandKind::kWrite, code(CommandCode::kPersist), 2, kFlagWrite | kFlagFast, 1, 1, 1, "generic",
     "2.2.0", "Remove the expiration from a key", "O(1)", "@keyspace @write @fast"},
    {"scan", CommandKind::kRead, code(CommandCode::kScan), -2, kFlagReadonly, 0, 0, 0, "generic", "2.8.0",
     "Incrementally iterate the keys space",
     "O(1) for every call. O(N) for a complete iteration, including enough command calls for the"
     " cursor to return back to 0. N is the number of elements inside the collection.",
     "@keyspace @read @slow"},
    {"keys", CommandKind::kRead, code(CommandCode::kKeys), 2, kFlagReadonly, 0, 0, 0, "generic", "1.0.0",
     "Find all keys matching the given pattern",
     "O(N) with N being the number of keys in the database, under the assumption that the key "
     "names in the database and the given pattern have limited length.",
     "@keyspace @read @slow @dangerous"},
    {"randomkey", CommandKind::kRead, code(CommandCode::kRandomkey), 1, kFlagReadonly, 0, 0, 0, "generic", "1.0.0",
     "Return a random key from the keyspace", "O(1)", "@keyspace @read @slow"},
    {"rename", CommandKind::kWrite, code(CommandCode::kRename), 3, kFlagWrite, 1, 2, 1, "generic", "1.0.0",
     "Rename a key", "O(1)", "@keyspace @write @slow"},
    {"renamenx", CommandKind::kWrite, code(CommandCode::kRenamenx), 3, kFlagWrite | kFlagFast, 1, 2, 1, "generic",
     "1.0.0", "Rename a key, only if the new key does not exist", "O(1)", "@keyspace @write @fast"},
    {"copy", CommandKind::kWrite, code(CommandCode::kCopy), -3, kFlagWrite | kFlagDenyOom, 1, 2, 1, "generic", "6.2.0",
     "Copy a key",
     "O(N) worst case for collections, where N is the number of nested items. O(1) for string "
     "values.",
     "@keyspace @write @slow"},
    {"touch", CommandKind::kRead, code(CommandCode::kTouch), -2, kFlagReadonly | kFlagFast, 1, -1, 1, "generic",
     "3.2.1", "Alters the last access time of a key(s). Returns the number of existing keys specified.",
     "O(N) where N is the number of keys that will be touched.", "@keyspace @read @fast"},
    {"flushdb", CommandKind::kWrite, code(CommandCode::kFlushdb), -1, kFlagWrite, 0, 0, 0, "server", "1.0.0",
     "Remove all keys from the current database", "O(N) where N is the number of keys in the selected database",
     "@keyspace @write @slow @dangerous"},
    {"flushall", CommandKind::kWrite, code(CommandCode::kFlushall), -1, kFlagWrite, 0, 0, 0, "server", "1.0.0",
     "Remove all keys from all databases", "O(N) where N is the total number of keys in all databases",
     "@keyspace @write @slow @dangerous"},
    {"object", CommandKind::kRead, code(CommandCode::kObject), -2, 0, 0, 0, 0, "generic", "2.2.3",
     "A container for object introspection commands", "Depends on subcommand.", "@slow"},
    {"lcs", CommandKind::kRead, code(CommandCode::kLcs), -3, kFlagReadonly, 1, 2, 1, "string", "7.0.0",
     "Find longest common substring", "O(N*M) where N and M are the lengths of s1 and s2, respectively",
     "@read @string @slow"},
    {"setbit", CommandKind::kWrite, code(CommandCode::kSetbit), 4, kFlagWrite | kFlagDenyOom, 1, 1, 1, "bitmap",
     "2.2.0", "Sets or clears the bit at offset in the string value stored at key", "O(1)", "@write @bitmap @slow"},
    {"getbit", CommandKind::kRead, code(CommandCode::kGetbit), 3, kFlagReadonly | kFlagFast, 1, 1, 1, "bitmap", "2.2.0",
     "Returns the bit value at offset in the string value stored at key", "O(1)", "@read @bitmap @fast"},
    {"bitcount", CommandKind::kRead, code(CommandCode::kBitcount), -2, kFlagReadonly, 1, 1, 1, "bitmap", "2.6.0",
     "Count set bits in a string", "O(N)", "@read @bitmap @slow"},
    {"bitpos", CommandKind::kRead, code(CommandCode::kBitpos), -3, kFlagReadonly, 1, 1, 1, "bitmap", "2.8.7",
     "Find first bit set or clear in a string", "O(N)", "@read @bitmap @slow"},
    {"bitop", CommandKind::kWrite, code(CommandCode::kBitop), -4, kFlagWrite | kFlagDenyOom, 2, -1, 1, "bitmap",
     "2.6.0", "Perform bitwise operations between strings", "O(N)", "@write @bitmap @slow"},
    {"bitfield", CommandKind::kWrite, code(CommandCode::kBitfield), -2, kFlagWrite | kFlagDenyOom, 1, 1, 1, "bitmap",
     "3.2.0", "Perform arbitrary bitfield integer operations on strings", "O(1) for each subcommand specified",
     "@write @bitmap @slow"},
    {"bitfield_ro", CommandKind::kRead, code(CommandCode::kBitfieldRo), -2, kFlagReadonly | kFlagFast, 1, 1, 1,
     "bitmap", "6.0.0", "Perform arbitrary bitfield integer operations on strings. Read-only variant of BITFIELD",
     "O(1) for each subcommand specified", "@read @bitmap @fast"},
    {"dump", CommandKind::kRead, code(CommandCode::kDump), 2, kFlagReadonly, 1, 1, 1, "generic", "2.6.0",
     "Return a serialized version of the value stored at the specified key.",
     "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis "
     "objects composing the value and M their average size. For small string values the time "
     "complexity is thus O(1)+O(1*M) where M is small, so simply O(1).",
     "@keyspace @read @slow"},
    {"restore", CommandKind::kWrite, code(CommandCode::kRestore), -4, kFlagWrite | kFlagDenyOom, 1, 1, 1, "generic",
     "2.6.0", "Create a key using the provided serialized value, previously obtained using DUMP.",
     "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where "
     "N is the number of Redis objects composing the value and M their average size. For small "
     "string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). "
     "However for sorted set values the complexity is O(N*M*log(N)) because inserting values into "
     "sorted sets is O(log(N)).",
     "@keyspace @write @slow @dangerous"},
    {"sort", CommandKind::kWrite, code(CommandCode::kSort), -2, kFlagWrite | kFlagDenyOom | kFlagMovableKeys, 1, 1, 1,
     "generic", "1.0.0", "Sort the elements in a list, set or sorted set",
     "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number "
     "of returned elements. When the elements are not sorted, complexity is O(N).",
     "@write @set @sortedset @list @slow @dangerous"},
    {"sort_ro", CommandKind::kRead, code(CommandCode::kSortRo), -2, kFlagReadonly | kFlagMovableKeys, 1, 1, 1,
     "generic", "7.0.0", "Sort the elements in a list, set or sorted set. Read-only variant of SORT.",
     "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number "
     "of returned elements. When the elements are not sorted, complexity is O(N).",
     "@read @set @sortedset @list @slow @dangerous"},
    {"memory", CommandKind::kRead, code(CommandCode::kMemory), -2, 0, 0, 0, 0, "server", "4.0.0",
     "A container for memory diagnostics commands", "Depends on subcommand.", "@slow"},
    {"dbsize", CommandKind::kRead, code(CommandCode::kDbsize), 1, kFlagReadonly | kFlagFast, 0, 0, 0, "server", "1.0.0",
     "Return the number of keys in the selected database", "O(1)", "@keyspace @read @fast"},
});

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

const CommandSpec* find_data_command(std::string_view name) {
    if (name.size() > kNameSizeMax) return nullptr;
    for (size_t place = place_of(name); kIndex[place] != kFree; place = (place + 1) % kIndexSize) {
        const CommandSpec& spec = kCommands[kIndex[place]];
        if (is_name(spec.name, name)) return &spec;
    }
    return nullptr;
}

bool arity_fits(const CommandSpec& spec, size_t argument_count) {
    if (spec.arity >= 0) return argument_count == static_cast<size_t>(spec.arity);
    return argument_count >= static_cast<size_t>(-spec.arity);
}

}  // namespace kvorum::ops
