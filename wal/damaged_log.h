// A log that recovery refused for damage, open for reading: what its bytes still say (wal/damage_survey.h), and its
// entries by identity. It changes no file.
//
// Thread: the reactor's. Suspension: everything that reads suspends; several reads may run. Ownership: reactor and
// backend outlive it; close() ends before it is destroyed. Memory: one segment while it opens; then a position index.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/ids.h"
#include "raft/entry.h"
#include "raft/types.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "wal/config.h"
#include "wal/damage_survey.h"
#include "wal/segment_store.h"

namespace kvorum::wal {

class DamagedLog {
 public:
    // DataLoss: the log cannot be repaired, and why; the message is that of Wal::open() and more. FailedPrecondition:
    // the log is not damaged. Others as Wal::open().
    [[nodiscard]] static reactor::Task<absl::StatusOr<std::unique_ptr<DamagedLog>>> open(reactor::Reactor& reactor,
                                                                                         WalConfig config);
    DamagedLog(const DamagedLog&) = delete;
    DamagedLog& operator=(const DamagedLog&) = delete;
    ~DamagedLog() = default;

    [[nodiscard]] const std::string& message() const { return message_; }  // file, offset, index and reason
    [[nodiscard]] const SurveyedEnd& end() const { return end_; }
    [[nodiscard]] const WalConfig& config() const { return config_; }
    [[nodiscard]] uint64_t segment_size_bytes() const { return store_.segment_size_bytes(); }

    // Entries from `first` to the entry asked for lie in one run; `before` is the one in front of them, zero at the
    // start of the log. Its term is not always known.
    struct Found {
        size_t run = 0;
        LogIndex first;
        raft::EntryId before;
    };
    // Nothing when no live entry of a run has this index and checksum.
    [[nodiscard]] reactor::Task<absl::StatusOr<std::optional<Found>>> find(LogIndex index, uint64_t checksum);
    // As Wal::read(), of a range that find() gave.
    [[nodiscard]] reactor::Task<absl::StatusOr<raft::EntryList>> read(size_t run, LogIndex first, LogIndex last,
                                                                      uint64_t bytes_max);

    [[nodiscard]] reactor::Task<void> close();

 private:
    DamagedLog(reactor::Reactor& reactor, WalConfig config)
        : reactor_(reactor), config_(std::move(config)), store_(reactor_, config_), survey_(config_.node) {}

    reactor::Task<absl::Status> load();
    reactor::Task<absl::Status> survey_files();

    reactor::Reactor& reactor_;
    const WalConfig config_;
    SegmentStore store_;
    DamageSurvey survey_;
    SurveyedEnd end_;
    std::string message_;
};

}  // namespace kvorum::wal
