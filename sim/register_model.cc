#include "sim/register_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/assert.h"

namespace kvorum::sim {

namespace {

// Never in a state: what a reply of the wrong type says that a key held.
constexpr ValueId kImpossibleValue = UINT32_MAX;
// All values that nobody observed. Its text is that of no value.
constexpr ValueId kUnobservedValue = 1;

bool replies(const Operation& operation, Reply::Kind kind) {
    return operation.outcome == Outcome::kExecuted && operation.reply.kind == kind;
}

// Whether the operation may have had the reply, which of an unknown one is every reply.
bool may_reply(const ModelOperation& operation, Reply::Kind kind) {
    return !operation.is_executed || operation.source->reply.kind == kind;
}

bool may_reply_integer(const ModelOperation& operation, int64_t integer) {
    const Reply& reply = operation.source->reply;
    return !operation.is_executed || (reply.kind == Reply::Kind::kInteger && reply.integer == integer);
}

bool may_reply_error(const ModelOperation& operation, std::string_view text) {
    return may_reply(operation, Reply::Kind::kError) &&
           (!operation.is_executed || operation.source->reply.text == text);
}

bool may_have_held(const ModelOperation& operation, ValueId value) {
    return operation.reply_values.empty() || operation.reply_values[0] == value;
}

bool returns_values(const Command& command) {
    switch (command.kind) {
        case CommandKind::kGet:
        case CommandKind::kGetset:
        case CommandKind::kGetdel:
        case CommandKind::kMget: return true;
        default: return command.returns_old;
    }
}

bool is_inert(const Operation& operation) {
    const bool replies_zero = replies(operation, Reply::Kind::kInteger) && operation.reply.integer == 0;
    switch (operation.command.kind) {
        case CommandKind::kGet:
        case CommandKind::kMget:
        case CommandKind::kExists: return true;
        case CommandKind::kSet: return !operation.command.returns_old && replies(operation, Reply::Kind::kNil);
        case CommandKind::kGetdel: return replies(operation, Reply::Kind::kNil);
        case CommandKind::kSetnx:
        case CommandKind::kDel: return replies_zero;
        case CommandKind::kIncrby:
        case CommandKind::kRename: return replies(operation, Reply::Kind::kError);
        default: return false;
    }
}

// In the one form that Redis counts with: no '+', no leading zeros, no "-0".
std::optional<int64_t> canonical_integer(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    const fmt::format_int digits(value);
    return std::string_view(digits.data(), digits.size()) == text ? std::optional(value) : std::nullopt;
}

}  // namespace

RegisterModel::RegisterModel(std::span<const Operation* const> operations, Values values)
    : texts_{"(absent)", "(a value that nobody observed)"} {
    operations_.reserve(operations.size());
    for (const Operation* operation : operations)
        add(*operation);
    if (values == Values::kMergeUnobserved) {
        for (const ModelOperation& operation : operations_)
            note_observations(operation);
        for (ModelOperation& operation : operations_)
            merge_unobserved(operation);
    }
    std::map<std::vector<int64_t>, uint32_t> sorts;
    for (ModelOperation& operation : operations_)
        operation.sort = sorts.try_emplace(signature_of(operation), sorts.size()).first->second;
}

void RegisterModel::add(const Operation& operation) {
    KVORUM_ASSERT(operation.outcome != Outcome::kNotExecuted);
    const Command& command = operation.command;
    ModelOperation added;
    added.source = &operation;
    added.kind = command.kind;
    added.condition = command.condition;
    added.is_executed = operation.outcome == Outcome::kExecuted;
    added.is_inert = is_inert(operation);
    for (const std::string& key : command.keys)
        added.slots.push_back(slot_of(key));
    for (const std::string& value : command.values)
        added.arguments.push_back(intern(value));
    if (command.condition == SetCondition::kIfeq) added.expected = intern(command.expected);
    if (added.is_executed && returns_values(command)) add_reply(added);
    if (!added.is_executed) {
        if (command.kind == CommandKind::kSetnx) added.condition = SetCondition::kNx;
        if (command.kind == CommandKind::kSetnx || command.kind == CommandKind::kGetset) added.kind = CommandKind::kSet;
        if (command.kind == CommandKind::kGetdel) added.kind = CommandKind::kDel;
    }
    const bool sets = added.kind == CommandKind::kSet && added.condition == SetCondition::kAlways;
    const bool deletes = added.kind == CommandKind::kDel && !added.is_executed;
    added.is_blind = (sets && added.reply_values.empty()) || added.kind == CommandKind::kMset || deletes;
    operations_.push_back(std::move(added));
}

void RegisterModel::add_reply(ModelOperation& added) {
    const Reply& reply = added.source->reply;
    const bool is_list = added.kind == CommandKind::kMget;
    added.reply_values.assign(added.slots.size(), kImpossibleValue);
    if (!is_list && reply.kind == Reply::Kind::kNil) added.reply_values[0] = kAbsentValue;
    if (!is_list && reply.kind == Reply::Kind::kText) added.reply_values[0] = intern(reply.text);
    if (!is_list || reply.kind != Reply::Kind::kList || reply.list.size() != added.slots.size()) return;
    for (size_t i = 0; i < added.slots.size(); ++i) {
        const std::optional<std::string>& element = reply.list[i];
        added.reply_values[i] = element.has_value() ? intern(*element) : kAbsentValue;
    }
}

void RegisterModel::note_observations(const ModelOperation& operation) {
    for (size_t i = 0; i < operation.reply_values.size(); ++i)
        observed_.emplace(operation.slots[i], operation.reply_values[i]);
    if (operation.condition == SetCondition::kIfeq) observed_.emplace(operation.slots[0], operation.expected);
    const bool derives = operation.kind == CommandKind::kAppend || operation.kind == CommandKind::kIncrby ||
                         operation.kind == CommandKind::kRename;
    if (derives) derived_.insert(operation.slots.begin(), operation.slots.end());
}

void RegisterModel::merge_unobserved(ModelOperation& operation) {
    for (size_t i = 0; i < operation.arguments.size(); ++i) {
        const SlotId slot = operation.slots[i];
        const bool told_apart = derived_.contains(slot) || observed_.contains({slot, operation.arguments[i]});
        if (!told_apart) operation.arguments[i] = kUnobservedValue;
    }
}

std::vector<int64_t> RegisterModel::signature_of(const ModelOperation& operation) {
    const Operation& source = *operation.source;
    const bool executed = operation.is_executed;
    std::vector<int64_t> signature{executed ? intern(format_reply(source.reply)) : int64_t{-1},
                                   executed && source.command.returns_old ? 1 : 0,
                                   static_cast<int64_t>(operation.kind),
                                   static_cast<int64_t>(operation.condition),
                                   operation.expected,
                                   source.command.increment};
    signature.insert(signature.end(), operation.slots.begin(), operation.slots.end());
    signature.insert(signature.end(), operation.arguments.begin(), operation.arguments.end());
    return signature;
}

SlotId RegisterModel::slot_of(const std::string& key) {
    const auto [position, is_new] = slots_.try_emplace(key, static_cast<SlotId>(keys_.size()));
    if (is_new) keys_.push_back(key);
    return position->second;
}

ValueId RegisterModel::intern(std::string_view text) {
    const auto [position, is_new] =
        values_.try_emplace(absl::string_view(text.data(), text.size()), static_cast<ValueId>(texts_.size()));
    if (is_new) {
        texts_.emplace_back(text);
        memory_bytes_ += 2 * (text.size() + sizeof(std::string)) + sizeof(ValueId);
    }
    return position->second;
}

std::optional<std::string> RegisterModel::text_of(ValueId value) const {
    return value == kAbsentValue ? std::nullopt : std::optional(texts_[value]);
}

bool RegisterModel::apply(const ModelOperation& operation, ModelState& state) {
    ValueId& value = state[operation.slots[0]];
    switch (operation.kind) {
        case CommandKind::kSet:
        case CommandKind::kSetnx:
        case CommandKind::kGetset: return apply_set(operation, value);
        case CommandKind::kIncrby: return apply_incrby(operation, value);
        case CommandKind::kAppend: return apply_append(operation, value);
        case CommandKind::kDel:
        case CommandKind::kExists: return apply_del(operation, state);
        case CommandKind::kRename: return apply_rename(operation, state);
        case CommandKind::kGetdel: return may_have_held(operation, std::exchange(value, kAbsentValue));
        case CommandKind::kGet: return may_have_held(operation, value);
        case CommandKind::kMget:
            for (size_t i = 0; i < operation.reply_values.size(); ++i) {
                if (state[operation.slots[i]] != operation.reply_values[i]) return false;
            }
            return true;
        case CommandKind::kMset:
            for (size_t i = 0; i < operation.slots.size(); ++i)
                state[operation.slots[i]] = operation.arguments[i];
            return may_reply(operation, Reply::Kind::kOk);
    }
    return false;
}

bool RegisterModel::apply_set(const ModelOperation& operation, ValueId& value) {
    const ValueId old = value;
    const bool is_setnx = operation.kind == CommandKind::kSetnx;
    bool writes = true;
    switch (is_setnx ? SetCondition::kNx : operation.condition) {
        case SetCondition::kAlways: break;
        case SetCondition::kNx: writes = old == kAbsentValue; break;
        case SetCondition::kXx: writes = old != kAbsentValue; break;
        case SetCondition::kIfeq: writes = old == operation.expected; break;
    }
    if (writes) value = operation.arguments[0];
    if (is_setnx) return may_reply_integer(operation, writes ? 1 : 0);
    if (!operation.reply_values.empty()) return may_have_held(operation, old);
    return may_reply(operation, writes ? Reply::Kind::kOk : Reply::Kind::kNil);
}

bool RegisterModel::apply_incrby(const ModelOperation& operation, ValueId& value) {
    const std::optional<int64_t> number = value == kAbsentValue ? int64_t{0} : canonical_integer(texts_[value]);
    if (!number) return may_reply_error(operation, kNotIntegerError);
    int64_t sum = 0;
    if (__builtin_add_overflow(*number, operation.source->command.increment, &sum)) {
        return may_reply_error(operation, kOverflowError);
    }
    if (!may_reply_integer(operation, sum)) return false;
    const fmt::format_int digits(sum);
    value = intern({digits.data(), digits.size()});
    return true;
}

bool RegisterModel::apply_append(const ModelOperation& operation, ValueId& value) {
    const std::string old = text_of(value).value_or("");
    const std::string& suffix = operation.source->command.values[0];
    if (!may_reply_integer(operation, static_cast<int64_t>(old.size() + suffix.size()))) return false;
    value = intern(old + suffix);
    return true;
}

// DEL and EXISTS.
bool RegisterModel::apply_del(const ModelOperation& operation, ModelState& state) {
    int64_t found = 0;
    for (const SlotId slot : operation.slots) {
        found += state[slot] == kAbsentValue ? 0 : 1;
        if (operation.kind == CommandKind::kDel) state[slot] = kAbsentValue;
    }
    return may_reply_integer(operation, found);
}

bool RegisterModel::apply_rename(const ModelOperation& operation, ModelState& state) {
    const ValueId value = state[operation.slots[0]];
    if (value == kAbsentValue) return may_reply_error(operation, kNoSuchKeyError);
    state[operation.slots[0]] = kAbsentValue;
    state[operation.slots[1]] = value;
    return may_reply(operation, Reply::Kind::kOk);
}

}  // namespace kvorum::sim
