#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/turn_work.h"
#include "base/units.h"
#include "kv/block_pool.h"
#include "kv/memory_count.h"
#include "ops/commands.h"
#include "ops/families.h"
#include "ops/key_list_write.h"
#include "ops/log_record.h"
#include "ops/memory_limit.h"

namespace kvorum::ops {
namespace {

// So many commands are looked at together before they are carried out, so that their cache misses overlap.
constexpr uint32_t kCommandsAhead = 16;
constexpr size_t kKeysAhead = 32;
// When so much was written and replaced, what was replaced is freed: large values must not pile up beside the state.
constexpr uint64_t kRecycleWork = 1 * kMiB / kBytesPerWork;
// A list of keys that takes more than this is carried out in steps.
constexpr size_t kLongPayloadBytes = 8 * kKiB;

class KeysAhead {
 public:
    void add(std::string_view key) {
        if (count_ < keys_.size()) keys_[count_++] = key;
    }
    void add_sized(ByteReader& payload) { add(read_sized(payload)); }
    // Each of `count` is a key, followed by a value in MSET.
    void add_list(ByteReader& payload, uint32_t count, bool with_values) {
        for (uint32_t i = 0; i < count && count_ < keys_.size() && !payload.failed(); ++i) {
            add_sized(payload);
            if (with_values) read_sized(payload);
        }
    }
    [[nodiscard]] std::span<const std::string_view> keys() const { return std::span(keys_).first(count_); }

 private:
    std::array<std::string_view, kKeysAhead> keys_;
    size_t count_ = 0;
};

bool stands_before_commands(OperationCode code) {
    return code == OperationCode::kMemoryLimit || code == OperationCode::kSetting;
}

// Of the batch, 0 for none; what is malformed is found out when it is applied.
uint64_t find_memory_limit(ByteReader batch) {
    uint64_t limit_bytes = 0;
    while (batch.remaining() > 0) {
        const LogRecord record = read_record(batch);
        if (batch.failed() || !stands_before_commands(record.code)) break;
        if (record.code == OperationCode::kMemoryLimit) limit_bytes = ByteReader(record.payload).read<uint64_t>();
    }
    return limit_bytes;
}

// False: malformed.
bool apply_before_commands(kv::Store& store, const LogRecord& record) {
    if (record.flags != kNoFlags || record.origin.has_value()) return false;
    ByteReader payload(record.payload);
    if (record.code == OperationCode::kMemoryLimit) return payload.read<uint64_t>() != 0 && payload.finished();
    const auto setting = static_cast<kv::Setting>(payload.read<uint16_t>());
    const auto value = payload.read<uint64_t>();
    return payload.finished() && store.set(setting, value);
}

// Records of a batch are mostly alike, so the one behind the next is about as far away again. Where one begins says the
// one before it: without this, each is a cache miss that waits for another.
void prefetch_behind_next(const LogRecord& record, const ByteReader& reader) {
    const size_t distance = kRecordHeaderSize + record.payload.size();
    if (distance > kv::kCacheLineBytes && reader.remaining() > distance)
        __builtin_prefetch(record.payload.data() + record.payload.size() + distance);
}

// For speed: what is malformed here is found out when it is applied.
void look_ahead(const LogRecord& record, KeysAhead& keys) {
    ByteReader payload(record.payload);
    switch (record.code) {
        case OperationCode::kSet:
            if ((record.flags & kSetHasDeadline) != 0) payload.read<int64_t>();
            return keys.add_sized(payload);
        case OperationCode::kAppend:
        case OperationCode::kIncrbyfloat:
        case OperationCode::kRename:
        case OperationCode::kBitfield:
        case OperationCode::kSort:
        case OperationCode::kCopy: return keys.add_sized(payload);
        case OperationCode::kSetrange:
        case OperationCode::kRestore: payload.read<uint64_t>(); return keys.add_sized(payload);
        case OperationCode::kSetbit: payload.read<uint64_t>(); return keys.add(read_tail(payload));
        case OperationCode::kBitop: return keys.add_list(payload, payload.read<uint32_t>(), false);
        case OperationCode::kIncrby:
        case OperationCode::kExpire: payload.read<int64_t>(); return keys.add(read_tail(payload));
        case OperationCode::kGetdel:
        case OperationCode::kPersist: return keys.add(read_tail(payload));
        case OperationCode::kMset: return keys.add_list(payload, payload.read<uint32_t>(), true);
        case OperationCode::kDel: return keys.add_list(payload, payload.read<uint32_t>(), false);
        default: return;
    }
}

void prefetch(const kv::Store& store, ByteReader reader, uint32_t command_count) {
    KeysAhead keys;
    for (uint32_t i = 0; i < command_count && !reader.failed(); ++i) {
        const LogRecord record = read_record(reader);
        prefetch_behind_next(record, reader);
        look_ahead(record, keys);
    }
    store.prefetch(keys.keys());
}

bool apply_key_list(OperationCode code, LoggedCommand& command) {
    KeyListWrite write(code, command.flags, command.payload);
    if (write.run(command.store, UINT64_MAX) != ApplyProgress::kDone) return false;
    write.reply(command.reply);
    return true;
}

// The codes that may be in a log.
ApplyProgress apply(OperationCode code, LoggedCommand& command) {
    bool well_formed = false;
    switch (code) {
        case OperationCode::kSet: well_formed = apply_set(command); break;
        case OperationCode::kGetdel: well_formed = apply_getdel(command); break;
        case OperationCode::kGetex: well_formed = apply_getex(command); break;
        case OperationCode::kMset: well_formed = apply_key_list(code, command); break;
        case OperationCode::kAppend: well_formed = apply_append(command); break;
        case OperationCode::kSetrange: well_formed = apply_setrange(command); break;
        case OperationCode::kIncrby: well_formed = apply_incrby(command); break;
        case OperationCode::kIncrbyfloat: well_formed = apply_incrbyfloat(command); break;
        case OperationCode::kDel: well_formed = apply_key_list(code, command); break;
        case OperationCode::kExpire: well_formed = apply_expire(command); break;
        case OperationCode::kPersist: well_formed = apply_persist(command); break;
        case OperationCode::kRename: well_formed = apply_rename(command); break;
        case OperationCode::kCopy: well_formed = apply_copy(command); break;
        case OperationCode::kFlushall: well_formed = apply_flush(command); break;
        case OperationCode::kSetbit: well_formed = apply_setbit(command); break;
        case OperationCode::kBitop: well_formed = apply_bitop(command); break;
        case OperationCode::kBitfield: well_formed = apply_bitfield(command); break;
        case OperationCode::kRestore: well_formed = apply_restore(command); break;
        case OperationCode::kSort: well_formed = apply_sort(command); break;
        case OperationCode::kMemoryLimit:
        case OperationCode::kSetting: break;
        default: return ApplyProgress::kUnknownOperation;
    }
    return well_formed ? ApplyProgress::kDone : ApplyProgress::kMalformed;
}

}  // namespace

EntryApply::EntryApply(kv::Store& store, uint32_t command_count, Bytes body)
    : store_(store),
      progress_(store.progress()),
      command_count_(command_count),
      reader_(body),
      memory_limit_bytes_(find_memory_limit(reader_)) {}
EntryApply::~EntryApply() = default;

ApplyProgress EntryApply::run(uint64_t work_max, const ApplyReplies& replies) {
    const uint64_t begin = progress_.work;
    const uint64_t work_end = work_max > UINT64_MAX - begin ? UINT64_MAX : begin + work_max;
    bool resumes = true;
    if (!head_applied_ && !apply_head()) return ApplyProgress::kMalformed;
    while (next_command_ < command_count_ || is_busy()) {
        if (progress_.work >= work_end) return ApplyProgress::kMore;
        const ApplyProgress progress =
            is_busy() ? finish_command(work_end, resumes, replies) : apply_next(work_end, replies);
        if (progress == ApplyProgress::kMalformed || progress == ApplyProgress::kUnknownOperation) [[unlikely]]
            return progress;
        resumes = false;
    }
    return reader_.finished() ? ApplyProgress::kDone : ApplyProgress::kMalformed;
}

// Up to the first command. False: malformed.
bool EntryApply::apply_head() {
    head_applied_ = true;
    while (reader_.remaining() > 0) {
        ByteReader next = reader_;
        const LogRecord record = read_record(next);
        if (next.failed() || !stands_before_commands(record.code)) break;
        if (!apply_before_commands(store_, record)) return false;
        reader_ = next;
    }
    return true;
}

// As far as the work allows. `resumes`: its reply was begun in an earlier run.
ApplyProgress EntryApply::finish_command(uint64_t work_end, bool resumes, const ApplyReplies& replies) {
    if (is_replying() && resumes && !go_on_with_reply(work_end, replies.resume_reply(next_command_ - 1)))
        return ApplyProgress::kMore;
    if (progress_.put_pending) {
        if (!store_.finish_put(work_end - std::min(work_end, progress_.work))) return ApplyProgress::kMore;
        check_growth();
    }
    return long_write_ != nullptr ? go_on(work_end, replies) : ApplyProgress::kDone;
}

ApplyProgress EntryApply::apply_next(uint64_t work_end, const ApplyReplies& replies) {
    const bool is_group_begin = next_command_ % kCommandsAhead == 0;
    if (is_group_begin || progress_.work - recycled_at_work_ > kRecycleWork) {
        store_.recycle();
        recycled_at_work_ = progress_.work;
    }
    if (is_group_begin) {
        prefetch(store_, reader_, std::min(kCommandsAhead, command_count_ - next_command_));
    }
    const LogRecord record = read_record(reader_);
    if (reader_.failed()) return ApplyProgress::kMalformed;
    const uint32_t number = next_command_++;
    if (memory_limit_bytes_ != 0) {
        if (exceeds_limit(store_, memory_limit_bytes_, record.code, record.flags, record.payload)) {
            store_.add_work(kCommandWork);
            replies.reply_for(number).failure(Failure::kOutOfMemory);
            return ApplyProgress::kDone;
        }
        counted_bytes_max_ = std::max(store_.counted_bytes(), memory_limit_bytes_) + kv::kCountedDeadlineBytes;
    }
    const bool is_key_list = record.code == OperationCode::kMset || record.code == OperationCode::kDel;
    if (is_key_list && record.payload.size() > kLongPayloadBytes) {
        replies.before_long(number);
        store_.begin_operation();
        long_write_ = std::make_unique<KeyListWrite>(record.code, record.flags, ByteReader(record.payload));
        return go_on(work_end, replies);
    }
    // A large value counts when it is put.
    store_.begin_operation(kCommandWork +
                           std::min<uint64_t>(record.payload.size(), kv::kSlicedValueBytes) / kBytesPerWork);
    LoggedCommand command{store_,   record.flags, ByteReader(record.payload), replies.reply_for(number),
                          lookups_, open_reply_};
    if (const ApplyProgress progress = apply(record.code, command); progress != ApplyProgress::kDone) [[unlikely]] {
        unknown_operation_ = static_cast<uint16_t>(record.code);
        return progress;
    }
    check_growth();
    if (is_replying()) {
        reply_pin_.emplace(store_.pin());
        (void)go_on_with_reply(work_end, command.reply);
    }
    return ApplyProgress::kDone;
}

// True: the reply is whole.
bool EntryApply::go_on_with_reply(uint64_t work_end, ReplySink& reply) {
    uint64_t work = store_.work();
    const bool done = open_reply_.go_on(work_end, work, reply);
    store_.add_work(work - store_.work());
    if (done) reply_pin_.reset();
    return done;
}

ApplyProgress EntryApply::go_on(uint64_t work_end, const ApplyReplies& replies) {
    const ApplyProgress progress = long_write_->run(store_, work_end);
    if (progress != ApplyProgress::kDone) return progress;
    check_growth();
    long_write_->reply(replies.reply_for(next_command_ - 1));
    long_write_.reset();
    return ApplyProgress::kDone;
}

void EntryApply::check_growth() const {
    KVORUM_VERIFY(store_.counted_bytes() <= counted_bytes_max_, "{} bytes, above {}", store_.counted_bytes(),
                  counted_bytes_max_);
}

bool apply_batch(kv::Store& store, LogIndex index, int64_t log_time_ms, uint32_t command_count, Bytes body,
                 const ReplyFor& reply_for) {
    store.advance(index, log_time_ms);
    EntryApply entry(store, command_count, body);
    return entry.run(UINT64_MAX, {reply_for, [](uint32_t) {}, reply_for}) == ApplyProgress::kDone;
}

}  // namespace kvorum::ops
