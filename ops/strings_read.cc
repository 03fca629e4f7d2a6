#include <algorithm>
#include <span>
#include <vector>

#include "base/text.h"
#include "ops/families.h"

namespace kvorum::ops {

std::string_view range_of(std::string_view text, int64_t first, int64_t last) {
    const auto size = static_cast<int64_t>(text.size());
    if (first < 0 && last < 0 && first > last) return {};
    if (first < 0) first = std::max<int64_t>(0, first + size);
    if (last < 0) last = std::max<int64_t>(0, last + size);
    last = std::min(last, size - 1);
    if (first > last) return {};
    return text.substr(static_cast<size_t>(first), static_cast<size_t>(last - first + 1));
}

void read_get(const ReadRequest& request) {
    const kv::Record* record = request.find(request.arguments[1]);
    if (record != nullptr && request.is_too_long(record->value_size())) return;
    reply_value(request.reply, record);
}

void read_mget(const ReadRequest& request) {
    constexpr size_t kBatch = 16;
    const Arguments keys = request.arguments.subspan(1);
    std::vector<const kv::Record*> found(keys.size());
    uint64_t value_bytes = 0;
    for (size_t at = 0; at < keys.size(); at += kBatch) {
        const size_t count = std::min(keys.size() - at, kBatch);
        request.store.find_batch(keys.subspan(at, count), std::span(found).subspan(at, count));
        for (const kv::Record* record : std::span(found).subspan(at, count))
            value_bytes += record == nullptr ? 0 : record->value_size();
    }
    if (request.is_too_long(value_bytes)) return;
    request.reply.list(keys.size());
    for (const kv::Record* record : found) {
        request.count(record);
        reply_value(request.reply, record);
    }
}

void read_strlen(const ReadRequest& request) {
    const kv::Record* record = request.find(request.arguments[1]);
    request.reply.integer(record == nullptr ? 0 : static_cast<int64_t>(record->value().size()));
}

void read_getrange(const ReadRequest& request) {
    const auto first = parse_int64(request.arguments[2]);
    const auto last = parse_int64(request.arguments[3]);
    if (!first || !last) return request.reply.failure(Failure::kNotAnInteger);
    const kv::Record* record = request.find(request.arguments[1]);
    const std::string_view range = record == nullptr ? std::string_view() : range_of(record->value(), *first, *last);
    if (request.is_too_long(range.size())) return;
    request.reply.bytes(range);
}

}  // namespace kvorum::ops
