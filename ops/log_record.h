// How a command stands in the log. Private to ops.
//
//   u16 code | u16 flags | u32 payload size | [u64 session | u64 sequence] | payload
//
// The code is an OperationCode that apply.cc lists; with kHasOrigin in it, session and sequence say who asked for the
// operation. The flags are those below for that code. The payload's layout, next to
// each code, is part of the log format: a change needs a new code. "key" and "value" are a u32 size and that many
// bytes; "tail" is all that is left. Integers are little-endian. Times are absolute, in milliseconds since the Unix
// epoch.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/log_buffer.h"
#include "base/strong_id.h"
#include "ops/dump_payload.h"
#include "ops/large_record.h"
#include "ops/operation_codes.h"

namespace kvorum::ops {

// kSet: [i64 deadline, if kSetHasDeadline] key tail(value)
enum SetFlags : uint16_t {
    kSetIfAbsent = 1u << 0,
    kSetIfPresent = 1u << 1,
    kSetRepliesOldValue = 1u << 2,
    kSetKeepsDeadline = 1u << 3,
    kSetHasDeadline = 1u << 4,
    kSetRepliesInteger = 1u << 5,  // 1 when set, 0 when not, as SETNX
    kSetAllFlags = (1u << 6) - 1,
};

// kGetex: [i64 deadline, if kGetexHasDeadline] tail(key)
// GETEX finds fault with its time only when the key is there, so the fault waits in the log for that to be known.
enum GetexFlags : uint16_t {
    kGetexHasDeadline = 1u << 0,
    kGetexRemovesDeadline = 1u << 1,
    kGetexTimeIsNotInteger = 1u << 2,
    kGetexTimeIsInvalid = 1u << 3,
};

// kMset: u32 pair count, (key value) each
enum MsetFlags : uint16_t {
    kMsetIfAllAbsent = 1u << 0,
};

// kExpire: i64 deadline, tail(key)
enum ExpireFlags : uint16_t {
    kExpireIfNone = 1u << 0,
    kExpireIfAny = 1u << 1,
    kExpireIfGreater = 1u << 2,
    kExpireIfLess = 1u << 3,
    kExpireAllFlags = (1u << 4) - 1,
};

// kRename: key(old) tail(new)
enum RenameFlags : uint16_t {
    kRenameIfAbsent = 1u << 0,
};

// kCopy: key(source) tail(destination)
enum CopyFlags : uint16_t {
    kCopyReplaces = 1u << 0,
};

// kSetbit: u64 offset, tail(key)
enum SetbitFlags : uint16_t {
    kSetbitToOne = 1u << 0,
};

// kBitop: u32 key count, key(destination), key each; the flags are the operation's number: AND 0, OR 1, XOR 2, NOT 3

// kRestore: i64 deadline, key tail(value). Above the lower 8 bits of the flags stands what is wrong with the command,
// which is told only when the key may be written.
enum RestoreFlags : uint16_t {
    kRestoreReplaces = 1u << 0,
};

// kSort: key tail(destination)
enum SortFlags : uint16_t {
    kSortStores = 1u << 0,
};

// Without flags:
//   kBitfield:    key u32 count, (u8 kind, u8 overflow, u8 signed, u8 bits, u64 offset, i64 value) each
//   kAppend:      key tail(value)
//   kSetrange:    u64 offset key tail(value)
//   kIncrby:      i64 increment, tail(key)
//   kIncrbyfloat: key tail(increment, as text that parse_long_double takes)
//   kDel:         u32 count, key each
//   kGetdel:      tail(key)
//   kPersist:     tail(key)
//   kFlushall:    nothing
//
// Without flags and origin, in front of the commands of a batch and not counted among them, any number in any order:
//   kMemoryLimit: u64 bytes, not 0: the limit under which they are carried out. Without it there is none.
//   kSetting:     u16 setting, u64 value (kv/settings.h), in force from here on
inline constexpr uint16_t kNoFlags = 0;

inline constexpr size_t kRecordHeaderSize = sizeof(uint64_t);

// Of a code.
inline constexpr uint16_t kHasOrigin = 0x8000;

// Of a client that wants its operations carried out once, however often they are proposed.
using SessionId = StrongId<struct SessionIdTag>;

struct OperationOrigin {
    SessionId session;
    uint64_t sequence = 0;  // of the operation in its session

    bool operator==(const OperationOrigin&) const = default;
};

// Where a record is written: at the end of a batch; or of a large record, which borrows the texts that it can.
struct RecordText {
    RecordText(LogBuffer& text, LargeRecord* large_record = nullptr,  // NOLINT(google-explicit-constructor)
               std::optional<OperationOrigin> whose = std::nullopt)
        : batch(text), large(large_record), origin(whose) {}
    // What is known of RESTORE's payload.
    [[nodiscard]] PreparedPayload payload() const { return large == nullptr ? PreparedPayload{} : large->payload(); }

    LogBuffer& batch;
    LargeRecord* large;
    std::optional<OperationOrigin> origin;
};

// Appends one record to a batch; the destructor fills in the payload's size.
class RecordWriter {
 public:
    RecordWriter(RecordText out, OperationCode code, uint16_t flags)
        : batch_(out.batch), large_(out.large), start_(out.batch.size()), payload_start_(start_ + kRecordHeaderSize) {
        ByteWriter writer(batch_);
        const uint16_t origin_bit = out.origin.has_value() ? kHasOrigin : uint16_t{0};
        const auto code_bits = static_cast<uint16_t>(static_cast<uint16_t>(code) | origin_bit);
        writer.write(uint64_t{code_bits} | uint64_t{flags} << 16);
        if (!out.origin.has_value()) return;
        writer.write(out.origin->session.value());
        writer.write(out.origin->sequence);
        payload_start_ = batch_.size();
    }
    ~RecordWriter() {
        const uint64_t borrowed = large_ == nullptr ? 0 : large_->borrowed_bytes_;
        const auto payload_size = static_cast<uint32_t>(batch_.size() - payload_start_ + borrowed);
        store_le(reinterpret_cast<std::byte*>(batch_.data()) + start_ + sizeof(uint32_t), payload_size);
    }
    RecordWriter(const RecordWriter&) = delete;
    RecordWriter& operator=(const RecordWriter&) = delete;

    template <typename Integer>
    RecordWriter& integer(Integer value) {
        ByteWriter(batch_).write(value);
        return *this;
    }
    RecordWriter& sized(std::string_view text) {
        ByteWriter(batch_).write(static_cast<uint32_t>(text.size()));
        return tail(text);
    }
    RecordWriter& tail(std::string_view text) {
        if (large_ == nullptr || !large_->borrow(text)) batch_.append(text);
        return *this;
    }

 private:
    LogBuffer& batch_;
    LargeRecord* large_;
    size_t start_;
    size_t payload_start_;
};

struct LogRecord {
    OperationCode code;  // any number that the log has; apply() knows those that may be there
    uint16_t flags;
    std::optional<OperationOrigin> origin;
    Bytes payload;
};

// Check reader.failed() before anything of it is used.
inline LogRecord read_record(ByteReader& reader) {
    // In one piece: each operation of the log is looked at twice.
    const auto head = reader.read<uint64_t>();
    const auto code = static_cast<uint16_t>(head);
    LogRecord record{static_cast<OperationCode>(code & ~kHasOrigin), static_cast<uint16_t>(head >> 16), {}, {}};
    const auto payload_size = static_cast<uint32_t>(head >> 32);
    if ((code & kHasOrigin) != 0) [[unlikely]] {
        const SessionId session{reader.read<uint64_t>()};
        record.origin = {session, reader.read<uint64_t>()};
    }
    record.payload = reader.read_bytes(payload_size);
    return record;
}

inline std::string_view read_sized(ByteReader& payload) {
    const auto size = payload.read<uint32_t>();
    return payload.read_text(size);
}

inline std::string_view read_tail(ByteReader& payload) { return payload.read_text(payload.remaining()); }

}  // namespace kvorum::ops
