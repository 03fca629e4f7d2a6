// The one checksum of Kvorum: XXH3, 64 bits. Not cryptographic: it finds damage by accident, not by an attacker.
// Thread: any. On long inputs by the widest vectors of the processor (base/checksum_variants.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/bytes.h"

namespace kvorum {

[[nodiscard]] uint64_t checksum64(Bytes bytes);
[[nodiscard]] uint64_t checksum64(Bytes bytes, uint64_t seed);

// The same sum of bytes that come in pieces, however they were cut. One owner at a time; a copy goes on by itself.
//
// XXH3's state must lie on a cache line, which a coroutine's frame does not promise of what is in it: so it is placed
// within its memory here, and by a copy anew.
class RunningChecksum {
 public:
    explicit RunningChecksum(uint64_t seed = 0);
    RunningChecksum(const RunningChecksum& other) { copy_state(other); }
    RunningChecksum& operator=(const RunningChecksum& other) {
        copy_state(other);
        return *this;
    }
    ~RunningChecksum() = default;

    void add(Bytes piece);
    [[nodiscard]] uint64_t value() const;

 private:
    static constexpr size_t kStateBytes = 576;
    static constexpr size_t kStateAlignment = 64;

    [[nodiscard]] const std::byte* state() const {
        const size_t misplaced = reinterpret_cast<uintptr_t>(memory_.data()) % kStateAlignment;
        return memory_.data() + (misplaced == 0 ? 0 : kStateAlignment - misplaced);
    }
    [[nodiscard]] std::byte* state() { return const_cast<std::byte*>(std::as_const(*this).state()); }
    void copy_state(const RunningChecksum& other) {
        if (this != &other) std::memcpy(state(), other.state(), kStateBytes);
    }

    std::array<std::byte, kStateBytes + kStateAlignment - 1> memory_;  // XXH3_state_t is in it
};

}  // namespace kvorum
