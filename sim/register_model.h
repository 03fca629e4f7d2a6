// The sequential store that a history is compared with, in the form that a search needs: keys and values are small
// integers, a state is one value a key. One model serves one partition of a history (keys that no operation joins to
// keys outside).
//
// Values that nobody observed. At a key where values are only replaced as a whole (no APPEND, INCRBY or RENAME), all
// values that no reply and no IFEQ mentions become one. This is exact: no operation can tell two of them apart, so
// exchanging them leaves every reply as it was. It makes most writes of unknown outcome equal to each other.
//
// Thread: one owner. Ownership: keeps pointers to the operations that it was built from; they outlive it.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/history.h"

namespace kvorum::sim {

using SlotId = uint32_t;   // a key
using ValueId = uint32_t;  // a value, whatever the key
using ModelState = std::vector<ValueId>;

inline constexpr ValueId kAbsentValue = 0;

struct ModelOperation {
    const Operation* source = nullptr;
    // Of an unknown outcome: the plainest kind with the same effect (GETSET becomes SET).
    CommandKind kind = CommandKind::kGet;
    SetCondition condition = SetCondition::kAlways;
    bool is_executed = false;   // has a reply to agree with
    bool is_inert = false;      // its reply says that it changed nothing
    bool is_blind = false;      // replaces what its keys hold, and neither effect nor reply depends on what that was
    std::vector<SlotId> slots;  // one a key
    std::vector<ValueId> arguments;     // one a value
    std::vector<ValueId> reply_values;  // one a key, where the reply is made of what the keys held
    ValueId expected = kAbsentValue;    // SET IFEQ
    uint32_t sort = 0;                  // equal for operations with the same effect and, if executed, the same reply
};

class RegisterModel {
 public:
    enum class Values : uint8_t { kMergeUnobserved, kKeepAll };

    // Of the operations' outcomes only executed and unknown are allowed.
    RegisterModel(std::span<const Operation* const> operations, Values values);

    // In the order of the constructor's argument.
    [[nodiscard]] const std::vector<ModelOperation>& operations() const { return operations_; }
    [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }
    [[nodiscard]] ModelState initial_state() const { return ModelState(keys_.size(), kAbsentValue); }

    // False if the operation's reply would be another one; then `state` is of no use any more.
    [[nodiscard]] bool apply(const ModelOperation& operation, ModelState& state);
    [[nodiscard]] std::optional<std::string> text_of(ValueId value) const;
    // An estimate of what the values take; it grows as APPEND and INCRBY make new ones.
    [[nodiscard]] uint64_t memory_bytes() const { return memory_bytes_; }

 private:
    using SlotValue = std::pair<SlotId, ValueId>;

    void add(const Operation& operation);
    void add_reply(ModelOperation& added);
    void note_observations(const ModelOperation& operation);
    void merge_unobserved(ModelOperation& operation);
    [[nodiscard]] std::vector<int64_t> signature_of(const ModelOperation& operation);
    SlotId slot_of(const std::string& key);
    ValueId intern(std::string_view text);

    [[nodiscard]] static bool apply_set(const ModelOperation& operation, ValueId& value);
    [[nodiscard]] bool apply_incrby(const ModelOperation& operation, ValueId& value);
    [[nodiscard]] bool apply_append(const ModelOperation& operation, ValueId& value);
    [[nodiscard]] static bool apply_del(const ModelOperation& operation, ModelState& state);
    [[nodiscard]] static bool apply_rename(const ModelOperation& operation, ModelState& state);

    std::vector<std::string> keys_;
    absl::flat_hash_map<std::string, SlotId> slots_;
    std::vector<std::string> texts_;  // of values
    absl::flat_hash_map<std::string, ValueId> values_;
    absl::flat_hash_set<SlotId> derived_;  // slots whose values are not only replaced as a whole
    absl::flat_hash_set<SlotValue> observed_;
    std::vector<ModelOperation> operations_;
    uint64_t memory_bytes_ = 0;
};

}  // namespace kvorum::sim
