#include "sim/linear_search.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "base/assert.h"
#include "sim/register_model.h"

namespace kvorum::sim {

namespace {

// An executed operation on the time line. Replies are ranked by time; an operation may be placed once all replies that
// came before its invocation are, that is when the first reply not yet placed has rank `visible_from` or later.
struct Item {
    const ModelOperation* operation = nullptr;
    uint32_t visible_from = 0;
    uint32_t rank = 0;
};

// Operations of unknown outcome with the same effect, in the order of their invocations.
struct UnknownClass {
    std::vector<const ModelOperation*> members;
    std::vector<uint32_t> visible_from;  // of each
    uint32_t used = 0;

    [[nodiscard]] bool is_available(uint32_t frontier) const {
        return used < members.size() && visible_from[used] <= frontier;
    }
};

bool touches(const ModelOperation& operation, SlotId slot) {
    return std::find(operation.slots.begin(), operation.slots.end(), slot) != operation.slots.end();
}

bool share_a_slot(const ModelOperation& a, const ModelOperation& b) {
    return std::any_of(a.slots.begin(), a.slots.end(), [&](SlotId slot) { return touches(b, slot); });
}

bool replaces_all_of(const ModelOperation& later, const ModelOperation& earlier) {
    return later.is_blind &&
           std::all_of(earlier.slots.begin(), earlier.slots.end(), [&](SlotId slot) { return touches(later, slot); });
}

class Search {
 public:
    Search(std::span<const Operation* const> operations, SearchBudget& budget)
        : budget_(budget), model_(operations, RegisterModel::Values::kMergeUnobserved) {
        add_items();
        add_classes();
        frames_.emplace_back();
        frames_.back().state = model_.initial_state();
    }

    SearchResult run();

 private:
    // What to place next: an item, or one more of an unknown class.
    struct Move {
        bool is_item = true;
        uint32_t index = 0;
    };
    // A configuration on the path from the root, how it was reached and what was tried from it.
    struct Frame {
        Move reached_by;
        const ModelOperation* placed = nullptr;  // to get here; none: the root
        uint32_t frontier_before = 0;
        uint32_t rank_end = 0;  // no later reply is placed
        ModelState state;
        std::vector<const ModelOperation*> pending;  // in the order in which they were placed
        enum class Stage : uint8_t { kNew, kItems, kUnknown, kDone } stage = Stage::kNew;
        std::vector<Move> moves;
        size_t next_move = 0;
    };
    enum class Entered : uint8_t { kDoesNotFit, kSeenBefore, kYes };

    void add_items();
    void add_classes();
    [[nodiscard]] uint32_t replies_before(uint64_t time_ns) const {
        return static_cast<uint32_t>(std::lower_bound(reply_times_ns_.begin(), reply_times_ns_.end(), time_ns) -
                                     reply_times_ns_.begin());
    }

    bool descend();
    bool enter_inert(Frame& frame);
    void collect_items(Frame& frame);
    void collect_unknown(Frame& frame);
    Entered enter(const Frame& from, Move move);
    [[nodiscard]] static bool update_pending(std::vector<const ModelOperation*>& pending, const ModelOperation& placed);
    void leave();
    void mark(Move move);
    void unmark(const Frame& frame);
    bool is_new_configuration(const Frame& frame);

    [[nodiscard]] bool in_window(uint32_t item) const {
        return item != items_.size() && items_[item].visible_from <= frontier_;
    }
    [[nodiscard]] bool has_earlier_twin(uint32_t item) const;
    [[nodiscard]] uint32_t first_item() const { return next_[items_.size()]; }
    [[nodiscard]] SearchResult found() const;

    SearchBudget& budget_;
    RegisterModel model_;
    std::vector<uint64_t> reply_times_ns_;  // by rank
    std::vector<Item> items_;               // by visible_from, then rank
    std::vector<uint32_t> next_;            // of the items not yet placed, a ring through items_.size()
    std::vector<uint32_t> previous_;
    std::vector<bool> is_placed_;  // by rank
    uint32_t frontier_ = 0;        // the first rank not yet placed
    std::vector<UnknownClass> classes_;
    std::deque<Frame> frames_;  // the path
    absl::flat_hash_set<std::vector<uint32_t>> visited_;
    uint64_t visited_bytes_ = 0;
    bool gave_up_ = false;
};

void Search::add_items() {
    std::vector<const ModelOperation*> executed;
    for (const ModelOperation& operation : model_.operations()) {
        if (operation.is_executed) executed.push_back(&operation);
    }
    const auto reply_time = [](const ModelOperation* operation) { return *operation->source->completed_at_ns; };
    std::sort(executed.begin(), executed.end(), [&](const ModelOperation* a, const ModelOperation* b) {
        return std::pair(reply_time(a), a) < std::pair(reply_time(b), b);
    });
    for (const ModelOperation* operation : executed)
        reply_times_ns_.push_back(reply_time(operation));
    for (uint32_t rank = 0; rank < executed.size(); ++rank)
        items_.push_back({executed[rank], replies_before(executed[rank]->source->invoked_at_ns), rank});
    std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
        return std::pair(a.visible_from, a.rank) < std::pair(b.visible_from, b.rank);
    });
    is_placed_.assign(items_.size(), false);
    const auto size = static_cast<uint32_t>(items_.size());
    for (uint32_t i = 0; i <= size; ++i) {
        next_.push_back(i == size ? 0 : i + 1);
        previous_.push_back(i == 0 ? size : i - 1);
    }
}

void Search::add_classes() {
    std::vector<const ModelOperation*> unknown;
    for (const ModelOperation& operation : model_.operations()) {
        if (!operation.is_executed && !is_read_only(operation.kind)) unknown.push_back(&operation);
    }
    std::sort(unknown.begin(), unknown.end(), [](const ModelOperation* a, const ModelOperation* b) {
        return std::pair(a->source->invoked_at_ns, a) < std::pair(b->source->invoked_at_ns, b);
    });
    absl::flat_hash_map<uint32_t, size_t> class_of_sort;
    for (const ModelOperation* operation : unknown) {
        const auto [position, is_new] = class_of_sort.try_emplace(operation->sort, classes_.size());
        if (is_new) classes_.emplace_back();
        UnknownClass& of = classes_[position->second];
        of.members.push_back(operation);
        of.visible_from.push_back(replies_before(operation->source->invoked_at_ns));
    }
}

SearchResult Search::run() {
    while (!frames_.empty()) {
        if (frontier_ == items_.size()) return found();
        if (!descend()) leave();
        if (gave_up_) return {.verdict = SearchVerdict::kGaveUp, .order = {}};
    }
    return {.verdict = SearchVerdict::kNone, .order = {}};
}

SearchResult Search::found() const {
    SearchResult result{.verdict = SearchVerdict::kFound, .order = {}};
    for (const Frame& frame : frames_) {
        if (frame.placed != nullptr) result.order.push_back(frame.placed->source);
    }
    return result;
}

// Enters the next configuration from the end of the path; false if there is none.
bool Search::descend() {
    Frame& frame = frames_.back();
    while (!gave_up_) {
        if (frame.next_move < frame.moves.size()) {
            if (enter(frame, frame.moves[frame.next_move++]) == Entered::kYes) return true;
            continue;
        }
        switch (frame.stage) {
            case Frame::Stage::kNew:
                if (enter_inert(frame)) return true;
                break;
            case Frame::Stage::kItems: collect_unknown(frame); break;
            default: return false;
        }
    }
    return false;
}

bool Search::enter_inert(Frame& frame) {
    for (uint32_t item = first_item(); in_window(item) && !gave_up_; item = next_[item]) {
        if (!items_[item].operation->is_inert) continue;
        const Entered entered = enter(frame, {.is_item = true, .index = item});
        if (entered == Entered::kDoesNotFit) continue;
        frame.stage = Frame::Stage::kDone;
        return entered == Entered::kYes;
    }
    collect_items(frame);
    return false;
}

void Search::collect_items(Frame& frame) {
    frame.stage = Frame::Stage::kItems;
    for (uint32_t item = first_item(); in_window(item); item = next_[item]) {
        if (!items_[item].operation->is_inert && !has_earlier_twin(item)) frame.moves.push_back({true, item});
    }
}

void Search::collect_unknown(Frame& frame) {
    frame.stage = Frame::Stage::kUnknown;
    for (uint32_t i = 0; i < classes_.size(); ++i) {
        if (classes_[i].is_available(frontier_)) frame.moves.push_back({false, i});
    }
}

bool Search::has_earlier_twin(uint32_t item) const {
    for (uint32_t other = first_item(); in_window(other); other = next_[other]) {
        const bool is_twin = items_[other].operation->sort == items_[item].operation->sort;
        if (is_twin && items_[other].rank < items_[item].rank) return true;
    }
    return false;
}

Search::Entered Search::enter(const Frame& from, Move move) {
    if (budget_.steps_left == 0) {
        gave_up_ = true;
        return Entered::kDoesNotFit;
    }
    --budget_.steps_left;
    Frame frame;
    frame.reached_by = move;
    frame.frontier_before = frontier_;
    frame.rank_end = from.rank_end;
    if (move.is_item) {
        frame.placed = items_[move.index].operation;
        frame.rank_end = std::max(frame.rank_end, items_[move.index].rank + 1);
    } else {
        const UnknownClass& of = classes_[move.index];
        frame.placed = of.members[of.used];
    }
    frame.pending = from.pending;
    if (!update_pending(frame.pending, *frame.placed)) return Entered::kDoesNotFit;
    frame.state = from.state;
    if (!model_.apply(*frame.placed, frame.state)) return Entered::kDoesNotFit;
    if (!move.is_item && frame.state == from.state) return Entered::kDoesNotFit;
    mark(move);
    if (!is_new_configuration(frame)) {
        unmark(frame);
        return Entered::kSeenBefore;
    }
    frames_.push_back(std::move(frame));
    return Entered::kYes;
}

// False if the operation does not belong behind those that are pending.
bool Search::update_pending(std::vector<const ModelOperation*>& pending, const ModelOperation& placed) {
    const auto is_wasted = [&](const ModelOperation* unknown) { return replaces_all_of(placed, *unknown); };
    if (std::any_of(pending.begin(), pending.end(), is_wasted)) return false;
    std::erase_if(pending, [&](const ModelOperation* unknown) { return share_a_slot(*unknown, placed); });
    if (placed.is_executed) return pending.empty();
    pending.push_back(&placed);
    return true;
}

void Search::leave() {
    if (frames_.back().placed != nullptr) unmark(frames_.back());
    frames_.pop_back();
}

void Search::mark(Move move) {
    if (!move.is_item) {
        ++classes_[move.index].used;
        return;
    }
    next_[previous_[move.index]] = next_[move.index];
    previous_[next_[move.index]] = previous_[move.index];
    is_placed_[items_[move.index].rank] = true;
    while (frontier_ < items_.size() && is_placed_[frontier_])
        ++frontier_;
}

void Search::unmark(const Frame& frame) {
    const Move move = frame.reached_by;
    if (!move.is_item) {
        --classes_[move.index].used;
        return;
    }
    next_[previous_[move.index]] = move.index;
    previous_[next_[move.index]] = move.index;
    is_placed_[items_[move.index].rank] = false;
    frontier_ = frame.frontier_before;
}

bool Search::is_new_configuration(const Frame& frame) {
    constexpr uint32_t kWordBits = 32;
    // Its end says how many words the bits take.
    std::vector<uint32_t> key{frontier_, std::max(frontier_, frame.rank_end)};
    for (uint32_t rank = frontier_; rank < frame.rank_end; ++rank) {
        const uint32_t bit = (rank - frontier_) % kWordBits;
        if (bit == 0) key.push_back(0);
        key.back() |= static_cast<uint32_t>(is_placed_[rank]) << bit;
    }
    key.insert(key.end(), frame.state.begin(), frame.state.end());
    for (const UnknownClass& of : classes_)
        key.push_back(of.used);
    const size_t pending_begin = key.size();
    for (const ModelOperation* unknown : frame.pending)
        key.push_back(unknown->sort);
    std::sort(key.begin() + static_cast<std::ptrdiff_t>(pending_begin), key.end());
    visited_bytes_ += key.size() * sizeof(uint32_t) + 2 * sizeof(std::vector<uint32_t>);
    const uint64_t memory_bytes = visited_bytes_ + model_.memory_bytes();
    budget_.memory_bytes_peak = std::max(budget_.memory_bytes_peak, memory_bytes);
    if (memory_bytes > budget_.memory_bytes_max) gave_up_ = true;
    return visited_.insert(std::move(key)).second;
}

}  // namespace

SearchResult find_linearization(std::span<const Operation* const> operations, SearchBudget& budget) {
    KVORUM_ASSERT(operations.size() < UINT32_MAX, "{} operations", operations.size());
    return Search(operations, budget).run();
}

}  // namespace kvorum::sim
