// kvorumd on io_uring: what ships. Its exit codes are those of server/program.h.
#include "reactor/uring_backend.h"
#include "server/program.h"

namespace {

absl::StatusOr<std::unique_ptr<kvorum::reactor::IoBackend>> make_backend() {
    return kvorum::reactor::UringBackend::create({});
}

}  // namespace

int main(int argument_count, char** arguments) {
    return kvorum::server::run_program(argument_count, arguments, make_backend);
}
