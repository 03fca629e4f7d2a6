// What the codecs between peers have in common. Private to peers/*_codec.cc.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"

namespace kvorum::peers {

// Strong ids travel as their plain value.
template <typename Id>
void write_id(ByteWriter<>& writer, Id id) {
    writer.write<uint64_t>(id.value());
}

template <typename Id>
Id read_id(ByteReader& reader) {
    return Id{reader.read<uint64_t>()};
}

inline void write_group(ByteWriter<>& writer, GroupId group) {
    writer.write<uint32_t>(static_cast<uint32_t>(group.value()));
}

inline GroupId read_group(ByteReader& reader) { return GroupId{reader.read<uint32_t>()}; }

// Of a nonce or a proof.
inline void read_array(ByteReader& reader, std::array<std::byte, 32>& out) {
    const Bytes bytes = reader.read_bytes(out.size());
    if (!reader.failed()) std::copy(bytes.begin(), bytes.end(), out.begin());
}

// Flag bytes have no spare meaning: an unknown bit is an error.
inline uint8_t read_flags(ByteReader& reader, uint8_t known, bool& valid) {
    const auto flags = reader.read<uint8_t>();
    if ((flags & ~known) != 0) valid = false;
    return flags;
}

inline void write_sized(ByteWriter<>& writer, std::string_view text) {
    writer.write<uint32_t>(static_cast<uint32_t>(text.size()));
    writer.write_text(text);
}

}  // namespace kvorum::peers
