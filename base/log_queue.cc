#include "base/log_queue.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace kvorum {

struct LogQueue::Shared {
    std::mutex mutex;
    std::condition_variable work;
    std::condition_variable idle;
    int fd = -1;
    bool closed = false;
    bool writing = false;
    std::string waiting;
    uint64_t dropped = 0;
    uint64_t dropped_untold = 0;
};

bool write_fully(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written >= 0) {
            bytes.remove_prefix(static_cast<size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
            ::poll(&room, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

LogQueue::LogQueue(int fd) : shared_(std::make_shared<Shared>()) {
    shared_->fd = fd;
    std::thread([shared = shared_] { run(shared); }).detach();
}

LogQueue::~LogQueue() {
    const std::scoped_lock lock(shared_->mutex);
    shared_->closed = true;
    shared_->work.notify_one();
}

void LogQueue::append(std::string_view line) {
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->waiting.size() + line.size() > kBytesMax) {
        ++shared_->dropped;
        ++shared_->dropped_untold;
        return;
    }
    shared_->waiting += line;
    shared_->work.notify_one();
}

bool LogQueue::flush(std::chrono::milliseconds timeout) {
    std::unique_lock lock(shared_->mutex);
    return shared_->idle.wait_for(lock, timeout, [&] { return shared_->waiting.empty() && !shared_->writing; });
}

uint64_t LogQueue::dropped_lines() const {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->dropped;
}

void LogQueue::run(const std::shared_ptr<Shared>& shared) {
    std::string batch;
    std::unique_lock lock(shared->mutex);
    while (true) {
        shared->work.wait(lock, [&] { return shared->closed || !shared->waiting.empty(); });
        if (shared->waiting.empty()) return;
        batch.swap(shared->waiting);
        // They came behind this batch: it filled the queue.
        const uint64_t untold = std::exchange(shared->dropped_untold, 0);
        shared->writing = true;
        lock.unlock();
        if (untold > 0) {
            batch += fmt::format("({} lines of the log were dropped here: what reads it was too slow)\n", untold);
        }
        // A reader that is gone, or a full disk: there is nobody to tell.
        (void)write_fully(shared->fd, batch);
        batch.clear();
        lock.lock();
        shared->writing = false;
        if (shared->waiting.empty()) shared->idle.notify_all();
    }
}

}  // namespace kvorum
