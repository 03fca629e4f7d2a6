// The cost of the client protocol per command: parsing a pipelined buffer, and writing replies.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "redis/resp_parser.h"
#include "redis/resp_writer.h"

namespace {

using namespace kvorum;
using namespace kvorum::redis;

constexpr int kPipeline = 128;

std::string pipeline_of(const std::vector<std::string>& command) {
    std::string text;
    for (int i = 0; i < kPipeline; ++i)
        write_command(command, text);
    return text;
}

// Parses `text` fed in pieces of `piece_bytes`, over and over.
void parse(benchmark::State& state, const std::string& text, size_t piece_bytes) {
    RespParser parser;
    std::vector<std::string_view> arguments;
    int64_t commands = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (size_t at = 0; at < text.size(); at += piece_bytes) {
            parser.feed(as_bytes(std::string_view(text).substr(at, piece_bytes)));
            while (parser.next(arguments) == ParseStatus::kCommand) {
                benchmark::DoNotOptimize(arguments.data());
                ++commands;
            }
        }
    }
    KVORUM_ASSERT(commands == static_cast<int64_t>(state.iterations()) * kPipeline);
    state.SetItemsProcessed(commands);
}

void parse_set(benchmark::State& state) {
    const std::string text =
        pipeline_of({"SET", "key:000000000001", std::string(static_cast<size_t>(state.range(0)), 'v')});
    parse(state, text, text.size());
}
BENCHMARK(parse_set)->Arg(3)->Arg(32)->Arg(1024);

void parse_get(benchmark::State& state) {
    const std::string text = pipeline_of({"GET", "key:000000000001"});
    parse(state, text, text.size());
}
BENCHMARK(parse_get);

void parse_inline_ping(benchmark::State& state) {
    std::string text;
    for (int i = 0; i < kPipeline; ++i)
        text += "PING\r\n";
    parse(state, text, text.size());
}
BENCHMARK(parse_inline_ping);

// Every piece cuts a command: the path that copies.
void parse_set_cut(benchmark::State& state) {
    const std::string text = pipeline_of({"SET", "key:000000000001", std::string(32, 'v')});
    parse(state, text, static_cast<size_t>(state.range(0)));
}
BENCHMARK(parse_set_cut)->Arg(50)->Arg(4093);

void write_replies(benchmark::State& state, void (*write)(RespWriter&)) {
    std::string out;
    for ([[maybe_unused]] auto _ : state) {
        out.clear();
        RespWriter writer(out);
        for (int i = 0; i < kPipeline; ++i)
            write(writer);
        benchmark::DoNotOptimize(out.data());
    }
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kPipeline);
}

void write_ok(benchmark::State& state) {
    write_replies(state, [](RespWriter& writer) { writer.done(); });
}
BENCHMARK(write_ok);

void write_integer(benchmark::State& state) {
    write_replies(state, [](RespWriter& writer) { writer.integer(1234567); });
}
BENCHMARK(write_integer);

void write_bulk(benchmark::State& state) {
    write_replies(state, [](RespWriter& writer) { writer.bytes("0123456789abcdef0123456789abcdef"); });
}
BENCHMARK(write_bulk);

}  // namespace
