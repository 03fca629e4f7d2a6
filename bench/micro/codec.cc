// Making an entry of a batch, and taking it and a reply over the wire between peers.
#include <benchmark/benchmark.h>

#include "bench/micro/batch.h"
#include "net/frame.h"
#include "peers/forward_codec.h"
#include "peers/raft_codec.h"

namespace {

using namespace kvorum;
using namespace kvorum::net;
using namespace kvorum::peers;

void entry_seal(benchmark::State& state) {
    for ([[maybe_unused]] auto _ : state)
        benchmark::DoNotOptimize(bench::open_batch().seal(bench::kBenchCluster, kFirstGroup, LogIndex{1}, Term{1}, 0));
    state.SetItemsProcessed(state.iterations() * bench::kBatchCommands);
}
BENCHMARK(entry_seal);

void entry_parse(benchmark::State& state) {
    const raft::EntryPtr entry = bench::EntryChain().next();
    for ([[maybe_unused]] auto _ : state) {
        raft::EntryPtr parsed;
        const raft::EntryParseError error = raft::Entry::parse(entry->encoded(), parsed);
        KVORUM_ASSERT(error == raft::EntryParseError::kNone);
        benchmark::DoNotOptimize(parsed);
    }
    state.SetItemsProcessed(state.iterations() * bench::kBatchCommands);
}
BENCHMARK(entry_parse);

raft::MessageBody append_entries() {
    raft::AppendEntries append;
    append.term = Term{1};
    append.entries = {bench::EntryChain().next()};
    return append;
}

raft::MessageBody append_reply() {
    raft::AppendEntriesReply reply;
    reply.term = Term{1};
    reply.success = true;
    reply.match_index = LogIndex{7};
    return reply;
}

void encode(benchmark::State& state, const raft::MessageBody& body) {
    OutputBuffer out;
    for ([[maybe_unused]] auto _ : state) {
        encode_raft_message(kFirstGroup, body, out);
        benchmark::DoNotOptimize(out.size_bytes());
        out.clear();
    }
}

void decode(benchmark::State& state, const raft::MessageBody& body) {
    OutputBuffer out;
    encode_raft_message(kFirstGroup, body, out);
    const std::string wire = out.flatten();
    FrameReader reader;
    int64_t decoded = 0;
    for ([[maybe_unused]] auto _ : state) {
        reader.feed(as_bytes(wire));
        Frame frame;
        raft::MessageBody message;
        if (reader.next(frame) == FrameStatus::kFrame) {
            decoded += decode_raft_message(frame, bench::kBenchCluster, kFirstGroup, message) ? 1 : 0;
        }
        benchmark::DoNotOptimize(message);
    }
    KVORUM_ASSERT(decoded == state.iterations());
}

void encode_append_entries(benchmark::State& state) { encode(state, append_entries()); }
BENCHMARK(encode_append_entries);
void decode_append_entries(benchmark::State& state) { decode(state, append_entries()); }
BENCHMARK(decode_append_entries);
void encode_append_reply(benchmark::State& state) { encode(state, append_reply()); }
BENCHMARK(encode_append_reply);
void decode_append_reply(benchmark::State& state) { decode(state, append_reply()); }
BENCHMARK(decode_append_reply);

}  // namespace
