// A key space with a clock of its own, spoken to as a client does: every write goes through encode_write and
// apply_batch as an entry of its own, every read through execute_read.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "kv/store.h"
#include "ops/commands.h"
#include "tests/ops/operation_named.h"
#include "tests/ops/result_text.h"

namespace kvorum::ops {

using Words = std::vector<std::string>;

// Splits at white space; "" stands for an empty argument.
inline Words split(std::string_view line) {
    Words words;
    while (!line.empty()) {
        const size_t end = std::min(line.find_first_of(" \n"), line.size());
        if (end > 0) words.emplace_back(line.substr(0, end) == "\"\"" ? std::string_view() : line.substr(0, end));
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return words;
}

class Database {
 public:
    static constexpr int64_t kStartMs = 1'700'000'000'000;

    Database() = default;
    explicit Database(uint64_t hash_seed) {
        const bool valid = store_.set(kv::Setting::kHashSeed, hash_seed);
        KVORUM_ASSERT(valid);
    }

    // The result of a command, as text.
    std::string operator()(std::string_view line) { return run(split(line)); }

    std::string run(const Words& words) {
        ResultText sink;
        const Operation& operation = operation_named(words.at(0));
        if (!operation.takes(words.size())) {
            sink.failure(Failure::wrong_operand_count(operation.name));
        } else {
            run(operation, {words.begin(), words.end()}, sink);
        }
        return sink.take();
    }

    // It takes so many arguments.
    void run(const Operation& operation, const std::vector<std::string_view>& arguments, ReplySink& sink) {
        if (operation.kind == OperationKind::kRead) {
            execute_read(store_, operation, arguments, {.now_ms = now_ms(), .random = random_++}, sink);
            return;
        }
        LogBuffer batch;
        if (encode_write(operation, arguments, now_ms(), batch, sink)) apply(1, batch, sink);
    }

    // The clock alone: nothing is logged, as between two entries.
    void pass_ms(int64_t duration_ms) { clock_ms_ += duration_ms; }
    // An entry without commands, as the leader proposes one when keys fall due.
    void tick() {
        ResultText sink;
        apply(0, {}, sink);
    }
    void set_clock_ms(int64_t clock_ms) { clock_ms_ = clock_ms; }

    [[nodiscard]] int64_t now_ms() const { return std::max(clock_ms_, store_.log_time_ms()); }
    [[nodiscard]] kv::Store& store() { return store_; }

 private:
    void apply(uint32_t command_count, std::string_view batch, ReplySink& sink) {
        const bool valid = apply_batch(store_, store_.applied_index() + 1, now_ms(), command_count, as_bytes(batch),
                                       [&sink](uint32_t) -> ReplySink& { return sink; });
        KVORUM_ASSERT(valid, "encode_write and apply_batch disagree");
    }

    kv::Store store_;
    int64_t clock_ms_ = kStartMs;
    uint64_t random_ = 0;
};

}  // namespace kvorum::ops
