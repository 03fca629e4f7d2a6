// MEMORY: what a key and the key space take.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "kv/memory_count.h"
#include "ops/families.h"

namespace kvorum::ops {
namespace {

constexpr auto kHelp = std::to_array<std::string_view>({
    "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DOCTOR",
    "    Return memory problems reports.",
    "MALLOC-STATS",
    "    Return internal statistics report from the memory allocator.",
    "PURGE",
    "    Attempt to purge dirty pages for reclamation by the allocator.",
    "STATS",
    "    Return information about the memory usage of the server.",
    "USAGE <key> [SAMPLES <count>]",
    "    Return memory in bytes used by <key> and its value. Nested values are",
    "    sampled up to <count> times (default: 5, 0 means sample all).",
    "HELP",
    "    Prints this help.",
});

void reply_usage(const ReadRequest& request) {
    const Arguments options = request.arguments.subspan(3);
    // Strings have nothing to sample; the option is checked all the same.
    for (size_t i = 0; i < options.size(); i += 2) {
        if (!equals_ignore_case(options[i], "SAMPLES") || i + 1 == options.size())
            return request.reply.failure(Failure::kSyntax);
        const auto samples = parse_int64(options[i + 1]);
        if (!samples) return request.reply.failure(Failure::kNotAnInteger);
        if (*samples < 0) return request.reply.failure(Failure::kSyntax);
    }
    const kv::Record* record = request.store.find(request.arguments[2]);
    if (record == nullptr) return request.reply.nothing();
    request.reply.integer(static_cast<int64_t>(counted_bytes(*record)));
}

// Of Redis' figures those that mean the same here.
void reply_stats(const ReadRequest& request) {
    const uint64_t keys = request.store.size();
    const uint64_t bytes = request.store.memory_bytes();
    request.reply.map(3);
    request.reply.bytes("keys.count");
    request.reply.integer(static_cast<int64_t>(keys));
    request.reply.bytes("keys.bytes-per-key");
    request.reply.integer(keys == 0 ? 0 : static_cast<int64_t>(bytes / keys));
    request.reply.bytes("dataset.bytes");
    request.reply.integer(static_cast<int64_t>(bytes));
}

}  // namespace

void read_memory(const ReadRequest& request) {
    struct Named {
        std::string_view name;
        size_t words_min;
        size_t words_max;
    };
    constexpr size_t kAny = SIZE_MAX;
    constexpr std::array<Named, 6> kSubcommands{{{"usage", 3, kAny},
                                                 {"stats", 2, 2},
                                                 {"doctor", 2, 2},
                                                 {"help", 2, 2},
                                                 {"purge", 2, 2},
                                                 {"malloc-stats", 2, 2}}};
    const std::string_view word = request.arguments[1];
    const auto* const found = std::find_if(kSubcommands.begin(), kSubcommands.end(), [&](const Named& candidate) {
        return equals_ignore_case(candidate.name, word);
    });
    if (found == kSubcommands.end()) return request.reply.failure(Failure::unknown_part(request.operation.name, word));
    const size_t words = request.arguments.size();
    if (words < found->words_min || words > found->words_max) {
        return request.reply.failure(Failure::wrong_operand_count(fmt::format("memory|{}", found->name)));
    }
    if (found->name == "usage") return reply_usage(request);
    if (found->name == "stats") return reply_stats(request);
    if (found->name == "help") {
        request.reply.list(kHelp.size());
        for (const std::string_view line : kHelp)
            request.reply.status(line);
        return;
    }
    // The map returns what it can by itself, and every allocation of it is counted in STATS.
    if (found->name == "purge") return request.reply.done();
    request.reply.text(
        fmt::format("The key space takes {} bytes for {} keys.\n", request.store.memory_bytes(), request.store.size()));
}

}  // namespace kvorum::ops
