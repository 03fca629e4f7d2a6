#include "ops/large_record.h"

#include <algorithm>
#include <functional>

#include "base/assert.h"
#include "base/turn_work.h"
#include "kv/store.h"
#include "ops/crc64.h"
#include "ops/dump_payload.h"
#include "ops/families.h"
#include "ops/log_record.h"

namespace kvorum::ops {
namespace {

// Shorter texts are copied at once.
constexpr size_t kBorrowedBytesMin = 4096;
// Of a payload, between two looks at the work.
constexpr size_t kSummedBytes = size_t{32} * 1024;
// Of RESTORE.
constexpr size_t kPayloadAt = 3;

bool lies_in(std::string_view text, std::string_view whole) {
    const std::less<const char*> before;
    return !before(text.data(), whole.data()) && !before(whole.data() + whole.size(), text.data() + text.size());
}

}  // namespace

bool is_key_list_write(const Operation& operation) {
    switch (operation.code) {
        case OperationCode::kMset:
        case OperationCode::kMsetnx:
        case OperationCode::kDel:
        case OperationCode::kUnlink: return true;
        default: return false;
    }
}

bool LargeRecord::prepare(const Operation& operation, const PackedCommand& command, uint64_t work_end, uint64_t& work) {
    if (operation.code != OperationCode::kRestore) return true;
    std::vector<std::string_view> arguments;
    command.first_arguments(kPayloadAt + 1, arguments);
    const std::string_view summed = summed_bytes(arguments[kPayloadAt]);
    while (prepared_bytes_ < summed.size()) {
        if (work >= work_end) return false;
        const std::string_view slice = summed.substr(prepared_bytes_, kSummedBytes);
        payload_crc_ = crc64(slice, payload_crc_);
        prepared_bytes_ += slice.size();
        work += slice.size() / kBytesPerWork;
    }
    if (!decompression_.has_value()) decompression_ = Decompression::of(arguments[kPayloadAt]);
    return !decompression_.has_value() || decompression_->go_on(work_end, work);
}

bool is_large_inside(const Operation& operation, std::span<const std::string_view> arguments) {
    if (operation.code != OperationCode::kRestore) return false;
    const std::optional<Decompression> decompression = Decompression::of(arguments[kPayloadAt]);
    return decompression.has_value() && decompression->size_bytes() >= kv::kSlicedValueBytes;
}

bool LargeRecord::encode(const Operation& operation, const PackedCommand& command, int64_t now_ms, ReplySink& reply) {
    KVORUM_ASSERT(operation.takes(command.argument_count()), "{} with {} arguments", operation.name,
                  command.argument_count());
    command_ = &command;
    if (is_key_list_write(operation)) return encode_key_list(operation, command, reply);
    std::vector<std::string_view> arguments;
    command.first_arguments(SIZE_MAX, arguments);
    return encode_record(operation, arguments, now_ms, RecordText(text_, this), reply);
}

// What a client sent is what the record holds, but for the name of the command.
bool LargeRecord::encode_key_list(const Operation& operation, const PackedCommand& command, ReplySink& reply) {
    if (command.largest_argument_bytes() > kv::kValueSizeMax) return refuse(reply, Failure::kTooLong);
    const uint64_t record_bytes = kRecordHeaderSize + command.bytes().size() - sizeof(uint32_t);
    if (record_bytes > kCommandSizeMax) return refuse(reply, Failure::too_large(record_bytes));
    const auto code = operation.code;
    const bool with_values = code == OperationCode::kMset || code == OperationCode::kMsetnx;
    ByteReader reader(command.bytes());
    const uint32_t count = reader.read<uint32_t>() - 1;
    read_sized(reader);
    if (with_values && count % 2 != 0) return refuse(reply, Failure::wrong_operand_count(operation.name));
    RecordWriter record(RecordText(text_, this), with_values ? OperationCode::kMset : OperationCode::kDel,
                        code == OperationCode::kMsetnx ? uint16_t{kMsetIfAllAbsent} : kNoFlags);
    record.integer(with_values ? count / 2 : count).tail(read_tail(reader));
    return true;
}

bool LargeRecord::borrow(std::string_view text) {
    const bool is_kept = lies_in(text, as_text(command_->bytes())) ||
                         (decompression_.has_value() && lies_in(text, decompression_->text()));
    if (text.size() < kBorrowedBytesMin || !is_kept) return false;
    borrowed_.push_back({text_.size(), text});
    borrowed_bytes_ += text.size();
    return true;
}

bool LargeRecord::copy_to(LogBuffer& out, uint64_t bytes_max) {
    while (bytes_max > 0) {
        const bool more_borrowed = borrowed_done_ < borrowed_.size();
        const size_t text_end = more_borrowed ? borrowed_[borrowed_done_].text_before : text_.size();
        if (text_done_ < text_end) {
            const size_t size = std::min<uint64_t>(text_end - text_done_, bytes_max);
            out.append(text_.text().substr(text_done_, size));
            text_done_ += size;
            bytes_max -= size;
        } else if (more_borrowed) {
            const std::string_view piece = borrowed_[borrowed_done_].text.substr(piece_done_, bytes_max);
            out.append(piece);
            piece_done_ += piece.size();
            bytes_max -= piece.size();
            if (piece_done_ < borrowed_[borrowed_done_].text.size()) break;
            ++borrowed_done_;
            piece_done_ = 0;
        } else {
            break;
        }
    }
    return text_done_ == text_.size() && borrowed_done_ == borrowed_.size();
}

}  // namespace kvorum::ops
