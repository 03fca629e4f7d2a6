// The write-ahead log as the log of a group. Ownership: the Wal outlives this.
#pragma once

#include <utility>

#include "replica/log_port.h"
#include "wal/wal.h"

namespace kvorum::replica {

class WalLog final : public LogPort {
 public:
    explicit WalLog(wal::Wal& wal) : wal_(wal) {}

    [[nodiscard]] uint64_t append(std::optional<raft::HardState> hard_state, raft::EntryList entries) override {
        return wal_.append(hard_state, std::move(entries));
    }
    [[nodiscard]] uint64_t begin_at(raft::LogBase base) override { return wal_.begin_at(std::move(base)); }
    void release_prefix(LogIndex up_to) override { wal_.release_prefix(up_to); }
    [[nodiscard]] uint64_t durable_unit() const override { return wal_.durable_unit(); }
    [[nodiscard]] reactor::Task<absl::StatusOr<raft::EntryList>> read(LogIndex first, LogIndex last,
                                                                      uint64_t bytes_max) override {
        return wal_.read(first, last, bytes_max);
    }
    [[nodiscard]] uint64_t bytes_behind(LogIndex index) const override { return wal_.bytes_behind(index); }
    [[nodiscard]] LogIndex index_at_bytes_from_end(uint64_t bytes) const override {
        return wal_.index_at_bytes_from_end(bytes);
    }
    [[nodiscard]] LogIndex first_index() const override { return wal_.first_index(); }
    [[nodiscard]] bool busy() const override { return wal_.busy(); }
    [[nodiscard]] uint32_t groups_in_flight() const override { return wal_.groups_in_flight(); }
    [[nodiscard]] uint64_t last_sync_ns() const override { return wal_.last_sync_ns(); }
    [[nodiscard]] uint64_t oldest_unsynced_ns(uint64_t now_ns) const override {
        return wal_.oldest_unsynced_ns(now_ns);
    }
    [[nodiscard]] bool low_on_space() const override { return wal_.low_on_space(); }

 private:
    wal::Wal& wal_;
};

}  // namespace kvorum::replica
