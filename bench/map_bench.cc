// The map against other hash tables: 16-byte keys, 32-byte values, one hash function (XXH3) for all.
//
//   fill     inserts N new keys; counters: the longest single insert and how many took over 100 us
//            (without those in which the kernel gave the core to another program), bytes per key
//   longest  the longest insert of the map's own making, of 10 million
//   lookup   random keys that are there, one by one, by 1 and 2 threads; batched: 16 at a time
//   update   a new value for random keys that are there
//   mixed    one thread looks up while another updates: for tables that allow it
//
// absl::flat_hash_map is not made for several threads; its lookups by 2 threads have no writer beside them. Tables of
// the Debian packages libcuckoo-dev and libtbb-dev take part when these were there at build time.

#include <absl/container/flat_hash_map.h>
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if defined(KVORUM_BENCH_CUCKOO)
#include <libcuckoo/cuckoohash_map.hh>
#endif
#if defined(KVORUM_BENCH_TBB)
#include <oneapi/tbb/concurrent_hash_map.h>
#endif

#include "base/checksum.h"
#include "base/prng.h"
#include "base/units.h"
#include "kv/hash_map.h"

namespace kvorum::kv {
namespace {

constexpr size_t kKeyBytes = 16;
constexpr size_t kBatch = 16;
constexpr uint64_t kLongInsertNs = 100 * kMicrosecondNs;
constexpr std::string_view kValue = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kOtherValue = "fedcba9876543210fedcba9876543210";

using KeyText = std::array<char, kKeyBytes>;

std::string_view view(const KeyText& key) { return {key.data(), key.size()}; }

// Key number i; neighbours have nothing in common.
KeyText key_of(uint64_t i) {
    const uint64_t mixed = i * 0x9e3779b97f4a7c15;
    KeyText key;
    for (size_t digit = 0; digit < kKeyBytes; ++digit)
        key[digit] = "0123456789abcdef"[(mixed >> (4 * digit)) & 15];
    return key;
}

std::vector<KeyText> random_keys(uint64_t key_count, uint64_t seed) {
    constexpr size_t kQueries = size_t{1} << 20;
    Prng prng(seed);
    std::vector<KeyText> keys(kQueries);
    for (KeyText& key : keys)
        key = key_of(prng.below(key_count));
    return keys;
}

struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return checksum64(as_bytes(key), 1); }
};

struct KeyEqual {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};

// Each table: put(key, value), find(key) -> some byte of the value, bytes(). Reader is what a reading thread holds.
struct NoReader {
    void quiesce() {}
};

class Kvorum {
 public:
    static constexpr bool kConcurrent = true;
    using Reader = Reclamation::Reader;
    Reader add_reader() { return map_.add_reader(); }

    void put(std::string_view key, std::string_view value) {
        map_.put({.key = key, .value = value}, map_.hash(key));
        // Once a turn, as the node does.
        if (++puts_ % 64 == 0) map_.collect();
    }
    char find(std::string_view key) const { return map_.find(key, map_.hash(key))->value().front(); }
    void find_batch(std::span<const std::string_view> keys, std::span<const Record*> found) const {
        map_.find_batch(keys, found);
    }
    uint64_t bytes() const { return map_.memory_bytes(); }

 private:
    HashMap map_{1};
    uint64_t puts_ = 0;
};

// What malloc has given out since this was made.
class MallocBytes {
 public:
    uint64_t bytes() const { return used() - before_; }

 private:
    static uint64_t used() {
        const auto info = ::mallinfo2();
        return info.uordblks + info.hblkhd;
    }
    uint64_t before_ = used();
};

class Absl : public MallocBytes {
 public:
    static constexpr bool kConcurrent = false;
    using Reader = NoReader;
    Reader add_reader() { return {}; }
    void put(std::string_view key, std::string_view value) { map_[key] = value; }
    char find(std::string_view key) const { return map_.find(key)->second.front(); }

 private:
    absl::flat_hash_map<std::string, std::string, KeyHash, KeyEqual> map_;
};

#if defined(KVORUM_BENCH_CUCKOO)
class Cuckoo : public MallocBytes {
 public:
    static constexpr bool kConcurrent = true;
    using Reader = NoReader;
    Reader add_reader() { return {}; }
    void put(std::string_view key, std::string_view value) { map_.insert_or_assign(std::string(key), value); }
    char find(std::string_view key) const {
        char found = 0;
        map_.find_fn(key, [&found](const std::string& value) { found = value.front(); });
        return found;
    }

 private:
    libcuckoo::cuckoohash_map<std::string, std::string, KeyHash, KeyEqual> map_;
};
#endif

#if defined(KVORUM_BENCH_TBB)
class Tbb : public MallocBytes {
 public:
    static constexpr bool kConcurrent = true;
    using Reader = NoReader;
    Reader add_reader() { return {}; }
    void put(std::string_view key, std::string_view value) {
        Map::accessor place;
        map_.insert(place, std::string(key));
        place->second = value;
    }
    char find(std::string_view key) const {
        Map::const_accessor place;
        map_.find(place, std::string(key));
        return place->second.front();
    }

 private:
    struct Compare {
        static size_t hash(const std::string& key) { return KeyHash()(key); }
        static bool equal(const std::string& a, const std::string& b) { return a == b; }
    };
    using Map = tbb::concurrent_hash_map<std::string, std::string, Compare>;
    Map map_;
};
#endif

struct FillReport {
    uint64_t longest_ns = 0;
    uint64_t over_limit = 0;
    uint64_t interrupted = 0;  // long ones in which the core was taken away: not counted above
};

uint64_t now_ns() {
    return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

// How often another program has taken the core from this thread.
int64_t preemptions() {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
}

template <typename Table>
FillReport fill(Table& table, uint64_t key_count) {
    constexpr uint64_t kLookAtNs = 10 * kMicrosecondNs;
    FillReport report;
    int64_t preempted = preemptions();
    uint64_t before_ns = now_ns();
    for (uint64_t i = 0; i < key_count; ++i) {
        table.put(view(key_of(i)), kValue);
        const uint64_t took_ns = now_ns() - before_ns;
        if (took_ns > kLookAtNs) {
            const int64_t before = std::exchange(preempted, preemptions());
            if (preempted != before) {
                ++report.interrupted;
            } else {
                report.longest_ns = std::max(report.longest_ns, took_ns);
                report.over_limit += took_ns > kLongInsertNs ? 1 : 0;
            }
        }
        before_ns = now_ns();
    }
    return report;
}

template <typename Table>
void bm_fill(benchmark::State& state) {
    const auto key_count = static_cast<uint64_t>(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        const auto table = std::make_unique<Table>();
        const FillReport report = fill(*table, key_count);
        state.counters["longest_us"] = static_cast<double>(report.longest_ns) / kMicrosecondNs;
        state.counters["over_100us"] = static_cast<double>(report.over_limit);
        state.counters["interrupted"] = static_cast<double>(report.interrupted);
        state.counters["bytes_per_key"] = static_cast<double>(table->bytes()) / static_cast<double>(key_count);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

// What the map itself holds up an insert for comes back at the same insert of every run; what the machine does (another
// program on the core, a hypervisor that takes it) does not. So of each insert the fastest of several runs counts.
void bm_longest_insert(benchmark::State& state) {
    constexpr int kRuns = 3;
    const auto key_count = static_cast<uint64_t>(state.range(0));
    std::vector<uint32_t> fastest_ns(key_count, UINT32_MAX);
    for ([[maybe_unused]] auto _ : state) {
        for (int run = 0; run < kRuns; ++run) {
            Kvorum table;
            uint64_t before_ns = now_ns();
            for (uint64_t i = 0; i < key_count; ++i) {
                table.put(view(key_of(i)), kValue);
                const uint64_t after_ns = now_ns();
                const uint64_t took_ns = std::min<uint64_t>(after_ns - before_ns, UINT32_MAX);
                fastest_ns[i] = std::min(fastest_ns[i], static_cast<uint32_t>(took_ns));
                before_ns = after_ns;
            }
        }
    }
    const auto longest = std::max_element(fastest_ns.begin(), fastest_ns.end());
    state.counters["longest_us"] = static_cast<double>(*longest) / kMicrosecondNs;
    state.counters["at_insert"] = static_cast<double>(longest - fastest_ns.begin());
    state.SetItemsProcessed(state.iterations() * kRuns * state.range(0));
}

// One filled table at a time, kept from row to row.
template <typename Table>
class Filled {
 public:
    static void prepare(const benchmark::State& state) {
        const auto key_count = static_cast<uint64_t>(state.range(0));
        if (table_ != nullptr && key_count_ == key_count) return;
        table_.reset();
        table_ = std::make_unique<Table>();
        fill(*table_, key_count);
        key_count_ = key_count;
    }
    static void drop(const benchmark::State&) { table_.reset(); }
    static Table& table() { return *table_; }

 private:
    static inline std::unique_ptr<Table> table_;
    static inline uint64_t key_count_ = 0;
};

template <typename Table>
void bm_lookup(benchmark::State& state) {
    const auto keys =
        random_keys(static_cast<uint64_t>(state.range(0)), 1 + static_cast<uint64_t>(state.thread_index()));
    Table& table = Filled<Table>::table();
    auto reader = table.add_reader();
    size_t next = 0;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(table.find(view(keys[next])));
        next = (next + 1) & (keys.size() - 1);
        if (next % 64 == 0) reader.quiesce();
    }
    state.SetItemsProcessed(state.iterations());
}

// In iterations of one lookup, so that the times can be compared.
void bm_lookup_batched(benchmark::State& state) {
    const auto keys =
        random_keys(static_cast<uint64_t>(state.range(0)), 1 + static_cast<uint64_t>(state.thread_index()));
    Kvorum& table = Filled<Kvorum>::table();
    auto reader = table.add_reader();
    std::array<std::string_view, kBatch> batch;
    std::array<const Record*, kBatch> found;
    size_t next = 0;
    while (state.KeepRunningBatch(kBatch)) {
        for (size_t i = 0; i < kBatch; ++i)
            batch[i] = view(keys[next + i]);
        table.find_batch(batch, found);
        for (const Record* record : found)
            benchmark::DoNotOptimize(record->value().front());
        next = (next + kBatch) & (keys.size() - 1);
        reader.quiesce();
    }
    state.SetItemsProcessed(state.iterations());
}

template <typename Table>
void bm_update(benchmark::State& state) {
    const auto keys = random_keys(static_cast<uint64_t>(state.range(0)), 7);
    Table& table = Filled<Table>::table();
    size_t next = 0;
    for ([[maybe_unused]] auto _ : state) {
        table.put(view(keys[next]), next % 2 == 0 ? kOtherValue : kValue);
        next = (next + 1) & (keys.size() - 1);
    }
    state.SetItemsProcessed(state.iterations());
}

// The time is that of both threads; the counters tell what each did in a second.
template <typename Table>
void bm_mixed(benchmark::State& state) {
    const bool writes = state.thread_index() == 0;
    const auto keys =
        random_keys(static_cast<uint64_t>(state.range(0)), 1 + static_cast<uint64_t>(state.thread_index()));
    Table& table = Filled<Table>::table();
    std::optional<typename Table::Reader> reader;
    if (!writes) reader.emplace(table.add_reader());
    size_t next = 0;
    for ([[maybe_unused]] auto _ : state) {
        if (writes) {
            table.put(view(keys[next]), next % 2 == 0 ? kOtherValue : kValue);
        } else {
            benchmark::DoNotOptimize(table.find(view(keys[next])));
            if (next % 64 == 0) reader->quiesce();
        }
        next = (next + 1) & (keys.size() - 1);
    }
    const auto done = static_cast<double>(state.iterations());
    state.counters["lookups"] = benchmark::Counter(writes ? 0 : done, benchmark::Counter::kIsRate);
    state.counters["updates"] = benchmark::Counter(writes ? done : 0, benchmark::Counter::kIsRate);
}

template <typename Table>
void register_table(const std::string& name) {
    for (const int64_t key_count : {1'000, 100'000, 1'000'000, 10'000'000}) {
        const auto at = [key_count](benchmark::internal::Benchmark* row) {
            row->Arg(key_count)->Setup(Filled<Table>::prepare)->UseRealTime();
        };
        benchmark::RegisterBenchmark((name + "/fill").c_str(), bm_fill<Table>)
            ->Arg(key_count)
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond)
            ->Setup(Filled<Table>::drop);
        for (const int threads : {1, 2})
            at(benchmark::RegisterBenchmark((name + "/lookup").c_str(), bm_lookup<Table>)->Threads(threads));
        if constexpr (std::is_same_v<Table, Kvorum>) {
            for (const int threads : {1, 2})
                at(benchmark::RegisterBenchmark((name + "/batched").c_str(), bm_lookup_batched)->Threads(threads));
        }
        if constexpr (Table::kConcurrent) {
            at(benchmark::RegisterBenchmark((name + "/mixed").c_str(), bm_mixed<Table>)->Threads(2));
        }
        auto* last = benchmark::RegisterBenchmark((name + "/update").c_str(), bm_update<Table>);
        at(last);
        last->Teardown(Filled<Table>::drop);
    }
}

void register_all() {
    benchmark::RegisterBenchmark("kvorum/longest_insert", bm_longest_insert)
        ->Arg(10'000'000)
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
    register_table<Kvorum>("kvorum");
    register_table<Absl>("absl");
#if defined(KVORUM_BENCH_CUCKOO)
    register_table<Cuckoo>("cuckoo");
#endif
#if defined(KVORUM_BENCH_TBB)
    register_table<Tbb>("tbb");
#endif
}

}  // namespace
}  // namespace kvorum::kv

int main(int argc, char** argv) {
    kvorum::kv::register_all();
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
