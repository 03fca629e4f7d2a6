// What Redis says of the failures of operations: the whole error line, its code first.
#pragma once

#include <string>

#include "base/failure.h"

namespace kvorum::redis {

[[nodiscard]] std::string failure_text(const Failure& failure);

}  // namespace kvorum::redis
