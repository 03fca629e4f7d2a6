// The sets of a configuration, as the core asks them: each question for a majority is asked of every set of voters that
// is in force (thesis 4.3).
//
// Thread: the owning core; plain values.
#pragma once

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/ids.h"
#include "raft/configuration.h"

namespace kvorum::raft {

struct Members {
    std::vector<NodeId> voters;    // ascending, as the others; empty: this node is in no configuration yet
    std::vector<NodeId> outgoing;  // not empty while a change is joint
    std::vector<NodeId> learners;

    [[nodiscard]] static Members of(const Configuration& configuration) {
        return {ids_of(configuration.voters), ids_of(configuration.outgoing), ids_of(configuration.learners)};
    }

    [[nodiscard]] bool is_joint() const { return !outgoing.empty(); }
    // Of the newer set.
    [[nodiscard]] bool is_voter(NodeId id) const { return is_in(voters, id); }
    // In one of the sets.
    [[nodiscard]] bool votes(NodeId id) const { return is_in(voters, id) || is_in(outgoing, id); }
    [[nodiscard]] bool contains(NodeId id) const { return votes(id) || is_in(learners, id); }
    // Each once.
    [[nodiscard]] std::vector<NodeId> all() const { return merged(electorate(), learners); }
    [[nodiscard]] std::vector<NodeId> electorate() const { return merged(voters, outgoing); }

    bool operator==(const Members&) const = default;

 private:
    using Ids = std::vector<NodeId>;

    [[nodiscard]] static Ids ids_of(const std::vector<ConfiguredMember>& members) {
        Ids ids;
        ids.reserve(members.size());
        for (const ConfiguredMember& member : members)
            ids.push_back(member.id);
        std::sort(ids.begin(), ids.end());
        return ids;
    }
    [[nodiscard]] static bool is_in(const Ids& ids, NodeId id) {
        return std::find(ids.begin(), ids.end(), id) != ids.end();
    }
    [[nodiscard]] static Ids merged(const Ids& a, const Ids& b) {
        Ids ids;
        std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(ids));
        return ids;
    }
};

}  // namespace kvorum::raft
