// A Raft log entry: encoded once, used three times (WAL, peers, apply).
//
// The encoded bytes are the header below followed by the body, and are the same on every node. The leader encodes them;
// a follower keeps and writes what it received. `prev_checksum` chains each entry to the identity of the one before it,
// so equal checksums at an index mean equal logs up to there.
//
// Thread: entries are immutable after seal() or parse(); EntryPtr may be shared freely. Their memory is pooled: a batch
// asks the heap for nothing once traffic is steady. Integers are little-endian, times are milliseconds since the Unix
// epoch, sizes are bytes.
#pragma once

#include <absl/container/inlined_vector.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ids.h"
#include "base/log_buffer.h"
#include "raft/types.h"

namespace kvorum::raft {

enum class EntryType : uint16_t {
    kNoop = 1,      // appended by a new leader at the start of its term (thesis 6.4); empty body
    kCommands = 2,  // a batch of state machine commands; the body is kv's to read
    // The leader lets committed log time advance, so that keys fall due; empty body
    kTick = 3,
    kConfig = 4,        // who the members are from here on (raft/configuration.h)
    kFeatureLevel = 5,  // what entries may hold once this one is committed (raft/feature_level.h)
};
[[nodiscard]] std::string_view entry_type_name(EntryType type);  // "unknown" for what a newer version wrote
[[nodiscard]] bool is_known_entry_type(EntryType type);

struct EntryHeader {
    static constexpr uint32_t kMagic = 0x4e45564b;  // "KVEN"
    static constexpr uint16_t kVersion = 2;
    static constexpr size_t kEncodedSize = 80;

    EntryType type = EntryType::kNoop;
    ClusterId cluster;
    LogIndex index;
    Term term;
    int64_t log_time_ms = 0;  // stamped by the leader, never lower than in the entry before
    uint32_t body_size_bytes = 0;
    uint32_t command_count = 0;
    GroupId group;
    uint16_t feature_level = 1;  // in force when it was written; at least 1. What is above ours we cannot read
    uint64_t prev_checksum = 0;  // header_checksum of the entry at index - 1; 0 for the first
    uint64_t body_checksum = 0;
    uint64_t header_checksum = 0;  // over all header bytes before it
};

// Bodies above this are refused everywhere, so that a length that a peer or a damaged disk states is never trusted with
// memory.
inline constexpr uint32_t kEntryBodySizeMax = 64u << 20;

class Entry;
using EntryPtr = std::shared_ptr<const Entry>;
// Mostly of one: a batch.
using EntryList = absl::InlinedVector<EntryPtr, 1>;

// Why bytes are not an entry. kShort: more bytes are needed (the header is valid if at least kEncodedSize were given).
enum class EntryParseError {
    kNone,
    kShort,
    kBadMagic,
    kBadVersion,
    kBadHeaderChecksum,
    kBadField,
    kBadSize,
    kBadBodyChecksum
};
[[nodiscard]] std::string_view entry_parse_error_name(EntryParseError error);

// Reads and checks a header alone: magic, version, checksum, fields that no writer leaves so, size limit. `out` is
// meaningful only for kNone. The type may be one that this version does not know, and the feature level above its own:
// unreadable_reason() of raft/log_facts.h says so.
[[nodiscard]] EntryParseError parse_entry_header(Bytes bytes, EntryHeader& out);

class Entry {
    struct Key {
        explicit Key() = default;
    };

 public:
    Entry(Key /*only for its makers*/, const EntryHeader& header, LogBuffer encoded)
        : header_(header), encoded_(std::move(encoded)) {}

    // Checks header and body of the entry at the start of `bytes` and copies it. On kNone `out` is set and its
    // encoded().size() tells how much of `bytes` it took.
    [[nodiscard]] static EntryParseError parse(Bytes bytes, EntryPtr& out);

    [[nodiscard]] const EntryHeader& header() const { return header_; }
    [[nodiscard]] LogIndex index() const { return header_.index; }
    [[nodiscard]] Term term() const { return header_.term; }
    [[nodiscard]] EntryId id() const { return {header_.index, header_.term, header_.header_checksum}; }
    [[nodiscard]] Bytes encoded() const { return encoded_.bytes(); }
    [[nodiscard]] Bytes body() const { return encoded().subspan(EntryHeader::kEncodedSize); }

    // The memory around encoded(), for the log that writes it from where it lies (LogBuffer::placed()): what stands
    // before and behind encoded() in it is the caller's from now on. Empty when the entry does not lie so, or when
    // somebody has claimed it before.
    [[nodiscard]] MutableBytes claim_place() const { return place_claimed_.exchange(true) ? MutableBytes{} : place_; }

 private:
    friend class EntryBuilder;
    friend class EntryAssembler;
    [[nodiscard]] static EntryPtr make(const EntryHeader& header, LogBuffer encoded);

    EntryHeader header_;
    LogBuffer encoded_;
    MutableBytes place_ = encoded_.placed();
    mutable std::atomic<bool> place_claimed_ = false;
};

// Puts entries together from pieces of their bytes, so that a large one costs no piece more than its own size. Checks
// what Entry::parse checks.
class EntryAssembler {
 public:
    // Takes what belongs to the entry under way from the front of `bytes`. kNone: `out` is complete, and the next call
    // begins another one. kShort: all was taken. Anything else: no entry comes of this.
    [[nodiscard]] EntryParseError take(Bytes& bytes, EntryPtr& out);
    [[nodiscard]] bool mid_entry() const { return !encoded_.empty(); }

 private:
    // Smaller ones that lie whole in a piece are parsed where they lie.
    static constexpr size_t kParsedWholeBytes = size_t{16} * 1024;

    [[nodiscard]] EntryParseError take_header(Bytes& bytes);

    LogBuffer encoded_;
    EntryHeader header_;
    bool header_known_ = false;
    std::optional<RunningChecksum> body_sum_;
};

// Collects a body behind room left for the header; seal() fills the header in place. Single use after seal().
class EntryBuilder {
 public:
    explicit EntryBuilder(EntryType type);

    // Append body bytes here, only at the end. The first EntryHeader::kEncodedSize bytes are the header's room.
    [[nodiscard]] LogBuffer& buffer() { return encoded_; }
    // What the body holds so far will not change: it is summed now and not by seal().
    void sum_up();
    void add_command_count(uint32_t count) { header_.command_count += count; }
    void set_log_time_ms(int64_t time_ms) { header_.log_time_ms = time_ms; }
    void set_feature_level(uint16_t level) { header_.feature_level = level; }

    [[nodiscard]] EntryType type() const { return header_.type; }
    [[nodiscard]] int64_t log_time_ms() const { return header_.log_time_ms; }
    [[nodiscard]] uint32_t command_count() const { return header_.command_count; }
    [[nodiscard]] size_t body_size_bytes() const { return encoded_.size() - EntryHeader::kEncodedSize; }

    // Called by the Raft core when the entry's place in the log is known. The body must not exceed kEntryBodySizeMax.
    [[nodiscard]] EntryPtr seal(ClusterId cluster, GroupId group, LogIndex index, Term term, uint64_t prev_checksum) &&;

 private:
    EntryHeader header_;
    LogBuffer encoded_;
    std::optional<RunningChecksum> body_sum_;  // of the body's first summed_bytes_
    size_t summed_bytes_ = 0;
};

}  // namespace kvorum::raft
