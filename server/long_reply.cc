#include "server/long_reply.h"

#include <utility>

#include "base/units.h"

namespace kvorum::server {
namespace {

constexpr size_t kPartBytes = 64 * kKiB;
// Between two looks at the size of the part: what is found in a step goes into one, however large its values are.
constexpr uint64_t kWorkPerStep = 50'000;

}  // namespace

LongReply::LongReply(std::unique_ptr<kv::LongRead> read, net::RespVersion version)
    : read_(std::move(read)), version_(version) {}

uint64_t LongReply::make(const kv::Store& store, uint64_t work_max) {
    const uint64_t before = read_->lookups().work;
    while (!made_ && read_->lookups().work - before < work_max) {
        if (parts_.empty() || parts_.back().size() >= kPartBytes) parts_.emplace_back();
        net::RespWriter items(parts_.back(), version_);
        const size_t size_before = parts_.back().size();
        made_ = read_->run(store, kWorkPerStep, items);
        memory_bytes_ += parts_.back().size() - size_before;
    }
    if (made_) {
        std::string head;
        net::RespWriter writer(head, version_);
        read_->write_head(writer);
        memory_bytes_ += head.size();
        parts_.push_front(std::move(head));
    }
    return read_->lookups().work - before;
}

}  // namespace kvorum::server
