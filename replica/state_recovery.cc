#include "replica/state_recovery.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "base/units.h"

namespace kvorum::replica {

using reactor::Task;

namespace {

constexpr uint64_t kDurableLookNs = 1 * kMillisecondNs;

raft::RecoveredLog whole_log(const wal::Wal& wal) {
    const wal::RecoveryReport& report = wal.recovered();
    return {.cluster = wal.cluster(),
            .hard_state = report.hard_state,
            .base = report.base,
            .applied = {},
            .last = report.last,
            .last_log_time_ms = report.last_log_time_ms,
            .terms = report.terms,
            .facts = report.facts};
}

bool holds(const raft::RecoveredLog& log, const raft::EntryId& id) {
    if (id.index > log.last.index || id.index < log.base.last.index) return false;
    if (id.index == log.base.last.index) return id == log.base.last;
    if (id.index == log.last.index) return id == log.last;
    Term found;
    for (const raft::TermRun& run : log.terms) {
        if (run.first_index <= id.index) found = run.term;
    }
    return found == id.term;
}

}  // namespace

Task<absl::StatusOr<raft::RecoveredLog>> begin_behind(reactor::Reactor& reactor, wal::Wal& wal,
                                                      snapshot::LoadedSnapshot loaded, kv::Store& state) {
    const raft::LogBase& base = loaded.head.base;
    if (loaded.head.cluster != wal.cluster()) {
        co_return absl::FailedPreconditionError(
            fmt::format("the snapshot at index {} is of another cluster", base.last.index));
    }
    raft::RecoveredLog log = whole_log(wal);
    state = std::move(loaded.state);
    log.applied = base.last;
    if (holds(log, base.last)) co_return log;
    KVORUM_LOG(kInfo, "the log ends at index {}: it begins anew behind the snapshot at {}", log.last.index,
               base.last.index);
    const uint64_t unit = wal.begin_at(base);
    while (wal.durable_unit() < unit) {
        if (reactor.stop_requested()) co_return absl::CancelledError("stopped");
        const bool slept = co_await reactor.sleep_for(kDurableLookNs);
        maybe(!slept);
    }
    log.base = base;
    log.last = base.last;
    log.last_log_time_ms = base.log_time_ms;
    log.terms.clear();
    log.facts = raft::facts_of(base);
    co_return log;
}

Task<absl::StatusOr<raft::RecoveredLog>> recover_state(reactor::Reactor& reactor, wal::Wal& wal,
                                                       snapshot::SnapshotDirectory& directory, kv::Store& state,
                                                       uint64_t& loaded_bytes) {
    const LogIndex base = wal.recovered().base.last.index;
    while (directory.newest() != nullptr && directory.newest()->last.index >= base) {
        const snapshot::SnapshotFile file = *directory.newest();
        const uint64_t begun_ns = reactor.now_ns();
        absl::StatusOr<snapshot::LoadedSnapshot> loaded =
            co_await snapshot::load_snapshot(reactor, file.path, {}, &loaded_bytes);
        if (loaded.ok()) {
            KVORUM_LOG(kInfo, "snapshot: {} keys at index {} of term {} loaded, {} bytes in {} ms",
                       loaded->head.moment.key_count, file.last.index, file.last.term, file.size_bytes,
                       (reactor.now_ns() - begun_ns) / kMillisecondNs);
            auto log = co_await begin_behind(reactor, wal, *std::move(loaded), state);
            co_return log;
        }
        if (!absl::IsDataLoss(loaded.status())) co_return loaded.status();
        // What it stands for was acknowledged: no less may do.
        if (file.last.index > wal.recovered().last.index) co_return loaded.status();
        KVORUM_LOG(kError, "snapshot: {}; it is removed", std::string(loaded.status().message()));
        co_await directory.remove(file.last);
    }
    if (base.is_none()) co_return whole_log(wal);
    co_return absl::DataLossError(
        fmt::format("the log in {} begins behind index {}, and there is no sound snapshot that reaches it",
                    directory.path(), base));
}

}  // namespace kvorum::replica
