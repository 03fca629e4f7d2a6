// Tests name operations as clients do.
#pragma once

#include <string_view>

#include "base/assert.h"
#include "base/text.h"
#include "ops/operation_table.h"

namespace kvorum::ops {

// Ignores case.
inline const Operation& operation_named(std::string_view name) {
    for (const Operation& operation : kOperations) {
        if (equals_ignore_case(operation.name, name)) return operation;
    }
    KVORUM_ASSERT(false, "no operation {}", name);
    return kOperations[0];
}

}  // namespace kvorum::ops
