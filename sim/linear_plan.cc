#include "sim/linear_plan.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <queue>
#include <string>
#include <tuple>
#include <utility>

namespace kvorum::sim {

namespace {

constexpr int64_t kCountKnownMax = int64_t{1} << 60;

using Effect =
    std::tuple<CommandKind, SetCondition, bool, std::vector<SlotId>, std::vector<FactId>, FactId, int64_t, std::string>;

// Equal for operations that do the same to every state.
Effect effect_of(const ModelOperation& operation) {
    const bool appends = operation.kind == CommandKind::kAppend;
    return {operation.kind,        operation.condition,
            operation.returns_old, operation.slots,
            operation.arguments,   operation.compared,
            operation.increment,   appends ? operation.source->command.values[0] : ""};
}

void find_twins(std::vector<Item>& items, const RegisterModel& model) {
    absl::flat_hash_map<std::pair<Effect, std::string>, uint32_t> first;  // the item with that effect and reply
    for (uint32_t i = 0; i < items.size(); ++i) {
        const ModelOperation& operation = model.operations()[items[i].operation];
        if (operation.is_inert) continue;
        const auto [position, is_new] =
            first.try_emplace(std::pair(effect_of(operation), format_reply(operation.source->reply)), i);
        if (!is_new) items[i].twins = items[position->second].twins = position->second;
    }
}

std::vector<uint64_t> reply_times(const std::vector<Item>& items, const RegisterModel& model) {
    std::vector<uint64_t> times(items.size());
    for (const Item& item : items)
        times[item.rank] = *model.operations()[item.operation].source->completed_at_ns;
    return times;
}

uint32_t replies_before(const std::vector<uint64_t>& reply_times, const Operation& operation) {
    const auto first = std::lower_bound(reply_times.begin(), reply_times.end(), operation.invoked_at_ns);
    return static_cast<uint32_t>(first - reply_times.begin());
}

int64_t saturated_sum(int64_t sum, int64_t magnitude, size_t times) {
    for (; times > 0 && sum < kCountKnownMax; --times)
        sum = magnitude >= kCountKnownMax - sum ? kCountKnownMax : sum + magnitude;
    return sum;
}

}  // namespace

std::vector<Item> make_items(const RegisterModel& model) {
    const auto& operations = model.operations();
    std::vector<Item> items;
    for (uint32_t i = 0; i < operations.size(); ++i) {
        if (operations[i].is_executed) items.push_back({.operation = i});
    }
    const auto completion = [&](const Item& item) {
        return std::pair(*operations[item.operation].source->completed_at_ns, item.operation);
    };
    std::sort(items.begin(), items.end(), [&](const Item& a, const Item& b) { return completion(a) < completion(b); });
    for (uint32_t rank = 0; rank < items.size(); ++rank)
        items[rank].rank = rank;
    const std::vector<uint64_t> times = reply_times(items, model);
    for (Item& item : items)
        item.visible_from = replies_before(times, *operations[item.operation].source);
    std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
        return std::pair(a.visible_from, a.rank) < std::pair(b.visible_from, b.rank);
    });
    find_twins(items, model);
    return items;
}

uint32_t assign_lanes(std::vector<Item>& items) {
    using RankAndLane = std::pair<uint32_t, uint32_t>;
    std::priority_queue<RankAndLane, std::vector<RankAndLane>, std::greater<>> open;
    std::vector<uint32_t> free_lanes;
    uint32_t lanes = 0;
    for (Item& item : items) {
        for (; !open.empty() && open.top().first < item.visible_from; open.pop())
            free_lanes.push_back(open.top().second);
        if (free_lanes.empty()) free_lanes.push_back(lanes++);
        item.lane = free_lanes.back();
        free_lanes.pop_back();
        open.emplace(item.rank, item.lane);
    }
    return lanes;
}

std::vector<UseClass> make_classes(const RegisterModel& model, const std::vector<Item>& items) {
    const auto& operations = model.operations();
    const std::vector<uint64_t> times = reply_times(items, model);
    std::vector<std::pair<uint32_t, uint32_t>> unknown;  // visible_from, index in the model
    for (uint32_t i = 0; i < operations.size(); ++i) {
        if (operations[i].is_executed || is_read_only(operations[i].kind)) continue;
        unknown.emplace_back(replies_before(times, *operations[i].source), i);
    }
    std::sort(unknown.begin(), unknown.end());
    std::vector<UseClass> classes;
    absl::flat_hash_map<Effect, size_t> known;
    for (const auto& [visible_from, index] : unknown) {
        const auto [position, is_new] = known.try_emplace(effect_of(operations[index]), classes.size());
        if (is_new) classes.emplace_back();
        classes[position->second].members.push_back(index);
        classes[position->second].visible_from.push_back(visible_from);
    }
    return classes;
}

bool SlotReaders::may_count(int64_t from, int64_t to) const {
    if (count_up >= kCountKnownMax || count_down >= kCountKnownMax) return true;
    int64_t difference = 0;
    if (__builtin_sub_overflow(to, from, &difference)) return false;
    return difference >= -count_down && difference <= count_up;
}

ClassIndex::ClassIndex(const std::vector<UseClass>& classes, const RegisterModel& model)
    : readers_(model.keys().size()),
      wild_(model.keys().size()),
      parents_(model.keys().size()),
      of_component_(model.keys().size()) {
    std::iota(parents_.begin(), parents_.end(), 0);
    for (const UseClass& use_class : classes) {
        const ModelOperation& effect = model.operations()[use_class.members[0]];
        for (const SlotId slot : effect.touched_slots)
            parents_[component_of(slot)] = component_of(effect.touched_slots[0]);
        if (effect.blind_slots.empty()) add_readers(effect, use_class.members.size());
    }
    for (uint32_t i = 0; i < classes.size(); ++i) {
        const ModelOperation& effect = model.operations()[classes[i].members[0]];
        for (const FactId fact : effect.produced_facts)
            producers_[fact].push_back(i);
        for (const SlotId slot : effect.wild_slots)
            wild_[slot].push_back(i);
        of_component_[component_of(effect.touched_slots[0])].push_back(i);
    }
}

void ClassIndex::add_readers(const ModelOperation& effect, size_t members) {
    for (const SlotId slot : effect.touched_slots) {
        SlotReaders& readers = readers_[slot];
        if (effect.kind == CommandKind::kAppend) {
            readers.append = true;
        } else if (effect.kind == CommandKind::kIncrby) {
            readers.count = true;
            const bool up = effect.increment >= 0;
            int64_t& sum = up ? readers.count_up : readers.count_down;
            sum = effect.increment == INT64_MIN
                      ? kCountKnownMax
                      : saturated_sum(sum, up ? effect.increment : -effect.increment, members);
        } else if (effect.kind == CommandKind::kSet && effect.condition == SetCondition::kNx) {
            readers.nx = true;
        } else if (effect.kind == CommandKind::kSet && effect.condition == SetCondition::kXx) {
            readers.xx = true;
        } else {
            readers.others = true;
        }
    }
}

const std::vector<uint32_t>& ClassIndex::producers_of(FactId fact) const {
    static const std::vector<uint32_t> kNobody;
    const auto found = producers_.find(fact);
    return found == producers_.end() ? kNobody : found->second;
}

uint32_t ClassIndex::component_of(SlotId slot) const {
    while (parents_[slot] != slot)
        slot = parents_[slot];
    return slot;
}

}  // namespace kvorum::sim
