#include "net/output_buffer.h"

#include <utility>

#include "net/partial_buffer.h"

namespace kvorum::net {
namespace {

// iovec's base is not const, though a send only reads it.
iovec piece(const void* data, size_t size) { return {const_cast<void*>(data), size}; }

}  // namespace

void OutputBuffer::append_entry(const raft::EntryPtr& entry) {
    const Bytes encoded = entry->encoded();
    if (encoded.size() < kCopyBelowBytes) {
        owned_.append(as_text(encoded));
        return;
    }
    references_.push_back({owned_.size(), entry});
    referenced_bytes_ += encoded.size();
}

void OutputBuffer::pieces(std::vector<iovec>& out) const {
    size_t at = 0;
    for (const Reference& reference : references_) {
        if (reference.owned_before > at) out.push_back(piece(owned_.data() + at, reference.owned_before - at));
        const Bytes encoded = reference.entry->encoded();
        out.push_back(piece(encoded.data(), encoded.size()));
        at = reference.owned_before;
    }
    if (owned_.size() > at) out.push_back(piece(owned_.data() + at, owned_.size() - at));
}

std::string OutputBuffer::flatten() const {
    std::vector<iovec> parts;
    pieces(parts);
    std::string all;
    for (const iovec& part : parts)
        all.append(static_cast<const char*>(part.iov_base), part.iov_len);
    return all;
}

void OutputBuffer::clear() {
    owned_.clear();
    if (owned_.capacity() > kKeepBytes) release_memory(owned_);
    references_.clear();
    referenced_bytes_ = 0;
}

void OutputBuffer::swap(OutputBuffer& other) noexcept {
    owned_.swap(other.owned_);
    references_.swap(other.references_);
    std::swap(referenced_bytes_, other.referenced_bytes_);
}

}  // namespace kvorum::net
