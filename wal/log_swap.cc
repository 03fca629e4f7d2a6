#include "wal/log_swap.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/assert.h"
#include "base/log.h"
#include "wal/recovery.h"

namespace kvorum::wal {

using reactor::Task;

namespace {

// The two states of a committed swap: old segments are still to be moved aside; they are, and the new ones take their
// names. In the first one "wal-*.seg" is the old log, in the second the new one.
constexpr std::string_view kCompletePrefix = "repair-complete-";
constexpr std::string_view kMovingPrefix = "repair-moving-";
constexpr uint32_t kFileMode = 0600;

absl::Status swap_error(const std::string& path, int32_t result) {
    return absl::UnavailableError(fmt::format("{}: {}", path, std::generic_category().message(-result)));
}

class Swap {
 public:
    Swap(reactor::Reactor& reactor, std::string directory) : reactor_(reactor), directory_(std::move(directory)) {}

    Task<absl::Status> commit(uint64_t epoch);
    Task<absl::Status> finish();

 private:
    [[nodiscard]] absl::Status list();
    [[nodiscard]] std::string path_of(std::string_view name) const { return fmt::format("{}/{}", directory_, name); }
    [[nodiscard]] std::string find_suffix(std::string_view prefix) const;
    Task<absl::Status> sync();
    Task<absl::Status> rename(std::string from, std::string to);
    Task<absl::Status> move_old_aside(std::string suffix);
    Task<absl::Status> move_new_in(std::string suffix);
    Task<absl::Status> remove_leftovers();

    reactor::Reactor& reactor_;
    const std::string directory_;
    std::vector<std::string> names_;
};

absl::Status Swap::list() {
    const auto listing = reactor_.backend().list_directory(directory_);
    if (!listing.ok()) return listing.status();
    names_.clear();
    for (const reactor::DirectoryEntry& file : *listing)
        names_.push_back(file.name);
    return absl::OkStatus();
}

std::string Swap::find_suffix(std::string_view prefix) const {
    for (const std::string& name : names_) {
        if (name.starts_with(prefix)) return name.substr(prefix.size());
    }
    return {};
}

Task<absl::Status> Swap::sync() {
    const int32_t directory = co_await reactor_.open(directory_, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (directory < 0) co_return swap_error(directory_, directory);
    const int32_t synced = co_await reactor_.file_sync(directory);
    const int32_t closed = co_await reactor_.close(directory);
    if (synced < 0 || closed < 0) co_return swap_error(directory_, synced < 0 ? synced : closed);
    co_return absl::OkStatus();
}

Task<absl::Status> Swap::rename(std::string from, std::string to) {
    const int32_t renamed = co_await reactor_.rename(path_of(from), path_of(to));
    if (renamed < 0) co_return swap_error(path_of(from), renamed);
    co_return absl::OkStatus();
}

Task<absl::Status> Swap::commit(uint64_t epoch) {
    const std::string path = path_of(fmt::format("{}{:016x}", kCompletePrefix, epoch));
    const int32_t file = co_await reactor_.open(path, O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
    if (file < 0) co_return swap_error(path, file);
    const int32_t closed = co_await reactor_.close(file);
    if (closed < 0) co_return swap_error(path, closed);
    absl::Status synced = co_await sync();
    co_return synced;
}

Task<absl::Status> Swap::finish() {
    absl::Status status = list();
    if (!status.ok()) co_return status;
    std::string suffix = find_suffix(kCompletePrefix);
    if (!suffix.empty()) {
        status = co_await move_old_aside(suffix);
        if (!status.ok()) co_return status;
    } else {
        suffix = find_suffix(kMovingPrefix);
    }
    if (suffix.empty()) {
        status = co_await remove_leftovers();
        co_return status;
    }
    status = co_await move_new_in(suffix);
    co_return status;
}

Task<absl::Status> Swap::move_old_aside(std::string suffix) {
    // What a killed process left in a volatile cache must not be believed and lost afterwards.
    absl::Status status = co_await sync();
    if (!status.ok()) co_return status;
    for (const std::string& name : names_) {
        if (parse_segment_file_name(name) == 0) continue;
        status = co_await rename(name, fmt::format("damaged-{}-{}", suffix, name));
        if (!status.ok()) co_return status;
    }
    status = co_await sync();
    if (!status.ok()) co_return status;
    status = co_await rename(fmt::format("{}{}", kCompletePrefix, suffix), fmt::format("{}{}", kMovingPrefix, suffix));
    co_return status;
}

Task<absl::Status> Swap::move_new_in(std::string suffix) {
    absl::Status status = co_await sync();
    if (!status.ok()) co_return status;
    for (const std::string& name : names_) {
        if (!name.starts_with(kRepairFilePrefix)) continue;
        const std::string own_name = name.substr(std::string_view(kRepairFilePrefix).size());
        if (parse_segment_file_name(own_name) == 0) continue;
        status = co_await rename(name, own_name);
        if (!status.ok()) co_return status;
    }
    status = co_await sync();
    if (!status.ok()) co_return status;
    const std::string marker = path_of(fmt::format("{}{}", kMovingPrefix, suffix));
    const int32_t removed = co_await reactor_.unlink(marker);
    if (removed < 0) co_return swap_error(marker, removed);
    status = co_await sync();
    if (status.ok()) {
        KVORUM_LOG(kWarn, "wal: {}: the repaired log is in place; the damaged files are kept as damaged-{}-*",
                   directory_, suffix);
    }
    co_return status;
}

Task<absl::Status> Swap::remove_leftovers() {
    for (const std::string& name : names_) {
        if (!name.starts_with(kRepairFilePrefix)) continue;
        const int32_t removed = co_await reactor_.unlink(path_of(name));
        if (removed < 0) co_return swap_error(path_of(name), removed);
    }
    co_return absl::OkStatus();
}

}  // namespace

Task<absl::Status> commit_swap(reactor::Reactor& reactor, std::string directory, uint64_t epoch) {
    Swap swap(reactor, std::move(directory));
    absl::Status status = co_await swap.commit(epoch);
    co_return status;
}

Task<absl::Status> finish_swap(reactor::Reactor& reactor, std::string directory) {
    Swap swap(reactor, std::move(directory));
    absl::Status status = co_await swap.finish();
    co_return status;
}

}  // namespace kvorum::wal
