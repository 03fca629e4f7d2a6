#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/glob.h"
#include "base/text.h"
#include "ops/families.h"

namespace kvorum::ops {
namespace {

constexpr uint64_t kDefaultCount = 10;
// A page hashes and sorts the keys of one segment at least: so many.
constexpr uint64_t kSegmentKeys = 500;

// False when a failure was reported.
bool parse_options(Arguments words, ScanArguments& scan, ReplySink& reply) {
    for (size_t i = 0; i < words.size(); i += 2) {
        if (i + 1 == words.size()) return refuse(reply, Failure::kSyntax);
        const std::string_view value = words[i + 1];
        if (equals_ignore_case(words[i], "COUNT")) {
            const auto count = parse_int64(value);
            if (!count) return refuse(reply, Failure::kNotAnInteger);
            if (*count < 1) return refuse(reply, Failure::kSyntax);
            scan.count = static_cast<uint64_t>(*count);
        } else if (equals_ignore_case(words[i], "MATCH")) {
            scan.pattern = value;
        } else if (equals_ignore_case(words[i], "TYPE")) {
            // Every key is a string: any other type that is asked for has no keys.
            scan.takes_strings = equals_ignore_case(value, "string");
        } else {
            return refuse(reply, Failure::kSyntax);
        }
    }
    return true;
}

void reply_keys(ReplySink& reply, const std::vector<std::string_view>& keys) {
    reply.list(keys.size());
    for (const std::string_view key : keys)
        reply.bytes(key);
}

}  // namespace

std::optional<ScanArguments> parse_scan(Arguments arguments, ReplySink& reply) {
    const auto cursor = parse_cursor(arguments[1]);
    if (!cursor) {
        reply.failure(Failure::kBadCursor);
        return std::nullopt;
    }
    ScanArguments scan{.cursor = *cursor, .count = kDefaultCount, .pattern = "*"};
    if (!parse_options(arguments.subspan(2), scan, reply)) return std::nullopt;
    return scan;
}

void read_scan(const ReadRequest& request) {
    const auto scan = parse_scan(request.arguments, request.reply);
    if (!scan) return;
    kv::ScanPage page = request.store.scan(scan->cursor, scan->count);
    request.lookups.work += (page.visited + kSegmentKeys) * kKeyWalkWork;
    std::erase_if(page.keys,
                  [&](std::string_view key) { return !scan->takes_strings || !glob_matches(scan->pattern, key); });

    const fmt::format_int next_cursor(page.next_cursor);
    request.reply.list(2);
    request.reply.bytes({next_cursor.data(), next_cursor.size()});
    reply_keys(request.reply, page.keys);
}

void read_keys(const ReadRequest& request) {
    std::vector<std::string_view> keys;
    const std::string_view pattern = request.arguments[1];
    uint64_t cursor = 0;
    do {
        const kv::ScanPage page = request.store.scan(cursor, UINT64_MAX);
        request.lookups.work += (page.visited + kSegmentKeys) * kKeyWalkWork;
        for (const std::string_view key : page.keys) {
            if (glob_matches(pattern, key)) keys.push_back(key);
        }
        cursor = page.next_cursor;
    } while (cursor != 0);
    reply_keys(request.reply, keys);
}

}  // namespace kvorum::ops
