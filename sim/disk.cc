#include "sim/disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/assert.h"

namespace kvorum::sim {
namespace {

// Draws the same for the same write, so that all blocks of one write share a fate.
bool keeps_write(uint64_t seed, uint64_t write) { return Prng(seed ^ (write * 0x9e3779b97f4a7c15ULL)).chance(1, 2); }

Disk::CrashMode draw_mode(Prng& random) {
    constexpr std::array kModes{Disk::CrashMode::kKeepAll,     Disk::CrashMode::kLoseAll,
                                Disk::CrashMode::kWholeWrites, Disk::CrashMode::kWholeWrites,
                                Disk::CrashMode::kSectors,     Disk::CrashMode::kTornSectors};
    return kModes[random.below(kModes.size())];
}

}  // namespace

// --- names ---

std::string Disk::directory_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

void Disk::apply(const NameChange& change, std::map<std::string, InodeId>& names) {
    if (!change.from.empty()) names.erase(change.from);
    if (!change.to.empty()) names[change.to] = change.inode;
}

void Disk::change_name(NameChange change) {
    change.order = ++order_;
    apply(change, names_);
    name_changes_.push_back(std::move(change));
}

int64_t Disk::open(const std::string& path, bool create, bool truncate) {
    if (directories_.contains(path)) {
        for (const auto& [id, inode] : inodes_) {
            if (inode.directory && inode.path == path) return static_cast<int64_t>(id);
        }
        Inode directory;
        directory.directory = true;
        directory.path = path;
        inodes_[next_inode_] = directory;
        return static_cast<int64_t>(next_inode_++);
    }
    const auto found = names_.find(path);
    if (found != names_.end()) {
        KVORUM_ASSERT(!truncate || inodes_[found->second].size_bytes == 0,
                      "truncating a file that has contents is not simulated");
        return static_cast<int64_t>(found->second);
    }
    if (!create) return -ENOENT;
    if (!directories_.contains(directory_of(path))) return -ENOENT;
    if (free_bytes() == 0) return -ENOSPC;
    const InodeId id = next_inode_++;
    inodes_[id] = {};
    change_name({0, directory_of(path), {}, path, id});
    return static_cast<int64_t>(id);
}

int32_t Disk::rename(const std::string& from, const std::string& to) {
    const auto found = names_.find(from);
    if (found == names_.end()) return -ENOENT;
    change_name({0, directory_of(from), from, to, found->second});
    return 0;
}

int32_t Disk::unlink(const std::string& path) {
    const auto found = names_.find(path);
    if (found == names_.end()) return -ENOENT;
    change_name({0, directory_of(path), path, {}, found->second});
    return 0;
}

std::vector<std::pair<std::string, uint64_t>> Disk::list(const std::string& directory) const {
    std::vector<std::pair<std::string, uint64_t>> files;
    for (const auto& [path, id] : names_) {
        if (directory_of(path) == directory)
            files.emplace_back(path.substr(directory.size() + 1), inodes_.at(id).size_bytes);
    }
    return files;
}

// --- contents ---

Disk::BlockPtr Disk::current_block(const Inode& inode, uint64_t number) {
    const auto unsynced = inode.unsynced.find(number);
    if (unsynced != inode.unsynced.end() && !unsynced->second.empty()) return unsynced->second.back().block;
    return number < inode.durable.size() ? inode.durable[number] : nullptr;
}

Disk::BlockPtr Disk::patched(const BlockPtr& base, uint64_t offset_in_block, Bytes bytes) {
    auto block = std::make_shared<Block>();
    if (base != nullptr) {
        *block = *base;
    } else {
        block->fill(std::byte{0});
    }
    std::copy(bytes.begin(), bytes.end(), block->begin() + static_cast<ptrdiff_t>(offset_in_block));
    return block;
}

void Disk::set_durable(Inode& inode, uint64_t number, BlockPtr block) {
    if (inode.durable.size() <= number) inode.durable.resize(number + 1);
    inode.durable[number] = std::move(block);
}

Disk::Ticket Disk::begin_write(InodeId inode, uint64_t offset, Bytes bytes, bool data_sync) {
    writes_[next_ticket_] = {inode, offset, std::string(as_text(bytes)), data_sync};
    return next_ticket_++;
}

void Disk::apply_write(const Write& write, uint64_t id) {
    Inode& inode = inodes_.at(write.inode);
    const uint64_t order = ++order_;
    uint64_t done = 0;
    while (done < write.bytes.size()) {
        const uint64_t number = (write.offset + done) / kBlockBytes;
        const uint64_t in_block = (write.offset + done) % kBlockBytes;
        const uint64_t length = std::min(kBlockBytes - in_block, write.bytes.size() - done);
        BlockPtr block = patched(current_block(inode, number), in_block, as_bytes(write.bytes).subspan(done, length));
        if (write.data_sync) {
            set_durable(inode, number, block);
            inode.unsynced.erase(number);
        } else {
            inode.unsynced[number].push_back({order, id, std::move(block)});
        }
        done += length;
    }
    const uint64_t end = write.offset + write.bytes.size();
    if (end > inode.size_bytes) {
        inode.size_bytes = end;
        inode.size_order = order;
        if (write.data_sync) inode.durable_size_bytes = end;
    }
}

int32_t Disk::complete_write(Ticket ticket) {
    const auto found = writes_.find(ticket);
    KVORUM_ASSERT(found != writes_.end());
    const Write write = std::move(found->second);
    writes_.erase(found);
    const auto length = static_cast<int32_t>(write.bytes.size());
    apply_write(write, ticket);
    return length;
}

int32_t Disk::lose_write(Ticket ticket) {
    const auto length = static_cast<int32_t>(writes_.at(ticket).bytes.size());
    writes_.erase(ticket);
    return length;
}

Disk::Ticket Disk::begin_sync(InodeId inode) {
    syncs_[next_ticket_] = {inode, order_, inodes_.at(inode).failed_order};
    return next_ticket_++;
}

void Disk::complete_sync(Ticket ticket) {
    const Sync sync = syncs_.at(ticket);
    syncs_.erase(ticket);
    Inode& inode = inodes_.at(sync.inode);
    if (inode.directory) {
        std::erase_if(name_changes_, [&](const NameChange& change) {
            if (change.directory != inode.path || change.order > sync.order) return false;
            apply(change, durable_names_);
            return true;
        });
        return;
    }
    for (auto& [number, versions] : inode.unsynced) {
        std::erase_if(versions, [&, block_number = number](const Version& version) {
            if (version.order > sync.order || version.order <= sync.failed_order) return false;
            set_durable(inode, block_number, version.block);
            return true;
        });
    }
    std::erase_if(inode.unsynced, [](const auto& block) { return block.second.empty(); });
    if (inode.size_order <= sync.order) inode.durable_size_bytes = inode.size_bytes;
}

void Disk::fail_sync(InodeId id) {
    Inode& inode = inodes_.at(id);
    if (!inode.directory) inode.failed_order = order_;
}

int32_t Disk::read(InodeId id, uint64_t offset, MutableBytes into) const {
    const Inode& inode = inodes_.at(id);
    if (offset >= inode.size_bytes) return 0;
    const uint64_t length = std::min<uint64_t>(into.size(), inode.size_bytes - offset);
    uint64_t done = 0;
    while (done < length) {
        const uint64_t in_block = (offset + done) % kBlockBytes;
        const uint64_t count = std::min(kBlockBytes - in_block, length - done);
        const BlockPtr block = current_block(inode, (offset + done) / kBlockBytes);
        if (block == nullptr) {
            std::memset(into.data() + done, 0, count);
        } else {
            std::memcpy(into.data() + done, block->data() + in_block, count);
        }
        done += count;
    }
    return static_cast<int32_t>(length);
}

int32_t Disk::allocate(InodeId id, uint64_t offset, uint64_t length_bytes) {
    Inode& inode = inodes_.at(id);
    const uint64_t end = offset + length_bytes;
    if (end <= inode.size_bytes) return 0;
    if (end - inode.size_bytes > free_bytes()) return -ENOSPC;
    inode.size_bytes = end;
    inode.size_order = ++order_;
    return 0;
}

uint64_t Disk::used_bytes() const {
    uint64_t used = 0;
    for (const auto& [path, id] : names_)
        used += align_up(inodes_.at(id).size_bytes, kBlockBytes);
    return used;
}

// --- faults ---

Disk Disk::crash(uint64_t seed, CrashMode mode) const {
    Prng random(seed);
    if (mode == CrashMode::kDrawn) mode = draw_mode(random);
    Disk after = *this;
    // Writes in flight may have reached the medium, in part or in full.
    for (auto& [ticket, write] : after.writes_) {
        write.data_sync = false;
        after.apply_write(write, ticket);
    }
    after.writes_.clear();
    after.syncs_.clear();
    uint64_t kept = name_changes_.size();
    if (mode == CrashMode::kLoseAll) kept = 0;
    if (mode != CrashMode::kLoseAll && mode != CrashMode::kKeepAll) kept = random.between(0, name_changes_.size());
    for (uint64_t i = 0; i < kept; ++i)
        apply(name_changes_[i], after.durable_names_);
    after.name_changes_.clear();
    after.names_ = after.durable_names_;
    std::set<InodeId> reachable;
    for (const auto& [path, id] : after.names_)
        reachable.insert(id);
    std::erase_if(after.inodes_, [&](const auto& inode) { return !reachable.contains(inode.first); });
    for (auto& [id, inode] : after.inodes_)
        after.crash_inode(inode, mode, seed, random);
    return after;
}

Disk Disk::kill(uint64_t seed) const {
    Prng random(seed);
    Disk after = *this;
    for (const auto& [ticket, write] : after.writes_) {
        if (random.chance(1, 2)) after.apply_write(write, ticket);
    }
    after.writes_.clear();
    after.syncs_.clear();
    return after;
}

void Disk::crash_inode(Inode& inode, CrashMode mode, uint64_t seed, Prng& random) const {
    for (auto& [number, versions] : inode.unsynced) {
        std::erase_if(versions, [&](const Version& version) { return version.order <= inode.failed_order; });
        if (versions.empty()) continue;
        set_durable(inode, number, crashed_block(inode, number, versions, mode, seed, random));
    }
    inode.unsynced.clear();
    const bool size_lost = mode == CrashMode::kLoseAll || (mode != CrashMode::kKeepAll && random.chance(1, 2));
    if (size_lost) inode.size_bytes = inode.durable_size_bytes;
    inode.durable_size_bytes = inode.size_bytes;
}

Disk::BlockPtr Disk::crashed_block(const Inode& inode, uint64_t number, const std::vector<Version>& versions,
                                   CrashMode mode, uint64_t seed, Prng& random) const {
    BlockPtr old = number < inode.durable.size() ? inode.durable[number] : nullptr;
    if (mode == CrashMode::kLoseAll) return old;
    if (mode == CrashMode::kKeepAll) return versions.back().block;
    if (mode == CrashMode::kWholeWrites) {
        BlockPtr kept = old;
        for (const Version& version : versions) {
            if (keeps_write(seed, version.write)) kept = version.block;
        }
        return kept;
    }
    BlockPtr result = patched(old, 0, {});
    for (uint64_t at = 0; at < kBlockBytes; at += config_.sector_bytes) {
        const uint64_t choice = random.below(versions.size() + 1);
        if (choice < versions.size() && versions[choice].block != nullptr) {
            result = patched(result, at, Bytes(*versions[choice].block).subspan(at, config_.sector_bytes));
        }
        if (mode == CrashMode::kTornSectors && random.chance(1, 4)) {
            std::vector<std::byte> garbage(random.between(1, config_.sector_bytes));
            for (std::byte& byte : garbage)
                byte = static_cast<std::byte>(random.below(256));
            result = patched(result, at, garbage);
        }
    }
    return result;
}

bool Disk::overwrite(const std::string& path, uint64_t offset, Bytes bytes) {
    const auto found = names_.find(path);
    if (found == names_.end() || offset + bytes.size() > inodes_.at(found->second).size_bytes) return false;
    apply_write({found->second, offset, std::string(as_text(bytes)), true}, 0);
    return true;
}

bool Disk::flip_bit(const std::string& path, uint64_t offset, unsigned bit) {
    const auto found = names_.find(path);
    if (found == names_.end()) return false;
    std::byte byte{0};
    if (read(found->second, offset, {&byte, 1}) != 1) return false;
    byte ^= static_cast<std::byte>(1U << bit);
    return overwrite(path, offset, {&byte, 1});
}

std::string Disk::contents(const std::string& path) const {
    const auto found = names_.find(path);
    if (found == names_.end()) return {};
    std::string bytes(inodes_.at(found->second).size_bytes, '\0');
    const int32_t length = read(found->second, 0, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
    KVORUM_ASSERT(static_cast<size_t>(length) == bytes.size());
    return bytes;
}

std::vector<std::string> Disk::durable_names(const std::string& directory) const {
    std::vector<std::string> names;
    for (const auto& [path, id] : durable_names_) {
        if (directory_of(path) == directory) names.push_back(path.substr(directory.size() + 1));
    }
    return names;
}

std::string Disk::durable_contents(const std::string& path) const {
    const auto found = durable_names_.find(path);
    if (found == durable_names_.end()) return {};
    const Inode& inode = inodes_.at(found->second);
    std::string bytes(inode.durable_size_bytes, '\0');
    for (uint64_t at = 0; at < bytes.size(); at += kBlockBytes) {
        const uint64_t number = at / kBlockBytes;
        const BlockPtr block = number < inode.durable.size() ? inode.durable[number] : nullptr;
        if (block != nullptr) std::memcpy(bytes.data() + at, block->data(), std::min(kBlockBytes, bytes.size() - at));
    }
    return bytes;
}

}  // namespace kvorum::sim
