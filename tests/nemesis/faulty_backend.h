// A backend around a real one whose disk fails on demand: writes and syncs that fail, syncs that hang, and a power cut
// that takes what was not synced (tests/nemesis/fault_control.h has the list). Everything else passes through.
//
// Only tests link it (kvorumd_faulty): it reads what is on the disk before each write. Thread: the reactor's.
// Ownership: the control outlives the backend.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reactor/io_backend.h"
#include "tests/nemesis/fault_control.h"
#include "tests/nemesis/unsynced_writes.h"

namespace kvorum::nemesis {

class FaultyBackend final : public reactor::IoBackend {
 public:
    FaultyBackend(std::unique_ptr<reactor::IoBackend> disk, FaultControl& control);
    ~FaultyBackend() override;

    void submit(reactor::IoOp& op) override;
    // A sync that hangs is not cancelled, as the kernel would not.
    void cancel(reactor::IoOp& op) override;
    void poll(uint64_t wait_until_ns) override;
    void wake() noexcept override { disk_->wake(); }
    void give_way() noexcept override { disk_->give_way(); }

    [[nodiscard]] Bytes receive_buffer(uint16_t buffer_id, uint64_t length_bytes) override {
        return disk_->receive_buffer(buffer_id, length_bytes);
    }
    void release_receive_buffer(uint16_t buffer_id) override { disk_->release_receive_buffer(buffer_id); }
    [[nodiscard]] bool register_buffer(MutableBytes region) override { return disk_->register_buffer(region); }
    [[nodiscard]] uint64_t monotonic_ns() override { return disk_->monotonic_ns(); }
    [[nodiscard]] int64_t wall_clock_ms() override { return disk_->wall_clock_ms(); }
    [[nodiscard]] uint64_t random_seed() override { return disk_->random_seed(); }
    [[nodiscard]] absl::StatusOr<reactor::Handle> listen(const reactor::Endpoint& endpoint) override {
        return disk_->listen(endpoint);
    }
    [[nodiscard]] uint16_t local_port(reactor::Handle handle) override { return disk_->local_port(handle); }
    [[nodiscard]] std::string peer_address(reactor::Handle handle) override { return disk_->peer_address(handle); }
    void shutdown_socket(reactor::Handle handle) override { disk_->shutdown_socket(handle); }
    void shutdown_output(reactor::Handle handle) override { disk_->shutdown_output(handle); }
    [[nodiscard]] absl::Status make_directory(const std::string& path) override { return disk_->make_directory(path); }
    [[nodiscard]] absl::StatusOr<std::vector<reactor::DirectoryEntry>> list_directory(
        const std::string& path) override {
        return disk_->list_directory(path);
    }
    [[nodiscard]] absl::Status lock_directory(const std::string& path) override { return disk_->lock_directory(path); }
    [[nodiscard]] absl::StatusOr<reactor::DeviceFacts> device_facts(const std::string& path) override {
        return disk_->device_facts(path);
    }
    [[nodiscard]] bool disable_copy_on_write(const std::string& directory) override {
        return disk_->disable_copy_on_write(directory);
    }
    [[nodiscard]] uint64_t allow_descriptors(uint64_t wanted) override { return disk_->allow_descriptors(wanted); }
    void set_keepalive(reactor::Handle handle, uint32_t after_s) override { disk_->set_keepalive(handle, after_s); }
    void halt(std::string reason) override { disk_->halt(std::move(reason)); }

 private:
    // Stands for a caller's operation in front of the real backend.
    struct Relay final : reactor::IoOp {
        explicit Relay(FaultyBackend& o) : owner(o) {}
        void on_completion(const reactor::IoCompletion& completion) override;

        FaultyBackend& owner;
        reactor::IoOp* caller = nullptr;  // null: free
        int32_t error = 0;                // what the caller is told whatever the kernel says
        std::optional<UnsyncedWrites::Span> span;
        std::optional<UnsyncedWrites::Sync> sync;
    };

    Relay& take_relay(reactor::IoOp& op);
    void submit_write(Relay& relay);
    void submit_sync(Relay& relay);
    void send_on(Relay& relay);
    void on_relay_done(Relay& relay, int32_t result);
    void finish(Relay& relay, int32_t result);
    void take_requests();
    [[noreturn]] void cut_power(uint64_t seed);

    const std::unique_ptr<reactor::IoBackend> disk_;
    FaultControl& control_;
    UnsyncedWrites unsynced_;
    std::deque<Relay> relays_;  // a deque: the real backend holds pointers into it
    std::vector<Relay*> free_;
    std::vector<Relay*> held_;    // syncs that hang
    std::vector<Relay*> failed_;  // to be told by the next poll()
    uint64_t in_kernel_ = 0;
    bool write_error_ = false;
    bool sync_error_ = false;
    bool hangs_ = false;
    bool power_is_cut_ = false;
};

}  // namespace kvorum::nemesis
