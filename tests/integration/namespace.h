// Mounts and a network of its own for this test program and all that it starts, gone with it.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "tests/integration/world.h"

namespace kvorum::integration {

// Enters it once; why not, where this machine does not allow it.
[[nodiscard]] inline std::string enter_own_namespace() {
    static const std::string problem = [] {
        if (unshare(CLONE_NEWNS | CLONE_NEWNET) != 0)
            return fmt::format("no namespaces of our own here: {} (they need root)", std::strerror(errno));
        if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
            return fmt::format("mounts cannot be made private: {}", std::strerror(errno));
        const ProgramResult up = run("ip link set lo up");
        return up.exit_code == 0 ? std::string() : up.output;
    }();
    return problem;
}

}  // namespace kvorum::integration
