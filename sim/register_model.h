// The sequential store that a history is compared with, in the form that a search needs: operations compiled to small
// integers, applied and undone in constant time. One model serves one partition of a history (keys that no operation
// joins to keys outside).
//
// A *slot* is a key; a *fact* is "this slot holds this value" or "this slot is absent". The state is one fact per slot.
//
// Values that nobody observes. In a slot where values are only replaced as a whole (no APPEND, no RENAME, and integers
// aside where there is an INCRBY), all values that no reply and no IFEQ mentions become one fact. This is exact: no
// operation can tell two such values apart, so exchanging them in an order of operations leaves every reply as it was.
//
// Doomed states. Every executed operation still to be applied may *require* a fact (GET -> "1" requires "1"). When a
// slot leaves a fact that somebody still requires and no operation still to be applied could produce it again, apply()
// refuses: no continuation can succeed. What an operation may produce is over-estimated (INCRBY and APPEND of unknown
// outcome, every APPEND and RENAME may produce anything).
//
// Thread: one owner. Ownership: keeps pointers to the operations that it was built from; they outlive it.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/history.h"

namespace kvorum::sim {

using SlotId = uint32_t;
using FactId = uint32_t;

struct ModelOperation {
    const Operation* source = nullptr;
    CommandKind kind =
        CommandKind::kGet;  // of an unknown outcome: the plainest kind with the same effect (GETSET becomes SET)
    SetCondition condition = SetCondition::kAlways;
    bool returns_old = false;
    bool is_executed = false;  // has a reply to agree with
    bool is_inert = false;     // its reply says that it changed nothing
    int64_t increment = 0;
    std::vector<SlotId> slots;        // one a key
    std::vector<FactId> arguments;    // one a key, of what writes values (APPEND: none)
    std::vector<FactId> reply_facts;  // what a reply made of values says that the keys held
    FactId compared = 0;              // SET IFEQ

    // Each slot and fact once.
    std::vector<SlotId> touched_slots;
    std::vector<SlotId> blind_slots;  // overwritten whatever they held, and the reply says nothing of what they held
    std::vector<FactId> required_facts;
    std::vector<FactId> produced_facts;
    std::vector<SlotId> wild_slots;  // may come to hold anything (RENAME), or any integer (INCRBY)
    struct RequiredLevel {
        SlotId slot;
        uint32_t rank;  // among the levels that are required of the slot
    };
    std::vector<RequiredLevel> required_levels;
};

class RegisterModel {
 public:
    enum class Values : uint8_t { kMergeUnobserved, kKeepAll };

    // Of the operations' outcomes only executed and unknown are allowed.
    RegisterModel(std::span<const Operation* const> operations, Values values);

    // In the order of the constructor's argument.
    [[nodiscard]] const std::vector<ModelOperation>& operations() const { return operations_; }

    // Applies the operation to the state. False, with nothing changed: its reply would be another one, or the state is
    // doomed.
    bool apply(const ModelOperation& operation);
    // Takes back the latest apply() that was not taken back; `mark` is what mark() said before it.
    void undo(const ModelOperation& operation, size_t mark);
    [[nodiscard]] size_t mark() const { return changes_.size(); }

    [[nodiscard]] const std::vector<FactId>& state() const { return state_; }
    // What a slot held before the change at `mark`; there must be one.
    [[nodiscard]] FactId changed_from(size_t mark) const { return changes_[mark].before; }
    [[nodiscard]] bool is_absent_fact(FactId fact) const { return !facts_[fact].value.has_value(); }
    // False if no executed operation still to be applied could tell whether the (unknown) operation took effect.
    [[nodiscard]] bool may_be_noticed(const ModelOperation& operation) const;
    [[nodiscard]] uint64_t state_hash() const { return state_hash_; }
    [[nodiscard]] SlotId slot_of(FactId fact) const { return facts_[fact].slot; }
    [[nodiscard]] const std::optional<std::string>& value_of(FactId fact) const { return facts_[fact].value; }
    [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }
    // An estimate of what the facts take; it grows as APPEND and INCRBY make new values.
    [[nodiscard]] uint64_t memory_bytes() const { return memory_bytes_; }

 private:
    struct Fact {
        SlotId slot = 0;
        std::optional<std::string> value;  // nullopt: the slot is absent
        int64_t level = 0;                 // in a rising slot
        bool is_integer = false;
        uint32_t required_left = 0;   // operations still to be applied that require it
        uint32_t producers_left = 0;  // operations still to be applied that may produce it
    };
    struct Slot {
        bool whole_values = true;  // no APPEND, no RENAME
        bool counted = false;      // there is an INCRBY
        bool only_appends = true;  // of what writes
        bool only_counts_up = true;
        bool sensitive = false;  // what it holds matters to operations beyond the facts that they require
        uint32_t wild_left = 0;
        uint32_t wild_integers_left = 0;
        std::vector<int64_t> levels;        // required ones, rising
        std::vector<uint32_t> levels_left;  // by operations still to be applied
        size_t lowest_level = 0;            // none below is left
        std::optional<FactId> longest_required;
        [[nodiscard]] bool is_rising() const { return only_appends || only_counts_up; }
        std::optional<FactId> unobserved;
        absl::flat_hash_map<std::string, FactId> facts;
    };
    struct Change {
        SlotId slot;
        FactId before;
    };

    void add_slots(const Operation& operation);
    ModelOperation compile_reply(const Operation& operation);
    void compile_reply_facts(ModelOperation& compiled, const Operation& operation);
    void compile_requirements(ModelOperation& compiled, const Operation& operation);
    void compile_levels();
    void compile_append(ModelOperation& compiled, const Operation& operation);
    void note_sensitive_slots(const ModelOperation& operation);
    void compile_effects(ModelOperation& compiled, const Operation& operation, Values values);
    void count(const ModelOperation& operation, uint32_t by);

    FactId absent(SlotId slot) const { return slot; }
    FactId intern(SlotId slot, std::string_view value);
    FactId argument_fact(SlotId slot, const std::string& value, Values values);

    bool run(const ModelOperation& operation);
    bool run_read(const ModelOperation& operation) const;
    bool run_set(const ModelOperation& operation);
    bool run_incrby(const ModelOperation& operation);
    bool run_append(const ModelOperation& operation);
    bool run_del(const ModelOperation& operation);
    bool run_rename(const ModelOperation& operation);
    void put(SlotId slot, FactId fact);
    [[nodiscard]] bool is_absent(SlotId slot) const { return state_[slot] == absent(slot); }
    [[nodiscard]] bool is_doomed_since(size_t mark);
    [[nodiscard]] bool has_risen_too_far(SlotId slot);
    [[nodiscard]] int64_t level_of(SlotId slot, std::string_view value) const;
    [[nodiscard]] std::vector<std::pair<SlotId, int64_t>> levels_required_by(const ModelOperation& operation) const;
    void roll_back(size_t mark);

    std::vector<std::string> keys_;
    absl::flat_hash_map<std::string, SlotId> slot_ids_;
    std::vector<Slot> slots_;
    std::vector<Fact> facts_;  // the first keys_.size() are the absent ones
    absl::flat_hash_map<std::pair<SlotId, size_t>, std::vector<FactId>> observed_by_size_;
    std::vector<ModelOperation> operations_;
    std::vector<FactId> state_;
    uint64_t state_hash_ = 0;
    std::vector<Change> changes_;
    uint64_t memory_bytes_ = 0;
};

// A decimal integer in the one form that Redis counts with: no '+', no leading zeros, no "-0".
[[nodiscard]] std::optional<int64_t> canonical_integer(std::string_view text);

// A well mixed 64-bit word (the finaliser of splitmix64).
[[nodiscard]] constexpr uint64_t mix64(uint64_t word) {
    word += 0x9e3779b97f4a7c15ULL;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ULL;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
    return word ^ (word >> 31);
}

}  // namespace kvorum::sim
