#include "tools/load_topology.h"

#include <gtest/gtest.h>

#include "reactor/reactor.h"
#include "tests/reactor/fake_backend.h"

namespace kvorum::tools::load {
namespace {

redis::ReplyValue reply_of(std::string_view text) {
    redis::RespReplyParser parser;
    parser.feed(as_bytes(text));
    redis::ReplyValue reply;
    EXPECT_EQ(parser.next(reply), redis::ReplyStatus::kReply);
    return reply;
}

constexpr std::string_view kTwoMasters =
    "*2\r\n*4\r\n:0\r\n:8191\r\n*3\r\n$1\r\na\r\n:1\r\n$2\r\nid\r\n*3\r\n$1\r\nc\r\n:3\r\n$2\r\nid\r\n"
    "*3\r\n:8192\r\n:16383\r\n*2\r\n$1\r\nb\r\n:2\r\n";

class LoadTopologyTest : public testing::Test {
 protected:
    [[nodiscard]] std::string owner(uint16_t slot) const {
        const uint32_t node = topology_.node_of_slot(slot);
        return node == Topology::kNobody ? "nobody" : topology_.node(node).to_string();
    }

    reactor::FakeBackend backend_;
    reactor::Reactor reactor_{backend_, {}};
    int changes_ = 0;
    Topology topology_{reactor_, {{"a", 1}}, [this] { ++changes_; }};
};

TEST_F(LoadTopologyTest, LearnsTheMastersOfAllSlots) {
    EXPECT_EQ(owner(0), "nobody");
    EXPECT_FALSE(topology_.knows_slots());
    ASSERT_TRUE(topology_.apply_slots(reply_of(kTwoMasters)));
    EXPECT_TRUE(topology_.knows_slots());
    EXPECT_EQ(owner(0), "a:1");
    EXPECT_EQ(owner(8191), "a:1");
    EXPECT_EQ(owner(8192), "b:2");
    EXPECT_EQ(owner(16383), "b:2");
}

TEST_F(LoadTopologyTest, AnAnswerThatIsNoMapChangesNothing) {
    ASSERT_TRUE(topology_.apply_slots(reply_of(kTwoMasters)));
    for (const char* wrong :
         {"-ERR This instance has cluster support disabled\r\n", "*0\r\n", "*1\r\n*2\r\n:0\r\n:1\r\n",
          "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\nx\r\n:9\r\n", "*1\r\n*3\r\n:5\r\n:4\r\n*2\r\n$1\r\nx\r\n:9\r\n",
          "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$0\r\n\r\n:9\r\n", "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\nx\r\n:99999\r\n"})
        EXPECT_FALSE(topology_.apply_slots(reply_of(wrong))) << wrong;
    EXPECT_EQ(owner(0), "a:1");
}

TEST_F(LoadTopologyTest, MovedCorrectsOneSlotAtOnce) {
    ASSERT_TRUE(topology_.apply_slots(reply_of(kTwoMasters)));
    topology_.apply(*MovedTo::parse("MOVED 7 b:2"));
    EXPECT_EQ(owner(7), "b:2");
    EXPECT_EQ(owner(8), "a:1");
    EXPECT_EQ(changes_, 1);
    topology_.apply(*MovedTo::parse("MOVED 7 b:2"));
    EXPECT_EQ(changes_, 1) << "nothing new";
}

TEST(LoadMovedTest, OnlyAWellFormedErrorMovesASlot) {
    for (const char* wrong :
         {"", "MOVED", "MOVED 1", "MOVED x a:1", "MOVED 16384 a:1", "MOVED 1 nowhere", "ASK 1 a:1", "MOVED 1 a:1 more"})
        EXPECT_FALSE(MovedTo::parse(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace kvorum::tools::load
