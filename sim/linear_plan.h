// What a search for a linearization knows before it begins: the time line of the executed operations, and the unknown
// ones by what they may do. Owned by linear_search.cc; thread: any once built.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <vector>

#include "sim/register_model.h"

namespace kvorum::sim {

// An executed operation on the time line. Replies are ranked by time; an operation may be placed once all replies that
// came before its invocation are, that is when the first reply not yet placed has rank `visible_from` or later.
struct Item {
    static constexpr uint32_t kNoTwins = UINT32_MAX;

    uint32_t operation = 0;  // index in the model
    uint32_t visible_from = 0;
    uint32_t rank = 0;
    uint32_t lane = 0;          // no two items that may be open at the same time share a lane
    uint32_t twins = kNoTwins;  // a number shared by items with one effect and one reply
};

// Sorted by visible_from, then rank.
[[nodiscard]] std::vector<Item> make_items(const RegisterModel& model);
// Sets the lanes and returns how many there are.
uint32_t assign_lanes(std::vector<Item>& items);

// Operations of unknown outcome with the same effect, in the order of their invocations.
struct UseClass {
    std::vector<uint32_t> members;  // indices in the model
    std::vector<uint32_t> visible_from;
    uint32_t used = 0;
};

[[nodiscard]] std::vector<UseClass> make_classes(const RegisterModel& model, const std::vector<Item>& items);

// The unknown operations whose effect depends on what a slot holds.
struct SlotReaders {
    bool append = false;
    bool nx = false;
    bool xx = false;
    bool others = false;  // IFEQ, RENAME
    bool count = false;
    // All INCRBY together, each way; saturated, then nothing is known.
    int64_t count_up = 0;
    int64_t count_down = 0;

    // Whether what a slot holds may become shorter without being replaced unseen.
    [[nodiscard]] bool may_shorten() const { return nx || xx || others || count; }
    [[nodiscard]] bool may_count(int64_t from, int64_t to) const;
};

class ClassIndex {
 public:
    ClassIndex(const std::vector<UseClass>& classes, const RegisterModel& model);

    [[nodiscard]] const SlotReaders& readers(SlotId slot) const { return readers_[slot]; }
    // Classes that may make the slot hold the fact, besides wild_of() its slot.
    [[nodiscard]] const std::vector<uint32_t>& producers_of(FactId fact) const;
    [[nodiscard]] const std::vector<uint32_t>& wild_of(SlotId slot) const { return wild_[slot]; }
    // Slots that classes of several slots join, directly or not, have the same component; it has classes.
    [[nodiscard]] uint32_t component_of(SlotId slot) const;
    [[nodiscard]] const std::vector<uint32_t>& of_component(uint32_t component) const {
        return of_component_[component];
    }

 private:
    void add_readers(const ModelOperation& effect, size_t members);

    std::vector<SlotReaders> readers_;
    std::vector<std::vector<uint32_t>> wild_;
    absl::flat_hash_map<FactId, std::vector<uint32_t>> producers_;
    std::vector<uint32_t> parents_;
    std::vector<std::vector<uint32_t>> of_component_;
};

}  // namespace kvorum::sim
