// What the disk under a directory gives the log: groups a second and latency, for both sync methods and several depths.
//
//   wal_bench DIRECTORY [seconds per line]
//
// Each line keeps `depth` units waiting, so that as many groups are in flight as the log allows; 4 KiB groups, then 64
// KiB groups.
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/log.h"
#include "raft/entry.h"
#include "reactor/sync_wait.h"
#include "reactor/uring_backend.h"
#include "wal/wal.h"

namespace {

using namespace kvorum;

struct Line {
    wal::SyncMethod method;
    uint32_t depth;
    size_t body_bytes;
};

class LogBench {
 public:
    explicit LogBench(std::string directory) : directory_(std::move(directory)) {}

    bool run(const Line& line, uint64_t duration_ns) {
        auto backend = reactor::UringBackend::create({});
        if (!backend.ok()) return fail(backend.status());
        reactor::Reactor reactor(**backend, {});
        wal::WalConfig config;
        config.directory = directory_;
        config.cluster = ClusterId{1};
        config.cluster_name = "bench";
        config.node = NodeId{1};
        config.sync = line.method;
        config.groups_in_flight_max = line.depth;
        auto opened = reactor::run_until_done(reactor, wal::Wal::open(reactor, config));
        if (!opened.ok()) return fail(opened.status());
        wal::Wal& log = **opened;
        last_ = log.recovered().last;
        const uint64_t start_ns = (*backend)->monotonic_ns();
        uint64_t appended = 0;
        while ((*backend)->monotonic_ns() < start_ns + duration_ns) {
            if (!log.busy()) {
                appended = log.append({}, {next(line.body_bytes)});
                log.release_prefix(LogIndex{last_.index.value() > 1000 ? last_.index.value() - 1000 : 0});
                reactor.turn(0);
                continue;
            }
            reactor.turn(UINT64_MAX);
        }
        const uint64_t elapsed_ns = (*backend)->monotonic_ns() - start_ns;
        while (log.durable_unit() < appended)
            reactor.turn(UINT64_MAX);
        report(line, log.stats(), elapsed_ns);
        reactor::run_until_done(reactor, log.close());
        return true;
    }

 private:
    raft::EntryPtr next(size_t body_bytes) {
        raft::EntryBuilder builder(raft::EntryType::kCommands);
        builder.buffer().append(body_bytes, 'x');
        raft::EntryPtr entry =
            std::move(builder).seal(ClusterId{1}, kFirstGroup, last_.index + 1, Term{1}, last_.checksum);
        last_ = entry->id();
        return entry;
    }
    static void report(const Line& line, const wal::WalStats& stats, uint64_t elapsed_ns) {
        const double seconds = static_cast<double>(elapsed_ns) / static_cast<double>(kSecondNs);
        std::printf(
            "%-18s depth %u, %3zu KiB groups: %7.0f groups/s %7.0f syncs/s, p50 %5.0f us, p99 %6.0f us, %6.1f MiB/s, "
            "made %lu recycled %lu\n",
            std::string(wal::sync_method_name(line.method)).c_str(), line.depth, (line.body_bytes + 256) / kKiB,
            static_cast<double>(stats.groups) / seconds, static_cast<double>(stats.syncs) / seconds,
            static_cast<double>(stats.group_latency_ns.value_at(0.5)) / 1e3,
            static_cast<double>(stats.group_latency_ns.value_at(0.99)) / 1e3,
            static_cast<double>(stats.bytes) / seconds / static_cast<double>(kMiB), stats.segments_made,
            stats.segments_recycled);
        std::fflush(stdout);
    }
    static bool fail(const absl::Status& status) {
        std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
        return false;
    }

    std::string directory_;
    raft::EntryId last_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s DIRECTORY [SECONDS]\n", argv[0]);
        return 2;
    }
    set_log_level(LogLevel::kWarn);
    const uint64_t duration_ns = (argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 3) * kSecondNs;
    const std::string directory = std::string(argv[1]) + "/wal-bench";
    LogBench bench(directory);
    for (const size_t body_bytes : {size_t{3800}, size_t{65000}}) {
        for (const uint32_t depth : {1U, 2U, 4U}) {
            for (const auto method : {wal::SyncMethod::kDataSyncPerGroup, wal::SyncMethod::kDsyncWrite}) {
                if (!bench.run({method, depth, body_bytes}, duration_ns)) return 1;
            }
        }
    }
    std::filesystem::remove_all(directory);
    return 0;
}
