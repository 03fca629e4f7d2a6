#include "snapshot/snapshot_loader.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/turn_work.h"

namespace kvorum::snapshot {

using reactor::Handle;
using reactor::StopToken;
using reactor::Task;

namespace {

class StoreRestorer final : public SnapshotVisitor {
 public:
    explicit StoreRestorer(kv::Store& store) : store_(store) {}

    absl::Status head(const SnapshotHead& head) override {
        store_.restore_head(head.moment.head);
        return absl::OkStatus();
    }
    absl::Status tombstone(std::string_view key, Revision revision) override {
        if (store_.last_change(key).is_known) return absl::DataLossError("a key was removed twice");
        store_.restore_tombstone(key, revision);
        return absl::OkStatus();
    }
    absl::Status record(const kv::RecordFields& fields) override {
        store_.restore(fields);
        return absl::OkStatus();
    }

 private:
    kv::Store& store_;
};

class NoVisitor final : public SnapshotVisitor {
 public:
    absl::Status head(const SnapshotHead&) override { return absl::OkStatus(); }
    absl::Status tombstone(std::string_view, Revision) override { return absl::OkStatus(); }
    absl::Status record(const kv::RecordFields&) override { return absl::OkStatus(); }
};

LoadedSnapshot loaded_by(const SnapshotDecoder& decoder) {
    return {*decoder.head(), decoder.file_checksum(), decoder.records(), decoder.raw_bytes()};
}

absl::Status with_path(const std::string& path, const absl::Status& status) {
    return {status.code(), fmt::format("{}: {}", path, std::string(status.message()))};
}

}  // namespace

SnapshotLoader::SnapshotLoader(reactor::Reactor& reactor, std::string path, uint64_t size_bytes)
    : reactor_(reactor), path_(std::move(path)), size_bytes_(size_bytes), read_done_(reactor), reads_(reactor) {}

Task<absl::StatusOr<LoadedSnapshot>> SnapshotLoader::restore(kv::Store* store, StopToken stop) {
    StoreRestorer restorer(*store);
    SnapshotDecoder decoder(restorer);
    const absl::Status decoded = co_await decode_file(&decoder, stop);
    if (!decoded.ok()) co_return decoded;
    const uint64_t told = decoder.head()->moment.state_hash;
    if (store->state_hash() != told) {
        co_return absl::DataLossError(fmt::format("{}: the records make up state {:016x}, the head tells {:016x}",
                                                  path_, store->state_hash(), told));
    }
    co_return loaded_by(decoder);
}

Task<absl::StatusOr<LoadedSnapshot>> SnapshotLoader::verify(StopToken stop) {
    NoVisitor visitor;
    SnapshotDecoder decoder(visitor);
    const absl::Status decoded = co_await decode_file(&decoder, stop);
    if (!decoded.ok()) co_return decoded;
    co_return loaded_by(decoder);
}

Task<uint64_t> SnapshotLoader::find_verified_bytes(StopToken stop) {
    NoVisitor visitor;
    SnapshotDecoder decoder(visitor);
    const absl::Status decoded = co_await decode_file(&decoder, stop);
    static_cast<void>(decoded);
    co_return decoder.verified_bytes();
}

Task<absl::Status> SnapshotLoader::decode_file(SnapshotDecoder* decoder, StopToken stop) {
    const int32_t file = co_await reactor_.open(path_, O_RDONLY | O_CLOEXEC | O_DIRECT, 0);
    if (file == -ENOENT) co_return absl::NotFoundError(fmt::format("{}: there is no such file", path_));
    if (file < 0) co_return io_error("open", path_, file);
    absl::Status status = co_await decode_pieces(decoder, file, stop);
    co_await reads_.join();
    const int32_t closed = co_await reactor_.close(file);
    if (status.ok() && closed < 0) status = io_error("close", path_, closed);
    co_return status;
}

Task<absl::Status> SnapshotLoader::decode_pieces(SnapshotDecoder* decoder, Handle file, StopToken stop) {
    // They outlive the reads: decode_file() joins those before this object is used again, and this joins them here.
    std::array<Piece, 2> pieces;
    absl::Status status;
    begin_read(file, 0, &pieces[0]);
    for (size_t turn = 0; status.ok() && bytes_read_ < size_bytes_; turn ^= 1) {
        co_await read_done_.wait();
        Piece& piece = pieces[turn];
        status = judge(&piece);
        if (!status.ok()) break;
        bytes_read_ += static_cast<uint64_t>(piece.result);
        if (bytes_read_ < size_bytes_) begin_read(file, bytes_read_, &pieces[turn ^ 1]);
        status = co_await decode_piece(decoder, &piece, stop);
    }
    co_await reads_.join();
    if (status.ok()) {
        status = decoder->finish();
        if (!status.ok()) status = with_path(path_, status);
    }
    co_return status;
}

// A short read that ends inside a block cannot be continued with O_DIRECT: the block is read again.
absl::Status SnapshotLoader::judge(Piece* piece) const {
    if (piece->result < 0) return io_error("read", path_, piece->result);
    if (piece->result == 0) return absl::DataLossError(fmt::format("{}: ends at {}", path_, bytes_read_));
    const uint64_t end = bytes_read_ + static_cast<uint64_t>(piece->result);
    if (end >= size_bytes_) return absl::OkStatus();
    piece->result = static_cast<int32_t>(static_cast<uint64_t>(piece->result) / kFileBlockBytes * kFileBlockBytes);
    return piece->result > 0 ? absl::OkStatus() : io_error("read", path_, -EIO);
}

void SnapshotLoader::begin_read(Handle file, uint64_t offset, Piece* piece) {
    read_done_.reset();
    reads_.spawn(read_piece(file, offset, piece));
}

Task<void> SnapshotLoader::read_piece(Handle file, uint64_t offset, Piece* piece) {
    piece->result = co_await reactor_.read(file, piece->buffer.bytes(), offset);
    read_done_.set();
}

Task<absl::Status> SnapshotLoader::decode_piece(SnapshotDecoder* decoder, Piece* piece, StopToken stop) {
    const uint64_t size = std::min<uint64_t>(static_cast<uint64_t>(piece->result), kPieceBytes);
    decoder->feed(piece->buffer.bytes().first(size));
    while (true) {
        if (stop.stop_requested()) co_return absl::CancelledError("the reading of a snapshot was stopped");
        const uint64_t bytes_before = decoder->raw_bytes();
        const uint64_t records_before = decoder->records();
        const absl::StatusOr<bool> decoded = decoder->decode(kPackSliceBytes);
        if (!decoded.ok()) co_return with_path(path_, decoded.status());
        if (*decoded) co_return absl::OkStatus();
        reactor_.work().add(TurnPart::kApply, (decoder->records() - records_before) * kKeyWriteWork +
                                                  (decoder->raw_bytes() - bytes_before) / kBytesPerWork);
        if (reactor_.work().used_up()) co_await reactor_.yield();
    }
}

}  // namespace kvorum::snapshot
