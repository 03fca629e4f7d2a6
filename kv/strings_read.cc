#include <algorithm>
#include <array>
#include <span>

#include "kv/families.h"
#include "kv/text.h"

namespace kvorum::kv {
namespace {

// As Redis counts: negative positions from the end, what lies outside cut off, both ends included.
std::string_view slice(std::string_view text, int64_t first, int64_t last) {
    const auto size = static_cast<int64_t>(text.size());
    if (first < 0 && last < 0 && first > last) return {};
    if (first < 0) first = std::max<int64_t>(0, first + size);
    if (last < 0) last = std::max<int64_t>(0, last + size);
    last = std::min(last, size - 1);
    if (first > last) return {};
    return text.substr(static_cast<size_t>(first), static_cast<size_t>(last - first + 1));
}

}  // namespace

void read_get(const ReadRequest& request) { reply_value(request.reply, request.find(request.arguments[1])); }

void read_mget(const ReadRequest& request) {
    constexpr size_t kBatch = 16;
    std::array<const Record*, kBatch> found;
    Arguments keys = request.arguments.subspan(1);
    request.reply.array(keys.size());
    while (!keys.empty()) {
        const size_t count = std::min(keys.size(), kBatch);
        request.store.find_batch(keys.first(count), std::span(found).first(count));
        for (const Record* record : std::span(found).first(count)) {
            request.count(record);
            reply_value(request.reply, record);
        }
        keys = keys.subspan(count);
    }
}

void read_strlen(const ReadRequest& request) {
    const Record* record = request.find(request.arguments[1]);
    request.reply.integer(record == nullptr ? 0 : static_cast<int64_t>(record->value().size()));
}

void read_getrange(const ReadRequest& request) {
    const auto first = parse_int64(request.arguments[2]);
    const auto last = parse_int64(request.arguments[3]);
    if (!first || !last) return request.reply.error(kNotInteger);
    const Record* record = request.find(request.arguments[1]);
    request.reply.bulk_string(record == nullptr ? std::string_view() : slice(record->value(), *first, *last));
}

}  // namespace kvorum::kv
