// The checks that verifying builds make after every turn see what is wrong. Other builds have neither.
#include "tests/gateway/gateway_fixture.h"

namespace kvorum::gateway {
namespace {

class GatewayChecks : public GatewayTest {
 protected:
    void SetUp() override {
        GTEST_FLAG_SET(death_test_style, "fast");
        lead();
    }
    // Something that a turn has to look at, so that it checks.
    void turn_of_another() {
        submit_ping(other_);
        turn();
    }

    FakeClient& client_ = new_client();
    FakeClient& other_ = new_client();
};

TEST_F(GatewayChecks, ALaneCountsItsCommands) {
    submit(client_, "get k");
    turns();
    client_.lane.check();
    client_.lane.queue().front().state = RequestState::kParked;
    EXPECT_DEATH(client_.lane.check(), "0 and 1 instead of 1 and 0");
    client_.lane.queue().front().state = RequestState::kRead;
    client_.lane.queue().front().is_barrier = true;
    EXPECT_DEATH(client_.lane.check(), "1 and 0 instead of 0 and 0");
    client_.lane.queue().front().is_barrier = false;
    client_.lane.queue().front().expected_reply_bytes = 5;
    EXPECT_DEATH(client_.lane.check(), "5 instead of 0");
    client_.lane.queue().front().expected_reply_bytes = 0;
}

TEST_F(GatewayChecks, NoReplyStaysInALane) {
    submit(client_, "get k");
    turns();
    EXPECT_DEATH(client_.lane.set_state(client_.lane.queue().front(), RequestState::kAnswered);
                 client_.lane.check(), "a reply stays in its queue");
}

TEST_F(GatewayChecks, NothingIsOutstandingNowhere) {
    submit(client_, "get k");
    turns();
    EXPECT_DEATH(client_.lane.target = {}; client_.lane.check(), "outstanding nowhere");
}

TEST_F(GatewayChecks, TheScheduleHasEachLaneThatSaysSo) {
    turn_of_another();
    EXPECT_DEATH(client_.lane.is_scheduled = true; turn_of_another(), "awake");
    EXPECT_DEATH(client_.lane.in_line = true; turn_of_another(), "in_line");
}

TEST_F(GatewayChecks, EachLaneIsWhereItsHandleSays) {
    EXPECT_DEATH(++client_.lane.handle.generation; turn_of_another(), "is lost");
}

TEST_F(GatewayChecks, AsManyReadsHoldTheStateAsAreCounted) {
    EXPECT_DEATH(
        {
            const std::vector<std::string_view> none;
            const std::string packed = [] {
                std::string text;
                pack_arguments(std::vector<std::string_view>{"exists", "a", "b"}, text);
                return text;
            }();
            const PackedKeys keys = packed_keys(packed);
            client_.lane.long_reply =
                std::make_unique<LongReply>(ops::begin_long_read(store_, ops::operation_of(ops::OperationCode::kExists),
                                                                 none, keys.count, keys.keys),
                                            true);
            turn_of_another();
        },
        "1 reads hold the state instead of 0");
}

TEST_F(GatewayChecks, ReadsThatWaitForBuffersAreListed) {
    EXPECT_DEATH(client_.lane.waits_for_buffers = true; turn_of_another(), "1 reads wait for buffers, 0 are listed");
}

TEST_F(GatewayChecks, AWaitIsABarrierAndListed) {
    EXPECT_DEATH(client_.lane.wait.is_queued = true; turn_of_another(), "what follows it does not wait for");
    EXPECT_DEATH(
        {
            submit(client_, "get k");
            client_.lane.set_barrier(client_.lane.queue().front());
            client_.lane.wait.is_queued = true;
            turn_of_another();
        },
        "nobody looks at a WAIT");
}

// Within a call of the forwarder the request is answered and still kept.
TEST_F(GatewayChecks, TheForwarderKeepsNoAnsweredRequest) {
    struct Curious final : ForwardOutcomes {
        explicit Curious(Forwarder& asked) : forwarder(asked) {}
        void forward_executed(ForwardWaiter, std::string_view, LogIndex) override { forwarder.check(); }
        void forward_part(ForwardWaiter, std::string_view) override {}
        void forward_not_executed(ForwardWaiter) override {}
        void forward_outcome_unknown(ForwardWaiter) override {}
        Forwarder& forwarder;
    };
    Forwarder forwarder(peers_, 1);
    Curious curious(forwarder);
    const uint64_t id = forwarder.forward({kOther, Term{1}}, {}, 1, 2, std::vector<std::string_view>{"get", "k"});
    forwarder.check();
    EXPECT_DEATH(forwarder.on_reply(kOther, {id, Outcome::kExecuted, {}}, curious), "an answered request is kept");
}

}  // namespace
}  // namespace kvorum::gateway
