// How much the present turn of a reactor has done so far, counted and not timed, so that a simulated node and a real
// one cut long work at the same places (docs/architecture.md, "Turns").
//
// The unit is about a nanosecond of a core that finds nothing in its cache; the weights below were measured on maps of
// millions of keys, and err to the heavy side. Who does something that input can make long adds what it did, and who
// can stop in the middle asks used_up() and goes on in the next turn. What a turn has counted at its end is judged by
// the simulator, with a small budget; on a real machine the meter (reactor/turn_meter.h) measures instead.
//
// Thread: the reactor's.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kvorum {

// What a turn may do. The names are those of INFO's longest_turn_doing.
enum class TurnPart : uint8_t {
    kOther,
    kParse,
    kEncode,
    kReplicate,
    kRead,
    kWalk,
    kApply,
    kExpire,
    kFree,
    kSend,
    kSnapshot
};
inline constexpr std::array<std::string_view, 11> kTurnPartNames{
    "other", "parse", "encode", "replicate", "read", "walk", "apply", "expire", "free", "send", "snapshot"};

inline constexpr uint64_t kCommandWork = 300;   // to find, route and answer one
inline constexpr uint64_t kArgumentWork = 20;   // to parse, check or copy one beyond its bytes
inline constexpr uint64_t kKeyReadWork = 200;   // a lookup
inline constexpr uint64_t kKeyWriteWork = 500;  // a lookup with what follows: a record made or freed, a deadline moved
inline constexpr uint64_t kKeyWalkWork = 100;   // a step in hash order
inline constexpr uint64_t kBytesPerWork = 2;    // bytes that are copied or hashed in one unit
inline constexpr uint64_t kReceivedWork = 1;  // a byte that came from a socket: the kernel copies it in this thread too
inline constexpr uint64_t kSentWork = 1;      // a byte that goes to one, for the same reason
inline constexpr uint64_t kConnectionWork = 15'000;      // a connection begun
inline constexpr uint64_t kConnectionEndWork = 150'000;  // or ended, with what the kernel holds for it
inline constexpr uint64_t kFreedBytesPerWork = 16;       // bytes of large buffers that go back to the system

// After this much, what can wait waits for the next turn.
inline constexpr uint64_t kTurnWorkBudget = 600'000;

class TurnWork {
 public:
    explicit TurnWork(uint64_t budget = kTurnWorkBudget) : budget_(budget) {}

    void begin_turn() {
        parts_.fill(0);
        total_ = 0;
        limit_ = budget_ - budget_ / 8 * 3;
    }
    // What came in is taken. The rest is for what it led to: whoever always sends must not keep it from being done.
    void end_input() { limit_ = budget_; }
    void add(TurnPart part, uint64_t units) {
        parts_[static_cast<size_t>(part)] += units;
        total_ += units;
    }
    [[nodiscard]] bool used_up() const { return total_ >= limit_; }
    // For one long piece of work: what is left of the budget, or, lest it never get on, an eighth of it.
    [[nodiscard]] uint64_t slice() const { return std::max(limit_ - std::min(limit_, total_), budget_ / 8); }
    [[nodiscard]] uint64_t total() const { return total_; }
    [[nodiscard]] uint64_t total(TurnPart part) const { return parts_[static_cast<size_t>(part)]; }
    // What most was done of.
    [[nodiscard]] TurnPart heaviest() const {
        return static_cast<TurnPart>(std::max_element(parts_.begin(), parts_.end()) - parts_.begin());
    }

 private:
    uint64_t budget_;
    uint64_t limit_ = budget_;
    std::array<uint64_t, kTurnPartNames.size()> parts_{};
    uint64_t total_ = 0;
};

}  // namespace kvorum
