#include "sim/linear_search.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "sim/linear_plan.h"
#include "sim/register_model.h"
#include "sim/visited_set.h"

namespace kvorum::sim {

namespace {

constexpr uint32_t kNone = UINT32_MAX;

bool contains(const std::vector<SlotId>& slots, SlotId slot) {
    return std::find(slots.begin(), slots.end(), slot) != slots.end();
}

// Whether unknown operations that look at what a slot holds can turn `value`, which is not the required one, into the
// required one, and need it for that. What replaces a value whatever it is (XX) needs no more than that there is one.
bool may_lead_to(const SlotReaders& readers, const std::optional<std::string>& value, bool was_absent,
                 const std::optional<std::string>& required) {
    if (readers.others) return true;
    if (readers.nx && !value) return true;
    if (readers.xx && value && was_absent) return true;
    if (!required) return false;
    const std::string text = value.value_or("");
    if (readers.append && required->starts_with(text)) return true;
    const auto from = value ? canonical_integer(*value) : std::optional<int64_t>(0);
    if (!readers.count || !from) return false;
    if (readers.append) return true;
    const auto to = canonical_integer(*required);
    return to && readers.may_count(*from, *to);
}

class Search {
 public:
    Search(std::span<const Operation* const> operations, SearchBudget& budget)
        : budget_(budget),
          model_(operations, RegisterModel::Values::kMergeUnobserved),
          items_(make_items(model_)),
          placed_lanes_((assign_lanes(items_) + 63) / 64, 0),
          classes_(make_classes(model_, items_)),
          index_(classes_, model_),
          visited_(use_sets_),
          visited_by_chain_(use_sets_) {
        head_ = static_cast<uint32_t>(items_.size());
        by_rank_.resize(items_.size());
        next_.resize(items_.size() + 1);
        previous_.resize(items_.size() + 1);
        for (uint32_t i = 0; i <= head_; ++i) {
            next_[i] = i == head_ ? 0 : i + 1;
            previous_[i] = i == 0 ? head_ : i - 1;
            if (i < head_) by_rank_[items_[i].rank] = i;
        }
    }

    SearchResult run();

 private:
    enum class Stage : uint8_t { kInert, kDirect, kChains, kDone };

    // A configuration on the path from the root, how it was reached and what was tried from it.
    struct Frame {
        uint32_t item = kNone;  // placed to get here
        uint32_t frontier_before = 0;
        UseSets::Id uses = UseSets::kEmpty;
        size_t steps_begin = 0;  // of path_
        Stage stage = Stage::kInert;
        uint32_t cursor = kNone;
        size_t next_move = 0;
        size_t moves_begin = 0;
        size_t moves_end = 0;
        size_t chains_begin = 0;
    };
    struct PathStep {
        uint32_t operation;  // index in the model
        uint32_t use_class;  // kNone: executed
        size_t mark;
    };
    struct Move {
        uint32_t item;
        size_t chain_begin;  // in chains_
        size_t chain_size;
    };
    struct ChainLevel {
        size_t cursor;  // in candidates_
        UseSets::Id uses;
    };

    [[nodiscard]] const ModelOperation& operation_of(uint32_t item) const {
        return model_.operations()[items_[item].operation];
    }
    [[nodiscard]] const ModelOperation& effect_of(uint32_t use_class) const {
        return model_.operations()[classes_[use_class].members[0]];
    }
    [[nodiscard]] bool in_window(uint32_t item) const {
        return item != head_ && items_[item].visible_from <= frontier_;
    }
    [[nodiscard]] bool is_available(uint32_t use_class) const {
        const UseClass& c = classes_[use_class];
        return c.used < c.members.size() && c.visible_from[c.used] <= frontier_;
    }

    [[nodiscard]] bool has_earlier_twin(uint32_t item) const;
    bool spend_step();
    bool apply_executed(uint32_t item);
    bool apply_use(uint32_t use_class);
    void take_back_path(size_t begin);

    bool descend(Frame& frame);
    bool try_inert(Frame& frame);
    bool try_direct(Frame& frame);
    bool try_chains(Frame& frame);
    bool arrive(uint32_t item, size_t steps_begin);
    void leave(const Frame& frame);
    bool is_new_configuration(UseSets::Id uses);
    void mark_placed(uint32_t item);
    void unmark_placed(const Frame& frame);

    void collect_moves(Frame& frame);
    void find_chains(uint32_t item, UseSets::Id uses);
    void choose_candidates(const ModelOperation& target);
    bool extend_chain(uint32_t use_class, const ModelOperation& target, UseSets::Id uses);
    void record_chain(uint32_t item, size_t steps_begin);
    [[nodiscard]] bool fits_after(const ModelOperation& operation, uint32_t use_class) const;
    [[nodiscard]] bool is_promising(const ModelOperation& target) const;
    [[nodiscard]] bool last_use_may_serve(uint32_t use_class, const ModelOperation& target, size_t mark) const;
    [[nodiscard]] bool may_still_come(FactId fact) const;

    SearchResult result_of(SearchVerdict verdict) const;

    SearchBudget& budget_;
    RegisterModel model_;
    std::vector<Item> items_;
    std::vector<uint64_t> placed_lanes_;  // of items placed although their rank is behind the frontier
    std::vector<UseClass> classes_;
    ClassIndex index_;
    UseSets use_sets_;
    VisitedSet visited_;
    VisitedSet visited_by_chain_;

    // The items not yet placed, a ring through head_.
    uint32_t head_ = 0;
    std::vector<uint32_t> next_;
    std::vector<uint32_t> previous_;

    std::vector<uint32_t> by_rank_;
    uint32_t frontier_ = 0;  // the rank of the first reply not yet placed
    std::vector<Frame> frames_;
    std::vector<PathStep> path_;
    std::vector<Move> moves_;
    std::vector<uint32_t> chains_;
    std::vector<uint32_t> candidates_;
    std::vector<ChainLevel> levels_;
    std::vector<uint32_t> key_;
    bool gave_up_ = false;
};

SearchResult Search::run() {
    frames_.push_back({});
    while (!frames_.empty() && !gave_up_) {
        if (frontier_ == items_.size()) return result_of(SearchVerdict::kFound);
        // Descending pushes a frame, so the current one is named by its position.
        const size_t current = frames_.size() - 1;
        Frame frame = frames_[current];
        const bool descended = descend(frame);
        frames_[current] = frame;
        if (descended) continue;
        leave(frame);
        frames_.pop_back();
    }
    return result_of(gave_up_ ? SearchVerdict::kGaveUp : SearchVerdict::kNone);
}

SearchResult Search::result_of(SearchVerdict verdict) const {
    SearchResult result{.verdict = verdict, .order = {}};
    if (verdict != SearchVerdict::kFound) return result;
    std::vector<size_t> used(classes_.size(), 0);
    for (const PathStep& step : path_) {
        const uint32_t operation =
            step.use_class == kNone ? step.operation : classes_[step.use_class].members[used[step.use_class]++];
        result.order.push_back(model_.operations()[operation].source);
    }
    return result;
}

// Whether the window holds an operation with the same effect and reply that must be placed sooner.
bool Search::has_earlier_twin(uint32_t item) const {
    if (items_[item].twins == Item::kNoTwins) return false;
    for (uint32_t other = next_[head_]; in_window(other); other = next_[other]) {
        if (items_[other].twins == items_[item].twins && items_[other].rank < items_[item].rank) return true;
    }
    return false;
}

bool Search::spend_step() {
    if (budget_.steps_left == 0) {
        gave_up_ = true;
        return false;
    }
    --budget_.steps_left;
    return true;
}

bool Search::apply_executed(uint32_t item) {
    const size_t mark = model_.mark();
    if (!spend_step() || !model_.apply(operation_of(item))) return false;
    path_.push_back({items_[item].operation, kNone, mark});
    return true;
}

bool Search::apply_use(uint32_t use_class) {
    const size_t mark = model_.mark();
    if (!spend_step() || !model_.apply(effect_of(use_class))) return false;
    ++classes_[use_class].used;
    path_.push_back({classes_[use_class].members[0], use_class, mark});
    return true;
}

void Search::take_back_path(size_t begin) {
    for (; path_.size() > begin; path_.pop_back()) {
        const PathStep& step = path_.back();
        model_.undo(model_.operations()[step.operation], step.mark);
        if (step.use_class != kNone) --classes_[step.use_class].used;
    }
}

bool Search::descend(Frame& frame) {
    if (frame.stage == Stage::kInert && try_inert(frame)) return true;
    if (frame.stage == Stage::kDirect && try_direct(frame)) return true;
    return frame.stage == Stage::kChains && try_chains(frame);
}

bool Search::try_inert(Frame& frame) {
    for (uint32_t item = next_[head_]; in_window(item); item = next_[item]) {
        const size_t steps_begin = path_.size();
        if (!operation_of(item).is_inert || !apply_executed(item)) continue;
        frame.stage = Stage::kDone;
        return arrive(item, steps_begin);
    }
    frame.stage = Stage::kDirect;
    frame.cursor = next_[head_];
    return false;
}

bool Search::try_direct(Frame& frame) {
    while (in_window(frame.cursor)) {
        const uint32_t item = std::exchange(frame.cursor, next_[frame.cursor]);
        const size_t steps_begin = path_.size();
        if (operation_of(item).is_inert || has_earlier_twin(item) || !apply_executed(item)) continue;
        if (arrive(item, steps_begin)) return true;
    }
    frame.stage = Stage::kChains;
    collect_moves(frame);
    return false;
}

bool Search::try_chains(Frame& frame) {
    while (frame.next_move < frame.moves_end && !gave_up_) {
        const Move move = moves_[frame.next_move++];
        const size_t steps_begin = path_.size();
        bool applied = true;
        for (size_t i = 0; i < move.chain_size && applied; ++i)
            applied = apply_use(chains_[move.chain_begin + i]);
        applied = applied && apply_executed(move.item);
        KVORUM_ASSERT(applied || gave_up_, "a chain that fitted when it was found");
        if (applied && arrive(move.item, steps_begin)) return true;
        if (!applied) take_back_path(steps_begin);
    }
    frame.stage = Stage::kDone;
    return false;
}

// Pushes the frame of the configuration that the path now leads to, or takes back the path from `steps_begin` if there
// is no need to.
bool Search::arrive(uint32_t item, size_t steps_begin) {
    Frame frame;
    frame.item = item;
    frame.frontier_before = frontier_;
    frame.steps_begin = steps_begin;
    frame.uses = frames_.back().uses;
    for (size_t i = steps_begin; i < path_.size(); ++i) {
        if (path_[i].use_class != kNone) frame.uses = use_sets_.with(frame.uses, path_[i].use_class);
    }
    mark_placed(item);
    if (!is_new_configuration(frame.uses)) {
        unmark_placed(frame);
        take_back_path(steps_begin);
        return false;
    }
    frame.moves_begin = frame.moves_end = frame.next_move = moves_.size();
    frame.chains_begin = chains_.size();
    frames_.push_back(frame);
    return true;
}

void Search::leave(const Frame& frame) {
    moves_.resize(frame.moves_begin);
    chains_.resize(frame.chains_begin);
    if (frame.item == kNone) return;
    unmark_placed(frame);
    take_back_path(frame.steps_begin);
}

void Search::mark_placed(uint32_t item) {
    next_[previous_[item]] = next_[item];
    previous_[next_[item]] = previous_[item];
    placed_lanes_[items_[item].lane / 64] |= uint64_t{1} << (items_[item].lane % 64);
    for (; frontier_ < items_.size(); ++frontier_) {
        const uint32_t lane = items_[by_rank_[frontier_]].lane;
        const uint64_t bit = uint64_t{1} << (lane % 64);
        if ((placed_lanes_[lane / 64] & bit) == 0) return;
        placed_lanes_[lane / 64] &= ~bit;
    }
}

void Search::unmark_placed(const Frame& frame) {
    while (frontier_ > frame.frontier_before) {
        const uint32_t lane = items_[by_rank_[--frontier_]].lane;
        placed_lanes_[lane / 64] |= uint64_t{1} << (lane % 64);
    }
    placed_lanes_[items_[frame.item].lane / 64] &= ~(uint64_t{1} << (items_[frame.item].lane % 64));
    next_[previous_[frame.item]] = frame.item;
    previous_[next_[frame.item]] = frame.item;
}

bool Search::is_new_configuration(UseSets::Id uses) {
    key_.clear();
    key_.push_back(frontier_);
    uint64_t hash = mix64(model_.state_hash() ^ frontier_);
    for (const uint64_t word : placed_lanes_) {
        key_.push_back(static_cast<uint32_t>(word));
        key_.push_back(static_cast<uint32_t>(word >> 32));
        hash = mix64(hash ^ word);
    }
    key_.insert(key_.end(), model_.state().begin(), model_.state().end());
    const bool is_new = visited_.insert(hash, key_, uses);
    const uint64_t memory_bytes =
        visited_.memory_bytes() + visited_by_chain_.memory_bytes() + use_sets_.memory_bytes() + model_.memory_bytes();
    budget_.memory_bytes_peak = std::max(budget_.memory_bytes_peak, memory_bytes);
    if (memory_bytes > budget_.memory_bytes_max) gave_up_ = true;
    return is_new;
}

// Every way to place an executed operation after a chain of unknown ones, shortest chains first.
void Search::collect_moves(Frame& frame) {
    if (classes_.empty()) return;
    for (uint32_t item = next_[head_]; in_window(item) && !gave_up_; item = next_[item]) {
        if (!has_earlier_twin(item)) find_chains(item, frame.uses);
    }
    frame.moves_end = moves_.size();
    std::sort(moves_.begin() + static_cast<std::ptrdiff_t>(frame.moves_begin), moves_.end(),
              [](const Move& a, const Move& b) {
                  return std::pair(a.chain_size, a.chain_begin) < std::pair(b.chain_size, b.chain_begin);
              });
}

void Search::find_chains(uint32_t item, UseSets::Id uses) {
    const ModelOperation& target = operation_of(item);
    if (!is_promising(target)) return;
    choose_candidates(target);
    visited_by_chain_.clear();
    const size_t steps_begin = path_.size();
    levels_.assign(1, {0, uses});
    while (!levels_.empty()) {
        ChainLevel& level = levels_.back();
        if (level.cursor == candidates_.size() || gave_up_) {
            levels_.pop_back();
            if (!levels_.empty()) take_back_path(path_.size() - 1);
            continue;
        }
        const uint32_t use_class = candidates_[level.cursor++];
        const UseSets::Id uses_here = level.uses;
        if (!extend_chain(use_class, target, uses_here)) continue;
        const size_t mark = model_.mark();
        const bool fits = spend_step() && model_.apply(target);
        if (fits) {
            model_.undo(target, mark);
            record_chain(item, steps_begin);
        }
        if (fits && target.is_inert) {
            take_back_path(path_.size() - 1);
        } else {
            levels_.push_back({0, use_sets_.with(uses_here, use_class)});
        }
    }
}

void Search::choose_candidates(const ModelOperation& target) {
    candidates_.clear();
    std::vector<uint32_t> components;
    for (const SlotId slot : target.touched_slots) {
        const uint32_t component = index_.component_of(slot);
        if (contains(components, component)) continue;
        components.push_back(component);
        for (const uint32_t use_class : index_.of_component(component)) {
            if (is_available(use_class) && model_.may_be_noticed(effect_of(use_class)))
                candidates_.push_back(use_class);
        }
    }
}

// Applies one more use behind the chain; false, with nothing changed, if no chain worth trying begins so.
bool Search::extend_chain(uint32_t use_class, const ModelOperation& target, UseSets::Id uses) {
    const ModelOperation& effect = effect_of(use_class);
    if (!is_available(use_class)) return false;
    const bool is_first = path_.empty() || path_.back().use_class == kNone;
    if (!is_first && !fits_after(effect, path_.back().use_class)) return false;
    const size_t mark = model_.mark();
    if (!apply_use(use_class)) return false;
    const bool changed = model_.mark() != mark;
    if (changed && is_promising(target) && last_use_may_serve(use_class, target, mark) &&
        visited_by_chain_.insert(model_.state_hash(), model_.state(), use_sets_.with(uses, use_class))) {
        return true;
    }
    take_back_path(path_.size() - 1);
    return false;
}

void Search::record_chain(uint32_t item, size_t steps_begin) {
    const ModelOperation& target = operation_of(item);
    if (!fits_after(target, path_.back().use_class)) return;
    std::vector<SlotId> needed = target.touched_slots;
    for (size_t i = path_.size(); i > steps_begin; --i) {
        const auto& touched = effect_of(path_[i - 1].use_class).touched_slots;
        if (std::none_of(touched.begin(), touched.end(), [&](SlotId slot) { return contains(needed, slot); })) return;
        needed.insert(needed.end(), touched.begin(), touched.end());
    }
    moves_.push_back({item, chains_.size(), path_.size() - steps_begin});
    for (size_t i = steps_begin; i < path_.size(); ++i)
        chains_.push_back(path_[i].use_class);
}

// False if `operation`, directly behind a use of the class, would overwrite all that it wrote without looking.
bool Search::fits_after(const ModelOperation& operation, uint32_t use_class) const {
    const auto& written = effect_of(use_class).touched_slots;
    return !std::all_of(written.begin(), written.end(),
                        [&](SlotId slot) { return contains(operation.blind_slots, slot); });
}

bool Search::is_promising(const ModelOperation& target) const {
    return std::all_of(target.required_facts.begin(), target.required_facts.end(), [&](FactId fact) {
        return model_.state()[model_.slot_of(fact)] == fact || may_still_come(fact);
    });
}

bool Search::may_still_come(FactId fact) const {
    const auto available = [this](uint32_t use_class) { return is_available(use_class); };
    const auto& wild = index_.wild_of(model_.slot_of(fact));
    const auto& producers = index_.producers_of(fact);
    return std::any_of(wild.begin(), wild.end(), available) ||
           std::any_of(producers.begin(), producers.end(), available);
}

// A use that writes one slot only serves the target by what it leaves there: the target sees it, or an unknown
// operation builds on it.
bool Search::last_use_may_serve(uint32_t use_class, const ModelOperation& target, size_t mark) const {
    const auto& touched = effect_of(use_class).touched_slots;
    if (touched.size() != 1) return true;
    const SlotId slot = touched[0];
    const SlotReaders& readers = index_.readers(slot);
    const bool was_absent = model_.is_absent_fact(model_.changed_from(mark));
    for (const FactId fact : target.required_facts) {
        if (model_.slot_of(fact) != slot || model_.state()[slot] == fact) continue;
        if (!may_lead_to(readers, model_.value_of(model_.state()[slot]), was_absent, model_.value_of(fact)))
            return false;
    }
    if (target.kind != CommandKind::kAppend || readers.may_shorten()) return true;
    if (!contains(target.touched_slots, slot)) return true;
    const auto& value = model_.value_of(model_.state()[slot]);
    const size_t size = value.value_or("").size() + target.source->command.values[0].size();
    return static_cast<int64_t>(size) <= target.source->reply.integer;
}

}  // namespace

SearchResult find_linearization(std::span<const Operation* const> operations, SearchBudget& budget) {
    KVORUM_ASSERT(operations.size() < kNone, "{} operations", operations.size());
    return Search(operations, budget).run();
}

}  // namespace kvorum::sim
