#include "replica/state_recovery.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "base/units.h"
#include "snapshot/snapshot_loader.h"

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

Task<absl::StatusOr<raft::RecoveredLog>> begin_behind(reactor::Reactor& reactor, wal::Wal& wal, raft::LogBase base) {
    raft::RecoveredLog log = whole_log(wal);
    log.applied = base.last;
    if (holds(log, base.last)) co_return log;
    KVORUM_LOG(kInfo, "the log ends at index {}: it begins anew behind the snapshot at {}", log.last.index,
               base.last.index);
    // Its term was when it was committed; the vote of an earlier one is over.
    if (base.last.term > log.hard_state.current_term) {
        log.hard_state.current_term = base.last.term;
        log.hard_state.voted_for = NodeId{};
        maybe(wal.append(log.hard_state, {}) == 0);
    }
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
                                                       snapshot::SnapshotDirectory& directory, kv::Store& state) {
    const LogIndex base = wal.recovered().base.last.index;
    while (!directory.files().empty() && directory.files().front().id.index >= base) {
        const snapshot::SnapshotFile file = directory.files().front();
        const uint64_t begun_ns = reactor.now_ns();
        kv::Store restored;
        snapshot::SnapshotLoader loader(reactor, directory.path_of(file.id), file.size_bytes);
        absl::StatusOr<snapshot::LoadedSnapshot> loaded = co_await loader.restore(&restored, {});
        if (loaded.ok()) {
            if (loaded->head.cluster != wal.cluster()) {
                co_return absl::FailedPreconditionError(
                    fmt::format("{} is of another cluster", directory.path_of(file.id)));
            }
            KVORUM_LOG(kInfo, "snapshot: {} keys at index {} of term {} loaded, {} bytes in {} ms", loaded->records,
                       file.id.index, file.id.term, file.size_bytes, (reactor.now_ns() - begun_ns) / kMillisecondNs);
            directory.add({file.id, file.size_bytes, loaded->checksum}, true);
            state = std::move(restored);
            auto log = co_await begin_behind(reactor, wal, loaded->head.base);
            co_return log;
        }
        // What it stands for was acknowledged: no less may do.
        if (!absl::IsDataLoss(loaded.status()) || file.id.index > wal.recovered().last.index) co_return loaded.status();
        KVORUM_LOG(kError, "snapshot: {}; it is removed", std::string(loaded.status().message()));
        absl::Status removed = co_await directory.remove(file.id);
        if (!removed.ok()) co_return removed;
    }
    if (base.is_none()) co_return whole_log(wal);
    co_return absl::DataLossError(
        fmt::format("the log begins behind index {}, and there is no sound snapshot that reaches it", base));
}

}  // namespace kvorum::replica
