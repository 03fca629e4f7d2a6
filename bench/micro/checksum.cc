// The checksum of entries, frames and groups.
#include "base/checksum.h"

#include <benchmark/benchmark.h>

#include <string>

namespace {

void checksum(benchmark::State& state) {
    const std::string bytes(static_cast<size_t>(state.range(0)), 'x');
    for ([[maybe_unused]] auto _ : state)
        benchmark::DoNotOptimize(kvorum::checksum64(kvorum::as_bytes(bytes)));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum)
    ->Arg(16)
    ->Arg(64)
    ->Arg(200)
    ->Arg(1024)
    ->Arg(4096)
    ->Arg(int64_t{64} * 1024)
    ->Arg(int64_t{256} * 1024);

void checksum_in_pieces(benchmark::State& state) {
    const std::string bytes(static_cast<size_t>(state.range(0)), 'x');
    for ([[maybe_unused]] auto _ : state) {
        kvorum::RunningChecksum sum;
        sum.add(kvorum::as_bytes(bytes));
        benchmark::DoNotOptimize(sum.value());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum_in_pieces)->Arg(1024)->Arg(int64_t{64} * 1024);

}  // namespace
