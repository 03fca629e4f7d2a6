// A command in one piece: u32 count of its arguments, then a u32 size and the bytes of each; little-endian. So travels
// what is large (RespParser, forwarded commands): a million views of its arguments would take longer to make than a
// turn may last, and the log wants the same bytes (ops/large_record.h).
//
// Thread: one owner. Views borrow from the command.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/growing_buffer.h"

namespace kvorum {

class PackedCommand {
 public:
    PackedCommand() = default;
    explicit PackedCommand(uint32_t argument_count) { append_number(argument_count); }

    // One that is there as a whole.
    [[nodiscard]] static PackedCommand of(std::span<const std::string_view> arguments) {
        PackedCommand command(static_cast<uint32_t>(arguments.size()));
        for (const std::string_view argument : arguments) {
            command.begin_argument(static_cast<uint32_t>(argument.size()));
            command.append(argument);
        }
        return command;
    }

    // An argument is begun, then its bytes follow, in pieces perhaps.
    void begin_argument(uint32_t size_bytes) {
        note_argument(size_bytes);
        append_number(size_bytes);
    }
    void append(std::string_view bytes) { bytes_.append(bytes); }

    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    [[nodiscard]] Bytes bytes() const { return bytes_.bytes(); }
    [[nodiscard]] uint32_t argument_count() const { return load_le<uint32_t>(bytes().data()); }
    [[nodiscard]] uint32_t largest_argument_bytes() const { return largest_bytes_; }
    // The first `count_max` of them.
    void first_arguments(size_t count_max, std::vector<std::string_view>& out) const;
    [[nodiscard]] uint64_t memory_bytes() const { return bytes_.memory_bytes(); }

 private:
    friend class PackedCommandReader;

    void note_argument(uint32_t size_bytes) { largest_bytes_ = std::max(largest_bytes_, size_bytes); }
    void append_number(uint32_t number) {
        char raw[sizeof(number)];
        store_le(reinterpret_cast<std::byte*>(raw), number);
        bytes_.append({raw, sizeof(raw)});
    }

    GrowingBuffer bytes_;
    uint32_t largest_bytes_ = 0;
};

// A packed command as it comes from another node, in pieces.
class PackedCommandReader {
 public:
    explicit PackedCommandReader(uint32_t arguments_max = 0) : arguments_max_(arguments_max) {}

    // False: this is no packed command.
    [[nodiscard]] bool take(std::string_view piece);
    [[nodiscard]] uint64_t size_bytes() const { return command_.bytes().size(); }
    // All its arguments are there, and nothing else.
    [[nodiscard]] bool done() const { return checked_ > 0 && left_ == 0 && checked_ == size_bytes(); }
    [[nodiscard]] PackedCommand take_command() { return std::move(command_); }

 private:
    uint32_t arguments_max_;
    PackedCommand command_;
    uint64_t checked_ = 0;  // bytes: the count and whole arguments
    uint32_t left_ = 0;     // arguments that are not checked
};

inline bool PackedCommandReader::take(std::string_view piece) {
    command_.append(piece);
    const Bytes bytes = command_.bytes();
    if (checked_ == 0 && bytes.size() >= sizeof(uint32_t)) {
        left_ = load_le<uint32_t>(bytes.data());
        if (left_ == 0 || left_ > arguments_max_) return false;
        checked_ = sizeof(uint32_t);
    }
    while (left_ > 0 && checked_ > 0 && bytes.size() - checked_ >= sizeof(uint32_t)) {
        const auto size = load_le<uint32_t>(bytes.data() + checked_);
        if (bytes.size() - checked_ - sizeof(uint32_t) < size) break;
        command_.note_argument(size);
        checked_ += sizeof(uint32_t) + size;
        --left_;
    }
    return left_ > 0 || checked_ == 0 || checked_ == bytes.size();
}

inline void PackedCommand::first_arguments(size_t count_max, std::vector<std::string_view>& out) const {
    ByteReader reader(bytes());
    const auto count = reader.read<uint32_t>();
    out.clear();
    while (out.size() < count_max && out.size() < count) {
        const auto size = reader.read<uint32_t>();
        out.push_back(reader.read_text(size));
    }
}

}  // namespace kvorum
