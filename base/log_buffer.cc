#include "base/log_buffer.h"

namespace kvorum {

void LogBuffer::move_to(size_t size) {
    const bool placed = is_placed(pooled_size(size + kRoomBytes));
    const size_t room = placed ? kRoomBytes : 0;
    const size_t memory_bytes = pooled_size(size + room);
    char* const data = static_cast<char*>(take_memory(memory_bytes)) + room;
    if (size_ > 0) std::memcpy(data, data_, size_);
    release();
    data_ = data;
    capacity_ = memory_bytes - room;
    memory_bytes_ = memory_bytes;
}

void LogBuffer::release() {
    if (memory_bytes_ == 0) return;
    give_memory_back(data_ - (is_placed(memory_bytes_) ? kRoomBytes : 0), memory_bytes_);
    memory_bytes_ = 0;
}

}  // namespace kvorum
