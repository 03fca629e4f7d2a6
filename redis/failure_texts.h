// What Redis says of the failures of operations: the whole error line, its code first.
#pragma once

#include <string>

#include "ops/failure.h"

namespace kvorum::redis {

[[nodiscard]] std::string failure_text(const ops::Failure& failure);

}  // namespace kvorum::redis
