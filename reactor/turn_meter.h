// The longest turns of a reactor in processor time of its thread, and what they did.
//
// A turn lasts from the end of the one before it to its own end, so the kernel's share (sends are carried out inside
// poll()) counts, and the time in which the thread slept or was preempted does not. The thread's clock is a system call
// of half a microsecond, so it is read only when half a millisecond has passed since it was read last: what is reported
// of a turn is never too short, and too long by kReadIntervalNs at most.
//
// Thread: the reactor's. In a simulated world, where a turn takes no time, nothing is ever measured.
#pragma once

#include <array>
#include <cstdint>

#include "base/turn_work.h"
#include "base/units.h"
#include "reactor/io_backend.h"

namespace kvorum::reactor {

inline constexpr uint64_t kLongTurnNs = 5 * kMillisecondNs;

struct TurnFacts {
    uint64_t longest_ns = 0;
    TurnPart longest_doing = TurnPart::kOther;  // by the work that was counted in it
    uint64_t longest_work = 0;                  // units of base/turn_work.h
    uint64_t long_turns = 0;                    // above kLongTurnNs
    std::array<uint64_t, kTurnPartNames.size()> long_turns_doing{};
};

class TurnMeter {
 public:
    // `spun_ns` of the time since the last call were spent looking for work in vain.
    void end_turn(IoBackend& backend, uint64_t spun_ns, const TurnWork& work);
    [[nodiscard]] const TurnFacts& facts() const { return facts_; }
    void reset() { facts_ = {}; }

 private:
    static constexpr uint64_t kReadIntervalNs = 500 * kMicrosecondNs;

    void note(uint64_t turn_ns, const TurnWork& work);

    TurnFacts facts_;
    uint64_t turn_ended_ns_ = 0;
    uint64_t read_at_ns_ = 0;
    uint64_t processor_ns_ = 0;  // as of then
    uint64_t spun_ns_ = 0;       // since then
};

}  // namespace kvorum::reactor
