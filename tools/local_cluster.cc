#include "tools/local_cluster.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/machine_memory.h"

namespace kvorum::tools {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr uint32_t kAskTimeoutMs = 1000;
constexpr auto kLookInterval = std::chrono::milliseconds(30);
constexpr uint32_t kLogLinesShown = 15;

// Or a file that may say it.
bool says_memory_limit(const std::vector<std::string>& flags) {
    return std::any_of(flags.begin(), flags.end(), [](const std::string& flag) {
        return flag.starts_with("--maxmemory") || flag.starts_with("--config");
    });
}

uint64_t elapsed_ms(Clock::time_point since) {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count());
}

std::string description_path(const std::string& directory) { return directory + "/cluster.json"; }

// Binds and lets go: with SO_REUSEADDR, as kvorumd does, so that connections of a former node that linger in TIME_WAIT
// do not count.
bool is_port_free(uint16_t port) {
    const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (handle < 0) return true;  // not to be found out here; the node will say
    const int reuse = 1;
    setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free = bind(handle, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    close(handle);
    return free;
}

absl::Status system_error(std::string_view action, const std::string& path) {
    return absl::UnavailableError(fmt::format("{} {}: {}", action, path, std::strerror(errno)));
}

// Replaces the file in one step: a reader, or a crash, sees the old text or the new.
absl::Status write_atomically(const std::string& path, const std::string& text) {
    const std::string draft = path + ".new";
    const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) return system_error("cannot write", draft);
    const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(file) == 0;
    const int error = errno;
    close(file);
    errno = error;
    if (!written) return system_error("cannot write", draft);
    if (rename(draft.c_str(), path.c_str()) != 0) return system_error("cannot replace", path);
    return absl::OkStatus();
}

// Other processes get ready here, and their answer is the only sign of it: so they are asked at intervals.
// DeadlineExceeded, for the caller to explain, after `timeout_ms`; the error of `check_possible` as soon as it has one.
absl::Status wait_until(const std::function<bool()>& is_ready, const std::function<absl::Status()>& check_possible,
                        const std::function<std::string()>& loading, uint32_t timeout_ms,
                        const LocalCluster::OnWait& on_wait) {
    const Clock::time_point started = Clock::now();
    while (!is_ready()) {
        absl::Status possible = check_possible();
        if (!possible.ok()) return possible;
        const uint64_t waited_ms = elapsed_ms(started);
        if (waited_ms >= timeout_ms) return absl::DeadlineExceededError("");
        on_wait(waited_ms, loading());
        std::this_thread::sleep_for(kLookInterval);
    }
    return absl::OkStatus();
}

absl::Status check_options(const LocalClusterOptions& options) {
    if (options.nodes < 1 || options.nodes > kLocalNodesMax) {
        return absl::InvalidArgumentError(fmt::format("--nodes {}: give 1 to {}", options.nodes, kLocalNodesMax));
    }
    const uint32_t last_peer_port = options.base_port + options.nodes - 1 + kPeerPortOffset;
    if (options.base_port == 0 || last_peer_port > UINT16_MAX) {
        return absl::InvalidArgumentError(fmt::format("--base-port {}: peers would use ports up to {}; give 1 to {}",
                                                      options.base_port, last_peer_port,
                                                      UINT16_MAX - kPeerPortOffset - options.nodes + 1));
    }
    return absl::OkStatus();
}

}  // namespace

LocalCluster::LocalCluster(LocalCluster&& other) noexcept
    : directory_(std::move(other.directory_)),
      lock_(std::exchange(other.lock_, -1)),
      options_(std::move(other.options_)),
      nodes_(std::move(other.nodes_)),
      options_before_(std::move(other.options_before_)),
      started_(std::move(other.started_)),
      is_new_(other.is_new_),
      is_directory_new_(other.is_directory_new_) {}

LocalCluster::~LocalCluster() {
    if (lock_ >= 0) close(lock_);
}

absl::StatusOr<int> LocalCluster::lock_directory(const std::string& directory) {
    const int handle = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0) return system_error("cannot open", directory);
    if (flock(handle, LOCK_EX | LOCK_NB) == 0) return handle;
    close(handle);
    return absl::FailedPreconditionError(
        fmt::format("another kvorum command is at work on {}; wait for it to end", directory));
}

absl::StatusOr<LocalCluster> LocalCluster::create(const std::string& directory, const LocalClusterOptions& options) {
    absl::Status usable = check_options(options);
    if (!usable.ok()) return usable;
    std::error_code error;
    const bool is_directory_new = fs::create_directories(directory, error);
    if (error) return absl::UnavailableError(fmt::format("cannot create {}: {}", directory, error.message()));
    if (!fs::is_empty(directory, error)) {
        return absl::FailedPreconditionError(
            fmt::format("{} is not empty and holds no cluster of `kvorum local`; give another --dir", directory));
    }
    const absl::StatusOr<int> lock = lock_directory(directory);
    if (!lock.ok()) return lock.status();
    LocalCluster cluster(fs::absolute(directory).lexically_normal().string(), *lock);
    cluster.options_ = options;
    cluster.is_new_ = true;
    cluster.is_directory_new_ = is_directory_new;
    for (uint32_t i = 0; i < options.nodes; ++i) {
        const auto port = static_cast<uint16_t>(options.base_port + i);
        cluster.nodes_.push_back({i + 1, port, static_cast<uint16_t>(port + kPeerPortOffset), {}});
    }
    absl::Status saved = cluster.save();
    if (!saved.ok()) return saved;
    return cluster;
}

absl::StatusOr<LocalCluster> LocalCluster::open(const std::string& directory) {
    if (!fs::exists(description_path(directory))) {
        return absl::NotFoundError(fmt::format("there is no cluster in {} (no cluster.json)", directory));
    }
    const absl::StatusOr<int> lock = lock_directory(directory);
    if (!lock.ok()) return lock.status();
    LocalCluster cluster(fs::absolute(directory).lexically_normal().string(), *lock);
    absl::Status loaded = cluster.load();
    if (!loaded.ok()) return loaded;
    return cluster;
}

absl::Status LocalCluster::load() {
    const std::string path = description_path(directory_);
    std::ifstream file(path);
    const auto json = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
    try {
        options_.cluster_name = json.at("cluster").get<std::string>();
        options_.kvorumd = json.at("kvorumd").get<std::string>();
        options_.extra_flags = json.at("extra_flags").get<std::vector<std::string>>();
        for (const auto& node : json.at("nodes")) {
            nodes_.push_back({node.at("id").get<uint32_t>(),
                              node.at("client_port").get<uint16_t>(),
                              node.at("peer_port").get<uint16_t>(),
                              {node.at("pid").get<pid_t>(), node.at("start_ticks").get<uint64_t>()}});
        }
    } catch (const nlohmann::json::exception& error) {
        return absl::DataLossError(fmt::format("{} is damaged: {}", path, error.what()));
    }
    if (nodes_.empty()) return absl::DataLossError(fmt::format("{} is damaged: it names no nodes", path));
    options_.nodes = static_cast<uint32_t>(nodes_.size());
    options_.base_port = nodes_.front().client_port;
    options_before_ = options_;
    return absl::OkStatus();
}

absl::Status LocalCluster::save() const {
    nlohmann::ordered_json json{
        {"cluster", options_.cluster_name}, {"kvorumd", options_.kvorumd}, {"extra_flags", options_.extra_flags}};
    for (const LocalNode& node : nodes_) {
        json["nodes"].push_back({{"id", node.id},
                                 {"client_port", node.client_port},
                                 {"peer_port", node.peer_port},
                                 {"pid", node.process.pid},
                                 {"start_ticks", node.process.start_ticks}});
    }
    return write_atomically(description_path(directory_), json.dump(2) + "\n");
}

void LocalCluster::set_program(const std::string& kvorumd, const std::vector<std::string>& extra_flags) {
    options_.kvorumd = kvorumd;
    if (!extra_flags.empty()) options_.extra_flags = extra_flags;
}

std::string LocalCluster::node_directory(const LocalNode& node) const {
    return fmt::format("{}/node-{}", directory_, node.id);
}

absl::StatusOr<const LocalNode*> LocalCluster::find(uint32_t id) const {
    for (const LocalNode& node : nodes_) {
        if (node.id == id) return &node;
    }
    return absl::NotFoundError(
        fmt::format("there is no node {} in {}; its nodes are 1 to {}", id, directory_, nodes_.size()));
}

std::vector<std::string> LocalCluster::arguments_of(const LocalNode& node) const {
    std::vector<std::string> arguments{
        "--id",       std::to_string(node.id), "--cluster",  options_.cluster_name,
        "--data-dir", node_directory(node),    "--pid-file", node_directory(node) + "/kvorumd.pid"};
    for (const LocalNode& member : nodes_) {
        arguments.emplace_back("--member");
        arguments.push_back(fmt::format("{}={}/{}", member.id, member.peer().to_string(), member.client().to_string()));
    }
    if (!says_memory_limit(options_.extra_flags)) {
        arguments.emplace_back("--maxmemory");
        arguments.push_back(fmt::format("{}", default_memory_limit_bytes(nodes_.size())));
    }
    arguments.insert(arguments.end(), options_.extra_flags.begin(), options_.extra_flags.end());
    return arguments;
}

absl::Status LocalCluster::check_ports(const LocalNode& node) const {
    for (const uint16_t port : {node.client_port, node.peer_port}) {
        if (is_port_free(port)) continue;
        return absl::FailedPreconditionError(fmt::format(
            "port {}, which node {} needs, is in use by another program; give another --base-port (and --dir), or "
            "end that program (`ss -ltnp` shows it)",
            port, node.id));
    }
    return absl::OkStatus();
}

absl::Status LocalCluster::start(uint32_t id) {
    for (LocalNode& node : nodes_) {
        if (node.id != id || is_running(node)) continue;
        absl::Status ports = check_ports(node);
        if (!ports.ok()) return ports;
        std::error_code error;
        fs::create_directories(node_directory(node), error);
        if (error)
            return absl::UnavailableError(fmt::format("cannot create {}: {}", node_directory(node), error.message()));
        const absl::StatusOr<ProcessId> process =
            start_in_background(options_.kvorumd, arguments_of(node), log_path(node));
        if (!process.ok()) return process.status();
        node.process = *process;
        return save();
    }
    return absl::OkStatus();
}

absl::StatusOr<uint32_t> LocalCluster::start_all() {
    started_.clear();
    for (const LocalNode& node : nodes_) {
        if (is_running(node)) continue;
        absl::Status status = start(node.id);
        if (!status.ok()) return status;
        started_.push_back(node.id);
    }
    return static_cast<uint32_t>(started_.size());
}

void LocalCluster::undo_start_all() {
    for (const uint32_t id : started_)
        kill(id);
    started_.clear();
    std::error_code error;  // what cannot be removed is found by the next create()
    if (!is_new_) {
        options_ = options_before_;
        const absl::Status saved = save();
        maybe(!saved.ok());
        return;
    }
    for (const LocalNode& node : nodes_)
        fs::remove_all(node_directory(node), error);
    fs::remove(description_path(directory_), error);
    if (is_directory_new_) fs::remove(directory_, error);
}

bool LocalCluster::stop(uint32_t id, uint32_t timeout_ms) {
    const absl::StatusOr<const LocalNode*> node = find(id);
    if (!node.ok()) return true;
    send_signal((*node)->process, SIGTERM);
    if (wait_for_exit((*node)->process, timeout_ms)) return true;
    kill(id);
    return false;
}

void LocalCluster::kill(uint32_t id) {
    const absl::StatusOr<const LocalNode*> node = find(id);
    if (!node.ok()) return;
    send_signal((*node)->process, SIGKILL);
    constexpr uint32_t kReapTimeoutMs = 10'000;  // a process in the middle of a disk write ends only after it
    (void)wait_for_exit((*node)->process, kReapTimeoutMs);
}

bool LocalCluster::agree_on_a_leader() const {
    uint64_t leader = 0;
    for (const LocalNode& node : nodes_) {
        const absl::StatusOr<NodeStatus> status = fetch_node_status(node.client(), kAskTimeoutMs);
        if (!status.ok() || status->leader_id == 0) return false;
        if (leader != 0 && status->leader_id != leader) return false;
        leader = status->leader_id;
    }
    const absl::StatusOr<const LocalNode*> node = find(static_cast<uint32_t>(leader));
    return node.ok() && serves_reads((*node)->client(), kAskTimeoutMs);
}

absl::Status LocalCluster::check_all_run() const {
    for (const LocalNode& node : nodes_) {
        absl::Status runs = check_runs(node);
        if (!runs.ok()) return runs;
    }
    return absl::OkStatus();
}

absl::Status LocalCluster::check_runs(const LocalNode& node) const {
    if (is_running(node)) return absl::OkStatus();
    return absl::AbortedError(fmt::format("node {} has ended. The end of {}:\n{}", node.id, log_path(node),
                                          last_lines(log_path(node), kLogLinesShown)));
}

// A node that reads its log answers nobody: its own log, which it writes to once a second, is all that there is.
std::string LocalCluster::loading_of(const LocalNode& node) const {
    const std::string line = last_lines(log_path(node), 1);
    for (const std::string_view what : {"reading the log: ", "applying the log: "}) {
        if (const size_t at = line.rfind(what); at != std::string::npos)
            return fmt::format("node {} {}", node.id, line.substr(at, line.find('\n', at) - at));
    }
    return {};
}

std::string LocalCluster::loading_of_all() const {
    std::vector<std::string> loading;
    for (const LocalNode& node : nodes_) {
        if (std::string text = loading_of(node); !text.empty()) loading.push_back(std::move(text));
    }
    return fmt::format("{}", fmt::join(loading, "; "));
}

absl::Status LocalCluster::wait_until_ready(uint32_t timeout_ms, const OnWait& on_wait) const {
    const auto is_ready = [this] { return agree_on_a_leader(); };
    const auto check_possible = [this] { return check_all_run(); };
    const auto loading = [this] { return loading_of_all(); };
    absl::Status ready = wait_until(is_ready, check_possible, loading, timeout_ms, on_wait);
    if (!absl::IsDeadlineExceeded(ready)) return ready;
    std::string logs;
    for (const LocalNode& node : nodes_)
        logs += fmt::format("\nThe end of {}:\n{}", log_path(node), last_lines(log_path(node), kLogLinesShown));
    return absl::DeadlineExceededError(
        fmt::format("the nodes run, but did not agree on a leader within {} s.{}", timeout_ms / 1000, logs));
}

absl::Status LocalCluster::wait_until_answers(const LocalNode& node, uint32_t timeout_ms, const OnWait& on_wait) const {
    const auto answers = [&node] { return fetch_node_status(node.client(), kAskTimeoutMs).ok(); };
    const auto check_possible = [this, &node] { return check_runs(node); };
    const auto loading = [this, &node] { return loading_of(node); };
    absl::Status ready = wait_until(answers, check_possible, loading, timeout_ms, on_wait);
    if (!absl::IsDeadlineExceeded(ready)) return ready;
    return absl::DeadlineExceededError(fmt::format("node {} runs, but does not answer after {} s; see {}", node.id,
                                                   timeout_ms / 1000, log_path(node)));
}

}  // namespace kvorum::tools
