#include "reactor/turn_meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "base/log.h"

namespace kvorum::reactor {
namespace {

std::string to_string(const TurnWork& work) {
    std::string text;
    for (size_t i = 0; i < kTurnPartNames.size(); ++i) {
        const uint64_t units = work.total(static_cast<TurnPart>(i));
        if (units > 0)
            fmt::format_to(std::back_inserter(text), "{}{} {}", text.empty() ? "" : ", ", kTurnPartNames[i], units);
    }
    return text;
}

}  // namespace

void TurnMeter::end_turn(IoBackend& backend, uint64_t spun_ns, const TurnWork& work) {
    const uint64_t now_ns = backend.monotonic_ns();
    const uint64_t elapsed_ns = now_ns - turn_ended_ns_;
    turn_ended_ns_ = now_ns;
    spun_ns_ += spun_ns;
    if (now_ns - read_at_ns_ < kReadIntervalNs) return;
    const bool first = read_at_ns_ == 0;
    const uint64_t processor_ns = backend.thread_processor_ns();
    const uint64_t used_ns = processor_ns - processor_ns_;
    const uint64_t spun_since_ns = std::min(spun_ns_, used_ns);
    read_at_ns_ = now_ns;
    processor_ns_ = processor_ns;
    spun_ns_ = 0;
    if (!first) note(std::min(elapsed_ns, used_ns - spun_since_ns), work);
}

void TurnMeter::note(uint64_t turn_ns, const TurnWork& work) {
    if (turn_ns > facts_.longest_ns) {
        facts_.longest_ns = turn_ns;
        facts_.longest_doing = work.heaviest();
        facts_.longest_work = work.total();
    }
    if (turn_ns <= kLongTurnNs) return;
    KVORUM_LOG(kVerbose, "a turn of {:.1f} ms: {}", static_cast<double>(turn_ns) / kMillisecondNs, to_string(work));
    ++facts_.long_turns;
    ++facts_.long_turns_doing[static_cast<size_t>(work.heaviest())];
}

}  // namespace kvorum::reactor
