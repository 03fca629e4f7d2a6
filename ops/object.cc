#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "ops/families.h"

namespace kvorum::ops {
namespace {

constexpr auto kHelp = std::to_array<std::string_view>({
    "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "ENCODING <key>",
    "    Return the kind of internal representation used in order to store the value",
    "    associated with a <key>.",
    "FREQ <key>",
    "    Return the access frequency index of the <key>. The returned integer is",
    "    proportional to the logarithm of the recent access frequency of the key.",
    "IDLETIME <key>",
    "    Return the idle time of the <key>, that is the approximated number of",
    "    seconds elapsed since the last access to the key.",
    "REFCOUNT <key>",
    "    Return the number of references of the value associated with the specified",
    "    <key>.",
    "HELP",
    "    Prints this help.",
});

// Redis keeps the integers below this as shared objects, whose reference count never changes.
constexpr int64_t kSharedIntegerCount = 10000;
constexpr int64_t kSharedReferenceCount = 2147483647;

// The encoding that Redis chooses for a value that is set. Redis also remembers how a value came about (APPEND and
// SETRANGE leave "raw", INCRBYFLOAT "embstr"); a replicated state has no room for that.
std::string_view encoding(std::string_view value) {
    constexpr size_t kEmbeddedSizeMax = 44;
    if (parse_int64(value)) return "int";
    return value.size() <= kEmbeddedSizeMax ? "embstr" : "raw";
}

int64_t reference_count(std::string_view value) {
    const auto number = parse_int64(value);
    return number && *number >= 0 && *number < kSharedIntegerCount ? kSharedReferenceCount : 1;
}

}  // namespace

void read_object(const ReadRequest& request) {
    enum class Subcommand { kEncoding, kRefcount, kIdletime, kFreq, kHelp };
    struct Named {
        std::string_view name;
        Subcommand subcommand;
    };
    constexpr std::array<Named, 5> kSubcommands{{{"encoding", Subcommand::kEncoding},
                                                 {"refcount", Subcommand::kRefcount},
                                                 {"idletime", Subcommand::kIdletime},
                                                 {"freq", Subcommand::kFreq},
                                                 {"help", Subcommand::kHelp}}};
    const std::string_view word = request.arguments[1];
    const Named* found = nullptr;
    for (const Named& candidate : kSubcommands) {
        if (equals_ignore_case(candidate.name, word)) found = &candidate;
    }
    if (found == nullptr) return request.reply.failure(Failure::unknown_part(request.operation.name, word));
    if (request.arguments.size() != (found->subcommand == Subcommand::kHelp ? 2u : 3u)) {
        return request.reply.failure(Failure::wrong_operand_count(fmt::format("object|{}", found->name)));
    }
    if (found->subcommand == Subcommand::kHelp) {
        request.reply.list(kHelp.size());
        for (const std::string_view line : kHelp)
            request.reply.status(line);
        return;
    }
    const kv::Record* record = request.find(request.arguments[2]);
    if (record == nullptr) return request.reply.nothing();
    switch (found->subcommand) {
        case Subcommand::kEncoding: return request.reply.bytes(encoding(record->value()));
        case Subcommand::kRefcount: return request.reply.integer(reference_count(record->value()));
        // When a key was last read is not part of the state, and nothing is ever evicted.
        case Subcommand::kIdletime: return request.reply.integer(0);
        case Subcommand::kFreq: return request.reply.failure(Failure::kNoFrequencies);
        case Subcommand::kHelp: break;
    }
}

}  // namespace kvorum::ops
