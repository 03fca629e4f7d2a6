#include "ops/long_read.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "base/assert.h"
#include "base/glob.h"
#include "base/text.h"
#include "base/turn_work.h"
#include "ops/families.h"
#include "ops/log_record.h"
#include "ops/open_value.h"
#include "ops/operation_codes.h"

namespace kvorum::ops {
namespace {

constexpr uint64_t kKeysPerPage = 1024;
constexpr size_t kKeysPerBatch = 16;
// What looks at no more keys than this is done at once.
constexpr uint64_t kShortWalkKeys = 512;
constexpr size_t kShortListKeys = 256;

class KeyWalk final : public LongRead {
 public:
    // `scan` none: KEYS.
    KeyWalk(const kv::Store& store, std::string_view pattern, const std::optional<ScanArguments>& scan)
        : LongRead(store), pattern_(pattern), scan_(scan) {
        if (scan_.has_value()) {
            cursor_ = scan_->cursor;
            left_ = scan_->count;
        }
    }

    bool run(uint64_t work_max, ReplySink& items) override {
        uint64_t work = 0;
        while (left_ > 0 && !ended_ && work < work_max) {
            const kv::ScanPage page = store_.scan(cursor_, std::min(left_, kKeysPerPage));
            cursor_ = page.next_cursor;
            ended_ = cursor_ == 0;
            left_ -= std::min(left_, page.visited);
            work += page.visited * kKeyWalkWork + kPageWork;
            for (const std::string_view key : page.keys) {
                if (!takes_type() || !glob_matches(pattern_, key)) continue;
                ++found_;
                items.bytes(key);
                work += key.size() / kBytesPerWork;
            }
        }
        lookups_.work += work;
        return ended_ || left_ == 0;
    }

    void write_head(ReplySink& head) const override {
        if (scan_.has_value()) {
            const fmt::format_int cursor(cursor_);
            head.list(2);
            head.bytes({cursor.data(), cursor.size()});
        }
        head.list(found_);
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
    KeyListRead(const kv::Store& store, bool with_values, uint64_t count, ByteReader keys)
        : LongRead(store), with_values_(with_values), count_(count), keys_(keys) {
        if (!with_values || count > kShortListKeys || !store.has_pin_for_read()) return;
        pin_.emplace(store.pin());
        find_some(count);
    }

    bool run(uint64_t work_max, ReplySink& items) override {
        const uint64_t work_end = lookups_.work + work_max;
        while (read_ < count_ && lookups_.work < work_end) {
            if (next_found_ == found_.size()) find_some(std::min<uint64_t>(kKeysPerBatch, count_ - read_));
            if (value_.is_open()) {
                if (!value_.go_on(work_end, lookups_.work, items)) return false;
            } else {
                const kv::Record* record = found_[next_found_];
                if (with_values_ && record != nullptr && record->value_size() > OpenValue::kPieceBytes) {
                    ++lookups_.hits;
                    lookups_.work += kKeyReadWork;
                    value_.open(record->value(), items);
                    continue;
                }
                count_lookup(lookups_, record);
                if (with_values_) reply_value(items, record);
            }
            ++next_found_;
            ++read_;
        }
        return read_ == count_;
    }

    void write_head(ReplySink& head) const override {
        if (with_values_) {
            head.list(count_);
        } else {
            head.integer(static_cast<int64_t>(lookups_.hits));
        }
    }

    bool needs_one_state() const override { return !pin_.has_value(); }

 private:
    // The next `count` keys.
    void find_some(uint64_t count) {
        std::array<std::string_view, kShortListKeys> keys;
        for (size_t i = 0; i < count; ++i)
            keys[i] = read_sized(keys_);
        found_.resize(count);
        next_found_ = 0;
        store_.find_batch(std::span(keys).first(count), found_);
    }

    const bool with_values_;
    const uint64_t count_;
    ByteReader keys_;
    std::optional<kv::StorePin> pin_;
    uint64_t read_ = 0;
    std::vector<const kv::Record*> found_;
    size_t next_found_ = 0;
    OpenValue value_;  // of found_[next_found_]
};

// GET, GETRANGE, SUBSTR, DUMP.
class ValueRead final : public LongRead {
 public:
    ValueRead(const kv::Store& store, OperationCode code, Arguments arguments)
        : LongRead(store), code_(code), key_(arguments[1]) {
        if (is_range()) {
            const auto first = parse_int64(arguments[2]);
            const auto last = parse_int64(arguments[3]);
            KVORUM_ASSERT(first.has_value() && last.has_value());
            first_ = *first;
            last_ = *last;
        }
        if (!store.has_pin_for_read()) return;
        pin_.emplace(store.pin());
        record_ = store.find(key_);
    }

    bool run(uint64_t work_max, ReplySink& items) override {
        const uint64_t work_end = lookups_.work + work_max;
        if (!value_.is_open()) {
            const kv::Record* record = pin_.has_value() ? record_ : store_.find(key_);
            if (record == nullptr) {
                count_lookup(lookups_, record);
                if (is_range()) {
                    items.bytes({});
                } else {
                    items.nothing();
                }
                return true;
            }
            const std::string_view value = is_range() ? range_of(record->value(), first_, last_) : record->value();
            ++lookups_.hits;
            lookups_.work += kKeyReadWork;
            if (code_ == OperationCode::kDump) {
                value_.open_dump(value, items);
            } else {
                value_.open(value, items);
            }
        }
        return value_.go_on(work_end, lookups_.work, items);
    }

    void write_head(ReplySink& /*head*/) const override {}
    bool needs_one_state() const override { return !pin_.has_value(); }

 private:
    [[nodiscard]] bool is_range() const { return code_ == OperationCode::kGetrange || code_ == OperationCode::kSubstr; }

    const OperationCode code_;
    const std::string key_;
    std::optional<kv::StorePin> pin_;
    const kv::Record* record_ = nullptr;  // pinned
    int64_t first_ = 0;
    int64_t last_ = 0;
    OpenValue value_;
};

}  // namespace

bool is_key_list(const Operation& operation) {
    const auto code = operation.code;
    return code == OperationCode::kMget || code == OperationCode::kExists || code == OperationCode::kTouch;
}

bool is_walk(const Operation& operation) {
    return operation.code == OperationCode::kKeys || operation.code == OperationCode::kScan;
}

bool is_long_read(uint64_t store_size, const Operation& operation, Arguments arguments) {
    if (is_key_list(operation)) return arguments.size() > kShortListKeys;
    if (store_size <= kShortWalkKeys) return false;
    if (operation.code == OperationCode::kKeys) return true;
    if (operation.code != OperationCode::kScan) return false;
    DiscardingReplySink no_reply;
    const auto scan = parse_scan(arguments, no_reply);
    return scan.has_value() && scan->count > kShortWalkKeys;
}

std::unique_ptr<LongRead> begin_long_read(const kv::Store& store, const Operation& operation, Arguments arguments,
                                          uint64_t key_count, ByteReader keys) {
    const auto code = operation.code;
    if (is_key_list(operation))
        return std::make_unique<KeyListRead>(store, code == OperationCode::kMget, key_count, keys);
    if (code == OperationCode::kKeys) return std::make_unique<KeyWalk>(store, arguments[1], std::nullopt);
    if (code != OperationCode::kScan) return std::make_unique<ValueRead>(store, code, arguments);
    DiscardingReplySink no_reply;
    const auto scan = parse_scan(arguments, no_reply);
    KVORUM_ASSERT(scan.has_value());
    return std::make_unique<KeyWalk>(store, scan->pattern, scan);
}

}  // namespace kvorum::ops
