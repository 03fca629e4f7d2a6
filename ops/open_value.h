// A large value on its way into a reply, piece by piece. Private to ops.
//
// Thread: the owning core. Borrows the value, whose record stays until it is closed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/reply_sink.h"
#include "base/turn_work.h"
#include "ops/crc64.h"
#include "ops/dump_payload.h"

namespace kvorum::ops {

class OpenValue {
 public:
    static constexpr size_t kPieceBytes = size_t{32} * 1024;

    [[nodiscard]] bool is_open() const { return is_open_; }

    void open(std::string_view value, ReplySink& reply) {
        is_open_ = true;
        left_ = value;
        reply.begin_bytes(value.size());
    }
    // As DUMP writes it.
    void open_dump(std::string_view value, ReplySink& reply) {
        is_open_ = dumps_ = true;
        left_ = value;
        const std::string head = dump_head(value.size());
        reply.begin_bytes(head.size() + value.size() + dump_footer(0).size());
        reply.bytes_piece(head);
        crc_ = crc64(head);
    }

    // Adds to `work` what it does, until that has come to `work_end`. True: the value is written and closed.
    [[nodiscard]] bool go_on(uint64_t work_end, uint64_t& work, ReplySink& reply) {
        while (!left_.empty()) {
            if (work >= work_end) return false;
            const std::string_view piece = left_.substr(0, kPieceBytes);
            reply.bytes_piece(piece);
            if (dumps_) crc_ = crc64(piece, crc_);
            work += (dumps_ ? 2 : 1) * piece.size() / kBytesPerWork;
            left_.remove_prefix(piece.size());
        }
        if (dumps_) reply.bytes_piece(dump_footer(crc_));
        reply.end_bytes();
        is_open_ = false;
        return true;
    }

 private:
    bool is_open_ = false;
    bool dumps_ = false;
    std::string_view left_;
    uint64_t crc_ = 0;
};

}  // namespace kvorum::ops
