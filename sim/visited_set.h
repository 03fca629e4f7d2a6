// The configurations that a search has visited. Owned by linear_search.cc; thread: one owner.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

namespace kvorum::sim {

// Multisets of class numbers, stored once each as lists in falling order that share their tails: equal sets have equal
// ids.
class UseSets {
 public:
    using Id = uint32_t;
    static constexpr Id kEmpty = 0;

    UseSets() { nodes_.push_back({}); }

    // `set` with one more use of `class_id`.
    [[nodiscard]] Id with(Id set, uint32_t class_id) {
        scratch_.clear();
        while (set != kEmpty && nodes_[set].class_id > class_id) {
            scratch_.push_back(set);
            set = nodes_[set].rest;
        }
        const bool used = set != kEmpty && nodes_[set].class_id == class_id;
        set = used ? intern({class_id, nodes_[set].uses + 1, nodes_[set].rest}) : intern({class_id, 1, set});
        for (; !scratch_.empty(); scratch_.pop_back()) {
            const Node above = nodes_[scratch_.back()];
            set = intern({above.class_id, above.uses, set});
        }
        return set;
    }

    [[nodiscard]] bool is_subset(Id small, Id large) const {
        while (small != large && small != kEmpty) {
            if (large == kEmpty) return false;
            const Node& a = nodes_[small];
            const Node& b = nodes_[large];
            if (a.class_id > b.class_id || (a.class_id == b.class_id && a.uses > b.uses)) return false;
            if (a.class_id == b.class_id) small = a.rest;
            large = b.rest;
        }
        return true;
    }

    [[nodiscard]] uint64_t memory_bytes() const { return nodes_.size() * (3 * sizeof(Node) + sizeof(Id)); }

 private:
    struct Node {
        uint32_t class_id = 0;
        uint32_t uses = 0;
        Id rest = kEmpty;
    };

    Id intern(Node node) {
        const auto [position, is_new] =
            ids_.try_emplace(std::tuple(node.class_id, node.uses, node.rest), static_cast<Id>(nodes_.size()));
        if (is_new) nodes_.push_back(node);
        return position->second;
    }

    std::vector<Node> nodes_;
    absl::flat_hash_map<std::tuple<uint32_t, uint32_t, Id>, Id> ids_;
    std::vector<Id> scratch_;
};

// Keys of a fixed number of words, each with the minimal use sets that it was visited with.
class VisitedSet {
 public:
    explicit VisitedSet(const UseSets& use_sets) : use_sets_(use_sets) {}

    // False if `key` was visited with a subset of `uses`.
    bool insert(uint64_t hash, std::span<const uint32_t> key, UseSets::Id uses) {
        const auto [position, is_new] = heads_.try_emplace(hash, kNone);
        for (uint32_t i = position->second; i != kNone; i = entries_[i].next) {
            if (same_key(entries_[i], key) && use_sets_.is_subset(entries_[i].uses, uses)) return false;
        }
        entries_.push_back({.key_begin = words_.size(), .uses = uses, .next = position->second});
        position->second = static_cast<uint32_t>(entries_.size() - 1);
        words_.insert(words_.end(), key.begin(), key.end());
        return true;
    }

    void clear() {
        heads_.clear();
        entries_.clear();
        words_.clear();
    }

    [[nodiscard]] uint64_t memory_bytes() const {
        return words_.capacity() * sizeof(uint32_t) + entries_.capacity() * sizeof(Entry) +
               heads_.capacity() * (sizeof(uint64_t) + sizeof(uint32_t) + 5);
    }

 private:
    static constexpr uint32_t kNone = UINT32_MAX;

    struct Entry {
        uint64_t key_begin;
        UseSets::Id uses;
        uint32_t next;  // of the same hash
    };

    [[nodiscard]] bool same_key(const Entry& entry, std::span<const uint32_t> key) const {
        for (size_t i = 0; i < key.size(); ++i) {
            if (words_[entry.key_begin + i] != key[i]) return false;
        }
        return true;
    }

    const UseSets& use_sets_;
    absl::flat_hash_map<uint64_t, uint32_t> heads_;
    std::vector<Entry> entries_;
    std::vector<uint32_t> words_;
};

}  // namespace kvorum::sim
