// The bytes of a log on their way to a descriptor that may block: a pipe that nobody reads, a terminal that is stopped,
// a disk that hangs. Who logs only appends to memory; a thread of the queue's writes. What does not fit is dropped and
// counted, and the count is written as soon as there is room.
//
// Thread: any, for every method. append() never blocks on the descriptor. Ownership: the descriptor belongs to the
// caller and stays open while the process lives: the thread may be inside a write for ever, and is not waited for
// longer than flush() says.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

namespace kvorum {

class LogQueue {
 public:
    static constexpr size_t kBytesMax = size_t{1024} * 1024;  // that wait; beside them one batch may be with the kernel

    explicit LogQueue(int fd);
    LogQueue(const LogQueue&) = delete;
    LogQueue& operator=(const LogQueue&) = delete;
    ~LogQueue();  // does not flush

    // One whole line with its end.
    void append(std::string_view line);
    // True when all that was appended before is written, or could not be; false when that took longer.
    bool flush(std::chrono::milliseconds timeout);
    [[nodiscard]] uint64_t dropped_lines() const;

 private:
    struct Shared;
    static void run(const std::shared_ptr<Shared>& shared);

    std::shared_ptr<Shared> shared_;
};

// Writes all of it, waiting for room where the descriptor does not wait itself. False after an error that is not that.
bool write_fully(int fd, std::string_view bytes);

}  // namespace kvorum
