// What a power cut would take: for each block of each open file what is on the platter, as long as that differs from
// what the program wrote. The file system keeps no such record, so the old content is read before each write.
//
// A block is durable when a sync succeeded that was begun after the block's last write had completed, or when that
// write was a data-sync write. A block that was written again while a sync ran keeps what the sync made durable. Names
// and sizes are taken as durable at once: lost renames are the simulated disk's job (sim/disk.h).
//
// Thread: one. Files are named by descriptor between open() and close(); contents outlive the close, as on a disk.
// Errors of the file system end the process: a test that cannot keep its own books must not go on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"

namespace kvorum::nemesis {

class UnsyncedWrites {
 public:
    static constexpr uint64_t kBlockBytes = 4096;
    static constexpr uint64_t kSectorBytes = 512;

    struct Span {
        uint64_t file = 0;
        uint64_t first_block = 0;
        uint64_t block_count = 0;
    };
    struct Sync {
        uint64_t file = 0;
        uint64_t order = 0;  // covers the writes that completed up to here
    };

    UnsyncedWrites() = default;
    UnsyncedWrites(const UnsyncedWrites&) = delete;
    UnsyncedWrites& operator=(const UnsyncedWrites&) = delete;
    ~UnsyncedWrites();

    void open(int descriptor);  // a file opened for writing
    void close(int descriptor);

    // Before the write is handed to the kernel. Nothing for a file that is not open here.
    [[nodiscard]] std::optional<Span> begin_write(int descriptor, uint64_t offset, uint64_t length_bytes);
    void end_write(const Span& span, bool durable);
    [[nodiscard]] std::optional<Sync> begin_sync(int descriptor);
    void end_sync(const Sync& sync);  // it succeeded

    // The power is cut: every block that is not durable is put back. By chance all of them lose everything, or each
    // sector keeps one of the contents that it had. No write may be in flight in the kernel. Returns how many blocks
    // changed.
    uint64_t cut(Prng& random);
    [[nodiscard]] uint64_t block_count() const;

 private:
    struct Version {
        uint64_t order = 0;  // of the write's completion that made it
        std::string bytes;
    };
    struct Block {
        std::vector<Version> saved;  // oldest first; the first one is durable
        uint64_t writes_in_flight = 0;
        uint64_t content_order = 0;  // of what the file holds now
    };
    struct File {
        int own_descriptor = -1;  // follows the file through renames
        std::map<uint64_t, Block> blocks;
    };

    static std::string read_block(const File& file, uint64_t number);

    uint64_t order_ = 0;
    std::map<int, uint64_t> file_of_descriptor_;
    std::map<std::pair<dev_t, ino_t>, uint64_t> file_of_inode_;
    std::vector<File> files_;
};

}  // namespace kvorum::nemesis
