#include "snapshot/snapshot_loader.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/units.h"
#include "snapshot/snapshot_decoder.h"

namespace kvorum::snapshot {

using reactor::Task;

namespace {

constexpr size_t kReadBytes = 2 * kMiB;
constexpr size_t kSliceBytes = 32 * kKiB;
constexpr uint64_t kWorkPerByte = 4;  // to unpack one, and to store what is in it

absl::Status file_error(const std::string& path, int32_t result) {
    return absl::UnavailableError(fmt::format("{}: {}", path, std::generic_category().message(-result)));
}

// Restores each record as it comes.
class IntoStore final : public SnapshotVisitor {
 public:
    explicit IntoStore(kv::Store& store) : store_(store) {}

    absl::Status head(const SnapshotHead& head) override {
        store_.restore_head(head.moment.head);
        return absl::OkStatus();
    }
    absl::Status record(const kv::RecordFields& fields) override {
        store_.restore(fields);
        return absl::OkStatus();
    }
    absl::Status tombstone(std::string_view key, Revision revision) override {
        store_.restore_tombstone(key, revision);
        return absl::OkStatus();
    }

 private:
    kv::Store& store_;
};

class IntoNothing final : public SnapshotVisitor {
 public:
    absl::Status head(const SnapshotHead&) override { return absl::OkStatus(); }
    absl::Status record(const kv::RecordFields&) override { return absl::OkStatus(); }
    absl::Status tombstone(std::string_view, Revision) override { return absl::OkStatus(); }
};

absl::Status in_file(const std::string& path, const absl::Status& status) {
    return {status.code(), fmt::format("{}: {}", path, std::string(status.message()))};
}

Task<absl::Status> decode_what_was_fed(reactor::Reactor& reactor, SnapshotDecoder& decoder) {
    while (true) {
        const absl::StatusOr<bool> decoded = decoder.decode(kSliceBytes);
        if (!decoded.ok() || *decoded) co_return decoded.status();
        reactor.work().add(TurnPart::kSnapshot, kSliceBytes * kWorkPerByte);
        if (reactor.work().used_up()) co_await reactor.yield();
    }
}

Task<absl::Status> read_through(reactor::Reactor& reactor, SnapshotDecoder& decoder, std::string path,
                                reactor::Handle file, reactor::StopToken stop, uint64_t* progress_bytes) {
    AlignedBuffer buffer(kReadBytes);
    for (uint64_t offset = 0;;) {
        if (stop.stop_requested()) co_return absl::CancelledError("stopped");
        const int32_t result = co_await reactor.read(file, buffer.bytes(), offset);
        if (result < 0) co_return file_error(path, result);
        if (result == 0) break;
        decoder.feed(Bytes(buffer.bytes()).first(static_cast<size_t>(result)));
        absl::Status decoded = co_await decode_what_was_fed(reactor, decoder);
        if (!decoded.ok()) co_return in_file(path, decoded);
        offset += static_cast<uint64_t>(result);
        if (progress_bytes != nullptr) *progress_bytes = offset;
    }
    absl::Status finished = decoder.finish();
    co_return finished.ok() ? finished : in_file(path, finished);
}

Task<absl::Status> read_file(reactor::Reactor& reactor, SnapshotDecoder& decoder, std::string path,
                             reactor::StopToken stop, uint64_t* progress_bytes) {
    const int32_t file = co_await reactor.open(path, O_RDONLY | O_DIRECT | O_CLOEXEC, 0);
    if (file < 0) co_return file_error(path, file);
    absl::Status read = co_await read_through(reactor, decoder, path, file, stop, progress_bytes);
    const int32_t closed = co_await reactor.close(file);
    if (read.ok() && closed < 0) co_return file_error(path, closed);
    co_return read;
}

}  // namespace

Task<absl::StatusOr<LoadedSnapshot>> load_snapshot(reactor::Reactor& reactor, std::string path, reactor::StopToken stop,
                                                   uint64_t* progress_bytes) {
    kv::Store state;
    IntoStore visitor(state);
    SnapshotDecoder decoder(visitor);
    absl::Status read = co_await read_file(reactor, decoder, path, stop, progress_bytes);
    if (!read.ok()) co_return read;
    const SnapshotHead& head = *decoder.head();
    if (state.state_hash() != head.moment.state_hash || state.size() != head.moment.key_count) {
        co_return absl::DataLossError(fmt::format("{}: its {} keys have the hash {:016x}, it says {} keys and {:016x}",
                                                  path, state.size(), state.state_hash(), head.moment.key_count,
                                                  head.moment.state_hash));
    }
    co_return LoadedSnapshot{head, std::move(state)};
}

Task<absl::StatusOr<SnapshotHead>> verify_snapshot(reactor::Reactor& reactor, std::string path,
                                                   reactor::StopToken stop) {
    IntoNothing visitor;
    SnapshotDecoder decoder(visitor);
    absl::Status read = co_await read_file(reactor, decoder, path, stop, nullptr);
    if (!read.ok()) co_return read;
    co_return *decoder.head();
}

}  // namespace kvorum::snapshot
