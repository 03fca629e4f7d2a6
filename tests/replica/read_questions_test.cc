#include "replica/read_questions.h"

#include <gtest/gtest.h>

namespace kvorum::replica {
namespace {

constexpr NodeId kAsker{2};
constexpr NodeId kOtherAsker{3};

TEST(ReadQuestions, EachIsTakenOnceUnderAnIdThatNoReadOfTheNodeHas) {
    ReadQuestions questions;
    const std::optional<uint64_t> raft_id = questions.add(kAsker, 7);
    ASSERT_TRUE(raft_id.has_value());
    EXPECT_TRUE(ReadQuestions::is_question(*raft_id));
    EXPECT_FALSE(ReadQuestions::is_question(UINT64_MAX >> 2));
    const std::optional<ReadQuestion> question = questions.take(*raft_id);
    ASSERT_TRUE(question.has_value());
    EXPECT_EQ(question->from, kAsker);
    EXPECT_EQ(question->id, 7u);
    EXPECT_FALSE(questions.take(*raft_id).has_value());
}

TEST(ReadQuestions, TheQuestionsOfANodeThatIsGoneAreForgotten) {
    ReadQuestions questions;
    const uint64_t of_asker = *questions.add(kAsker, 7);
    const uint64_t of_other = *questions.add(kOtherAsker, 7);
    questions.forget(kAsker);
    EXPECT_FALSE(questions.take(of_asker).has_value());
    EXPECT_TRUE(questions.take(of_other).has_value());
}

TEST(ReadQuestions, ANodeThatAsksWithoutEndIsRefusedAndNobodyElse) {
    ReadQuestions questions;
    for (uint64_t id = 1; id <= ReadQuestions::kPerPeerMax; ++id)
        ASSERT_TRUE(questions.add(kAsker, id).has_value());
    EXPECT_FALSE(questions.add(kAsker, 1000).has_value());
    EXPECT_TRUE(questions.add(kOtherAsker, 1).has_value());
    EXPECT_EQ(questions.take_all().size(), ReadQuestions::kPerPeerMax + 1);
    EXPECT_TRUE(questions.add(kAsker, 1001).has_value());
}

}  // namespace
}  // namespace kvorum::replica
