// A committed batch into the store, as every node applies it: SETs of 64-byte values over keys that are all there.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/prng.h"
#include "base/reply_sink.h"
#include "ops/commands.h"

namespace {

using namespace kvorum;

constexpr uint32_t kCommandsPerBatch = 256;
constexpr uint64_t kHashSeed = 7;
constexpr int64_t kNowMs = 1'000'000;

std::string key_name(uint64_t number) { return fmt::format("key:{:012}", number); }

void append_set(std::string& batch, uint64_t key_number) {
    static const std::string value(64, 'v');
    const std::string key = key_name(key_number);
    const std::array<std::string_view, 3> arguments{"SET", key, value};
    DiscardingReplySink reply;
    const bool encoded =
        ops::encode_write(ops::operation_of(ops::OperationCode::kSet), arguments, kNowMs, batch, reply);
    KVORUM_ASSERT(encoded);
}

// Enough batches that one is not in the caches when it is applied again.
std::vector<std::string> random_batches(uint64_t key_count) {
    Prng random(1);
    std::vector<std::string> batches(key_count / kCommandsPerBatch + 1);
    for (std::string& batch : batches) {
        for (uint32_t i = 0; i < kCommandsPerBatch; ++i)
            append_set(batch, random.below(key_count));
    }
    return batches;
}

void apply_sets(benchmark::State& state) {
    const auto key_count = static_cast<uint64_t>(state.range(0));
    kv::Store store(kHashSeed);
    for (uint64_t number = 0; number < key_count; ++number)
        store.put(key_name(number), std::string(64, 'v'), kv::kNoExpiry);
    const std::vector<std::string> batches = random_batches(key_count);
    DiscardingReplySink reply;
    uint64_t applied = 0;
    for ([[maybe_unused]] auto _ : state) {
        const std::string& batch = batches[applied++ % batches.size()];
        const bool valid = ops::apply_batch(store, LogIndex{applied}, kNowMs, kCommandsPerBatch, as_bytes(batch),
                                            [&reply](uint32_t) -> ReplySink& { return reply; });
        KVORUM_ASSERT(valid);
        store.end_turn();
    }
    state.SetItemsProcessed(state.iterations() * kCommandsPerBatch);
}
BENCHMARK(apply_sets)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

}  // namespace
