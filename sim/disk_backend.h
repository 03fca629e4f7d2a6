// An IoBackend over a simulated disk in virtual time: one node's log without a kernel. The same seed gives the same
// run.
//
// An operation takes effect when it completes, after a delay drawn from the seed; operations of one turn complete in
// any order. poll() delivers what is due, and if nothing is, moves the clock to the next completion or to the end of
// the wait. Sockets are not simulated here: their operations answer -ENOSYS; a simulator of whole nodes derives from
// this class and overrides submit_other().
//
// Faults: a policy is asked for every file operation. An observer is told when an operation that changes the disk
// begins and when it has taken effect, before anybody hears of it: the instants at which a crash differs. After halt()
// nothing has an effect any more and every operation ends with -ECANCELED, so that the node's coroutines can unwind.
//
// Thread: one. Ownership: the disk outlives the backend.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/prng.h"
#include "reactor/io_backend.h"
#include "sim/disk.h"

namespace kvorum::sim {

struct FileOperation {
    uint64_t number = 0;  // 1, 2, 3... over all file operations of this backend
    reactor::IoCode code = reactor::IoCode::kWrite;
    std::string path;
    uint64_t offset = 0;
    uint64_t length_bytes = 0;
};

// What happens to one operation. Default: nothing unusual.
struct FaultDecision {
    enum class Kind { kNone, kError, kShort, kHang, kLost, kMisdirected };
    Kind kind = Kind::kNone;
    int32_t error = 0;            // kError: the result, -errno; no effect
    uint64_t length_bytes = 0;    // kShort: how much is read or written
    uint64_t wrong_offset = 0;    // kMisdirected: where the bytes go instead
    uint64_t extra_delay_ns = 0;  // of the completion
};

enum class IoMoment { kBegun, kTookEffect };

struct DiskBackendConfig {
    uint64_t seed = 1;
    uint64_t delay_ns_min = 20'000;
    uint64_t delay_ns_max = 400'000;
    int64_t wall_clock_start_ms = 1'700'000'000'000;
};

class DiskBackend : public reactor::IoBackend {
 public:
    using FaultPolicy = std::function<FaultDecision(const FileOperation&)>;
    using Observer = std::function<void(IoMoment, const FileOperation&)>;

    DiskBackend(Disk& disk, DiskBackendConfig config);
    ~DiskBackend() override;

    void set_fault_policy(FaultPolicy policy) { policy_ = std::move(policy); }
    void set_observer(Observer observer) { observer_ = std::move(observer); }
    // Ends the hang of the `count` oldest hanging operations: they complete as if nothing had been.
    void release_hung(size_t count = SIZE_MAX);
    [[nodiscard]] size_t hung_count() const { return hung_.size(); }
    // A power cut at this instant: like halt(), without a reason.
    void stop_node();
    [[nodiscard]] bool halted() const { return halted_; }
    [[nodiscard]] const std::string& halt_reason() const { return halt_reason_; }
    [[nodiscard]] uint64_t operation_count() const { return operation_count_; }
    [[nodiscard]] size_t open_handles() const { return handles_.size(); }

    void submit(reactor::IoOp& op) final;
    void cancel(reactor::IoOp& op) override;
    void poll(uint64_t wait_until_ns) override;
    Bytes receive_buffer(uint16_t buffer_id, uint64_t length_bytes) override;
    void release_receive_buffer(uint16_t buffer_id) override;
    bool register_buffer(MutableBytes region) override;
    uint64_t monotonic_ns() override { return now_ns_; }
    int64_t wall_clock_ms() override;
    uint64_t random_seed() override { return random_.next(); }
    absl::StatusOr<reactor::Handle> listen(const reactor::Endpoint& endpoint) override;
    uint16_t local_port(reactor::Handle handle) override;
    std::string peer_address(reactor::Handle handle) override;
    void shutdown_socket(reactor::Handle handle) override;
    void shutdown_output(reactor::Handle handle) override;
    absl::Status make_directory(const std::string& path) override;
    absl::StatusOr<std::vector<reactor::DirectoryEntry>> list_directory(const std::string& path) override;
    absl::Status lock_directory(const std::string& path) override;
    absl::StatusOr<reactor::DeviceFacts> device_facts(const std::string& path) override;
    void halt(std::string reason) override;

 protected:
    // An operation that is not on a file. Called inside submit(); complete_at() or complete_now() later.
    virtual void submit_other(reactor::IoOp& op);
    void complete_at(reactor::IoOp& op, uint64_t when_ns, int32_t result);
    // For a simulator with a clock of its own.
    void advance_to(uint64_t now_ns) { now_ns_ = now_ns; }
    bool deliver_due();
    [[nodiscard]] uint64_t next_completion_ns() const {
        return pending_.empty() ? UINT64_MAX : pending_.begin()->first.first;
    }

 private:
    struct OpenFile {
        Disk::InodeId inode = 0;
        std::string path;
    };
    struct Pending {
        uint64_t order = 0;
        reactor::IoOp* op = nullptr;
        FileOperation file;
        FaultDecision fault;
        Disk::Ticket ticket = 0;
        bool has_result = false;  // the result is known already and completing has no effect
        int32_t result = 0;
    };

    void begin(Pending& pending);
    [[nodiscard]] int32_t take_effect(Pending& pending);
    [[nodiscard]] int32_t take_path_effect(const reactor::IoOp& op);
    [[nodiscard]] uint64_t draw_delay_ns();
    void observe(IoMoment moment, const FileOperation& file);

    Disk& disk_;
    const DiskBackendConfig config_;
    Prng random_;
    uint64_t now_ns_ = 1'000'000;
    uint64_t order_ = 0;
    uint64_t operation_count_ = 0;
    bool halted_ = false;
    std::string halt_reason_;
    FaultPolicy policy_;
    Observer observer_;
    MutableBytes registered_;
    reactor::Handle next_handle_ = 3;
    std::map<reactor::Handle, OpenFile> handles_;
    std::map<std::pair<uint64_t, uint64_t>, Pending> pending_;  // by completion time and order
    std::vector<Pending> hung_;
};

}  // namespace kvorum::sim
