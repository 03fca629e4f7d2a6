#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kv/families.h"
#include "kv/glob.h"
#include "kv/text.h"

namespace kvorum::kv {
namespace {

constexpr int64_t kDefaultCount = 10;

struct ScanOptions {
    int64_t count = kDefaultCount;
    std::string_view pattern = "*";
    std::string_view type = "string";
};

// False when an error was replied.
bool parse_options(Arguments words, ScanOptions& options, ReplySink& reply) {
    for (size_t i = 0; i < words.size(); i += 2) {
        if (i + 1 == words.size()) return refuse(reply, kSyntaxError);
        const std::string_view value = words[i + 1];
        if (equals_ignore_case(words[i], "COUNT")) {
            const auto count = parse_int64(value);
            if (!count) return refuse(reply, kNotInteger);
            if (*count < 1) return refuse(reply, kSyntaxError);
            options.count = *count;
        } else if (equals_ignore_case(words[i], "MATCH")) {
            options.pattern = value;
        } else if (equals_ignore_case(words[i], "TYPE")) {
            options.type = value;
        } else {
            return refuse(reply, kSyntaxError);
        }
    }
    return true;
}

void reply_keys(ReplySink& reply, const std::vector<std::string_view>& keys) {
    reply.array(keys.size());
    for (const std::string_view key : keys)
        reply.bulk_string(key);
}

}  // namespace

void read_scan(const ReadRequest& request) {
    const auto cursor = parse_cursor(request.arguments[1]);
    if (!cursor) return request.reply.error("ERR invalid cursor");
    ScanOptions options;
    if (!parse_options(request.arguments.subspan(2), options, request.reply)) return;

    ScanPage page = request.store.scan(*cursor, static_cast<uint64_t>(options.count));
    // Every key is a string: any other type that is asked for has no keys.
    const bool type_fits = equals_ignore_case(options.type, "string");
    std::erase_if(page.keys, [&](std::string_view key) { return !type_fits || !glob_matches(options.pattern, key); });

    const fmt::format_int next_cursor(page.next_cursor);
    request.reply.array(2);
    request.reply.bulk_string({next_cursor.data(), next_cursor.size()});
    reply_keys(request.reply, page.keys);
}

void read_keys(const ReadRequest& request) {
    std::vector<std::string_view> keys;
    const std::string_view pattern = request.arguments[1];
    request.store.for_each([&](std::string_view key, const Record&) {
        if (glob_matches(pattern, key)) keys.push_back(key);
    });
    reply_keys(request.reply, keys);
}

}  // namespace kvorum::kv
