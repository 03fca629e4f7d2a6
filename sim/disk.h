// A simulated disk with a volatile cache: what a file system on a real device may do to a program that believes more
// than it was promised. Pure.
//
// A write changes what reads return when it completes, and is durable only by a sync that was begun after it completed,
// or by being a data-sync write. At a crash every sector that was written since - completed or still in flight -
// independently keeps any of its versions, loses them, or tears. Creations, renames, removals and sizes are durable by
// a sync of the directory, or of the file for its size; at a crash a prefix of what was not synced survives, as in a
// journaling file system.
//
// Copyable: a copy is a snapshot, and shares unchanged blocks. The same seed gives the same crash. Thread: any, one at
// a time. Results are as from the kernel: >= 0, or -errno.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/prng.h"
#include "base/units.h"

namespace kvorum::sim {

struct DiskConfig {
    uint64_t capacity_bytes = 1 * kGiB;
    uint64_t sector_bytes = 512;  // what a crash decides on: 512 or 4096
};

class Disk {
 public:
    static constexpr uint64_t kBlockBytes = 4096;
    using InodeId = uint64_t;
    using Ticket = uint64_t;

    // How a crash treats what is not durable. kDrawn takes one of the others by chance.
    enum class CrashMode { kDrawn, kKeepAll, kLoseAll, kWholeWrites, kSectors, kTornSectors };

    explicit Disk(DiskConfig config) : config_(config) {}

    // --- names ---
    void make_directory(const std::string& path) { directories_.insert(path); }
    [[nodiscard]] bool has_directory(const std::string& path) const { return directories_.contains(path); }
    [[nodiscard]] int64_t open(const std::string& path, bool create, bool truncate);  // InodeId; directories too
    int32_t rename(const std::string& from, const std::string& to);
    int32_t unlink(const std::string& path);
    [[nodiscard]] std::vector<std::pair<std::string, uint64_t>> list(
        const std::string& directory) const;  // names and sizes

    // --- contents ---
    // Takes the bytes at begin; reads see them after complete_write(), which returns how much was written.
    [[nodiscard]] Ticket begin_write(InodeId inode, uint64_t offset, Bytes bytes, bool data_sync);
    int32_t complete_write(Ticket ticket);
    // Acknowledged, and dropped.
    int32_t lose_write(Ticket ticket);
    // Covers what completed before begin_sync().
    [[nodiscard]] Ticket begin_sync(InodeId inode);
    void complete_sync(Ticket ticket);
    // A sync failed: what waits to become durable is still read back, but no sync that begins later will make it
    // durable (as in Linux since 4.13, where a failed writeback marks the pages clean).
    void fail_sync(InodeId inode);
    void drop(Ticket ticket) { writes_.erase(ticket), syncs_.erase(ticket); }  // it failed and had no effect
    int32_t read(InodeId inode, uint64_t offset, MutableBytes into) const;
    int32_t allocate(InodeId inode, uint64_t offset, uint64_t length_bytes);

    // --- faults ---
    // What is left after a power cut.
    [[nodiscard]] Disk crash(uint64_t seed, CrashMode mode = CrashMode::kDrawn) const;
    // What is left after the process died and the machine went on: writes in flight happened or not, and nothing became
    // durable by it.
    [[nodiscard]] Disk kill(uint64_t seed) const;
    // Damage at rest, durable. False if there is no such byte.
    bool flip_bit(const std::string& path, uint64_t offset, unsigned bit);
    bool overwrite(const std::string& path, uint64_t offset, Bytes bytes);
    // The whole file as reads see it; empty if there is none.
    [[nodiscard]] std::string contents(const std::string& path) const;
    // The names and the contents that a power cut leaves if it loses everything that it may: what crash(kLoseAll) would
    // show, without the copy.
    [[nodiscard]] std::vector<std::string> durable_names(const std::string& directory) const;
    [[nodiscard]] std::string durable_contents(const std::string& path) const;

    [[nodiscard]] uint64_t used_bytes() const;
    [[nodiscard]] uint64_t free_bytes() const {
        return config_.capacity_bytes > used_bytes() ? config_.capacity_bytes - used_bytes() : 0;
    }
    void set_capacity_bytes(uint64_t bytes) { config_.capacity_bytes = bytes; }

 private:
    using Block = std::array<std::byte, kBlockBytes>;
    using BlockPtr = std::shared_ptr<const Block>;  // null: zeros

    struct Version {
        uint64_t order = 0;  // of completion
        uint64_t write = 0;  // the write that made it
        BlockPtr block;
    };
    struct Inode {
        bool directory = false;
        std::string path;  // of a directory
        uint64_t size_bytes = 0;
        uint64_t durable_size_bytes = 0;
        uint64_t size_order = 0;
        uint64_t failed_order = 0;  // versions up to this one are not made durable by any sync that begins from now on
        std::vector<BlockPtr> durable;
        std::map<uint64_t, std::vector<Version>> unsynced;  // by block number, oldest first
    };
    struct Write {
        InodeId inode = 0;
        uint64_t offset = 0;
        std::string bytes;
        bool data_sync = false;
    };
    struct Sync {
        InodeId inode = 0;
        uint64_t order = 0;
        uint64_t failed_order = 0;  // the inode's when it was begun: a sync that fails beside it takes nothing from it
    };
    struct NameChange {
        uint64_t order = 0;
        std::string directory;
        std::string from;  // empty: a creation
        std::string to;    // empty: a removal
        InodeId inode = 0;
    };

    [[nodiscard]] static std::string directory_of(const std::string& path);
    static void apply(const NameChange& change, std::map<std::string, InodeId>& names);
    void change_name(NameChange change);
    [[nodiscard]] static BlockPtr current_block(const Inode& inode, uint64_t number);
    [[nodiscard]] static BlockPtr patched(const BlockPtr& base, uint64_t offset_in_block, Bytes bytes);
    static void set_durable(Inode& inode, uint64_t number, BlockPtr block);
    void apply_write(const Write& write, uint64_t id);
    [[nodiscard]] BlockPtr crashed_block(const Inode& inode, uint64_t number, const std::vector<Version>& versions,
                                         CrashMode mode, uint64_t seed, Prng& random) const;
    void crash_inode(Inode& inode, CrashMode mode, uint64_t seed, Prng& random) const;

    DiskConfig config_;
    uint64_t order_ = 0;
    uint64_t next_ticket_ = 1;
    InodeId next_inode_ = 1;
    std::set<std::string> directories_;
    std::map<InodeId, Inode> inodes_;
    std::map<std::string, InodeId> names_;
    std::map<std::string, InodeId> durable_names_;
    std::vector<NameChange> name_changes_;  // not durable yet, oldest first
    std::map<Ticket, Write> writes_;
    std::map<Ticket, Sync> syncs_;
};

}  // namespace kvorum::sim
