// A node with nothing but a simulated disk, for the tests of files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "reactor/sync_wait.h"
#include "sim/disk.h"
#include "sim/disk_backend.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_loader.h"
#include "snapshot/snapshot_receiver.h"
#include "snapshot/snapshot_writer.h"
#include "tests/snapshot/snapshot_test_util.h"

namespace kvorum::snapshot::test {

inline constexpr const char* kDirectory = "data";

inline sim::FaultDecision error_of(int32_t error) { return {.kind = sim::FaultDecision::Kind::kError, .error = error}; }

class Node {
 public:
    explicit Node(sim::Disk& disk, uint64_t seed = 1)
        : backend(disk, {.seed = seed}), reactor(backend, {.shuffle_seed = seed}) {
        disk.make_directory(kDirectory);
    }
    template <typename T>
    T run(reactor::Task<T> task) {
        return reactor::run_until_done(reactor, std::move(task));
    }
    absl::StatusOr<SnapshotIdentity> write(kv::Store& store) {
        SnapshotWriter writer(reactor, kDirectory, store, head_of({.head = store.head()}));
        return run(writer.run(stop.token()));
    }
    // The file comes from nowhere, durable.
    void make_file(sim::Disk& disk, const std::string& name, std::string_view bytes) {
        const auto directory = static_cast<sim::Disk::InodeId>(disk.open(kDirectory, false, false));
        const auto file = static_cast<sim::Disk::InodeId>(disk.open(path(name), true, true));
        static_cast<void>(disk.complete_write(disk.begin_write(file, 0, as_bytes(bytes), true)));
        disk.complete_sync(disk.begin_sync(file));
        disk.complete_sync(disk.begin_sync(directory));
    }
    [[nodiscard]] static std::string path(const std::string& name) { return std::string(kDirectory) + "/" + name; }

    reactor::StopSource stop;
    sim::DiskBackend backend;
    reactor::Reactor reactor;
};

inline std::vector<std::string> names(const sim::Disk& disk) {
    std::vector<std::string> names;
    for (const auto& [name, size] : disk.list(kDirectory))
        names.push_back(name);
    return names;
}

}  // namespace kvorum::snapshot::test
