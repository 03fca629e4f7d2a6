// What a log entry holds: any bytes as the body of a batch, applied to a small store.
//
// The first bytes say how many commands it is said to have and in how large steps it is applied; in one step and in
// many it must end alike, and the state must be one whatever it held.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/reply_sink.h"
#include "kv/commands.h"
#include "kv/store.h"

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

ApplyProgress apply(Store& store, uint32_t command_count, std::string_view body, uint64_t work_max) {
    fill(store);
    store.advance(LogIndex{2}, kNowMs + 1);
    DiscardingReplySink ignored;
    const ReplyFor reply_for = [&ignored](uint32_t) -> ReplySink& { return ignored; };
    EntryApply entry(store, command_count, as_bytes(body));
    ApplyProgress progress = ApplyProgress::kMore;
    while (progress == ApplyProgress::kMore) {
        progress = entry.run(work_max, {reply_for, [](uint32_t) {}, reply_for});
        store.end_turn();
    }
    return progress;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    const uint32_t command_count = data[0];
    const uint64_t work_max = 1 + uint64_t{data[1]} * 100;
    // A copy of its own size, so that a sanitizer sees what reads beyond it.
    const std::string body(reinterpret_cast<const char*>(data) + 2, size - 2);
    Store whole;
    Store sliced;
    const ApplyProgress progress = apply(whole, command_count, body, UINT64_MAX);
    KVORUM_ASSERT(apply(sliced, command_count, body, work_max) == progress);
    KVORUM_ASSERT(sliced.state_hash() == whole.state_hash(), "the steps changed the state");
    whole.check();
    return 0;
}
