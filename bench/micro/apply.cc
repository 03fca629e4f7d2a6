// A committed batch into the store, as every node applies it: SETs of 64-byte values over keys that are all there; and
// GETs of them, as a leader answers them.
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

kv::Store filled(uint64_t key_count) {
    kv::Store store;
    // Twice, since a key that was changed takes more room than one that was not.
    for (uint64_t i = 0; i < 2 * key_count; ++i) {
        if (i == key_count) store.advance(LogIndex{1}, kNowMs);
        store.put(key_name(i % key_count), std::string(64, 'v'), kv::kNoExpiry);
    }
    store.end_turn();
    return store;
}

void apply_sets(benchmark::State& state) {
    const auto key_count = static_cast<uint64_t>(state.range(0));
    kv::Store store = filled(key_count);
    const std::vector<std::string> batches = random_batches(key_count);
    DiscardingReplySink reply;
    uint64_t applied = 0;
    for ([[maybe_unused]] auto _ : state) {
        const std::string& batch = batches[applied++ % batches.size()];
        const bool valid = ops::apply_batch(store, LogIndex{applied + 1}, kNowMs, kCommandsPerBatch, as_bytes(batch),
                                            [&reply](uint32_t) -> ReplySink& { return reply; });
        KVORUM_ASSERT(valid);
        store.end_turn();
    }
    state.SetItemsProcessed(state.iterations() * kCommandsPerBatch);
}
BENCHMARK(apply_sets)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

void read_gets(benchmark::State& state) {
    const auto key_count = static_cast<uint64_t>(state.range(0));
    const kv::Store store = filled(key_count);
    const ops::Operation& get = ops::operation_of(ops::OperationCode::kGet);
    Prng random(1);
    std::vector<std::string> keys(1024);
    for (std::string& key : keys)
        key = key_name(random.below(key_count));
    DiscardingReplySink reply;
    uint64_t read = 0;
    for ([[maybe_unused]] auto _ : state) {
        const std::array<std::string_view, 2> arguments{"GET", keys[read++ % keys.size()]};
        benchmark::DoNotOptimize(ops::execute_read(store, get, arguments, {.now_ms = kNowMs}, reply));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(read_gets)->Arg(1000)->Arg(1'000'000);

}  // namespace
