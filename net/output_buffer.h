// Bytes on their way to a socket: owned text, with log entries spliced in by reference so that their bytes are never
// copied for sending.
//
// What is owned lies in chunks, since one string of megabytes would be copied whenever it grows; an entry remembers the
// offset where it belongs. pieces() lays both out for a vectored send. Thread: one owner. The entries stay alive while
// the buffer holds them.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <string>
#include <vector>

#include "raft/entry.h"

namespace kvorum::net {

class OutputBuffer {
 public:
    // Entries below this are copied: cheaper than one more piece in the vectored send.
    static constexpr size_t kCopyBelowBytes = 512;
    // Capacity above this is given back by clear().
    static constexpr size_t kKeepBytes = size_t{64} * 1024;

    // Append owned bytes here, only at the end; what lies behind an appended entry follows it on the wire. What is in
    // it already may be taken back or written over, until begin_piece() or a send.
    [[nodiscard]] std::string& tail() { return tail_; }
    // For what is appended piece by piece and may be long: the same string, which is empty again if it was full.
    [[nodiscard]] std::string& begin_piece();
    // A large one is not copied.
    void append_piece(std::string piece);
    void append_entry(const raft::EntryPtr& entry);

    [[nodiscard]] uint64_t size_bytes() const { return full_bytes_ + tail_.size() + referenced_bytes_; }
    // Of its own; entries are shared.
    [[nodiscard]] uint64_t memory_bytes() const { return full_memory_bytes_ + tail_.capacity(); }
    [[nodiscard]] bool empty() const { return size_bytes() == 0; }

    // Appends the pieces in wire order. They are valid until the buffer is changed or moved.
    void pieces(std::vector<iovec>& out) const;
    // All bytes in one string, for tests and small outputs.
    [[nodiscard]] std::string flatten() const;

    void clear();
    void swap(OutputBuffer& other) noexcept;

 private:
    // A chunk takes no more once it has come to this.
    static constexpr size_t kChunkBytes = size_t{128} * 1024;
    // A piece of this is a chunk of its own.
    static constexpr size_t kPieceBytes = size_t{16} * 1024;

    void seal_tail();
    void add_chunk(std::string chunk);

    struct Reference {
        uint64_t owned_before = 0;  // the entry stands behind that many owned bytes
        raft::EntryPtr entry;
    };

    std::vector<std::string> full_;  // chunks before the tail
    uint64_t full_bytes_ = 0;
    uint64_t full_memory_bytes_ = 0;
    std::string tail_;
    std::vector<Reference> references_;
    uint64_t referenced_bytes_ = 0;
};

}  // namespace kvorum::net
