// A batch through the log: append, group, checksum, hand over, and learn that it is durable. The disk is the
// simulator's, in memory, and its part is in the figure: what remains when this one moves is the log's own.
#include "wal/wal.h"

#include <benchmark/benchmark.h>

#include "bench/micro/batch.h"
#include "reactor/sync_wait.h"
#include "sim/disk.h"
#include "sim/disk_backend.h"

namespace {

using namespace kvorum;

// The simulated disk keeps every byte, so the log may not grow without end.
constexpr int64_t kBatches = 5000;

wal::WalConfig log_config() {
    wal::WalConfig config;
    config.directory = "data/wal";
    config.cluster = bench::kBenchCluster;
    config.cluster_name = "bench";
    config.node = NodeId{1};
    config.segment_size_bytes = 16 * kMiB;
    config.sync = wal::SyncMethod::kDsyncWrite;
    return config;
}

void wal_append_a_batch(benchmark::State& state) {
    sim::Disk disk{sim::DiskConfig{}};
    sim::DiskBackend backend(disk, sim::DiskBackendConfig{});
    reactor::Reactor reactor(backend, {});
    auto opened = reactor::run_until_done(reactor, wal::Wal::open(reactor, log_config()));
    KVORUM_ASSERT(opened.ok(), "{}", std::string(opened.status().message()));
    wal::Wal& log = **opened;
    bench::EntryChain chain;
    for ([[maybe_unused]] auto _ : state) {
        const uint64_t unit = log.append({}, {chain.next()});
        while (log.durable_unit() < unit)
            reactor.turn(backend.monotonic_ns() + kMillisecondNs);
    }
    KVORUM_ASSERT(log.last_index() == LogIndex{static_cast<uint64_t>(state.iterations())});
    reactor::run_until_done(reactor, log.close());
    state.SetItemsProcessed(state.iterations() * bench::kBatchCommands);
}
BENCHMARK(wal_append_a_batch)->Iterations(kBatches)->Unit(benchmark::kMicrosecond);

}  // namespace
