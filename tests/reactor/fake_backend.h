// An IoBackend that a test plays by hand: operations stay until the test completes them, time stands still until the
// test moves it.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "reactor/io_backend.h"

namespace kvorum::reactor {

class FakeBackend final : public IoBackend {
 public:
    void submit(IoOp& op) override {
        KVORUM_ASSERT(!op.in_flight);
        op.in_flight = true;
        submitted.push_back(&op);
    }
    void cancel(IoOp& op) override { cancelled.push_back(&op); }
    void poll(uint64_t wait_until_ns) override {
        poll_deadlines_ns.push_back(wait_until_ns);
        if (advance_to_deadline && completions_.empty() && wait_until_ns != UINT64_MAX) {
            time_ns = std::max(time_ns, wait_until_ns);
        }
        if (on_poll) on_poll();
        while (!completions_.empty()) {
            auto [op, completion] = completions_.front();
            completions_.pop_front();
            op->in_flight = completion.more;
            if (!completion.more) std::erase(submitted, op);
            op->on_completion(completion);
        }
    }
    void wake() noexcept override { ++wakes; }

    // Delivered by the next poll().
    void complete(IoOp& op, IoCompletion completion) { completions_.emplace_back(&op, completion); }
    void complete(IoOp& op, int32_t result) { complete(op, IoCompletion{.result = result}); }
    IoOp& only_op() {
        KVORUM_ASSERT(submitted.size() == 1, "{} operations are in flight", submitted.size());
        return *submitted[0];
    }

    Bytes receive_buffer(uint16_t buffer_id, uint64_t length_bytes) override {
        return as_bytes(buffers[buffer_id]).first(length_bytes);
    }
    void release_receive_buffer(uint16_t buffer_id) override { released.push_back(buffer_id); }
    bool register_buffer(MutableBytes) override { return true; }
    uint64_t monotonic_ns() override {
        time_ns += ns_per_clock_read;
        return time_ns;
    }
    uint64_t thread_processor_ns() override {
        ++processor_readings;
        return processor_ns;
    }
    int64_t wall_clock_ms() override { return wall_ms; }
    uint64_t random_seed() override { return 1; }

    absl::StatusOr<Handle> listen(const Endpoint&) override { return absl::UnimplementedError("not played"); }
    uint16_t local_port(Handle) override { return 0; }
    std::string peer_address(Handle) override { return "unknown"; }
    void shutdown_socket(Handle) override {}
    void shutdown_output(Handle) override {}
    absl::Status make_directory(const std::string&) override { return absl::OkStatus(); }
    absl::StatusOr<std::vector<DirectoryEntry>> list_directory(const std::string&) override {
        return std::vector<DirectoryEntry>{};
    }
    absl::Status lock_directory(const std::string&) override { return absl::OkStatus(); }
    absl::StatusOr<DeviceFacts> device_facts(const std::string&) override { return DeviceFacts{}; }
    void halt(std::string reason) override { halt_reason = std::move(reason); }

    std::vector<IoOp*> submitted;  // in flight
    std::vector<IoOp*> cancelled;
    std::vector<uint64_t> poll_deadlines_ns;
    std::vector<uint16_t> released;
    std::map<uint16_t, std::string> buffers;
    std::function<void()> on_poll;
    uint64_t time_ns = 1000;
    int64_t wall_ms = 0;
    std::string halt_reason;  // of the last one
    uint64_t processor_ns = 0;
    uint64_t processor_readings = 0;
    uint64_t ns_per_clock_read = 0;
    bool advance_to_deadline = true;
    int wakes = 0;

 private:
    std::deque<std::pair<IoOp*, IoCompletion>> completions_;
};

}  // namespace kvorum::reactor
