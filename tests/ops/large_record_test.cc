// A large command is encoded in slices, into the very bytes that it has when it is encoded at once.
#include "ops/large_record.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/assert.h"
#include "kv/store.h"
#include "ops/commands.h"
#include "ops/dump_payload.h"
#include "tests/ops/compressed_payload.h"
#include "tests/ops/operation_named.h"
#include "tests/ops/result_text.h"

namespace kvorum::ops {
namespace {

constexpr int64_t kNowMs = 1'700'000'000'000;

using Words = std::vector<std::string>;

struct Encoded {
    LogBuffer record;
    std::string error;

    bool operator==(const Encoded&) const = default;
};

void PrintTo(const Encoded& encoded, std::ostream* out) {
    *out << encoded.record.size() << " bytes, error '" << encoded.error << "'";
}

Encoded at_once(const Words& words) {
    const std::vector<std::string_view> arguments(words.begin(), words.end());
    Encoded encoded;
    ResultText error;
    (void)encode_write(operation_named(words[0]), arguments, kNowMs, encoded.record, error);
    encoded.error = error.take();
    return encoded;
}

Encoded in_slices(const Words& words, uint64_t slice_bytes) {
    const std::vector<std::string_view> arguments(words.begin(), words.end());
    const PackedCommand command = PackedCommand::of(arguments);
    Encoded encoded;
    ResultText error;
    LargeRecord record;
    uint64_t work = 0;
    while (!record.prepare(operation_named(words[0]), command, work + slice_bytes, work)) {
    }
    if (record.encode(operation_named(words[0]), command, kNowMs, error)) {
        while (!record.copy_to(encoded.record, slice_bytes)) {
        }
        EXPECT_EQ(encoded.record.size(), record.size_bytes());
    }
    encoded.error = error.take();
    return encoded;
}

Words key_list(const std::string& name, int arguments) {
    Words words{name};
    for (int i = 0; i < arguments; ++i)
        words.push_back("word" + std::to_string(i));
    return words;
}

TEST(LargeRecord, IsTheRecordThatIsEncodedAtOnce) {
    const std::string value(100'000, 'v');
    const std::vector<Words> commands{
        key_list("MSET", 10'000),
        key_list("MSETNX", 2000),
        key_list("DEL", 9999),
        key_list("UNLINK", 1),
        {"MSET", "k", value, value, ""},
        {"SET", "k", value},
        {"SET", value, value, "PX", "1000", "GET"},
        {"APPEND", "k", value},
        {"SETRANGE", "k", "5", value},
        {"RENAME", value, value},
        {"RESTORE", "k", "0", dump_payload(value), "REPLACE"},
        {"RESTORE", "k", "0", dump_payload(value) + "damaged"},
        {"RESTORE", "k", "0", compressed_payload('v', 1'000'000)},
        {"RESTORE", "k", "0", compressed_payload('v', 1'000'000) + "damaged"},
        {"BITOP", "AND", "to", value, "k"},
    };
    for (const Words& words : commands) {
        const Encoded expected = at_once(words);
        EXPECT_FALSE(expected.record.empty());
        for (const uint64_t slice_bytes : {1u, 4096u, 1'000'000u})
            EXPECT_EQ(in_slices(words, slice_bytes), expected) << words[0] << " by " << slice_bytes;
    }
}

TEST(LargeRecord, IsRefusedAsAtOnce) {
    const std::string value(kv::kValueSizeMax, 'v');
    const std::vector<Words> commands{
        key_list("MSET", 9999),         {"SET", "k", value, "NX", "XX"},
        {"SET", "k", value + "+"},      {"MSET", "k", value + "+"},
        {"DEL", value + "+"},           {"MSET", "a", value, "b", value, "c", value},
        {"SETRANGE", "k", "-1", value},
    };
    for (const Words& words : commands) {
        const Encoded expected = at_once(words);
        EXPECT_FALSE(expected.error.empty());
        EXPECT_EQ(in_slices(words, 1'000'000), expected) << words[0];
    }
}

}  // namespace
}  // namespace kvorum::ops
