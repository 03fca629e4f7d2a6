// kvorumd whose disk fails on demand. The first argument is the socket of its FaultControl, the others are kvorumd's.
// KVORUM_MUTANT names a deliberate bug of base/mutants.h to turn on, in builds that have them.
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/mutants.h"
#include "node/program.h"
#include "reactor/uring_backend.h"
#include "tests/nemesis/fault_control.h"
#include "tests/nemesis/faulty_backend.h"

int main(int argument_count, char** arguments) {
    using namespace kvorum;
    if (argument_count < 2) {
        std::fputs("usage: kvorumd_faulty CONTROL_SOCKET [OPTIONS OF KVORUMD]\n", stderr);
        return 2;
    }
    const char* mutant = std::getenv("KVORUM_MUTANT");
    if (mutant != nullptr && !activate_mutant(mutant)) {
        std::fprintf(stderr, "kvorumd_faulty: there is no mutant '%s' in this build\n", mutant);
        return 2;
    }
    nemesis::FaultControl control(arguments[1]);
    return node::run_program(argument_count - 1, arguments + 1,
                             [&control]() -> absl::StatusOr<std::unique_ptr<reactor::IoBackend>> {
                                 auto disk = reactor::UringBackend::create({});
                                 if (!disk.ok()) return disk.status();
                                 return std::make_unique<nemesis::FaultyBackend>(*std::move(disk), control);
                             });
}
