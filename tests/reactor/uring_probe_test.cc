#include "reactor/uring_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "base/units.h"

namespace kvorum::reactor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string message_of(const UringFacts& facts) { return std::string(explain_uring(facts).message()); }

TEST(UringProbe, AMachineThatHasEverythingIsFine) { EXPECT_TRUE(explain_uring({}).ok()); }

TEST(UringProbe, NamesTheSysctlThatDisablesIoUring) {
    EXPECT_THAT(message_of({.setup_errno = EPERM, .uring_disabled = 2}),
                AllOf(HasSubstr("disabled on this machine"), HasSubstr("sysctl -w kernel.io_uring_disabled=0")));
    EXPECT_THAT(message_of({.setup_errno = EPERM, .uring_disabled = 1}),
                AllOf(HasSubstr("privileged"), HasSubstr("kernel.io_uring_group")));
}

TEST(UringProbe, WithTheSysctlAtZeroItSuspectsASeccompFilterAndNamesTheCalls) {
    EXPECT_THAT(message_of({.setup_errno = EPERM, .uring_disabled = 0}),
                AllOf(HasSubstr("seccomp"), HasSubstr("io_uring_setup, io_uring_enter and io_uring_register")));
}

TEST(UringProbe, WithoutTheSystemCallItBlamesTheKernelOrAFilter) {
    EXPECT_THAT(message_of({.setup_errno = ENOSYS}), AllOf(HasSubstr("Linux before 5.1"), HasSubstr("seccomp")));
}

TEST(UringProbe, WithTooLittleLockedMemoryItSaysHowToRaiseTheLimit) {
    const std::string message = message_of({.setup_errno = ENOMEM, .memlock_limit_bytes = 64 * kKiB});
    EXPECT_THAT(message, AllOf(HasSubstr("64 KiB"), HasSubstr("ulimit -l"), HasSubstr("LimitMEMLOCK=")));
    EXPECT_EQ(message_of({.memlock_limit_bytes = 64 * kKiB, .buffer_ring_errno = ENOMEM}), message);
}

TEST(UringProbe, WithTooFewDescriptorsItNamesThatLimit) {
    EXPECT_THAT(message_of({.setup_errno = EMFILE}), AllOf(HasSubstr("ulimit -n"), HasSubstr("LimitNOFILE=")));
}

TEST(UringProbe, NamesEachMissingOperationWithItsKernel) {
    EXPECT_THAT(message_of({.missing = {"IORING_OP_RENAMEAT (Linux 5.11)", "IORING_OP_SEND (Linux 5.6)"}}),
                AllOf(HasSubstr("IORING_OP_RENAMEAT (Linux 5.11), IORING_OP_SEND (Linux 5.6)"),
                      HasSubstr("Linux 6.0 or newer")));
}

TEST(UringProbe, NamesTheKernelsOfBufferRingsAndMultishotReceive) {
    EXPECT_THAT(message_of({.buffer_ring_errno = EINVAL}), HasSubstr("Linux 5.19"));
    EXPECT_THAT(message_of({.multishot_receive_errno = EINVAL}), HasSubstr("multishot receive (Linux 6.0)"));
}

TEST(UringProbe, AnyOtherErrorIsPassedOn) {
    EXPECT_THAT(message_of({.setup_errno = EFAULT}), HasSubstr("Bad address"));
}

}  // namespace
}  // namespace kvorum::reactor
