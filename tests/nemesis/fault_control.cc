#include "tests/nemesis/fault_control.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace kvorum::nemesis {
namespace {

constexpr int kBacklog = 16;
constexpr timeval kAnswerTimeout{.tv_sec = 5, .tv_usec = 0};
constexpr auto kTakeTimeout = std::chrono::seconds(4);

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    KVORUM_ASSERT(path.size() < sizeof(address.sun_path), "{} is too long for a socket", path);
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

std::string receive_line(int handle) {
    std::string line;
    std::array<char, 256> part{};
    while (!line.ends_with('\n')) {
        const ssize_t size = recv(handle, part.data(), part.size(), 0);
        if (size <= 0) return {};
        line.append(part.data(), static_cast<size_t>(size));
    }
    line.pop_back();
    return line;
}

bool send_line(int handle, const std::string& line) {
    const std::string bytes = line + "\n";
    return send(handle, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

}  // namespace

FaultControl::FaultControl(const std::string& socket_path) {
    unlink(socket_path.c_str());
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(socket_path);
    const bool listens = bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
                         listen(listener_, kBacklog) == 0;
    KVORUM_ASSERT(listens, "{}: {}", socket_path, std::strerror(errno));
    thread_ = std::thread(&FaultControl::serve, this);
}

FaultControl::~FaultControl() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
}

void FaultControl::set_notify(std::function<void()> notify) {
    const std::lock_guard lock(mutex_);
    notify_ = std::move(notify);
}

FaultRequests FaultControl::take() {
    const std::lock_guard lock(mutex_);
    pending_ = false;
    taken_.notify_all();
    return std::exchange(requests_, {});
}

void FaultControl::serve() {
    for (;;) {
        const int handle = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (handle < 0 && errno == EINTR) continue;
        if (handle < 0) return;
        setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout, sizeof(kAnswerTimeout));
        (void)send_line(handle, carry_out(receive_line(handle)));
        close(handle);
    }
}

std::string FaultControl::carry_out(const std::string& line) {
    constexpr std::string_view kPowerCut = "power-cut ";
    if (line == "count") return std::to_string(fired_.load());
    std::unique_lock lock(mutex_);
    if (line == "write-error") {
        requests_.write_error = true;
    } else if (line == "sync-error") {
        requests_.sync_error = true;
    } else if (line == "hang-sync") {
        requests_.hang_sync = true;
    } else if (line == "release") {
        requests_.release = true;
    } else if (line.starts_with(kPowerCut)) {
        requests_.power_cut_seed = std::strtoull(line.c_str() + kPowerCut.size(), nullptr, 10);
    } else {
        return "no such fault";
    }
    pending_.store(true, std::memory_order_release);
    if (!notify_) return "ok";
    notify_();
    // Who takes a power cut does not live to say so.
    if (requests_.power_cut_seed.has_value()) return "ok";
    return taken_.wait_for(lock, kTakeTimeout, [this] { return !pending_; }) ? "ok" : "not taken";
}

std::optional<std::string> send_fault(const std::string& socket_path, const std::string& line) {
    const int handle = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout, sizeof(kAnswerTimeout));
    const sockaddr_un address = address_of(socket_path);
    std::string answer;
    if (connect(handle, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 && send_line(handle, line))
        answer = receive_line(handle);
    close(handle);
    if (answer.empty()) return std::nullopt;
    return answer;
}

}  // namespace kvorum::nemesis
