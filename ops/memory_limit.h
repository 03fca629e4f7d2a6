// Whether a logged command may be carried out under a limit of memory. Private to ops.
//
// Refused is what might leave store.counted_bytes() above the limit: of the commands that Redis calls `denyoom` all
// that are not sure to fit, and RENAME to a longer name, which Redis lets grow without end. So no command ever takes
// the state above the limit but EXPIRE and its like, which add a deadline to a key that is there; and what is above it,
// because the limit was lowered, may always shrink.
//
// A function of state, limit and command alone: all replicas decide alike. Thread: the owning core.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "kv/store.h"
#include "ops/operation_codes.h"

namespace kvorum::ops {

// `limit_bytes` is not 0. The payload may be malformed: then any answer is right.
[[nodiscard]] bool exceeds_limit(const kv::Store& store, uint64_t limit_bytes, OperationCode code, uint16_t flags,
                                 Bytes payload);

// What the command may add to store.counted_bytes() at most; none when it is carried out whatever the limit is.
[[nodiscard]] std::optional<uint64_t> growth_max(const kv::Store& store, OperationCode code, uint16_t flags,
                                                 ByteReader payload);

}  // namespace kvorum::ops
