#include "peers/cluster_secret.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/units.h"

namespace kvorum::peers {
namespace {

constexpr uint64_t kLookIntervalNs = 1 * kSecondNs;
constexpr size_t kFileBytesMax = 4096;

}  // namespace

absl::Status load_cluster_secrets(NodeConfig& config) {
    const std::string& path = config.cluster_secret_file;
    if (path.empty()) return absl::OkStatus();
    std::ifstream file(path);
    if (!file.good()) {
        return absl::NotFoundError(fmt::format(
            "cluster-secret-file: cannot read {}: {}; make it with: openssl rand -hex 32 > {}; chmod 600 {}", path,
            std::strerror(errno), path, path));
    }
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    absl::StatusOr<std::vector<std::string>> secrets = parse_secrets(text);
    if (!secrets.ok()) {
        return absl::InvalidArgumentError(
            fmt::format("cluster-secret-file: {}: {}", path, std::string(secrets.status().message())));
    }
    struct stat facts = {};
    if (stat(path.c_str(), &facts) == 0 && (facts.st_mode & S_IROTH) != 0)
        KVORUM_LOG(kWarn, "{} holds the secret of the cluster, and any user can read it: chmod 600 {}", path, path);
    config.cluster_secrets = *std::move(secrets);
    return absl::OkStatus();
}

ClusterSecret::ClusterSecret(reactor::Reactor& reactor, const NodeConfig& config)
    : reactor_(reactor), file_(config.cluster_secret_file), secrets_(config.cluster_secrets) {}

reactor::Task<void> ClusterSecret::watch(reactor::StopToken stop) {
    while (!file_.empty() && !stop.stop_requested()) {
        const bool slept = co_await reactor_.sleep_for(kLookIntervalNs, stop);
        if (!slept) co_return;
        co_await look();
    }
}

reactor::Task<void> ClusterSecret::look() {
    const int32_t handle = co_await reactor_.open(file_, O_RDONLY | O_CLOEXEC, 0);
    if (handle < 0) {
        complain(std::strerror(-handle));
        co_return;
    }
    std::array<char, kFileBytesMax> text;
    const int32_t size = co_await reactor_.read(handle, std::as_writable_bytes(std::span(text)), 0);
    const int32_t closed = co_await reactor_.close(handle);
    maybe(closed < 0);
    if (size < 0) {
        complain(std::strerror(-size));
    } else {
        take({text.data(), static_cast<size_t>(size)});
    }
}

void ClusterSecret::take(std::string_view text) {
    absl::StatusOr<std::vector<std::string>> read = parse_secrets(text);
    if (!read.ok()) {
        complain(std::string(read.status().message()));
        return;
    }
    problem_.clear();
    if (*read == secrets_.secrets()) return;
    KVORUM_LOG(kInfo, "the secret of the cluster was changed: {} has {} now", file_,
               read->size() == 1 ? "one" : "two, of which the first is used");
    secrets_.set(*std::move(read));
}

void ClusterSecret::complain(std::string problem) {
    if (problem == problem_) return;
    KVORUM_LOG(kWarn, "cluster-secret-file: {}: {}; the secret read before stays in use", file_, problem);
    problem_ = std::move(problem);
}

}  // namespace kvorum::peers
