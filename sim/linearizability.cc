#include "sim/linearizability.h"

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string_view>

#include "base/assert.h"
#include "sim/linear_search.h"
#include "sim/register_model.h"

namespace kvorum::sim {

namespace {

constexpr size_t kListedMax = 20;

using Part = std::vector<const Operation*>;

// Groups keys; those joined once stay joined.
class KeyGroups {
 public:
    uint32_t group_of(const std::string& key) {
        const auto [position, is_new] = ids_.try_emplace(key, static_cast<uint32_t>(parents_.size()));
        if (is_new) parents_.push_back(position->second);
        return root(position->second);
    }
    void join(const std::string& a, const std::string& b) {
        const uint32_t from = group_of(b);
        parents_[from] = group_of(a);
    }

 private:
    uint32_t root(uint32_t id) {
        while (parents_[id] != id)
            id = parents_[id] = parents_[parents_[id]];
        return id;
    }

    absl::flat_hash_map<std::string, uint32_t> ids_;
    std::vector<uint32_t> parents_;
};

bool may_matter(const Operation& operation) {
    if (operation.outcome == Outcome::kUnknown) return !is_read_only(operation.command.kind);
    return operation.outcome == Outcome::kExecuted;
}

// Smallest first: one part that ends the budget does not hide a quick verdict on the others.
std::vector<Part> split_by_key(const History& history) {
    KeyGroups groups;
    for (const Operation& operation : history) {
        if (!may_matter(operation)) continue;
        for (const std::string& key : operation.command.keys)
            groups.join(operation.command.keys[0], key);
    }
    absl::flat_hash_map<uint32_t, size_t> part_of_group;
    std::vector<Part> parts;
    for (const Operation& operation : history) {
        if (!may_matter(operation)) continue;
        const uint32_t group = groups.group_of(operation.command.keys[0]);
        const auto [position, is_new] = part_of_group.try_emplace(group, parts.size());
        if (is_new) parts.emplace_back();
        parts[position->second].push_back(&operation);
    }
    // Pointers into one history: they compare as its order does.
    std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
        return std::pair(a.size(), a.front()) < std::pair(b.size(), b.front());
    });
    return parts;
}

// The executed operations of a part in the order of their replies, and the part as it stood at any of these moments.
class Replay {
 public:
    explicit Replay(const Part& part) : part_(part) {
        for (const Operation* operation : part) {
            if (operation->outcome == Outcome::kExecuted) answered_.push_back(operation);
        }
        std::sort(answered_.begin(), answered_.end(), [](const Operation* a, const Operation* b) {
            return std::pair(*a->completed_at_ns, a) < std::pair(*b->completed_at_ns, b);
        });
    }

    [[nodiscard]] const std::vector<const Operation*>& answered() const { return answered_; }

    // What was invoked until the reply of answered()[moment], of which the first `replies` were answered and all else
    // is unknown.
    [[nodiscard]] History at(size_t moment, size_t replies) const {
        const std::optional<uint64_t>& answered_at_ns = answered_[moment]->completed_at_ns;
        KVORUM_ASSERT(answered_at_ns.has_value(), "operation {}", moment);
        const uint64_t now_ns = *answered_at_ns;
        History history;
        for (size_t i = 0; i < replies; ++i)
            history.push_back(*answered_[i]);
        for (size_t i = replies; i < answered_.size(); ++i) {
            if (answered_[i]->invoked_at_ns <= now_ns) history.push_back(as_open(*answered_[i]));
        }
        for (const Operation* operation : part_) {
            if (operation->outcome == Outcome::kUnknown && operation->invoked_at_ns <= now_ns) {
                history.push_back(as_open(*operation));
            }
        }
        return history;
    }

 private:
    static Operation as_open(Operation operation) {
        operation.outcome = Outcome::kUnknown;
        operation.completed_at_ns = std::nullopt;
        operation.reply = {};
        return operation;
    }

    const Part& part_;
    std::vector<const Operation*> answered_;
};

SearchResult search(const History& history, SearchBudget& budget) {
    Part part;
    for (const Operation& operation : history)
        part.push_back(&operation);
    return find_linearization(part, budget);
}

// The first reply with which the part is not linearizable: prefixes of linearizable histories are linearizable, so
// halving finds it. answered().size() if a limit was reached.
size_t find_culprit(const Replay& replay, SearchBudget& budget) {
    size_t fine = 0;  // so many replies have an order
    size_t wrong = replay.answered().size();
    while (fine + 1 < wrong) {
        const size_t middle = fine + (wrong - fine) / 2;
        const SearchVerdict verdict = search(replay.at(middle - 1, middle), budget).verdict;
        if (verdict == SearchVerdict::kGaveUp) return replay.answered().size();
        (verdict == SearchVerdict::kFound ? fine : wrong) = middle;
    }
    return wrong - 1;
}

bool names_value(const Operation& operation, std::string_view value) {
    const Command& command = operation.command;
    return std::find(command.values.begin(), command.values.end(), value) != command.values.end();
}

bool shares_key(const Operation& a, const Operation& b) {
    return std::any_of(a.command.keys.begin(), a.command.keys.end(), [&](const std::string& key) {
        return std::find(b.command.keys.begin(), b.command.keys.end(), key) != b.command.keys.end();
    });
}

std::vector<Operation> find_related(const History& history, const Operation& culprit) {
    std::vector<std::string> values;
    if (culprit.reply.kind == Reply::Kind::kText) values.push_back(culprit.reply.text);
    for (const auto& element : culprit.reply.list) {
        if (element) values.push_back(*element);
    }
    std::vector<Operation> related;
    for (const Operation& operation : history) {
        const bool names = std::any_of(values.begin(), values.end(),
                                       [&](const std::string& value) { return names_value(operation, value); });
        if (names && shares_key(operation, culprit)) related.push_back(operation);
    }
    return related;
}

// The end of the order as it was recorded, not as the prefix knew it: the reader wants to see the outcomes.
void describe_order(Anomaly& anomaly, const std::vector<const Operation*>& order) {
    RegisterModel model(order, RegisterModel::Values::kKeepAll);
    ModelState state = model.initial_state();
    for (const ModelOperation& operation : model.operations()) {
        const bool applied = model.apply(operation, state);
        KVORUM_ASSERT(applied, "an order that was found explains every reply");
    }
    for (const std::string& key : anomaly.culprit.command.keys) {
        const auto& keys = model.keys();
        const auto slot = static_cast<size_t>(std::find(keys.begin(), keys.end(), key) - keys.begin());
        anomaly.state.emplace_back(key, slot == keys.size() ? std::nullopt : model.text_of(state[slot]));
    }
    const size_t shown = std::min(order.size(), kAnomalyOrderMax);
    for (size_t i = order.size() - shown; i < order.size(); ++i)
        anomaly.order.push_back(*order[i]);
}

std::vector<std::string> keys_of(const Part& part) {
    std::vector<std::string> keys;
    for (const Operation* operation : part)
        keys.insert(keys.end(), operation->command.keys.begin(), operation->command.keys.end());
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
}

std::optional<Anomaly> find_anomaly(const History& history, const Part& part, SearchBudget budget) {
    const Replay replay(part);
    const size_t culprit = find_culprit(replay, budget);
    if (culprit == replay.answered().size()) return std::nullopt;
    const History before = replay.at(culprit, culprit);
    const SearchResult order = search(before, budget);
    if (order.verdict == SearchVerdict::kGaveUp) return std::nullopt;
    KVORUM_ASSERT(order.verdict == SearchVerdict::kFound);

    Anomaly anomaly;
    anomaly.keys = keys_of(part);
    anomaly.culprit = *replay.answered()[culprit];
    anomaly.explained = culprit;
    describe_order(anomaly, order.order);
    const uint64_t now_ns = *anomaly.culprit.completed_at_ns;
    for (const Operation* operation : part) {
        const bool answered_later = operation->completed_at_ns.value_or(now_ns) >= now_ns;
        const bool is_open = operation->outcome == Outcome::kUnknown || answered_later;
        if (is_open && operation->invoked_at_ns <= now_ns && *operation != anomaly.culprit) {
            anomaly.open.push_back(*operation);
        }
    }
    anomaly.related = find_related(history, anomaly.culprit);
    return anomaly;
}

void list(std::string& text, std::string_view title, const std::vector<Operation>& operations) {
    if (operations.empty()) return;
    text += fmt::format("  {}:\n", title);
    // The latest are the likeliest to tell something.
    const size_t left_out = operations.size() - std::min(operations.size(), kListedMax);
    if (left_out > 0) text += fmt::format("    ({} earlier ones left out)\n", left_out);
    for (size_t i = left_out; i < operations.size(); ++i)
        text += fmt::format("    {}\n", format_operation(operations[i]));
}

std::string describe_keys(const std::vector<std::string>& keys) {
    std::string text;
    for (size_t i = 0; i < std::min(keys.size(), kListedMax); ++i)
        text += (i == 0 ? "" : ", ") + quoted(keys[i]);
    if (keys.size() > kListedMax) text += fmt::format(" and {} more", keys.size() - kListedMax);
    return text;
}

std::string describe(const Anomaly& anomaly) {
    std::string text = fmt::format("not linearizable: no order explains this reply\n    {}\n  keys of the part: {}\n",
                                   format_operation(anomaly.culprit), describe_keys(anomaly.keys));
    text +=
        fmt::format("  {} operations were answered before it, and they have an order; after it:\n", anomaly.explained);
    for (const auto& [key, value] : anomaly.state)
        text += fmt::format("    {} = {}\n", quoted(key), value ? quoted(*value) : "(absent)");
    list(text, "that order ends with", anomaly.order);
    list(text, "open at the time of the reply", anomaly.open);
    list(text, "operations that name a value it returned", anomaly.related);
    return text;
}

}  // namespace

CheckReport check_linearizability(const History& history, const CheckLimits& limits) {
    for (const Operation& operation : history) {
        const absl::Status valid = validate(operation);
        KVORUM_ASSERT(valid.ok(), "{}: {}", format_operation(operation), valid.ToString());
    }
    CheckReport report;
    SearchBudget budget{.steps_left = limits.steps_max, .memory_bytes_max = limits.memory_bytes_max};
    for (const Part& part : split_by_key(history)) {
        ++report.parts;
        report.operations += part.size();
        const SearchVerdict verdict = find_linearization(part, budget).verdict;
        if (verdict == SearchVerdict::kFound) continue;
        if (verdict == SearchVerdict::kNone) {
            report.verdict = Verdict::kNotLinearizable;
            report.anomaly = find_anomaly(
                history, part, {.steps_left = limits.steps_max, .memory_bytes_max = limits.memory_bytes_max});
            report.explanation = report.anomaly
                                     ? describe(*report.anomaly)
                                     : fmt::format(
                                           "not linearizable; the limits ended the search for the reply that shows it\n"
                                           "  keys of the part: {}\n",
                                           describe_keys(keys_of(part)));
            break;
        }
        report.verdict = Verdict::kGaveUp;
        report.explanation += fmt::format("gave up on {} operations on the keys {}: no verdict\n", part.size(),
                                          describe_keys(keys_of(part)));
    }
    report.steps = limits.steps_max - budget.steps_left;
    report.memory_bytes_peak = budget.memory_bytes_peak;
    return report;
}

}  // namespace kvorum::sim
