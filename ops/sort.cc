// SORT and SORT_RO. There is nothing to sort yet: a key is missing, or it is a string.
#include <optional>

#include "base/text.h"
#include "ops/families.h"
#include "ops/log_record.h"

namespace kvorum::ops {
namespace {

// Every option that Redis knows. `destination` is that of STORE, which SORT_RO does not take. False when an error was
// replied.
bool parse_options(Arguments words, bool may_store, std::optional<std::string_view>& destination, ReplySink& reply) {
    const auto is = [](std::string_view word, std::string_view option) { return equals_ignore_case(word, option); };
    while (!words.empty()) {
        const std::string_view word = words[0];
        size_t size = 0;
        if (is(word, "ASC") || is(word, "DESC") || is(word, "ALPHA")) {
            size = 1;
        } else if (is(word, "LIMIT") && words.size() >= 3) {
            if (!parse_int64(words[1]) || !parse_int64(words[2])) return refuse(reply, Failure::kNotAnInteger);
            size = 3;
        } else if (is(word, "STORE") && may_store && words.size() >= 2) {
            destination = words[1];
            size = 2;
        } else if ((is(word, "BY") || is(word, "GET")) && words.size() >= 2) {
            size = 2;
        } else {
            return refuse(reply, Failure::kSyntax);
        }
        words = words.subspan(size);
    }
    return true;
}

}  // namespace

void read_sort_ro(const ReadRequest& request) {
    std::optional<std::string_view> destination;
    if (!parse_options(request.arguments.subspan(2), false, destination, request.reply)) return;
    if (request.find(request.arguments[1]) != nullptr) return request.reply.failure(Failure::kWrongType);
    request.reply.list(0);
}

bool encode_sort(const WriteRequest& request) {
    std::optional<std::string_view> destination;
    if (!parse_options(request.arguments.subspan(2), true, destination, request.reply)) return false;
    RecordWriter(request.batch, OperationCode::kSort, destination ? uint16_t{kSortStores} : kNoFlags)
        .sized(request.arguments[1])
        .tail(destination.value_or(""));
    return true;
}

bool apply_sort(LoggedCommand& command) {
    if ((command.flags & ~kSortStores) != 0) return false;
    const std::string_view key = read_sized(command.payload);
    const std::string_view destination = read_tail(command.payload);
    if (command.payload.failed()) return false;

    if (command.look_up(key) != nullptr) {
        command.reply.failure(Failure::kWrongType);
    } else if ((command.flags & kSortStores) != 0) {
        command.store.erase(destination);
        command.reply.integer(0);
    } else {
        command.reply.list(0);
    }
    return true;
}

}  // namespace kvorum::ops
