#include "kv/value_source.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace kvorum::kv {

void copy_with_zeros(std::string_view base, uint64_t offset, std::span<char> out) {
    const size_t copied = offset < base.size() ? std::min<uint64_t>(out.size(), base.size() - offset) : 0;
    if (copied > 0) std::memcpy(out.data(), base.data() + offset, copied);
    std::fill(out.begin() + static_cast<ptrdiff_t>(copied), out.end(), '\0');
}

void PatchedValue::fill(uint64_t offset, std::span<char> out) const {
    copy_with_zeros(base_, offset, out);
    const uint64_t begin = std::max(offset, patch_at_);
    const uint64_t end = std::min(offset + out.size(), patch_at_ + patch_.size());
    if (begin < end) std::memcpy(out.data() + (begin - offset), patch_.data() + (begin - patch_at_), end - begin);
}

PagedValue::PagedValue(std::string_view base, uint64_t size_bytes)
    : base_(base), pages_((size_bytes + kPageBytes - 1) / kPageBytes) {}

void PagedValue::write(uint64_t offset, std::string_view bytes) {
    while (!bytes.empty()) {
        const uint64_t number = offset / kPageBytes;
        const uint64_t at = offset % kPageBytes;
        KVORUM_ASSERT(number < pages_.size(), "byte {} of {} pages", offset, pages_.size());
        std::unique_ptr<Page>& page = pages_[number];
        if (page == nullptr) {
            page = std::make_unique<Page>();
            copy_with_zeros(base_, number * kPageBytes, *page);
        }
        const size_t size = std::min<uint64_t>(bytes.size(), kPageBytes - at);
        std::memcpy(page->data() + at, bytes.data(), size);
        bytes.remove_prefix(size);
        offset += size;
    }
}

void PagedValue::fill(uint64_t offset, std::span<char> out) const {
    while (!out.empty()) {
        const uint64_t number = offset / kPageBytes;
        const uint64_t at = offset % kPageBytes;
        const size_t size = std::min<uint64_t>(out.size(), kPageBytes - at);
        if (number < pages_.size() && pages_[number] != nullptr) {
            std::memcpy(out.data(), pages_[number]->data() + at, size);
        } else {
            copy_with_zeros(base_, offset, out.first(size));
        }
        out = out.subspan(size);
        offset += size;
    }
}

}  // namespace kvorum::kv
