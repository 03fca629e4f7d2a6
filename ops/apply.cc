#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/turn_work.h"
#include "base/units.h"
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

struct LogRecord {
    OperationCode code;  // any number that the log has; look_ahead() and apply() know those that may be there
    uint16_t flags;
    Bytes payload;
};

LogRecord read_record(ByteReader& reader) {
    const auto code = static_cast<OperationCode>(reader.read<uint16_t>());
    const auto flags = reader.read<uint16_t>();
    const auto payload_size = reader.read<uint32_t>();
    return {code, flags, reader.read_bytes(payload_size)};
}

// Of a batch, which is then read up to its first command.
uint64_t read_memory_limit(ByteReader& batch) {
    ByteReader reader = batch;
    const LogRecord record = read_record(reader);
    if (reader.failed() || record.code != OperationCode::kMemoryLimit || record.flags != kNoFlags) return 0;
    ByteReader payload(record.payload);
    const auto limit_bytes = payload.read<uint64_t>();
    if (!payload.finished()) return 0;
    batch = reader;
    return limit_bytes;
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
    for (uint32_t i = 0; i < command_count && !reader.failed(); ++i)
        look_ahead(read_record(reader), keys);
    store.prefetch(keys.keys());
}

bool apply_key_list(OperationCode code, LoggedCommand& command) {
    KeyListWrite write(code, command.flags, command.payload);
    if (write.run(command.store, UINT64_MAX) != ApplyProgress::kDone) return false;
    write.reply(command.reply);
    return true;
}

// The codes that may be in a log. False: the record is not one that encode_write makes.
bool apply(OperationCode code, LoggedCommand& command) {
    switch (code) {
        case OperationCode::kSet: return apply_set(command);
        case OperationCode::kGetdel: return apply_getdel(command);
        case OperationCode::kGetex: return apply_getex(command);
        case OperationCode::kMset: return apply_key_list(code, command);
        case OperationCode::kAppend: return apply_append(command);
        case OperationCode::kSetrange: return apply_setrange(command);
        case OperationCode::kIncrby: return apply_incrby(command);
        case OperationCode::kIncrbyfloat: return apply_incrbyfloat(command);
        case OperationCode::kDel: return apply_key_list(code, command);
        case OperationCode::kExpire: return apply_expire(command);
        case OperationCode::kPersist: return apply_persist(command);
        case OperationCode::kRename: return apply_rename(command);
        case OperationCode::kCopy: return apply_copy(command);
        case OperationCode::kFlushall: return apply_flush(command);
        case OperationCode::kSetbit: return apply_setbit(command);
        case OperationCode::kBitop: return apply_bitop(command);
        case OperationCode::kBitfield: return apply_bitfield(command);
        case OperationCode::kRestore: return apply_restore(command);
        case OperationCode::kSort: return apply_sort(command);
        default: return false;
    }
}

}  // namespace

EntryApply::EntryApply(kv::Store& store, uint32_t command_count, Bytes body)
    : store_(store),
      progress_(store.progress()),
      command_count_(command_count),
      reader_(body),
      memory_limit_bytes_(read_memory_limit(reader_)),
      open_reply_(std::make_unique<OpenValue>()) {}
EntryApply::~EntryApply() = default;

ApplyProgress EntryApply::run(uint64_t work_max, const ApplyReplies& replies) {
    const uint64_t begin = progress_.work;
    const uint64_t work_end = work_max > UINT64_MAX - begin ? UINT64_MAX : begin + work_max;
    bool resumes = true;
    while (next_command_ < command_count_ || is_busy()) {
        if (progress_.work >= work_end) return ApplyProgress::kMore;
        if (is_busy()) [[unlikely]] {
            if (finish_command(work_end, resumes, replies) == ApplyProgress::kMalformed)
                return ApplyProgress::kMalformed;
        } else if (apply_next(work_end, replies) == ApplyProgress::kMalformed) {
            return ApplyProgress::kMalformed;
        }
        resumes = false;
    }
    return reader_.finished() ? ApplyProgress::kDone : ApplyProgress::kMalformed;
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
        long_write_ = std::make_unique<KeyListWrite>(record.code, record.flags, ByteReader(record.payload));
        return go_on(work_end, replies);
    }
    // A large value counts when it is put.
    store_.add_work(kCommandWork + std::min<uint64_t>(record.payload.size(), kv::kSlicedValueBytes) / kBytesPerWork);
    LoggedCommand command{store_,   record.flags, ByteReader(record.payload), replies.reply_for(number),
                          lookups_, *open_reply_};
    if (!apply(record.code, command)) return ApplyProgress::kMalformed;
    check_growth();
    if (is_replying()) {
        reply_pin_.emplace(store_.pin());
        (void)go_on_with_reply(work_end, command.reply);
    }
    return ApplyProgress::kDone;
}

bool EntryApply::is_replying() const { return open_reply_->is_open(); }

// True: the reply is whole.
bool EntryApply::go_on_with_reply(uint64_t work_end, ReplySink& reply) {
    uint64_t work = store_.work();
    const bool done = open_reply_->go_on(work_end, work, reply);
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
