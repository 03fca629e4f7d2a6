#include "snapshot/snapshot_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "snapshot/snapshot_format.h"

namespace kvorum::snapshot {

using reactor::Handle;
using reactor::Reactor;
using reactor::Task;

namespace {

constexpr std::string_view kSnapshotPrefix = "snapshot-";
constexpr std::string_view kSnapshotSuffix = ".kvs";
constexpr std::string_view kReceivePrefix = "receive-";

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

bool take_number(std::string_view& text, uint64_t& number, int base = 10) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    return true;
}

bool take_id(std::string_view& text, SnapshotId& id) {
    uint64_t index = 0;
    uint64_t term = 0;
    if (!take_number(text, index) || !take_prefix(text, "-") || !take_number(text, term)) return false;
    id = {LogIndex{index}, Term{term}};
    return index != 0 && term != 0;
}

}  // namespace

std::string snapshot_file_name(const SnapshotId& id) {
    return fmt::format("{}{:016}-{}{}", kSnapshotPrefix, id.index.value(), id.term, kSnapshotSuffix);
}

std::string temporary_file_name(const SnapshotId& id) {
    return fmt::format("{}{:016}-{}{}", kSnapshotPrefix, id.index.value(), id.term, kTemporarySuffix);
}

std::string receive_file_name(const SnapshotIdentity& identity) {
    return fmt::format("{}{:016}-{}-{}-{:016x}{}", kReceivePrefix, identity.id.index.value(), identity.id.term,
                       identity.size_bytes, identity.checksum, kTemporarySuffix);
}

// Only in the form in which it is written: so a name and what it says stand for each other.
std::optional<SnapshotId> parse_snapshot_file_name(std::string_view name) {
    std::string_view rest = name;
    SnapshotId id;
    if (!take_prefix(rest, kSnapshotPrefix) || !take_id(rest, id)) return std::nullopt;
    if (name != snapshot_file_name(id)) return std::nullopt;
    return id;
}

std::optional<SnapshotIdentity> parse_receive_file_name(std::string_view name) {
    std::string_view rest = name;
    SnapshotIdentity identity;
    const bool is_one = take_prefix(rest, kReceivePrefix) && take_id(rest, identity.id) && take_prefix(rest, "-") &&
                        take_number(rest, identity.size_bytes) && take_prefix(rest, "-") &&
                        take_number(rest, identity.checksum, 16);
    if (!is_one || name != receive_file_name(identity)) return std::nullopt;
    return identity;
}

absl::Status io_error(std::string_view what, const std::string& path, int32_t result) {
    const std::string text = fmt::format("{} {}: {}", what, path, std::generic_category().message(-result));
    const bool is_full = result == -ENOSPC || result == -EDQUOT;
    return is_full ? absl::ResourceExhaustedError(text) : absl::UnavailableError(text);
}

Task<absl::Status> write_piece(Reactor& reactor, Handle file, std::string path, AlignedBuffer* buffer,
                               uint64_t size_bytes, uint64_t offset, uint8_t io_flags) {
    for (uint64_t done = 0; done < size_bytes;) {
        const Bytes rest = buffer->bytes().subspan(done, size_bytes - done);
        const int32_t result = co_await reactor.write(file, rest, offset + done, io_flags);
        if (result < 0) co_return io_error("write", path, result);
        // A short write that ends inside a block cannot be continued with O_DIRECT: the block is written again.
        const uint64_t whole_blocks = static_cast<uint64_t>(result) / kFileBlockBytes * kFileBlockBytes;
        if (whole_blocks == 0) co_return io_error("write", path, -EIO);
        done += whole_blocks;
    }
    co_return absl::OkStatus();
}

Task<absl::Status> sync_directory(Reactor& reactor, std::string directory) {
    const int32_t handle = co_await reactor.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (handle < 0) co_return io_error("open", directory, handle);
    const int32_t synced = co_await reactor.file_sync(handle);
    const int32_t closed = co_await reactor.close(handle);
    if (synced < 0 || closed < 0) co_return io_error("fsync", directory, synced < 0 ? synced : closed);
    co_return absl::OkStatus();
}

Task<absl::Status> publish_file(Reactor& reactor, Handle file, std::string directory, std::string from,
                                std::string to) {
    const int32_t synced = co_await reactor.data_sync(file);
    const int32_t closed = co_await reactor.close(file);
    if (synced < 0 || closed < 0) co_return io_error("fdatasync", from, synced < 0 ? synced : closed);
    const int32_t renamed = co_await reactor.rename(from, to);
    if (renamed < 0) co_return io_error("rename", from, renamed);
    absl::Status status = co_await sync_directory(reactor, directory);
    co_return status;
}

Task<absl::Status> remove_file(Reactor& reactor, std::string path) {
    const int32_t removed = co_await reactor.unlink(path);
    if (removed < 0 && removed != -ENOENT) co_return io_error("remove", path, removed);
    co_return absl::OkStatus();
}

}  // namespace kvorum::snapshot
