#include "net/output_buffer.h"

#include <utility>

#include "net/partial_buffer.h"

namespace kvorum::net {
namespace {

// iovec's base is not const, though a send only reads it.
iovec piece(const void* data, size_t size) { return {const_cast<void*>(data), size}; }

}  // namespace

std::string& OutputBuffer::begin_piece() {
    if (tail_.size() >= kChunkBytes) seal_tail();
    return tail_;
}

void OutputBuffer::append_piece(std::string piece) {
    if (piece.size() < kPieceBytes) {
        begin_piece().append(piece);
        return;
    }
    if (!tail_.empty()) seal_tail();
    add_chunk(std::move(piece));
}

void OutputBuffer::seal_tail() { add_chunk(std::exchange(tail_, {})); }

void OutputBuffer::add_chunk(std::string chunk) {
    full_bytes_ += chunk.size();
    full_memory_bytes_ += chunk.capacity();
    full_.push_back(std::move(chunk));
}

void OutputBuffer::append_entry(const raft::EntryPtr& entry) {
    const Bytes encoded = entry->encoded();
    if (encoded.size() < kCopyBelowBytes) {
        tail_.append(as_text(encoded));
        return;
    }
    references_.push_back({full_bytes_ + tail_.size(), entry});
    referenced_bytes_ += encoded.size();
}

void OutputBuffer::pieces(std::vector<iovec>& out) const {
    auto reference = references_.begin();
    uint64_t chunk_begin = 0;
    const auto add_chunk = [&](const std::string& chunk) {
        size_t at = 0;
        for (; reference != references_.end() && reference->owned_before <= chunk_begin + chunk.size(); ++reference) {
            const size_t end = reference->owned_before - chunk_begin;
            if (end > at) out.push_back(piece(chunk.data() + at, end - at));
            const Bytes encoded = reference->entry->encoded();
            out.push_back(piece(encoded.data(), encoded.size()));
            at = end;
        }
        if (chunk.size() > at) out.push_back(piece(chunk.data() + at, chunk.size() - at));
        chunk_begin += chunk.size();
    };
    for (const std::string& chunk : full_)
        add_chunk(chunk);
    add_chunk(tail_);
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
    full_.clear();
    full_bytes_ = 0;
    full_memory_bytes_ = 0;
    tail_.clear();
    if (tail_.capacity() > kKeepBytes) release_memory(tail_);
    references_.clear();
    referenced_bytes_ = 0;
}

void OutputBuffer::swap(OutputBuffer& other) noexcept {
    full_.swap(other.full_);
    std::swap(full_bytes_, other.full_bytes_);
    std::swap(full_memory_bytes_, other.full_memory_bytes_);
    tail_.swap(other.tail_);
    references_.swap(other.references_);
    std::swap(referenced_bytes_, other.referenced_bytes_);
}

}  // namespace kvorum::net
