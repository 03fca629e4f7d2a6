// How buffers that gather a message from several inputs grow and shrink: what a length claims is never reserved, memory
// at most doubles what was received, and never exceeds the size that the message is known to have.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace kvorum::net {

// `known_size`: how large `buffer` can become as far as is known; at least its size after the append.
inline void append_bounded(std::vector<char>& buffer, std::string_view bytes, size_t known_size) {
    const size_t size = buffer.size() + bytes.size();
    if (size > buffer.capacity()) buffer.reserve(std::max(size, std::min(2 * buffer.capacity(), known_size)));
    buffer.insert(buffer.end(), bytes.begin(), bytes.end());
}

// Assigning an empty container may keep the capacity; this does not.
template <typename Container>
void release_memory(Container& container) {
    Container().swap(container);
}

}  // namespace kvorum::net
