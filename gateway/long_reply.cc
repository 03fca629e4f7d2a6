#include "gateway/long_reply.h"

#include "base/turn_work.h"
#include "base/units.h"

namespace kvorum::gateway {
namespace {

constexpr size_t kPartBytes = 64 * kKiB;
// Between two looks at the size of the part: as much as a piece of a large value.
constexpr uint64_t kWorkPerStep = 32 * kKiB / kBytesPerWork;
constexpr size_t kPartMemoryBytes = kPartBytes + 40 * kKiB;

}  // namespace

uint64_t LongReply::make(ReplyPort& port, uint64_t work_max) {
    const uint64_t before = lookups_.work;
    bool made = false;
    while (!made && read_->lookups().work - before < work_max) {
        if (parts_.empty() || parts_.back().size() >= kPartBytes) parts_.emplace_back().reserve(kPartMemoryBytes);
        const size_t size_before = parts_.back().size();
        made = read_->run(kWorkPerStep, port.writer_to(parts_.back()));
        memory_bytes_ += parts_.back().size() - size_before;
    }
    lookups_ = read_->lookups();
    if (made) {
        std::string head;
        read_->write_head(port.writer_to(head));
        memory_bytes_ += head.size();
        parts_.push_front(std::move(head));
        // What it has pinned may go, however slowly the reply is read.
        read_.reset();
    }
    return lookups_.work - before;
}

}  // namespace kvorum::gateway
