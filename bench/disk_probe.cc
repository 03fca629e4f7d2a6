// The floor under every acknowledged write: how long one 4 KiB write takes to be durable on this file system, done as
// cheaply as Linux can.
//
//   disk_probe DIRECTORY [WRITES]
//
// The file is allocated, filled with zeros and synced first, and then overwritten with O_DIRECT: no write changes
// metadata. Two ways are measured in turns, so that both see the same weather: RWF_DSYNC, and a write followed by
// fdatasync. It runs at the priority that the nodes have. One JSON object is printed.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/units.h"

namespace kvorum::bench {
namespace {

constexpr size_t kBlockBytes = 4 * kKiB;
constexpr size_t kFillBytes = 1 * kMiB;
constexpr size_t kFileBytes = 64 * kMiB;
constexpr uint32_t kWritesPerTurn = 50;

struct FreeMemory {
    void operator()(void* memory) const { std::free(memory); }
};

[[noreturn]] void fail(const std::string& action) {
    fmt::print(stderr, "disk_probe: {}: {}\n", action, std::strerror(errno));
    std::exit(1);
}

double percentile_us(std::vector<uint64_t>& samples_ns, double part) {
    const auto at = static_cast<size_t>(part * static_cast<double>(samples_ns.size() - 1));
    std::nth_element(samples_ns.begin(), samples_ns.begin() + static_cast<std::ptrdiff_t>(at), samples_ns.end());
    return static_cast<double>(samples_ns[at]) / static_cast<double>(kMicrosecondNs);
}

class Probe {
 public:
    explicit Probe(const std::string& directory)
        : path_(directory + "/disk-probe"), block_(std::aligned_alloc(kBlockBytes, kFillBytes)) {
        std::memset(block_.get(), 0, kFillBytes);
        file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0644);
        if (file_ < 0) fail("cannot open " + path_ + " with O_DIRECT");
        if (posix_fallocate(file_, 0, kFileBytes) != 0) fail("cannot allocate " + path_);
        for (size_t offset = 0; offset < kFileBytes; offset += kFillBytes)
            write(offset, kFillBytes, 0);
        if (fsync(file_) != 0) fail("fsync");
        std::memset(block_.get(), 'x', kBlockBytes);
    }
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;
    ~Probe() {
        close(file_);
        unlink(path_.c_str());
    }

    void measure(uint32_t writes) {
        for (uint32_t i = 0; i < writes; ++i) {
            const bool dsync = i / kWritesPerTurn % 2 == 0;
            const size_t offset = i * kBlockBytes % kFileBytes;
            const auto started = std::chrono::steady_clock::now();
            write(offset, kBlockBytes, dsync ? RWF_DSYNC : 0);
            if (!dsync && fdatasync(file_) != 0) fail("fdatasync");
            const auto took = std::chrono::steady_clock::now() - started;
            (dsync ? dsync_ns_ : fdatasync_ns_).push_back(static_cast<uint64_t>(took / std::chrono::nanoseconds(1)));
        }
    }

    void print() {
        fmt::print(
            "{{\"dsync_p50_us\": {:.1f}, \"dsync_p99_us\": {:.1f}, \"fdatasync_p50_us\": {:.1f}, \"fdatasync_p99_us\": "
            "{:.1f}}}\n",
            percentile_us(dsync_ns_, 0.5), percentile_us(dsync_ns_, 0.99), percentile_us(fdatasync_ns_, 0.5),
            percentile_us(fdatasync_ns_, 0.99));
    }

 private:
    void write(size_t offset, size_t size_bytes, int flags) {
        const iovec part{.iov_base = block_.get(), .iov_len = size_bytes};
        if (pwritev2(file_, &part, 1, static_cast<off_t>(offset), flags) != static_cast<ssize_t>(size_bytes))
            fail("write");
    }

    std::string path_;
    std::unique_ptr<void, FreeMemory> block_;
    int file_ = -1;
    std::vector<uint64_t> dsync_ns_;
    std::vector<uint64_t> fdatasync_ns_;
};

}  // namespace
}  // namespace kvorum::bench

int main(int argument_count, char** arguments) {
    if (argument_count < 2 || argument_count > 3) {
        fmt::print(stderr, "usage: disk_probe DIRECTORY [WRITES]\n");
        return 2;
    }
    const unsigned long writes = argument_count == 3 ? std::strtoul(arguments[2], nullptr, 10) : 4000;
    kvorum::bench::Probe probe(arguments[1]);
    probe.measure(static_cast<uint32_t>(std::clamp(writes, 200UL, 1'000'000UL)));
    probe.print();
    return 0;
}
