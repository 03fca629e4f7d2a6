// The log that a machine would recover after a power cut that loses all it can lose: what its node has really promised.
//
// Thread: one. Reads the whole log of the machine. The machine is not changed.
#pragma once

#include "sim/machine.h"
#include "wal/recovery.h"

namespace kvorum::sim {

class DurableLog {
 public:
    explicit DurableLog(const Machine& machine);

    // False: the node would refuse to start from it, and replay() says nothing.
    [[nodiscard]] bool is_accepted() const { return wal::is_accepted(verdict_); }
    [[nodiscard]] const wal::Replay& replay() const { return scanner_.replay(); }

 private:
    wal::PositionIndex positions_;
    wal::LogScanner scanner_;
    wal::Verdict verdict_;
};

}  // namespace kvorum::sim
