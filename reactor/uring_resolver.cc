#include "reactor/uring_resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "base/log.h"

namespace kvorum::reactor {
namespace {

ResolvedAddress ask_system(const std::string& host, int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    addrinfo* found = nullptr;
    ResolvedAddress resolved;
    // A null node with AI_PASSIVE is the wildcard; a service is needed then, and its number is overwritten later.
    const int result = getaddrinfo(host.empty() ? nullptr : host.c_str(), "0", &hints, &found);
    if (result != 0) {
        resolved.error = gai_strerror(result);
        return resolved;
    }
    KVORUM_ASSERT(found->ai_addrlen <= sizeof(resolved.storage));
    std::memcpy(&resolved.storage, found->ai_addr, found->ai_addrlen);
    resolved.length = found->ai_addrlen;
    freeaddrinfo(found);
    return resolved;
}

}  // namespace

void ResolvedAddress::set_port(uint16_t port) {
    if (storage.ss_family == AF_INET6) {
        reinterpret_cast<sockaddr_in6&>(storage).sin6_port = htons(port);
    } else {
        reinterpret_cast<sockaddr_in&>(storage).sin_port = htons(port);
    }
}

ResolvedAddress look_up_name(const std::string& host, bool passive) {
    return ask_system(host, AI_NUMERICSERV | (passive ? AI_PASSIVE : 0));
}

ResolvedAddress parse_numeric_address(const std::string& host) {
    return ask_system(host, AI_NUMERICSERV | AI_NUMERICHOST);
}

struct NameResolver::Shared {
    std::mutex mutex;
    std::condition_variable work;
    int wake_fd = -1;
    bool closed = false;
    std::deque<std::string> questions;
    std::vector<std::pair<std::string, ResolvedAddress>> answers;
};

NameResolver::NameResolver(int wake_fd, LookUp look_up)
    : look_up_(std::move(look_up)), shared_(std::make_shared<Shared>()) {
    shared_->wake_fd = wake_fd;
}

NameResolver::~NameResolver() {
    const std::scoped_lock lock(shared_->mutex);
    shared_->closed = true;
    shared_->work.notify_one();
}

void NameResolver::run(const std::shared_ptr<Shared>& shared, const LookUp& look_up) {
    std::unique_lock lock(shared->mutex);
    while (true) {
        shared->work.wait(lock, [&] { return shared->closed || !shared->questions.empty(); });
        if (shared->closed) return;
        std::string host = std::move(shared->questions.front());
        shared->questions.pop_front();
        lock.unlock();
        ResolvedAddress address = look_up(host);
        lock.lock();
        // The descriptor may be another file's by now.
        if (shared->closed) return;
        shared->answers.emplace_back(std::move(host), std::move(address));
        const uint64_t one = 1;
        const ssize_t written = ::write(shared->wake_fd, &one, sizeof(one));
        maybe(written < 0);
    }
}

const ResolvedAddress* NameResolver::find(const std::string& host) const {
    const auto known = known_.find(host);
    return known == known_.end() ? nullptr : &known->second;
}

bool NameResolver::ask(const std::string& host) {
    if (asked_.contains(host)) return true;
    const bool is_known = known_.contains(host) || failures_.contains(host);
    if (!is_known && known_.size() + failures_.size() + asked_.size() >= kNamesMax) return false;
    asked_.insert(host);
    {
        const std::scoped_lock lock(shared_->mutex);
        shared_->questions.push_back(host);
        shared_->work.notify_one();
    }
    if (!std::exchange(has_thread_, true)) {
        std::thread([shared = shared_, look_up = look_up_] { run(shared, look_up); }).detach();
    }
    return true;
}

std::vector<std::string> NameResolver::take_answered() {
    std::vector<std::pair<std::string, ResolvedAddress>> answers;
    if (asked_.empty()) return {};
    {
        const std::scoped_lock lock(shared_->mutex);
        answers.swap(shared_->answers);
    }
    std::vector<std::string> hosts;
    for (auto& [host, address] : answers) {
        asked_.erase(host);
        if (address.found()) {
            failures_.erase(host);
            known_[host] = std::move(address);
        } else {
            note_failure(host, address.error);
        }
        hosts.push_back(std::move(host));
    }
    return hosts;
}

// Once per reason: a name server that is down for a day is one line.
void NameResolver::note_failure(const std::string& host, const std::string& error) {
    std::string& last = failures_[host];
    if (last == error) return;
    last = error;
    KVORUM_LOG(kWarn, "cannot resolve '{}': {}{}", host, error,
               known_.contains(host) ? "; the last address that was found is used" : "");
}

}  // namespace kvorum::reactor
