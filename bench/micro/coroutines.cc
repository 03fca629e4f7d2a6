// What the reactor charges for a coroutine: awaiting a task, being woken, being spawned, and a frame's memory.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <vector>

#include "base/assert.h"
#include "reactor/event.h"
#include "reactor/frame_pool.h"
#include "reactor/scope.h"
#include "reactor/sync_wait.h"
#include "sim/disk.h"
#include "sim/disk_backend.h"

namespace {

using namespace kvorum;
using namespace kvorum::reactor;

// A reactor whose backend does nothing.
struct IdleReactor {
    sim::Disk disk{sim::DiskConfig{}};
    sim::DiskBackend backend{disk, sim::DiskBackendConfig{}};
    Reactor reactor{backend, {}};
};

Task<int64_t> give(int64_t value) { co_return value; }

Task<int64_t> await_many(benchmark::State* state) {
    int64_t sum = 0;
    for ([[maybe_unused]] auto _ : *state) {
        const int64_t one = co_await give(1);
        sum += one;
    }
    co_return sum;
}

// A frame, a switch into it and a switch back.
void coroutine_await(benchmark::State& state) {
    IdleReactor idle;
    const int64_t sum = run_until_done(idle.reactor, await_many(&state));
    KVORUM_ASSERT(sum == state.iterations());
}
BENCHMARK(coroutine_await);

Task<void> wait_again_and_again(Event* event, StopToken stop, int64_t* wakes) {
    while (true) {
        const bool was_set = co_await event->wait(stop);
        if (!was_set) co_return;
        event->reset();
        ++*wakes;
    }
}

// Setting an event until its waiter has run: one turn.
void coroutine_wake(benchmark::State& state) {
    IdleReactor idle;
    Event event(idle.reactor);
    TaskScope scope(idle.reactor);
    int64_t wakes = 0;
    scope.spawn(wait_again_and_again(&event, scope.stop_token(), &wakes));
    idle.reactor.turn(0);
    for ([[maybe_unused]] auto _ : state) {
        event.set();
        idle.reactor.turn(0);
    }
    KVORUM_ASSERT(wakes == state.iterations(), "{} wakes", wakes);
    scope.request_stop();
    run_until_done(idle.reactor, scope.join());
}
BENCHMARK(coroutine_wake);

Task<void> count(int64_t* done) {
    ++*done;
    co_return;
}

// A task of its own, from spawn to its end; a hundred share a turn.
void coroutine_spawn(benchmark::State& state) {
    constexpr int64_t kPerTurn = 100;
    IdleReactor idle;
    TaskScope scope(idle.reactor);
    int64_t done = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (int64_t i = 0; i < kPerTurn; ++i)
            scope.spawn(count(&done));
        idle.reactor.turn(0);
    }
    KVORUM_ASSERT(done == state.iterations() * kPerTurn);
    state.SetItemsProcessed(done);
}
BENCHMARK(coroutine_spawn);

constexpr size_t kFrameBytes = 200;

void frame_pool(benchmark::State& state) {
    for ([[maybe_unused]] auto _ : state) {
        void* frame = allocate_frame(kFrameBytes);
        benchmark::DoNotOptimize(frame);
        free_frame(frame, kFrameBytes);
    }
}
BENCHMARK(frame_pool);

void frame_malloc(benchmark::State& state) {
    for ([[maybe_unused]] auto _ : state) {
        void* frame = std::malloc(kFrameBytes);
        benchmark::DoNotOptimize(frame);
        std::free(frame);
    }
}
BENCHMARK(frame_malloc);

}  // namespace
