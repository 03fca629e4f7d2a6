// Entries, configurations and nodes for the tests of the log.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/prng.h"
#include "raft/entry.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "reactor/sync_wait.h"
#include "sim/disk.h"
#include "sim/disk_backend.h"
#include "wal/wal.h"

namespace kvorum::wal::test {

inline constexpr ClusterId kCluster{0xc1u};
inline constexpr const char* kClusterName = "test";
inline constexpr NodeId kNode{7};
inline constexpr const char* kDirectory = "data/wal";

// Makes entries that follow each other: the chain of a leader, or of several when rewind() goes back.
class EntryMaker {
 public:
    explicit EntryMaker(ClusterId cluster = kCluster) : cluster_(cluster) {}

    raft::EntryPtr next(size_t body_bytes = 20) {
        raft::EntryBuilder builder(raft::EntryType::kCommands);
        const uint64_t number = next_number();
        for (size_t i = 0; i < body_bytes; ++i)
            builder.buffer().append(1, static_cast<char>('a' + (number + i + term_.value()) % 26));
        builder.add_command_count(1);
        return seal(std::move(builder));
    }
    // The members are these from here on.
    raft::EntryPtr config(const std::vector<uint64_t>& voters) {
        raft::Configuration configuration;
        for (const uint64_t voter : voters)
            configuration.voters.push_back({.id = NodeId{voter}, .peer = {"host", 17001}, .client = {"host", 7001}});
        raft::EntryBuilder builder(raft::EntryType::kConfig);
        builder.buffer().append(raft::encode_configuration(configuration));
        return seal(std::move(builder));
    }
    raft::EntryPtr raise(uint16_t level) {
        raft::EntryBuilder builder(raft::EntryType::kFeatureLevel);
        builder.buffer().append(raft::encode_feature_level({.level = level, .raised_by = "0.9.1"}));
        return seal(std::move(builder));
    }
    raft::EntryList next_batch(size_t count, size_t body_bytes = 20) {
        raft::EntryList entries;
        for (size_t i = 0; i < count; ++i)
            entries.push_back(next(body_bytes));
        return entries;
    }
    // The next entry replaces the one behind `last`, in a new term.
    void rewind(LogIndex last) {
        ids_.resize(last.value());
        term_ = term_ + 1;
    }
    void set_term(Term term) { term_ = term; }
    [[nodiscard]] Term term() const { return term_; }
    [[nodiscard]] int64_t last_log_time_ms() const { return static_cast<int64_t>(1000 + ids_.size()); }
    [[nodiscard]] LogIndex last_index() const { return LogIndex{ids_.size()}; }
    [[nodiscard]] const std::vector<raft::EntryId>& ids() const { return ids_; }

 private:
    [[nodiscard]] uint64_t next_number() const { return ids_.size() + 1; }
    raft::EntryPtr seal(raft::EntryBuilder builder) {
        builder.set_log_time_ms(static_cast<int64_t>(1000 + next_number()));
        raft::EntryPtr entry = std::move(builder).seal(cluster_, kFirstGroup, LogIndex{next_number()}, term_,
                                                       ids_.empty() ? 0 : ids_.back().checksum);
        ids_.push_back(entry->id());
        return entry;
    }

    ClusterId cluster_;
    Term term_{1};
    std::vector<raft::EntryId> ids_;
};

inline WalConfig small_config(std::string directory = kDirectory) {
    WalConfig config;
    config.directory = std::move(directory);
    config.cluster = kCluster;
    config.cluster_name = kClusterName;
    config.node = kNode;
    config.segment_size_bytes = 32 * kKiB;
    config.group_bytes_max = 16 * kKiB;
    config.reserve_bytes = 4 * kKiB;
    config.spare_segments = 2;
    config.sync = SyncMethod::kDataSyncPerGroup;
    return config;
}

// One node on a simulated disk: a backend, a reactor, and the log while it is open.
class SimNode {
 public:
    explicit SimNode(sim::Disk& disk, uint64_t seed = 1)
        : backend(disk, backend_config(seed)), reactor(backend, {.shuffle_seed = seed}) {}
    ~SimNode() {
        backend.set_fault_policy({});
        if (wal != nullptr) close();
    }

    absl::Status open(WalConfig config = small_config()) {
        auto opened = reactor::run_until_done(reactor, Wal::open(reactor, std::move(config)));
        if (!opened.ok()) return opened.status();
        wal = std::move(*opened);
        return absl::OkStatus();
    }
    void close() {
        reactor::run_until_done(reactor, wal->close());
        wal.reset();
    }
    // Appends and waits until it is durable.
    uint64_t append_durably(std::optional<raft::HardState> hard_state, raft::EntryList entries) {
        const uint64_t unit = wal->append(hard_state, std::move(entries));
        turn_until([&] { return wal->durable_unit() >= unit || backend.halted(); });
        return unit;
    }
    template <typename Condition>
    void turn_until(Condition condition) {
        while (!condition())
            reactor.turn(backend.monotonic_ns() + kMillisecondNs);
    }
    absl::StatusOr<raft::EntryList> read(LogIndex first, LogIndex last, uint64_t bytes_max = UINT64_MAX / 2) {
        return reactor::run_until_done(reactor, wal->read(first, last, bytes_max));
    }
    std::vector<raft::EntryId> read_all() {
        std::vector<raft::EntryId> ids;
        LogIndex next = wal->first_index();
        while (next <= wal->last_index()) {
            auto entries = read(next, wal->last_index(), 64 * kKiB);
            if (!entries.ok()) return {};
            for (const raft::EntryPtr& entry : *entries)
                ids.push_back(entry->id());
            next = entries->back()->index() + 1;
        }
        return ids;
    }

    static sim::DiskBackendConfig backend_config(uint64_t seed) {
        sim::DiskBackendConfig config;
        config.seed = seed;
        return config;
    }

    sim::DiskBackend backend;
    reactor::Reactor reactor;
    std::unique_ptr<Wal> wal;
};

// Keeps the log of the process quiet while it lives, and collects it.
class QuietLog {
 public:
    QuietLog() {
        set_log_sink([this](LogLevel, std::string_view line) { lines.emplace_back(line); });
    }
    ~QuietLog() { set_log_sink({}); }
    std::vector<std::string> lines;
};

}  // namespace kvorum::wal::test
