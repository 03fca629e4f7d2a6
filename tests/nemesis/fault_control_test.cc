// The control of a faulty disk.
#include "tests/nemesis/fault_control.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/integration/world.h"

namespace kvorum::nemesis {
namespace {

TEST(FaultControlTest, TheAnswerComesWhenTheDiskHasTakenTheOrder) {
    const integration::TestDirectory directory;
    const std::string socket_path = directory.path() + "/control";
    FaultControl control(socket_path);
    std::promise<void> asked;
    control.set_notify([&asked] { asked.set_value(); });

    std::atomic<bool> taken = false;
    auto answered_after_taken = std::async(std::launch::async, [&] {
        const bool ok = send_fault(socket_path, "sync-error") == "ok";
        return ok && taken;
    });
    asked.get_future().wait();
    taken = true;
    EXPECT_TRUE(control.take().sync_error);
    EXPECT_TRUE(answered_after_taken.get());
}

TEST(FaultControlTest, AnUnknownFaultIsRefused) {
    const integration::TestDirectory directory;
    const FaultControl control(directory.path() + "/control");
    EXPECT_EQ(send_fault(directory.path() + "/control", "earthquake"), "no such fault");
}

}  // namespace
}  // namespace kvorum::nemesis
