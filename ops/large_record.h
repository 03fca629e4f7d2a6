// One write command of many bytes on its way into an entry of the log: its record, of which the large texts are not
// copied when it is encoded but afterwards, in slices, so that it takes no turn as long as it is.
//
// Thread: the owning core. Borrows from the command, which outlives it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log_buffer.h"
#include "base/packed_command.h"
#include "base/reply_sink.h"
#include "ops/dump_payload.h"
#include "ops/operation_table.h"

namespace kvorum::ops {

class LargeRecord {
 public:
    // What encode() would take long for, in steps that add to `work` until that has come to `work_end`. True: encode()
    // comes next.
    [[nodiscard]] bool prepare(const Operation& operation, const PackedCommand& command, uint64_t work_end,
                               uint64_t& work);
    // As encode_write(), of `command`, which `operation` takes. False: refused.
    [[nodiscard]] bool encode(const Operation& operation, const PackedCommand& command, int64_t now_ms,
                              ReplySink& reply);

    [[nodiscard]] uint64_t size_bytes() const { return text_.size() + borrowed_bytes_; }
    // Appends the next bytes of the record, `bytes_max` at most. True: that was the last of it.
    [[nodiscard]] bool copy_to(LogBuffer& out, uint64_t bytes_max);

 private:
    friend class RecordWriter;
    friend struct RecordText;

    // Stands behind text_'s first `text_before` bytes.
    struct Borrowed {
        size_t text_before;
        std::string_view text;
    };

    [[nodiscard]] PreparedPayload payload() const {
        return {payload_crc_, decompression_.has_value() ? &*decompression_ : nullptr};
    }
    [[nodiscard]] bool encode_key_list(const Operation& operation, const PackedCommand& command, ReplySink& reply);
    // False: the text is to be copied now, because it is short or not the command's own.
    [[nodiscard]] bool borrow(std::string_view text);

    const PackedCommand* command_ = nullptr;
    LogBuffer text_;  // without what is borrowed
    std::vector<Borrowed> borrowed_;
    uint64_t borrowed_bytes_ = 0;
    // RESTORE: of the first `prepared_bytes_` of its payload's summed bytes.
    uint64_t payload_crc_ = 0;
    uint64_t prepared_bytes_ = 0;
    std::optional<Decompression> decompression_;  // of the payload, once that is summed
    // How far copy_to() has come.
    size_t text_done_ = 0;
    size_t borrowed_done_ = 0;
    uint64_t piece_done_ = 0;  // of borrowed_[borrowed_done_]
};

// It becomes longer than it is, so that it is carried out as a large one: RESTORE of a compressed value.
[[nodiscard]] bool is_large_inside(const Operation& operation, std::span<const std::string_view> arguments);
// The commands whose arguments all are keys, or keys and values, and which are carried out key by key.
[[nodiscard]] bool is_key_list_write(const Operation& operation);

}  // namespace kvorum::ops
