// How a test tells a running kvorumd_faulty what its disk shall do next: one line over a Unix socket, answered by one
// line. The answer comes when the disk has taken the order: whatever is written from then on meets the fault.
//
//   write-error      the next write fails with EIO, and has no effect
//   sync-error       the next sync fails with EIO (a data-sync write: after its bytes were written)
//   hang-sync        no sync ends any more; heartbeats, elections and reads go on
//   release          those syncs end, and new ones too
//   power-cut SEED   what is not durable is gone, and so is the process
//   count            answered with the number of operations that were made to fail or hang
//
// FaultControl is the listening side, with a thread of its own; take() is for the reactor's thread, the rest for the
// one that made it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace kvorum::nemesis {

struct FaultRequests {
    bool write_error = false;
    bool sync_error = false;
    bool hang_sync = false;
    bool release = false;
    std::optional<uint64_t> power_cut_seed{};
};

class FaultControl {
 public:
    // Listens on `socket_path`, which is replaced if a dead process left it.
    explicit FaultControl(const std::string& socket_path);
    FaultControl(const FaultControl&) = delete;
    FaultControl& operator=(const FaultControl&) = delete;
    ~FaultControl();

    // Called from the control's thread when there is something to take().
    void set_notify(std::function<void()> notify);

    [[nodiscard]] bool pending() const { return pending_.load(std::memory_order_acquire); }
    [[nodiscard]] FaultRequests take();
    void note_fired() { ++fired_; }

 private:
    void serve();
    std::string carry_out(const std::string& line);

    int listener_ = -1;
    std::atomic<bool> pending_ = false;
    std::atomic<uint64_t> fired_ = 0;
    std::mutex mutex_;  // of what follows
    FaultRequests requests_;
    std::function<void()> notify_;
    std::condition_variable taken_;
    std::thread thread_;  // last: it uses everything above
};

// The other side: sends one line and returns the answer; nothing when no process answers there within five seconds.
[[nodiscard]] std::optional<std::string> send_fault(const std::string& socket_path, const std::string& line);

}  // namespace kvorum::nemesis
