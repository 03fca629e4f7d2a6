// What a log entry holds: any bytes as the body of a batch, applied to a small store.
//
// The first bytes say how many commands it is said to have and in how large steps it is applied; in one step and in
// many it must end alike, and the state must be one whatever it held. The input is used twice: as it is, and as the
// payloads of records that are well-formed outside, which takes the fuzzer past their headers.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/reply_sink.h"
#include "kv/store.h"
#include "ops/commands.h"
#include "ops/log_record.h"

namespace {

using namespace kvorum;
using namespace kvorum::kv;

constexpr int64_t kNowMs = 1'000'000;

void fill(Store& store) {
    store.advance(LogIndex{1}, kNowMs);
    store.put("a", "1", kNoExpiry);
    store.put("b", "a longer value, of more than one word", kNowMs + 10);
    store.put("due", "v", kNowMs + 1);
    store.begin_operation();
    store.put("a", "2", kNoExpiry);
}

ops::ApplyProgress apply(Store& store, uint32_t command_count, std::string_view body, uint64_t work_max) {
    fill(store);
    store.advance(LogIndex{2}, kNowMs + 1);
    DiscardingReplySink ignored;
    const ops::ReplyFor reply_for = [&ignored](uint32_t) -> ReplySink& { return ignored; };
    ops::EntryApply entry(store, command_count, as_bytes(body));
    ops::ApplyProgress progress = ops::ApplyProgress::kMore;
    while (progress == ops::ApplyProgress::kMore) {
        progress = entry.run(work_max, {reply_for, [](uint32_t) {}, reply_for});
        store.end_turn();
    }
    return progress;
}

constexpr ops::OperationCode kCodes[] = {
    ops::OperationCode::kSet,         ops::OperationCode::kGetdel,      ops::OperationCode::kGetex,
    ops::OperationCode::kMset,        ops::OperationCode::kAppend,      ops::OperationCode::kIncrby,
    ops::OperationCode::kIncrbyfloat, ops::OperationCode::kSetrange,    ops::OperationCode::kDel,
    ops::OperationCode::kExpire,      ops::OperationCode::kPersist,     ops::OperationCode::kRename,
    ops::OperationCode::kCopy,        ops::OperationCode::kSetbit,      ops::OperationCode::kFlushall,
    ops::OperationCode::kBitop,       ops::OperationCode::kRestore,     ops::OperationCode::kSort,
    ops::OperationCode::kBitfield,    ops::OperationCode::kMemoryLimit, ops::OperationCode::kSetting,
};

// Each record from a byte that chooses its code, one with its flags, one with the size of its payload, and that.
std::string as_records(ByteReader input) {
    LogBuffer body;
    while (input.remaining() >= 3) {
        const ops::OperationCode code = kCodes[input.read<uint8_t>() % std::size(kCodes)];
        const uint16_t flags = input.read<uint8_t>();
        const uint64_t payload_bytes = std::min<uint64_t>(input.read<uint8_t>(), input.remaining());
        ops::RecordWriter(body, code, flags).tail(input.read_text(payload_bytes));
    }
    return std::string(body);
}

void check(uint32_t command_count, uint64_t work_max, const std::string& body) {
    Store whole;
    Store sliced;
    const ops::ApplyProgress progress = apply(whole, command_count, body, UINT64_MAX);
    KVORUM_ASSERT(apply(sliced, command_count, body, work_max) == progress);
    KVORUM_ASSERT(sliced.state_hash() == whole.state_hash(), "the steps changed the state");
    whole.check();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    const uint32_t command_count = data[0];
    const uint64_t work_max = 1 + uint64_t{data[1]} * 100;
    // Copies of their own size, so that a sanitizer sees what reads beyond them.
    const std::string body(reinterpret_cast<const char*>(data) + 2, size - 2);
    check(command_count, work_max, body);
    check(command_count, work_max, as_records(ByteReader(as_bytes(body))));
    return 0;
}
