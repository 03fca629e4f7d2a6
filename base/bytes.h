// Little-endian fields in byte buffers: how every on-disk and on-wire structure of Kvorum is read and written.
//
// ByteReader never reads past its end: a read that does not fit sets failed() and returns zeros, so that a decoder may
// read a whole structure and check once. Views that it returns borrow from the input. Thread: any; no allocation on the
// reading side.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace kvorum {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

static_assert(std::endian::native == std::endian::little,
              "on-disk and on-wire integers are little-endian copies of the native ones");

template <typename T>
[[nodiscard]] T load_le(const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof(T));
    return value;
}

template <typename T>
void store_le(std::byte* at, T value) {
    std::memcpy(at, &value, sizeof(T));
}

[[nodiscard]] constexpr uint64_t align_up(uint64_t value, uint64_t alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

[[nodiscard]] inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

class ByteReader {
 public:
    explicit ByteReader(Bytes input) : input_(input) {}

    template <typename T>
    T read() {
        if (remaining() < sizeof(T)) {
            fail();
            return T{};
        }
        T value = load_le<T>(input_.data() + position_);
        position_ += sizeof(T);
        return value;
    }

    Bytes read_bytes(uint64_t size_bytes) {
        if (remaining() < size_bytes) {
            fail();
            return {};
        }
        Bytes view = input_.subspan(position_, size_bytes);
        position_ += size_bytes;
        return view;
    }

    std::string_view read_text(uint64_t size_bytes) { return as_text(read_bytes(size_bytes)); }

    [[nodiscard]] size_t remaining() const { return input_.size() - position_; }
    [[nodiscard]] size_t position() const { return position_; }
    [[nodiscard]] bool failed() const { return failed_; }
    // True when everything was read and nothing was missing.
    [[nodiscard]] bool finished() const { return !failed_ && remaining() == 0; }

 private:
    void fail() {
        failed_ = true;
        position_ = input_.size();
    }

    Bytes input_;
    size_t position_ = 0;
    bool failed_ = false;
};

// Appends little-endian fields to a string or a LogBuffer that the caller owns.
template <typename Out = std::string>
class ByteWriter {
 public:
    explicit ByteWriter(Out& out) : out_(out) {}

    template <typename T>
    void write(T value) {
        char raw[sizeof(T)];
        std::memcpy(raw, &value, sizeof(T));
        out_.append(raw, sizeof(T));
    }
    void write_text(std::string_view text) { out_.append(text); }
    void write_bytes(Bytes bytes) { out_.append(as_text(bytes)); }

 private:
    Out& out_;
};

}  // namespace kvorum
