// Bytes on their way into the write-ahead log, which grow at their end.
//
// Many bytes lie so that the log can write them from where they are, with O_DIRECT and without copying them: behind
// kRoomBytes for what the log puts in front of them, in memory that begins and ends on a block of the disk. See
// placed(). Fewer bytes are cheaper to copy and take no more memory than they need.
//
// Thread: one owner. The memory is pooled (base/memory_pool.h), and moves when it grows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/memory_pool.h"

namespace kvorum {

class LogBuffer {
 public:
    static constexpr size_t kBlockBytes = 4096;
    static constexpr size_t kRoomBytes = 168;

    LogBuffer() = default;
    explicit LogBuffer(std::string_view text) { append(text); }
    LogBuffer(LogBuffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0)),
          memory_bytes_(std::exchange(other.memory_bytes_, 0)) {}
    LogBuffer& operator=(LogBuffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        std::swap(memory_bytes_, other.memory_bytes_);
        return *this;
    }
    ~LogBuffer() { release(); }

    void append(const char* text, size_t size) {
        make_room(size);
        if (size > 0) std::memcpy(data_ + size_, text, size);
        size_ += size;
    }
    // Not of its own bytes.
    void append(std::string_view text) { append(text.data(), text.size()); }
    void append(size_t count, char value) {
        make_room(count);
        std::fill_n(data_ + size_, count, value);
        size_ += count;
    }
    // What is new is zero.
    void resize(size_t size) {
        if (size > size_) return append(size - size_, '\0');
        size_ = size;
    }
    void reserve(size_t size) {
        if (size > capacity_) move_to(size);
    }
    // Gives most of its memory back if it uses less than a quarter of it.
    void give_up_room() {
        if (size_ > 0 && pooled_size(size_ + kRoomBytes) < memory_bytes_ / 4) move_to(size_);
    }

    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] char* data() { return data_; }
    [[nodiscard]] const char* data() const { return data_; }
    [[nodiscard]] std::string_view text() const { return {data_, size_}; }
    operator std::string_view() const { return text(); }  // NOLINT(google-explicit-constructor)
    friend bool operator==(const LogBuffer& a, const LogBuffer& b) { return a.text() == b.text(); }
    friend bool operator==(const LogBuffer& a, std::string_view b) { return a.text() == b; }
    [[nodiscard]] Bytes bytes() const { return as_bytes(text()); }

    // Where the log may write it from: the room, the bytes, and all up to the end of their last block, which holds
    // anything. Empty when it does not lie so.
    [[nodiscard]] MutableBytes placed() {
        if (!is_placed(memory_bytes_)) return {};
        return {reinterpret_cast<std::byte*>(data_) - kRoomBytes, align_up(kRoomBytes + size_, kBlockBytes)};
    }

 private:
    // From here on, room included.
    static constexpr size_t kPlacedBytesMin = kPagedBytesMin;

    [[nodiscard]] static bool is_placed(size_t memory_bytes) { return memory_bytes >= kPlacedBytesMin; }
    void make_room(size_t more) {
        if (more > capacity_ - size_) move_to(std::max(size_ + more, 2 * size_));
    }
    void move_to(size_t size);
    void release();

    char* data_ = nullptr;
    size_t size_ = 0;
    size_t capacity_ = 0;
    size_t memory_bytes_ = 0;
};

}  // namespace kvorum
