#include "kv/long_read.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "base/assert.h"
#include "base/turn_work.h"
#include "kv/command_codes.h"
#include "kv/families.h"
#include "kv/glob.h"
#include "kv/log_record.h"

namespace kvorum::kv {
namespace {

constexpr uint64_t kKeysPerPage = 1024;
constexpr size_t kKeysPerBatch = 16;
// What looks at no more keys than this is done at once.
constexpr uint64_t kShortWalkKeys = 512;
constexpr size_t kShortListKeys = 256;

class KeyWalk final : public LongRead {
 public:
    // `scan` none: KEYS.
    KeyWalk(std::string_view pattern, const std::optional<ScanArguments>& scan) : pattern_(pattern), scan_(scan) {
        if (scan_.has_value()) {
            cursor_ = scan_->cursor;
            left_ = scan_->count;
        }
    }

    bool run(const Store& store, uint64_t work_max, ReplySink& items) override {
        uint64_t work = 0;
        while (left_ > 0 && !ended_ && work < work_max) {
            const ScanPage page = store.scan(cursor_, std::min(left_, kKeysPerPage));
            cursor_ = page.next_cursor;
            ended_ = cursor_ == 0;
            left_ -= std::min(left_, page.visited);
            work += page.visited * kKeyWalkWork + kPageWork;
            for (const std::string_view key : page.keys) {
                if (!takes_type() || !glob_matches(pattern_, key)) continue;
                ++found_;
                items.bulk_string(key);
                work += key.size() / kBytesPerWork;
            }
        }
        lookups_.work += work;
        return ended_ || left_ == 0;
    }

    void write_head(ReplySink& head) const override {
        if (scan_.has_value()) {
            const fmt::format_int cursor(cursor_);
            head.array(2);
            head.bulk_string({cursor.data(), cursor.size()});
        }
        head.array(found_);
    }

    bool needs_one_state() const override { return false; }

 private:
    // A page hashes and sorts the keys of one segment, some hundred.
    static constexpr uint64_t kPageWork = 500 * kKeyWalkWork;

    // Every key is a string.
    [[nodiscard]] bool takes_type() const { return !scan_.has_value() || scan_->takes_strings; }

    const std::string pattern_;
    const std::optional<ScanArguments> scan_;
    uint64_t cursor_ = 0;
    uint64_t left_ = UINT64_MAX;
    bool ended_ = false;
    uint64_t found_ = 0;
};

class KeyListRead final : public LongRead {
 public:
    KeyListRead(bool with_values, uint64_t count, ByteReader keys)
        : with_values_(with_values), count_(count), keys_(keys) {}

    bool run(const Store& store, uint64_t work_max, ReplySink& items) override {
        std::array<std::string_view, kKeysPerBatch> keys;
        std::array<const Record*, kKeysPerBatch> found;
        const uint64_t work_end = lookups_.work + work_max;
        while (read_ < count_ && lookups_.work < work_end) {
            const size_t count = std::min<uint64_t>(kKeysPerBatch, count_ - read_);
            for (size_t i = 0; i < count; ++i)
                keys[i] = read_sized(keys_);
            store.find_batch(std::span(keys).first(count), std::span(found).first(count));
            for (const Record* record : std::span(found).first(count)) {
                count_lookup(lookups_, record);
                if (with_values_) reply_value(items, record);
            }
            read_ += count;
        }
        return read_ == count_;
    }

    void write_head(ReplySink& head) const override {
        if (with_values_) {
            head.array(count_);
        } else {
            head.integer(static_cast<int64_t>(lookups_.hits));
        }
    }

    bool needs_one_state() const override { return true; }

 private:
    const bool with_values_;
    const uint64_t count_;
    ByteReader keys_;
    uint64_t read_ = 0;
};

}  // namespace

bool is_key_list(const CommandSpec& spec) {
    const auto code = static_cast<CommandCode>(spec.code);
    return code == CommandCode::kMget || code == CommandCode::kExists || code == CommandCode::kTouch;
}

bool is_long_read(uint64_t store_size, const CommandSpec& spec, Arguments arguments) {
    if (is_key_list(spec)) return arguments.size() > kShortListKeys;
    if (store_size <= kShortWalkKeys) return false;
    if (static_cast<CommandCode>(spec.code) == CommandCode::kKeys) return true;
    if (static_cast<CommandCode>(spec.code) != CommandCode::kScan) return false;
    DiscardingReplySink no_reply;
    const auto scan = parse_scan(arguments, no_reply);
    return scan.has_value() && scan->count > kShortWalkKeys;
}

std::unique_ptr<LongRead> begin_long_read(const CommandSpec& spec, Arguments arguments, uint64_t key_count,
                                          ByteReader keys) {
    const auto code = static_cast<CommandCode>(spec.code);
    if (is_key_list(spec)) return std::make_unique<KeyListRead>(code == CommandCode::kMget, key_count, keys);
    if (code == CommandCode::kKeys) return std::make_unique<KeyWalk>(arguments[1], std::nullopt);
    KVORUM_ASSERT(code == CommandCode::kScan, "{} is never long", spec.name);
    DiscardingReplySink no_reply;
    const auto scan = parse_scan(arguments, no_reply);
    KVORUM_ASSERT(scan.has_value());
    return std::make_unique<KeyWalk>(scan->pattern, scan);
}

}  // namespace kvorum::kv
