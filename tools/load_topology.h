// Which node serves which slot of a Redis Cluster, for one thread: asked with CLUSTER SLOTS of whichever known node
// answers, corrected by MOVED, and asked again when it is in doubt.
//
// Thread: its reactor's. Ownership: the reactor and `on_change` outlive it; keep_fresh() has ended before it goes.
// Nodes are numbered in the order in which they were heard of and are never forgotten.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/event.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "redis/resp_reply_parser.h"

namespace kvorum::tools::load {

inline constexpr size_t kSlotCount = 16384;

// Where a MOVED error points: "MOVED 3999 127.0.0.1:6381".
struct MovedTo {
    uint16_t slot = 0;
    reactor::Endpoint node;
    [[nodiscard]] static std::optional<MovedTo> parse(std::string_view error);
};

class Topology {
 public:
    static constexpr uint32_t kNobody = UINT32_MAX;

    Topology(reactor::Reactor& reactor, const std::vector<reactor::Endpoint>& seeds, std::function<void()> on_change);

    [[nodiscard]] uint32_t node_of_slot(uint16_t slot) const { return owner_[slot]; }
    [[nodiscard]] const reactor::Endpoint& node(uint32_t index) const { return nodes_[index]; }
    [[nodiscard]] bool knows_slots() const { return known_; }
    // Why not, in the words of the last node that was asked.
    [[nodiscard]] const std::string& last_error() const { return last_error_; }

    void apply(const MovedTo& moved);
    void mark_stale() { stale_.set(); }
    // The reply to CLUSTER SLOTS. False, and nothing changes, when it is none or names no master.
    [[nodiscard]] bool apply_slots(const redis::ReplyValue& reply);

    // Asks at once and whenever the map is stale, with a pause between two questions, until stop().
    reactor::Task<void> keep_fresh();
    void stop();

 private:
    [[nodiscard]] uint32_t find_or_add(const reactor::Endpoint& node);
    reactor::Task<bool> ask_somebody();
    reactor::Task<bool> ask(reactor::Endpoint node);
    [[nodiscard]] bool take_answer(const redis::ReplyValue& reply, const reactor::Endpoint& node);

    reactor::Reactor& reactor_;
    std::function<void()> on_change_;
    std::vector<reactor::Endpoint> nodes_;
    std::array<uint32_t, kSlotCount> owner_;
    bool known_ = false;
    std::string last_error_ = "no node was asked yet";
    reactor::Event stale_;
    reactor::StopSource stop_;
    reactor::StopSource* question_ = nullptr;  // of the node that is being asked
};

}  // namespace kvorum::tools::load
