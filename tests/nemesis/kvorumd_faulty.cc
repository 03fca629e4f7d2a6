// kvorumd whose disk fails on demand. The first argument is the socket of its FaultControl, the others are kvorumd's.
#include <cstdio>
#include <memory>

#include "reactor/uring_backend.h"
#include "server/program.h"
#include "tests/nemesis/fault_control.h"
#include "tests/nemesis/faulty_backend.h"

int main(int argument_count, char** arguments) {
    using namespace kvorum;
    if (argument_count < 2) {
        std::fputs("usage: kvorumd_faulty CONTROL_SOCKET [OPTIONS OF KVORUMD]\n", stderr);
        return 2;
    }
    nemesis::FaultControl control(arguments[1]);
    return server::run_program(argument_count - 1, arguments + 1,
                               [&control]() -> absl::StatusOr<std::unique_ptr<reactor::IoBackend>> {
                                   auto disk = reactor::UringBackend::create({});
                                   if (!disk.ok()) return disk.status();
                                   return std::make_unique<nemesis::FaultyBackend>(*std::move(disk), control);
                               });
}
