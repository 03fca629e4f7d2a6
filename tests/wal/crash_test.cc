// A power cut at every single I/O: before each write, sync, creation and rename is carried out, and after, and for each
// of these moments several choices of what the disk kept of everything that was not synced. What is recovered must be a
// prefix of what was appended, in the order of the log, that holds every unit that was reported durable; the log must
// go on from there, also when recovery itself is cut short.
#include <gtest/gtest.h>

#include "tests/wal/wal_test_util.h"

namespace kvorum::wal::test {
namespace {

struct AppendedRecord {
    uint64_t unit = 0;
    std::optional<raft::HardState> hard_state;
    raft::EntryId entry;
    std::optional<raft::LogBase> base = std::nullopt;
};

// What was appended, in order, and what had been promised at each moment.
struct History {
    std::vector<AppendedRecord> records;
    struct Moment {
        sim::Disk disk{sim::DiskConfig{}};
        uint64_t durable_unit = 0;
        LogIndex released;
        std::string what;
    };
    std::vector<Moment> moments;
};

// Runs a workload once, keeping the disk as it was at each moment.
class Workload {
 public:
    Workload(WalConfig config, uint64_t seed, bool bases)
        : config_(std::move(config)), bases_(bases), random_(seed), node_(disk_, seed) {
        node_.backend.set_observer(
            [this](sim::IoMoment moment, const sim::FileOperation& op) { remember(moment, op); });
    }

    History run(int steps) {
        KVORUM_ASSERT(node_.open(config_).ok());
        for (int step = 0; step < steps; ++step) {
            take_step(step);
            // Now and then a pause, so that depths from none to the maximum occur.
            const uint64_t turns = random_.chance(1, 3) ? random_.between(4, 30) : random_.between(0, 2);
            for (uint64_t i = 0; i < turns; ++i)
                node_.reactor.turn(node_.backend.monotonic_ns() + 100 * kMicrosecondNs);
        }
        node_.turn_until([&] { return node_.wal->durable_unit() == last_unit_; });
        node_.backend.set_observer({});
        // A workload that reuses no file proves little about their reuse.
        KVORUM_ASSERT(node_.wal->stats().segments_recycled >= 3, "{} recycled", node_.wal->stats().segments_recycled);
        return std::move(history_);
    }

 private:
    void take_step(int step) {
        if (bases_ && step % 16 == 12) {
            begin_anew();
            return;
        }
        std::optional<raft::HardState> hard_state;
        raft::EntryList entries;
        const auto silence_ms = static_cast<uint32_t>(100 * step + 1);
        if (step % 5 == 4 && maker_.last_index() > LogIndex{6}) {
            const LogIndex keep = maker_.last_index() - random_.between(1, 4);
            maker_.rewind(std::max(keep, committed_));
            hard_state = raft::HardState{maker_.term(), NodeId{}, silence_ms};
        } else if (random_.chance(1, 6)) {
            hard_state = raft::HardState{maker_.term(), kNode, silence_ms};
        }
        const bool only_hard_state = hard_state.has_value() && random_.chance(1, 3);
        if (!only_hard_state) {
            const uint64_t count = random_.between(1, 4);
            for (uint64_t i = 0; i < count; ++i)
                entries.push_back(maker_.next(body_bytes()));
        }
        const uint64_t unit = last_unit_ + 1;
        if (hard_state.has_value()) history_.records.push_back({unit, hard_state, {}});
        for (const raft::EntryPtr& entry : entries)
            history_.records.push_back({unit, {}, entry->id()});
        last_unit_ = node_.wal->append(hard_state, std::move(entries));
        KVORUM_ASSERT(last_unit_ == unit);
        if (step % 4 == 3) release();
    }

    // As a follower whose log does not reach what its leader's snapshot stands for, or contradicts it.
    void begin_anew() {
        if (random_.chance(1, 2)) maker_.rewind(std::max(maker_.last_index() - random_.between(1, 4), committed_));
        for (uint64_t i = random_.between(2, 6); i > 0; --i)
            maker_.next(0);
        raft::LogBase base{.last = maker_.ids().back(), .log_time_ms = maker_.last_log_time_ms()};
        base.configuration = {LogIndex{1}, {.voters = {{kNode, {}, {"host", 17001}, {"host", 7001}}}}};
        committed_ = base.last.index;
        ++last_unit_;
        history_.records.push_back({last_unit_, {}, {}, base});
        const uint64_t unit = node_.wal->begin_at(base);
        KVORUM_ASSERT(unit == last_unit_);
        KVORUM_ASSERT(node_.wal->first_index() == base.last.index + 1 && node_.wal->last() == base.last);
    }

    size_t body_bytes() {
        switch (random_.below(8)) {
            case 0: return 0;
            case 1: return 9000;
            case 2: return random_.chance(1, 3) ? 25000 : 5000;
            default: return random_.between(10, 800);
        }
    }

    // What is durable in all of its prefix may be released; it will not be replaced any more.
    void release() {
        LogIndex durable;
        for (const AppendedRecord& record : history_.records) {
            const LogIndex index = record.base.has_value() ? record.base->last.index : record.entry.index;
            if (index.is_none()) continue;
            const bool is_durable = record.unit <= node_.wal->durable_unit();
            durable = is_durable ? index : std::min(durable, index - 1);
        }
        if (durable <= LogIndex{4}) return;
        committed_ = std::max(committed_, std::min(durable, maker_.last_index()) - 3);
        if (committed_ <= durable) node_.wal->release_prefix(committed_);
    }

    void remember(sim::IoMoment moment, const sim::FileOperation& op) {
        const uint64_t durable_unit = node_.wal != nullptr ? node_.wal->durable_unit() : 0;
        history_.moments.push_back({disk_, durable_unit, committed_,
                                    fmt::format("{} operation {} (code {}) on {} at {}, {} bytes",
                                                moment == sim::IoMoment::kBegun ? "begun" : "done", op.number,
                                                static_cast<int>(op.code), op.path, op.offset, op.length_bytes)});
    }

    WalConfig config_;
    bool bases_;
    Prng random_;
    sim::Disk disk_{sim::DiskConfig{}};
    SimNode node_;
    EntryMaker maker_;
    LogIndex committed_;
    uint64_t last_unit_ = 0;
    History history_;
};

// True when the node's log is what some prefix of the history, not shorter than what was promised, leaves behind.
testing::AssertionResult is_promised_prefix(SimNode& node, const History& history, const History::Moment& moment) {
    const RecoveryReport& report = node.wal->recovered();
    const LogIndex first = node.wal->first_index();
    if (first > moment.released + 1) return testing::AssertionFailure() << "starts at " << first.value();
    const std::vector<raft::EntryId> found = node.read_all();
    raft::HardState hard_state;
    std::vector<raft::EntryId> log;  // whatever stands before the base
    LogIndex base;
    size_t applied = 0;
    while (true) {
        const bool holds_promises =
            applied == history.records.size() || history.records[applied].unit > moment.durable_unit;
        const bool same_end =
            (log.empty() ? raft::EntryId{} : log.back()) == report.last && hard_state == report.hard_state;
        if (holds_promises && same_end && first > base) {
            const raft::EntryId before = first == LogIndex{1} ? raft::EntryId{} : log[first.value() - 2];
            if (report.base.last != before) return testing::AssertionFailure() << "a wrong base";
            const std::vector<raft::EntryId> expected(
                log.begin() + static_cast<ptrdiff_t>(std::min(first.value() - 1, log.size())), log.end());
            if (expected == found) return testing::AssertionSuccess();
        }
        if (applied == history.records.size()) break;
        const AppendedRecord& record = history.records[applied++];
        if (record.hard_state.has_value()) {
            hard_state = *record.hard_state;
        } else if (record.base.has_value()) {
            base = record.base->last.index;
            log.resize(base.value());
            log.back() = record.base->last;
        } else {
            log.resize(record.entry.index.value() - 1);
            log.push_back(record.entry);
        }
    }
    return testing::AssertionFailure() << "term " << report.hard_state.current_term.value() << ", entries "
                                       << first.value() << " to " << report.last.index.value() << " (" << found.size()
                                       << " read), promised unit " << moment.durable_unit;
}

// The recovered log takes more and keeps it.
testing::AssertionResult goes_on(SimNode& node, sim::Disk& disk, const WalConfig& config) {
    std::vector<raft::EntryId> expected = node.read_all();
    const raft::EntryId last = node.wal->recovered().last;
    raft::EntryBuilder builder(raft::EntryType::kNoop);
    const Term term = last.term + 100;
    const raft::EntryPtr entry = std::move(builder).seal(kCluster, kFirstGroup, last.index + 1, term, last.checksum);
    const raft::HardState hard_state{term + 1, NodeId{3}, 1};
    node.append_durably(hard_state, {entry});
    if (node.backend.halted()) return testing::AssertionFailure() << "halted: " << node.backend.halt_reason();
    expected.push_back(entry->id());
    sim::Disk after = disk.crash(1, sim::Disk::CrashMode::kLoseAll);
    SimNode again(after);
    const absl::Status status = again.open(config);
    if (!status.ok()) return testing::AssertionFailure() << "second recovery: " << status.message();
    if (again.wal->recovered().hard_state != hard_state)
        return testing::AssertionFailure() << "second recovery lost the hard state";
    if (again.read_all() != expected) return testing::AssertionFailure() << "second recovery lost entries";
    return testing::AssertionSuccess();
}

// Cuts the power during recovery from `disk`, at a moment drawn from `seed`.
sim::Disk crash_in_recovery(const sim::Disk& disk, const WalConfig& config, uint64_t seed) {
    sim::Disk working = disk;
    std::vector<sim::Disk> moments;
    SimNode node(working, seed);
    node.backend.set_observer([&](sim::IoMoment, const sim::FileOperation&) { moments.push_back(working); });
    KVORUM_ASSERT(node.open(config).ok());
    node.backend.set_observer({});
    return moments.empty() ? disk.crash(seed) : moments[Prng(seed).below(moments.size())].crash(seed + 1);
}

// The process dies but the machine lives: what the next one recovers, from a cache that is not durable, it will promise
// to others. A power cut right after it opened must not take it back.
testing::AssertionResult keeps_what_a_killed_process_left(const History& history, const History::Moment& moment,
                                                          const WalConfig& config, uint64_t seed) {
    sim::Disk disk = moment.disk.kill(seed);
    SimNode node(disk, seed);
    absl::Status status = node.open(config);
    if (!status.ok()) return testing::AssertionFailure() << status.message();
    testing::AssertionResult promised = is_promised_prefix(node, history, moment);
    if (!promised) return promised;
    sim::Disk after = disk.crash(seed, seed % 2 == 0 ? sim::Disk::CrashMode::kLoseAll : sim::Disk::CrashMode::kDrawn);
    SimNode again(after, seed);
    status = again.open(config);
    if (!status.ok()) return testing::AssertionFailure() << "after the power cut: " << status.message();
    if (again.wal->recovered().hard_state != node.wal->recovered().hard_state)
        return testing::AssertionFailure() << "lost the hard state";
    if (again.wal->recovered().last != node.wal->recovered().last) return testing::AssertionFailure() << "lost entries";
    return testing::AssertionSuccess();
}

struct Shape {
    std::string name;
    SyncMethod method = SyncMethod::kDataSyncPerGroup;
    uint32_t groups_in_flight_max = 4;
    uint64_t seed = 1;
    bool bases = false;
};

class CrashTest : public testing::TestWithParam<Shape> {};

// hashicorp/raft#661: term and vote were written one after the other, so that a crash between them allowed a second
// vote in the term. Here a hard state is one of the records that are found whole or not at all. ClickHouse#102629: what
// replaced an entry while a sync was in flight counted as durable.
TEST_P(CrashTest, EveryMomentRecoversToAPromisedPrefix) {
    QuietLog log;
    WalConfig config = small_config();
    config.segment_size_bytes = 24 * kKiB;
    config.group_bytes_max = 12 * kKiB;
    config.spare_segments = 1;
    config.sync = GetParam().method;
    config.groups_in_flight_max = GetParam().groups_in_flight_max;
    const History history = Workload(config, GetParam().seed, GetParam().bases).run(48);
    ASSERT_GT(history.moments.size(), 100U);
    constexpr uint64_t kCrashesPerMoment = 16;
    uint64_t verdicts[20] = {};
    uint64_t dropped = 0;
    for (size_t at = 0; at < history.moments.size(); ++at) {
        const History::Moment& moment = history.moments[at];
        for (uint64_t choice = 0; choice < kCrashesPerMoment; ++choice) {
            const uint64_t seed = at * kCrashesPerMoment + choice + GetParam().seed * 1000003;
            SCOPED_TRACE(fmt::format("moment {} ({}), seed {}", at, moment.what, seed));
            if (choice % 8 == 5) ASSERT_TRUE(keeps_what_a_killed_process_left(history, moment, config, seed));
            sim::Disk disk = moment.disk.crash(seed);
            if (choice % 8 == 7) disk = crash_in_recovery(disk, config, seed);
            SimNode node(disk, seed);
            const absl::Status status = node.open(config);
            ASSERT_TRUE(status.ok()) << status;
            ++verdicts[static_cast<size_t>(node.wal->recovered().verdict)];
            dropped += node.wal->recovered().groups_dropped;
            ASSERT_TRUE(is_promised_prefix(node, history, moment));
            if (choice % 4 == 3) ASSERT_TRUE(goes_on(node, disk, config));
        }
    }
    RecordProperty("moments", static_cast<int>(history.moments.size()));
    std::printf("  %zu moments; clean %lu, torn %lu, hole %lu (%lu groups dropped), empty %lu\n",
                history.moments.size(), verdicts[static_cast<size_t>(Verdict::kCleanEnd)],
                verdicts[static_cast<size_t>(Verdict::kTornTail)], verdicts[static_cast<size_t>(Verdict::kHole)],
                dropped, verdicts[static_cast<size_t>(Verdict::kEmpty)]);
    // A run that never met the interesting rows of the table proves nothing.
    EXPECT_GT(verdicts[static_cast<size_t>(Verdict::kTornTail)], 0U);
    if (config.groups_in_flight_max > 1) EXPECT_GT(verdicts[static_cast<size_t>(Verdict::kHole)], 0U);
}

INSTANTIATE_TEST_SUITE_P(Shapes, CrashTest,
                         testing::Values(Shape{"DataSyncFourInFlight", SyncMethod::kDataSyncPerGroup, 4, 1},
                                         Shape{"DsyncWriteFourInFlight", SyncMethod::kDsyncWrite, 4, 2},
                                         Shape{"DataSyncOneInFlight", SyncMethod::kDataSyncPerGroup, 1, 3},
                                         Shape{"BasesDataSyncFourInFlight", SyncMethod::kDataSyncPerGroup, 4, 4, true},
                                         Shape{"BasesDsyncWriteOneInFlight", SyncMethod::kDsyncWrite, 1, 5, true}),
                         [](const auto& shape) { return shape.param.name; });

}  // namespace
}  // namespace kvorum::wal::test
