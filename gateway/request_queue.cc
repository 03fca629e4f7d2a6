#include "gateway/request_queue.h"

#include <utility>

#include "net/partial_buffer.h"

namespace kvorum::gateway {
void pack_arguments(std::span<const std::string_view> arguments, std::string& out) {
    out.clear();
    size_t size_bytes = sizeof(uint32_t);
    for (const std::string_view argument : arguments)
        size_bytes += sizeof(uint32_t) + argument.size();
    out.reserve(size_bytes);
    ByteWriter writer(out);
    writer.write(static_cast<uint32_t>(arguments.size()));
    for (const std::string_view argument : arguments) {
        writer.write(static_cast<uint32_t>(argument.size()));
        writer.write_text(argument);
    }
}

PackedKeys packed_keys(std::string_view packed) {
    ByteReader reader(as_bytes(packed));
    const auto count = reader.read<uint32_t>();
    reader.read_text(reader.read<uint32_t>());
    return {count - 1, reader};
}

void unpack_arguments(std::string_view packed, std::vector<std::string_view>& out) {
    ByteReader reader(as_bytes(packed));
    const auto count = reader.read<uint32_t>();
    out.clear();
    for (uint32_t i = 0; i < count; ++i)
        out.push_back(reader.read_text(reader.read<uint32_t>()));
    KVORUM_ASSERT(reader.finished(), "packed arguments of {} bytes are damaged", packed.size());
}

Request& RequestQueue::push_back() {
    if (count_ == slots_.size()) {
        std::vector<Request> larger(slots_.size() * 2);
        for (size_t i = 0; i < count_; ++i)
            larger[i] = std::move(slots_[(head_ + i) & (slots_.size() - 1)]);
        slots_ = std::move(larger);
        head_ = 0;
    }
    Request& slot = slots_[(head_ + count_) & (slots_.size() - 1)];
    ++count_;
    static_cast<RequestFacts&>(slot) = {};
    slot.text_.clear();
    slot.sequence = end_sequence() - 1;
    return slot;
}

void RequestQueue::pop_front() {
    KVORUM_ASSERT(count_ > 0);
    std::string& text = slots_[head_].text_;
    text_bytes_ -= text.size();
    if (text.capacity() > kKeptCapacity) {
        text_memory_bytes_ -= memory_of(text);
        net::release_memory(text);
    }
    head_ = (head_ + 1) & (slots_.size() - 1);
    --count_;
    ++head_sequence_;
    if (count_ == 0 && slots_.size() > kKeptSlots) {
        slots_ = std::vector<Request>(kKeptSlots);
        head_ = 0;
        text_memory_bytes_ = 0;
    }
}

}  // namespace kvorum::gateway
