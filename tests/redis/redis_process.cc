#include "tests/redis/redis_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "redis/resp_writer.h"

namespace kvorum::redis {
namespace {

constexpr int kStartTimeoutMs = 20'000;

[[noreturn]] void become_redis(const std::string& directory, const std::string& socket_path) {
    // Not even a killed test leaves a server behind.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null_device, STDIN_FILENO);
    dup2(null_device, STDOUT_FILENO);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path.c_str(), "--save", "",
           "--appendonly", "no", "--databases", "1", "--dir", directory.c_str(), static_cast<char*>(nullptr));
    _exit(127);
}

std::string socket_path_in(const std::string& directory) { return directory + "/redis.sock"; }

}  // namespace

std::unique_ptr<RedisProcess> RedisProcess::start(std::string& failure) {
    std::string directory = "/tmp/kvorum-redis-XXXXXX";
    if (mkdtemp(directory.data()) == nullptr) {
        failure = "cannot make a directory under /tmp";
        return nullptr;
    }
    const std::string socket_path = socket_path_in(directory);
    const pid_t pid = fork();
    if (pid == 0) become_redis(directory, socket_path);
    std::unique_ptr<RedisProcess> process(new RedisProcess(directory, pid));
    if (pid < 0 || !process->connect_within(kStartTimeoutMs)) {
        failure = "redis-server did not start: is it installed?";
        return nullptr;
    }
    return process;
}

RedisProcess::~RedisProcess() {
    if (socket_ >= 0) close(socket_);
    if (pid_ > 0) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

bool RedisProcess::connect_within(int timeout_ms) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = socket_path_in(directory_);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    constexpr int kStepMs = 10;
    for (int waited_ms = 0; waited_ms < timeout_ms; waited_ms += kStepMs) {
        if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
            pid_ = -1;
            return false;
        }
        socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return true;
        close(std::exchange(socket_, -1));
        // There is no event to wait for: another program makes the socket when it is ready.
        poll(nullptr, 0, kStepMs);
    }
    return false;
}

std::string RedisProcess::run(const std::vector<std::string>& words) {
    std::string request;
    write_command(words, request);
    std::string_view unsent = request;
    while (!unsent.empty()) {
        const ssize_t sent = send(socket_, unsent.data(), unsent.size(), MSG_NOSIGNAL);
        if (sent <= 0) return {};
        unsent.remove_prefix(static_cast<size_t>(sent));
    }
    RespValue ignored;
    std::string raw;
    return read_reply(ignored, raw) ? raw : std::string();
}

RespValue RedisProcess::run_parsed(const std::vector<std::string>& words) {
    // The reply is read twice: once off the socket, once out of the bytes.
    unread_ = run(words);
    RespValue value;
    std::string raw;
    read_reply(value, raw);
    return value;
}

bool RedisProcess::read_reply(RespValue& value, std::string& raw) {
    std::string line;
    if (!read_line(line)) return false;
    raw += line;
    const char type = line[0];
    const std::string text = line.substr(1, line.size() - 3);
    if (type == '$') {
        const int64_t size = std::atoll(text.c_str());
        if (size < 0) return true;
        if (!read_bytes(static_cast<size_t>(size) + 2, value.text)) return false;
        raw += value.text;
        value.text.resize(static_cast<size_t>(size));
        return true;
    }
    if (type == '*') {
        const int64_t count = std::atoll(text.c_str());
        for (int64_t i = 0; i < count; ++i) {
            if (!read_reply(value.items.emplace_back(), raw)) return false;
        }
        return true;
    }
    value.text = text;
    return true;
}

bool RedisProcess::read_bytes(size_t size, std::string& out) {
    while (unread_.size() < size) {
        std::array<char, 65536> buffer;
        const ssize_t received = recv(socket_, buffer.data(), buffer.size(), 0);
        if (received <= 0) return false;
        unread_.append(buffer.data(), static_cast<size_t>(received));
    }
    out = unread_.substr(0, size);
    unread_.erase(0, size);
    return true;
}

bool RedisProcess::read_line(std::string& out) {
    size_t end = unread_.find("\r\n");
    for (size_t wanted = unread_.size() + 1; end == std::string::npos; wanted = unread_.size() + 1) {
        std::string seen;
        if (!read_bytes(wanted, seen)) return false;
        unread_.insert(0, seen);
        end = unread_.find("\r\n");
    }
    return read_bytes(end + 2, out);
}

}  // namespace kvorum::redis
