#include "node/program.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/machine_memory.h"
#include "base/standard_output.h"
#include "config/config.h"
#include "node/node.h"
#include "peers/cluster_secret.h"
#include "reactor/reactor.h"
#include "reactor/sync_wait.h"

namespace kvorum::node {
namespace {

constexpr int kExitCannotStart = 1;
constexpr int kExitWrongOptions = 2;

reactor::Reactor* signalled_reactor = nullptr;

void on_stop_signal(int /*signal*/) { signalled_reactor->request_stop(); }

void install_signal_handlers(reactor::Reactor& reactor) {
    signalled_reactor = &reactor;
    struct sigaction action = {};
    action.sa_handler = on_stop_signal;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    struct sigaction ignore = {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, nullptr);
    sigaction(SIGHUP, &ignore, nullptr);
}

bool write_pid_file(const std::string& path) {
    std::ofstream file(path, std::ios::trunc);
    file << getpid() << '\n';
    return file.good();
}

int run_node(NodeConfig config, const MakeBackend& make_backend) {
    const absl::StatusOr<std::unique_ptr<reactor::IoBackend>> backend = make_backend();
    if (!backend.ok()) {
        KVORUM_LOG(kError, "{}", std::string(backend.status().message()));
        return kExitCannotStart;
    }
    reactor::Reactor reactor(**backend, {});
    install_signal_handlers(reactor);
    const std::string pid_file = config.pid_file;
    Node node(reactor, std::move(config));
    const absl::Status started = reactor::run_until_done(reactor, node.start());
    int exit_code = 0;
    if (absl::IsCancelled(started)) {
        KVORUM_LOG(kInfo, "stopping: {}", std::string(started.message()));
    } else if (!started.ok()) {
        KVORUM_LOG(kError, "cannot start: {}", std::string(started.message()));
        exit_code = kExitCannotStart;
    } else if (!pid_file.empty() && !write_pid_file(pid_file)) {
        KVORUM_LOG(kError, "cannot write the pid file {}", pid_file);
        exit_code = kExitCannotStart;
    } else {
        reactor.run();
        KVORUM_LOG(kInfo, "stopping");
        reactor::run_until_done(reactor, node.leave());
    }
    reactor::run_until_done(reactor, node.stop());
    if (!pid_file.empty() && exit_code == 0) unlink(pid_file.c_str());
    return exit_code;
}

}  // namespace

int run_program(int argument_count, char** arguments, const MakeBackend& make_backend) {
    std::optional<NodeConfig> node_config;
    const int parse_exit_code = run_and_flush("kvorumd", [&] {
        absl::StatusOr<CommandLineResult> parsed = parse_command_line(argument_count, arguments);
        if (!parsed.ok()) {
            std::fprintf(stderr, "kvorumd: %s\n", std::string(parsed.status().message()).c_str());
            return kExitWrongOptions;
        }
        if (!parsed->exit_now) node_config = std::move(parsed->config);
        return 0;
    });
    if (!node_config.has_value()) return parse_exit_code;
    NodeConfig& config = *node_config;
    set_log_level(config.log_level);
    if (!config.log_file.empty() && !log_to_file(config.log_file)) {
        std::fprintf(stderr, "kvorumd: cannot open the log file %s\n", config.log_file.c_str());
        return kExitCannotStart;
    }
    if (const absl::Status loaded = peers::load_cluster_secrets(config); !loaded.ok()) {
        std::fprintf(stderr, "kvorumd: %s\n", std::string(loaded.message()).c_str());
        return kExitWrongOptions;
    }
    if (!config.memory_bytes_max.has_value()) config.memory_bytes_max = default_memory_limit_bytes(1);
    start_log_thread();  // nothing may be logged before it: nobody may be reading
    KVORUM_LOG(kInfo, "maxmemory is {}{}", *config.memory_bytes_max,
               *config.memory_bytes_max == 0 ? ": no limit" : " bytes");
    const int exit_code = run_node(std::move(config), make_backend);
    flush_log();
    return exit_code;
}

}  // namespace kvorum::node
