#include "sim/register_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/assert.h"

namespace kvorum::sim {

namespace {

// Never in a state: what a reply of the wrong type says that a key held.
constexpr FactId kImpossibleFact = UINT32_MAX;

template <typename T>
void add_once(std::vector<T>& to, T item) {
    if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
}

bool replies(const Operation& operation, Reply::Kind kind) {
    return operation.outcome == Outcome::kExecuted && operation.reply.kind == kind;
}

bool replies_integer(const Operation& operation, int64_t integer) {
    return replies(operation, Reply::Kind::kInteger) && operation.reply.integer == integer;
}

bool set_is_inert(const Operation& operation) {
    const Command& command = operation.command;
    const bool nil = replies(operation, Reply::Kind::kNil);
    switch (command.condition) {
        case SetCondition::kAlways: return false;
        case SetCondition::kNx: return command.returns_old ? replies(operation, Reply::Kind::kText) : nil;
        case SetCondition::kXx: return nil;
        case SetCondition::kIfeq: return nil || (command.returns_old && operation.reply.text != command.expected);
    }
    return false;
}

bool is_inert(const Operation& operation) {
    if (operation.outcome != Outcome::kExecuted) return false;
    switch (operation.command.kind) {
        case CommandKind::kGet:
        case CommandKind::kMget:
        case CommandKind::kExists: return true;
        case CommandKind::kSet: return set_is_inert(operation);
        case CommandKind::kSetnx:
        case CommandKind::kDel: return replies_integer(operation, 0);
        case CommandKind::kGetdel: return replies(operation, Reply::Kind::kNil);
        case CommandKind::kIncrby:
        case CommandKind::kRename: return replies(operation, Reply::Kind::kError);
        case CommandKind::kGetset:
        case CommandKind::kAppend:
        case CommandKind::kMset: return false;
    }
    return false;
}

// Whether the reply carries what the keys held.
bool returns_values(const Command& command) {
    switch (command.kind) {
        case CommandKind::kGet:
        case CommandKind::kGetset:
        case CommandKind::kGetdel:
        case CommandKind::kMget: return true;
        case CommandKind::kSet: return command.returns_old;
        default: return false;
    }
}

}  // namespace

std::optional<int64_t> canonical_integer(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    const fmt::format_int digits(value);
    return std::string_view(digits.data(), digits.size()) == text ? std::optional(value) : std::nullopt;
}

RegisterModel::RegisterModel(std::span<const Operation* const> operations, Values values) {
    for (const Operation* operation : operations)
        add_slots(*operation);
    facts_.reserve(keys_.size() + operations.size());
    for (SlotId slot = 0; slot < keys_.size(); ++slot)
        facts_.push_back({.slot = slot, .value = std::nullopt});
    // First everything that is observed, so that the second pass knows what is not.
    operations_.reserve(operations.size());
    for (const Operation* operation : operations)
        operations_.push_back(compile_reply(*operation));
    for (FactId fact = 0; fact < facts_.size(); ++fact) {
        if (facts_[fact].value) observed_by_size_[{facts_[fact].slot, facts_[fact].value->size()}].push_back(fact);
    }
    compile_levels();
    for (ModelOperation& operation : operations_) {
        compile_effects(operation, *operation.source, values);
        note_sensitive_slots(operation);
        count(operation, 1);
    }
    for (SlotId slot = 0; slot < keys_.size(); ++slot) {
        state_.push_back(absent(slot));
        state_hash_ ^= mix64(absent(slot));
    }
}

void RegisterModel::add_slots(const Operation& operation) {
    for (const std::string& key : operation.command.keys) {
        const auto [position, is_new] = slot_ids_.try_emplace(key, static_cast<SlotId>(keys_.size()));
        if (is_new) {
            keys_.push_back(key);
            slots_.emplace_back();
        }
        Slot& slot = slots_[position->second];
        const CommandKind kind = operation.command.kind;
        if (kind == CommandKind::kAppend || kind == CommandKind::kRename) slot.whole_values = false;
        if (kind == CommandKind::kIncrby) slot.counted = true;
        if (is_read_only(kind)) continue;
        if (kind != CommandKind::kAppend) slot.only_appends = false;
        if (kind != CommandKind::kIncrby || operation.command.increment < 0) slot.only_counts_up = false;
    }
}

ModelOperation RegisterModel::compile_reply(const Operation& operation) {
    const Command& command = operation.command;
    KVORUM_ASSERT(operation.outcome != Outcome::kNotExecuted);
    ModelOperation compiled;
    compiled.source = &operation;
    compiled.kind = command.kind;
    compiled.condition = command.condition;
    compiled.increment = command.increment;
    compiled.is_executed = operation.outcome == Outcome::kExecuted;
    compiled.returns_old = command.returns_old && compiled.is_executed;
    compiled.is_inert = is_inert(operation);
    for (const std::string& key : command.keys) {
        compiled.slots.push_back(slot_ids_.at(key));
        add_once(compiled.touched_slots, compiled.slots.back());
    }
    if (command.condition == SetCondition::kIfeq) compiled.compared = intern(compiled.slots[0], command.expected);
    if (!compiled.is_executed) {
        if (command.kind == CommandKind::kGetset) compiled.kind = CommandKind::kSet;
        if (command.kind == CommandKind::kGetdel) compiled.kind = CommandKind::kDel;
    } else {
        compile_reply_facts(compiled, operation);
        compile_requirements(compiled, operation);
    }
    if (command.kind == CommandKind::kSetnx && !compiled.is_executed) {
        compiled.kind = CommandKind::kSet;
        compiled.condition = SetCondition::kNx;
    }
    return compiled;
}

void RegisterModel::compile_reply_facts(ModelOperation& compiled, const Operation& operation) {
    if (!returns_values(operation.command)) return;
    const Reply& reply = operation.reply;
    const bool is_list = operation.command.kind == CommandKind::kMget;
    for (size_t i = 0; i < compiled.slots.size(); ++i) {
        const SlotId slot = compiled.slots[i];
        FactId fact = kImpossibleFact;
        if (is_list && reply.kind == Reply::Kind::kList && reply.list.size() == compiled.slots.size()) {
            fact = reply.list[i] ? intern(slot, *reply.list[i]) : absent(slot);
        } else if (!is_list && reply.kind == Reply::Kind::kNil) {
            fact = absent(slot);
        } else if (!is_list && reply.kind == Reply::Kind::kText) {
            fact = intern(slot, reply.text);
        }
        compiled.reply_facts.push_back(fact);
        if (fact != kImpossibleFact) add_once(compiled.required_facts, fact);
    }
}

void RegisterModel::compile_requirements(ModelOperation& compiled, const Operation& operation) {
    const Command& command = operation.command;
    const SlotId slot = compiled.slots[0];
    const bool ok = replies(operation, Reply::Kind::kOk);
    const bool nil = replies(operation, Reply::Kind::kNil);
    bool all_absent = false;
    if (command.kind == CommandKind::kSet && !command.returns_old) {
        if (command.condition == SetCondition::kNx) all_absent = ok;
        if (command.condition == SetCondition::kXx) all_absent = nil;
        if (command.condition == SetCondition::kIfeq && ok) add_once(compiled.required_facts, compiled.compared);
    }
    if (command.kind == CommandKind::kSetnx) all_absent = replies_integer(operation, 1);
    if (command.kind == CommandKind::kDel || command.kind == CommandKind::kExists) {
        all_absent = replies_integer(operation, 0);
    }
    if (all_absent) {
        for (const SlotId touched : compiled.touched_slots)
            add_once(compiled.required_facts, absent(touched));
    }
    if (command.kind == CommandKind::kRename && replies(operation, Reply::Kind::kError)) {
        add_once(compiled.required_facts, absent(slot));
    }
    int64_t before = 0;
    // From 0 there are two ways to count, "0" and absent: nothing single is required.
    if (command.kind == CommandKind::kIncrby && replies(operation, Reply::Kind::kInteger) &&
        !__builtin_sub_overflow(operation.reply.integer, command.increment, &before) && before != 0) {
        add_once(compiled.required_facts, intern(slot, fmt::format_int(before).str()));
    }
}

int64_t RegisterModel::level_of(SlotId slot, std::string_view value) const {
    return slots_[slot].only_appends ? static_cast<int64_t>(value.size()) : canonical_integer(value).value_or(0);
}

std::vector<std::pair<SlotId, int64_t>> RegisterModel::levels_required_by(const ModelOperation& operation) const {
    std::vector<std::pair<SlotId, int64_t>> levels;
    for (const FactId fact : operation.required_facts)
        levels.emplace_back(facts_[fact].slot, facts_[fact].level);
    // An APPEND requires a length, and no value; INCRBY to its own increment requires 0, in either of two facts.
    const Operation& source = *operation.source;
    const bool counts = operation.is_executed && source.reply.kind == Reply::Kind::kInteger;
    if (operation.kind == CommandKind::kAppend && counts) {
        levels.emplace_back(operation.slots[0],
                            source.reply.integer - static_cast<int64_t>(source.command.values[0].size()));
    }
    if (operation.kind == CommandKind::kIncrby && counts && source.reply.integer == operation.increment) {
        levels.emplace_back(operation.slots[0], 0);
    }
    std::erase_if(levels, [&](const auto& level) { return !slots_[level.first].is_rising(); });
    return levels;
}

void RegisterModel::compile_levels() {
    for (const ModelOperation& operation : operations_) {
        for (const auto& [slot, level] : levels_required_by(operation))
            slots_[slot].levels.push_back(level);
        for (const FactId fact : operation.required_facts) {
            auto& longest = slots_[facts_[fact].slot].longest_required;
            const bool longer = !longest || facts_[fact].level > facts_[*longest].level;
            if (facts_[fact].value && longer) longest = fact;
        }
    }
    for (Slot& slot : slots_) {
        std::sort(slot.levels.begin(), slot.levels.end());
        slot.levels.erase(std::unique(slot.levels.begin(), slot.levels.end()), slot.levels.end());
        slot.levels_left.assign(slot.levels.size(), 0);
    }
    for (ModelOperation& operation : operations_) {
        for (const auto& [slot, level] : levels_required_by(operation)) {
            const auto& levels = slots_[slot].levels;
            const auto rank = std::lower_bound(levels.begin(), levels.end(), level) - levels.begin();
            operation.required_levels.push_back({slot, static_cast<uint32_t>(rank)});
        }
    }
}

void RegisterModel::compile_effects(ModelOperation& compiled, const Operation& operation, Values values) {
    const Command& command = operation.command;
    const bool blind = !returns_values(command) || !compiled.is_executed;
    if (compiled.kind != CommandKind::kAppend) {
        for (size_t i = 0; i < command.values.size(); ++i)
            compiled.arguments.push_back(argument_fact(compiled.slots[i], command.values[i], values));
    }
    if (!compiled.is_inert) {
        for (const FactId argument : compiled.arguments)
            add_once(compiled.produced_facts, argument);
    }
    switch (compiled.kind) {
        case CommandKind::kSet:
            if (compiled.condition == SetCondition::kAlways && blind) compiled.blind_slots = compiled.touched_slots;
            break;
        case CommandKind::kMset: compiled.blind_slots = compiled.touched_slots; break;
        case CommandKind::kDel:
            if (!compiled.is_executed) compiled.blind_slots = compiled.touched_slots;
            [[fallthrough]];
        case CommandKind::kGetdel:
            for (const SlotId slot : compiled.touched_slots)
                add_once(compiled.produced_facts, absent(slot));
            break;
        case CommandKind::kIncrby:
            if (replies(operation, Reply::Kind::kInteger)) {
                compiled.produced_facts.push_back(
                    intern(compiled.slots[0], fmt::format_int(operation.reply.integer).str()));
            } else if (!compiled.is_executed) {
                compiled.wild_slots.push_back(compiled.slots[0]);
            }
            break;
        case CommandKind::kAppend: compile_append(compiled, operation); break;
        case CommandKind::kRename:
            compiled.produced_facts.push_back(absent(compiled.slots[0]));
            compiled.wild_slots.push_back(compiled.slots[1]);
            break;
        default: break;
    }
}

void RegisterModel::compile_append(ModelOperation& compiled, const Operation& operation) {
    const std::string& suffix = operation.command.values[0];
    const auto add_if_fits = [&](FactId fact) {
        if (facts_[fact].slot == compiled.slots[0] && facts_[fact].value && facts_[fact].value->ends_with(suffix)) {
            compiled.produced_facts.push_back(fact);
        }
    };
    if (!compiled.is_executed) {
        for (FactId fact = 0; fact < facts_.size(); ++fact)
            add_if_fits(fact);
    } else if (operation.reply.kind == Reply::Kind::kInteger) {
        const auto found =
            observed_by_size_.find(std::pair(compiled.slots[0], static_cast<size_t>(operation.reply.integer)));
        if (found == observed_by_size_.end()) return;
        std::for_each(found->second.begin(), found->second.end(), add_if_fits);
    }
}

void RegisterModel::note_sensitive_slots(const ModelOperation& operation) {
    for (const SlotId slot : operation.touched_slots) {
        const auto is_of_slot = [&](FactId fact) { return facts_[fact].slot == slot; };
        const bool is_blind =
            std::find(operation.blind_slots.begin(), operation.blind_slots.end(), slot) != operation.blind_slots.end();
        const bool requires_fact =
            std::any_of(operation.required_facts.begin(), operation.required_facts.end(), is_of_slot);
        if (!is_blind && !requires_fact) slots_[slot].sensitive = true;
    }
}

bool RegisterModel::may_be_noticed(const ModelOperation& operation) const {
    return std::any_of(operation.touched_slots.begin(), operation.touched_slots.end(),
                       [this](SlotId slot) { return slots_[slot].sensitive; }) ||
           std::any_of(operation.produced_facts.begin(), operation.produced_facts.end(),
                       [this](FactId fact) { return facts_[fact].required_left > 0; });
}

void RegisterModel::count(const ModelOperation& operation, uint32_t by) {
    for (const FactId fact : operation.required_facts)
        facts_[fact].required_left += by;
    for (const FactId fact : operation.produced_facts)
        facts_[fact].producers_left += by;
    for (const SlotId slot : operation.wild_slots)
        (operation.kind == CommandKind::kIncrby ? slots_[slot].wild_integers_left : slots_[slot].wild_left) += by;
    for (const auto& [slot, rank] : operation.required_levels) {
        slots_[slot].levels_left[rank] += by;
        slots_[slot].lowest_level = std::min<size_t>(slots_[slot].lowest_level, rank);
    }
}

FactId RegisterModel::intern(SlotId slot, std::string_view value) {
    const auto [position, is_new] = slots_[slot].facts.try_emplace(absl::string_view(value.data(), value.size()),
                                                                   static_cast<FactId>(facts_.size()));
    if (is_new) {
        facts_.push_back({.slot = slot,
                          .value = std::string(value),
                          .level = level_of(slot, value),
                          .is_integer = canonical_integer(value).has_value()});
        memory_bytes_ += 2 * value.size() + sizeof(Fact) + 2 * sizeof(std::string);
    }
    return position->second;
}

FactId RegisterModel::argument_fact(SlotId slot, const std::string& value, Values values) {
    Slot& into = slots_[slot];
    const bool may_merge =
        values == Values::kMergeUnobserved && into.whole_values && !(into.counted && canonical_integer(value));
    if (!may_merge || into.facts.contains(value)) return intern(slot, value);
    if (!into.unobserved) {
        into.unobserved = static_cast<FactId>(facts_.size());
        facts_.push_back({.slot = slot, .value = "(a value that nobody observed)"});
    }
    return *into.unobserved;
}

bool RegisterModel::apply(const ModelOperation& operation) {
    const size_t before = mark();
    count(operation, static_cast<uint32_t>(-1));
    if (run(operation) && !is_doomed_since(before)) return true;
    undo(operation, before);
    return false;
}

void RegisterModel::undo(const ModelOperation& operation, size_t mark) {
    roll_back(mark);
    count(operation, 1);
}

bool RegisterModel::has_risen_too_far(SlotId slot_id) {
    Slot& slot = slots_[slot_id];
    if (!slot.is_rising()) return false;
    while (slot.lowest_level < slot.levels.size() && slot.levels_left[slot.lowest_level] == 0)
        ++slot.lowest_level;
    const Fact& now = facts_[state_[slot_id]];
    if (slot.lowest_level < slot.levels.size() && now.level > slot.levels[slot.lowest_level]) return true;
    if (!slot.only_appends || !slot.longest_required || !now.value) return false;
    const Fact& longest = facts_[*slot.longest_required];
    return longest.required_left > 0 && !longest.value->starts_with(*now.value);
}

bool RegisterModel::is_doomed_since(size_t mark) {
    for (size_t i = mark; i < changes_.size(); ++i) {
        const auto [slot, before] = changes_[i];
        if (has_risen_too_far(slot)) return true;
        const Fact& left = facts_[before];
        const bool may_come_back = left.producers_left > 0 || slots_[slot].wild_left > 0 ||
                                   (left.is_integer && slots_[slot].wild_integers_left > 0);
        if (left.required_left > 0 && !may_come_back && state_[slot] != before) return true;
    }
    return false;
}

void RegisterModel::roll_back(size_t mark) {
    while (changes_.size() > mark) {
        const auto [slot, before] = changes_.back();
        state_hash_ ^= mix64(state_[slot]) ^ mix64(before);
        state_[slot] = before;
        changes_.pop_back();
    }
}

void RegisterModel::put(SlotId slot, FactId fact) {
    if (state_[slot] == fact) return;
    changes_.push_back({slot, state_[slot]});
    state_hash_ ^= mix64(state_[slot]) ^ mix64(fact);
    state_[slot] = fact;
}

bool RegisterModel::run(const ModelOperation& operation) {
    switch (operation.kind) {
        case CommandKind::kGet:
        case CommandKind::kMget:
        case CommandKind::kExists: return run_read(operation);
        case CommandKind::kSet:
        case CommandKind::kSetnx:
        case CommandKind::kGetset: return run_set(operation);
        case CommandKind::kIncrby: return run_incrby(operation);
        case CommandKind::kAppend: return run_append(operation);
        case CommandKind::kDel:
        case CommandKind::kGetdel: return run_del(operation);
        case CommandKind::kRename: return run_rename(operation);
        case CommandKind::kMset: break;
    }
    if (operation.is_executed && operation.source->reply.kind != Reply::Kind::kOk) return false;
    for (size_t i = 0; i < operation.slots.size(); ++i)
        put(operation.slots[i], operation.arguments[i]);
    return true;
}

bool RegisterModel::run_read(const ModelOperation& operation) const {
    if (!operation.is_executed) return true;
    if (operation.kind == CommandKind::kExists) {
        int64_t found = 0;
        for (const SlotId slot : operation.slots)
            found += is_absent(slot) ? 0 : 1;
        return replies_integer(*operation.source, found);
    }
    for (size_t i = 0; i < operation.slots.size(); ++i) {
        if (state_[operation.slots[i]] != operation.reply_facts[i]) return false;
    }
    return true;
}

bool RegisterModel::run_set(const ModelOperation& operation) {
    const SlotId slot = operation.slots[0];
    const bool is_setnx = operation.kind == CommandKind::kSetnx;
    const SetCondition condition = is_setnx ? SetCondition::kNx : operation.condition;
    const bool writes = condition == SetCondition::kAlways || (condition == SetCondition::kNx && is_absent(slot)) ||
                        (condition == SetCondition::kXx && !is_absent(slot)) ||
                        (condition == SetCondition::kIfeq && state_[slot] == operation.compared);
    if (operation.is_executed) {
        if (operation.kind == CommandKind::kGetset || operation.returns_old) {
            if (state_[slot] != operation.reply_facts[0]) return false;
        } else if (is_setnx) {
            if (!replies_integer(*operation.source, writes ? 1 : 0)) return false;
        } else if (!replies(*operation.source, writes ? Reply::Kind::kOk : Reply::Kind::kNil)) {
            return false;
        }
    }
    if (writes) put(slot, operation.arguments[0]);
    return true;
}

bool RegisterModel::run_incrby(const ModelOperation& operation) {
    const SlotId slot = operation.slots[0];
    const auto number = is_absent(slot) ? std::optional<int64_t>(0) : canonical_integer(*facts_[state_[slot]].value);
    const Reply& reply = operation.source->reply;
    const auto fails_with = [&](std::string_view error) {
        return !operation.is_executed || (reply.kind == Reply::Kind::kError && reply.text == error);
    };
    if (!number) return fails_with(kNotIntegerError);
    int64_t sum = 0;
    if (__builtin_add_overflow(*number, operation.increment, &sum)) return fails_with(kOverflowError);
    if (operation.is_executed && !replies_integer(*operation.source, sum)) return false;
    const fmt::format_int digits(sum);
    put(slot, intern(slot, std::string_view(digits.data(), digits.size())));
    return true;
}

bool RegisterModel::run_append(const ModelOperation& operation) {
    const SlotId slot = operation.slots[0];
    const std::string& suffix = operation.source->command.values[0];
    const size_t old_size = is_absent(slot) ? 0 : facts_[state_[slot]].value->size();
    if (operation.is_executed && !replies_integer(*operation.source, static_cast<int64_t>(old_size + suffix.size()))) {
        return false;
    }
    put(slot, intern(slot, is_absent(slot) ? suffix : *facts_[state_[slot]].value + suffix));
    return true;
}

bool RegisterModel::run_del(const ModelOperation& operation) {
    if (operation.kind == CommandKind::kGetdel && state_[operation.slots[0]] != operation.reply_facts[0]) return false;
    int64_t deleted = 0;
    for (const SlotId slot : operation.slots) {
        deleted += is_absent(slot) ? 0 : 1;
        put(slot, absent(slot));
    }
    return !operation.is_executed || operation.kind == CommandKind::kGetdel ||
           replies_integer(*operation.source, deleted);
}

bool RegisterModel::run_rename(const ModelOperation& operation) {
    const SlotId from = operation.slots[0];
    const SlotId to = operation.slots[1];
    const Reply& reply = operation.source->reply;
    if (is_absent(from)) {
        return !operation.is_executed || (reply.kind == Reply::Kind::kError && reply.text == kNoSuchKeyError);
    }
    if (operation.is_executed && reply.kind != Reply::Kind::kOk) return false;
    if (from == to) return true;
    const std::string value = *facts_[state_[from]].value;
    put(to, intern(to, value));
    put(from, absent(from));
    return true;
}

}  // namespace kvorum::sim
