// Bytes on their way to a socket: owned text, with log entries spliced in by reference so that their bytes are never
// copied for sending.
//
// Everything owned lies in one string; an entry remembers the offset where it belongs. pieces() lays both out for a
// vectored send. Thread: one owner. The entries stay alive while the buffer holds them.
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

    // Append owned bytes here, only at the end; what lies behind an appended entry follows it on the wire.
    [[nodiscard]] std::string& tail() { return owned_; }
    void append_entry(const raft::EntryPtr& entry);

    [[nodiscard]] uint64_t size_bytes() const { return owned_.size() + referenced_bytes_; }
    // Of its own; entries are shared.
    [[nodiscard]] uint64_t memory_bytes() const { return owned_.capacity(); }
    [[nodiscard]] bool empty() const { return size_bytes() == 0; }

    // Appends the pieces in wire order. They are valid until the buffer is changed or moved.
    void pieces(std::vector<iovec>& out) const;
    // All bytes in one string, for tests and small outputs.
    [[nodiscard]] std::string flatten() const;

    void clear();
    void swap(OutputBuffer& other) noexcept;

 private:
    struct Reference {
        size_t owned_before = 0;  // the entry stands behind that many owned bytes
        raft::EntryPtr entry;
    };

    std::string owned_;
    std::vector<Reference> references_;
    uint64_t referenced_bytes_ = 0;
};

}  // namespace kvorum::net
