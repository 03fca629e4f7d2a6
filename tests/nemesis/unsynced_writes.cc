#include "tests/nemesis/unsynced_writes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "base/assert.h"

namespace kvorum::nemesis {

UnsyncedWrites::~UnsyncedWrites() {
    for (const File& file : files_)
        ::close(file.own_descriptor);
}

void UnsyncedWrites::open(int descriptor) {
    struct stat facts{};
    KVORUM_ASSERT(fstat(descriptor, &facts) == 0, "fstat: {}", std::strerror(errno));
    const std::pair inode(facts.st_dev, facts.st_ino);
    if (const auto known = file_of_inode_.find(inode); known != file_of_inode_.end()) {
        file_of_descriptor_[descriptor] = known->second;
        return;
    }
    // Through the page cache: the kernel keeps it and O_DIRECT coherent, and no alignment binds these reads and writes.
    const std::string path = fmt::format("/proc/self/fd/{}", descriptor);
    const int own = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    KVORUM_ASSERT(own >= 0, "cannot open {} again: {}", path, std::strerror(errno));
    file_of_descriptor_[descriptor] = file_of_inode_[inode] = files_.size();
    files_.push_back({.own_descriptor = own, .blocks = {}});
}

void UnsyncedWrites::close(int descriptor) { file_of_descriptor_.erase(descriptor); }

std::string UnsyncedWrites::read_block(const File& file, uint64_t number) {
    // Beyond the end of the file there are zeros.
    std::string bytes(kBlockBytes, '\0');
    const ssize_t size =
        pread(file.own_descriptor, bytes.data(), bytes.size(), static_cast<off_t>(number * kBlockBytes));
    KVORUM_ASSERT(size >= 0, "pread: {}", std::strerror(errno));
    return bytes;
}

std::optional<UnsyncedWrites::Span> UnsyncedWrites::begin_write(int descriptor, uint64_t offset,
                                                                uint64_t length_bytes) {
    const auto found = file_of_descriptor_.find(descriptor);
    if (found == file_of_descriptor_.end() || length_bytes == 0) return std::nullopt;
    File& file = files_[found->second];
    const uint64_t first = offset / kBlockBytes;
    const uint64_t end = (offset + length_bytes + kBlockBytes - 1) / kBlockBytes;
    for (uint64_t number = first; number < end; ++number) {
        Block& block = file.blocks[number];
        // What a write in flight leaves behind cannot be read yet: the versions of overlapping writes count as one.
        if (block.writes_in_flight == 0) block.saved.push_back({block.content_order, read_block(file, number)});
        ++block.writes_in_flight;
    }
    return Span{.file = found->second, .first_block = first, .block_count = end - first};
}

void UnsyncedWrites::end_write(const Span& span, bool durable) {
    File& file = files_[span.file];
    ++order_;
    for (uint64_t number = span.first_block; number < span.first_block + span.block_count; ++number) {
        Block& block = file.blocks[number];
        --block.writes_in_flight;
        block.content_order = order_;
        if (durable && block.writes_in_flight == 0) file.blocks.erase(number);
    }
}

std::optional<UnsyncedWrites::Sync> UnsyncedWrites::begin_sync(int descriptor) {
    const auto found = file_of_descriptor_.find(descriptor);
    if (found == file_of_descriptor_.end()) return std::nullopt;
    return Sync{.file = found->second, .order = order_};
}

void UnsyncedWrites::end_sync(const Sync& sync) {
    std::map<uint64_t, Block>& blocks = files_[sync.file].blocks;
    for (auto at = blocks.begin(); at != blocks.end();) {
        Block& block = at->second;
        if (block.writes_in_flight == 0 && block.content_order <= sync.order) {
            at = blocks.erase(at);
            continue;
        }
        while (block.saved.size() > 1 && block.saved[1].order <= sync.order)
            block.saved.erase(block.saved.begin());
        ++at;
    }
}

uint64_t UnsyncedWrites::cut(Prng& random) {
    const bool lose_all = random.chance(1, 2);
    uint64_t changed = 0;
    for (const File& file : files_) {
        for (const auto& [number, block] : file.blocks) {
            const std::string current = read_block(file, number);
            std::string left = block.saved.front().bytes;
            for (uint64_t at = 0; !lose_all && at < kBlockBytes; at += kSectorBytes) {
                const uint64_t version = random.below(block.saved.size() + 1);
                const std::string& from = version == block.saved.size() ? current : block.saved[version].bytes;
                left.replace(at, kSectorBytes, from, at, kSectorBytes);
            }
            if (left == current) continue;
            const ssize_t size =
                pwrite(file.own_descriptor, left.data(), left.size(), static_cast<off_t>(number * kBlockBytes));
            KVORUM_ASSERT(size == static_cast<ssize_t>(left.size()), "pwrite: {}", std::strerror(errno));
            ++changed;
        }
        KVORUM_ASSERT(fdatasync(file.own_descriptor) == 0, "fdatasync: {}", std::strerror(errno));
    }
    return changed;
}

uint64_t UnsyncedWrites::block_count() const {
    uint64_t count = 0;
    for (const File& file : files_)
        count += file.blocks.size();
    return count;
}

}  // namespace kvorum::nemesis
