#include "tools/snapshot_report.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <system_error>
#include <vector>

#include "base/units.h"
#include "raft/configuration.h"
#include "snapshot/snapshot_decoder.h"

namespace kvorum::tools {
namespace {

constexpr size_t kReadBytes = 1 * kMiB;

class NoVisitor final : public snapshot::SnapshotVisitor {
 public:
    absl::Status head(const snapshot::SnapshotHead&) override { return absl::OkStatus(); }
    absl::Status tombstone(std::string_view, Revision) override { return absl::OkStatus(); }
    absl::Status record(const kv::RecordFields&) override { return absl::OkStatus(); }
};

struct FileCloser {
    void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
};

absl::Status read_error(const std::string& path) {
    const int error = errno;
    const std::string text = fmt::format("{}: {}", path, std::generic_category().message(error));
    return error == ENOENT ? absl::NotFoundError(text) : absl::UnavailableError(text);
}

absl::Status feed_file(const std::string& path, snapshot::SnapshotDecoder& decoder, uint64_t& file_bytes) {
    const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rb"));
    if (file == nullptr) return read_error(path);
    std::vector<std::byte> buffer(kReadBytes);
    while (true) {
        const size_t size = std::fread(buffer.data(), 1, buffer.size(), file.get());
        if (size == 0) break;
        file_bytes += size;
        decoder.feed(Bytes(buffer).first(size));
        const absl::StatusOr<bool> decoded = decoder.decode(UINT64_MAX);
        if (!decoded.ok()) return decoded.status();
    }
    if (std::ferror(file.get()) != 0) return read_error(path);
    return decoder.finish();
}

std::string format_time(int64_t unix_ms) {
    const std::time_t seconds = unix_ms / 1000;
    std::tm utc{};
    if (::gmtime_r(&seconds, &utc) == nullptr) return fmt::format("{} ms", unix_ms);
    std::array<char, 32> text{};
    const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &utc);
    return fmt::format("{} UTC", std::string_view(text.data(), size));
}

}  // namespace

absl::StatusOr<SnapshotReport> read_snapshot_report(const std::string& path) {
    NoVisitor visitor;
    snapshot::SnapshotDecoder decoder(visitor);
    SnapshotReport report;
    const absl::Status fed = feed_file(path, decoder, report.file_bytes);
    if (absl::IsDataLoss(fed) || absl::IsFailedPrecondition(fed))
        return absl::Status(fed.code(), fmt::format("{}: {}", path, std::string(fed.message())));
    if (!fed.ok()) return fed;
    report.head = *decoder.head();
    report.chunks = decoder.chunks();
    report.records = decoder.records();
    report.tombstones = decoder.tombstones();
    report.raw_bytes = decoder.raw_bytes();
    report.checksum = decoder.file_checksum();
    return report;
}

std::string format_bytes(uint64_t bytes) {
    constexpr std::array<std::string_view, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    if (bytes < kKiB) return fmt::format("{} B", bytes);
    auto amount = static_cast<double>(bytes);
    size_t unit = 0;
    for (; amount >= 1024 && unit + 1 < kUnits.size(); ++unit)
        amount /= 1024;
    return fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

std::string format_report(const SnapshotReport& report) {
    const snapshot::SnapshotHead& head = report.head;
    const kv::StateHead& state = head.moment.head;
    std::string out;
    const auto line = [&out](std::string_view name, const std::string& text) {
        out += fmt::format("{:<14}{}\n", name, text);
    };
    line("cluster", fmt::format("\"{}\" ({:016x}), group {}", head.cluster_name, head.cluster.value(), head.group));
    line("taken by", fmt::format("node {}", head.node));
    line("last entry", fmt::format("{} of term {}", head.base.last.index, head.base.last.term));
    line("log time", format_time(state.log_time_ms));
    line("level", fmt::format("{}", head.base.raise ? head.base.raise->fact.level : head.base.proven_level));
    if (head.base.configuration) line("members", raft::describe(head.base.configuration->fact));
    line("revision", fmt::format("{}", state.revision));
    line("state hash", fmt::format("{:016x}", head.moment.state_hash));
    line("keys", fmt::format("{}", report.records));
    line("tombstones", fmt::format("{}", report.tombstones));
    const double ratio = static_cast<double>(report.raw_bytes) / static_cast<double>(report.file_bytes);
    line("size", fmt::format("{} ({} unpacked, {:.2f} times as much), {} chunks", format_bytes(report.file_bytes),
                             format_bytes(report.raw_bytes), ratio, report.chunks));
    line("checksum", fmt::format("{:016x}", report.checksum));
    return out;
}

}  // namespace kvorum::tools
