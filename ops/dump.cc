// DUMP and RESTORE.
#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/text.h"
#include "ops/dump_payload.h"
#include "ops/families.h"
#include "ops/log_record.h"

namespace kvorum::ops {
namespace {

struct Options {
    bool replaces = false;
    bool is_absolute = false;
};

// IDLETIME and FREQ are checked and forgotten: nothing is evicted here. False when a failure was reported.
bool parse_options(Arguments words, Options& options, ReplySink& reply) {
    bool has_idle_time = false;
    bool has_frequency = false;
    for (size_t i = 0; i < words.size(); ++i) {
        const bool has_more = i + 1 < words.size();
        if (equals_ignore_case(words[i], "REPLACE")) {
            options.replaces = true;
        } else if (equals_ignore_case(words[i], "ABSTTL")) {
            options.is_absolute = true;
        } else if (equals_ignore_case(words[i], "IDLETIME") && has_more && !has_frequency) {
            const auto number = parse_int64(words[++i]);
            if (!number) return refuse(reply, Failure::kNotAnInteger);
            if (*number < 0) return refuse(reply, Failure::kBadIdleTime);
            has_idle_time = true;
        } else if (equals_ignore_case(words[i], "FREQ") && has_more && !has_idle_time) {
            const auto number = parse_int64(words[++i]);
            if (!number) return refuse(reply, Failure::kNotAnInteger);
            if (*number < 0 || *number > 255) return refuse(reply, Failure::kBadFrequency);
            has_frequency = true;
        } else {
            return refuse(reply, Failure::kSyntax);
        }
    }
    return true;
}

// What Redis finds fault with only when the key may be written.
enum class Fault : uint16_t { kNone, kTtlNotInteger, kTtlNegative, kChecksum, kFormat, kTooLong };

// Of each but the first.
constexpr std::array<Failure::Code, 5> kFaultFailures{
    Failure::kNotAnInteger, Failure::kBadLifetime, Failure::kBadPayload, Failure::kBadPayloadFormat, Failure::kTooLong};
constexpr unsigned kFaultShift = 8;

Fault fault_of(DumpError error) {
    switch (error) {
        case DumpError::kNone: return Fault::kNone;
        case DumpError::kChecksum: return Fault::kChecksum;
        case DumpError::kFormat: return Fault::kFormat;
        case DumpError::kTooLong: break;
    }
    return Fault::kTooLong;
}

Fault parse_deadline(std::string_view text, bool is_absolute, int64_t now_ms, int64_t& deadline_ms) {
    const auto number = parse_int64(text);
    if (!number) return Fault::kTtlNotInteger;
    if (*number < 0) return Fault::kTtlNegative;
    deadline_ms = kv::kNoExpiry;
    if (*number == 0) return Fault::kNone;
    // A time to live that ends beyond 64 bits has ended already, in Redis too.
    const int64_t start_ms = is_absolute ? 0 : now_ms;
    deadline_ms = static_cast<int64_t>(static_cast<uint64_t>(*number) + static_cast<uint64_t>(start_ms));
    deadline_ms = std::max(deadline_ms, kv::kDeadlineMin);
    return Fault::kNone;
}

}  // namespace

void read_dump(const ReadRequest& request) {
    const kv::Record* record = request.find(request.arguments[1]);
    if (record == nullptr) return request.reply.nothing();
    if (request.is_too_long(record->value_size())) return;
    request.reply.bytes(dump_payload(record->value()));
}

bool encode_restore(const WriteRequest& request) {
    Options options;
    if (!parse_options(request.arguments.subspan(4), options, request.reply)) return false;
    int64_t deadline_ms = kv::kNoExpiry;
    std::string storage;
    std::string_view value;
    Fault fault = parse_deadline(request.arguments[2], options.is_absolute, request.now_ms, deadline_ms);
    if (fault == Fault::kNone)
        fault = fault_of(parse_dump_payload(request.arguments[3], storage, value, request.batch.payload()));
    const uint16_t replaces = options.replaces ? uint16_t{kRestoreReplaces} : kNoFlags;
    const auto flags = static_cast<uint16_t>(replaces | static_cast<uint16_t>(fault) << kFaultShift);
    RecordWriter(request.batch, OperationCode::kRestore, flags)
        .integer(deadline_ms)
        .sized(request.arguments[1])
        .tail(fault == Fault::kNone ? value : std::string_view());
    return true;
}

bool apply_restore(LoggedCommand& command) {
    const auto fault = static_cast<uint16_t>(command.flags >> kFaultShift);
    const auto options = static_cast<uint16_t>(command.flags & ((1u << kFaultShift) - 1));
    if (fault > kFaultFailures.size() || (options & ~kRestoreReplaces) != 0) return false;
    const auto deadline_ms = command.payload.read<int64_t>();
    const std::string_view key = read_sized(command.payload);
    const std::string_view value = read_tail(command.payload);
    if (command.payload.failed()) return false;

    if ((options & kRestoreReplaces) == 0 && command.store.find(key) != nullptr) {
        command.reply.failure(Failure::kKeyExists);
    } else if (fault != 0) {
        command.reply.failure(kFaultFailures[fault - 1]);
    } else {
        command.store.begin_put(key, value, deadline_ms);
        command.reply.done();
    }
    return true;
}

}  // namespace kvorum::ops
