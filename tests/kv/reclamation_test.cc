#include "kv/reclamation.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace kvorum::kv {
namespace {

class ReclamationTest : public ::testing::Test {
 protected:
    void retire(int name) {
        retired.push_back(std::make_unique<int>(name));
        reclamation.retire(&released, retired.back().get(), [](void* out, void* object) {
            static_cast<std::vector<int>*>(out)->push_back(*static_cast<int*>(object));
        });
    }
    std::vector<int> collect() {
        reclamation.collect();
        return std::exchange(released, {});
    }

    using Names = std::vector<int>;
    Names released;
    std::vector<std::unique_ptr<int>> retired;
    Reclamation reclamation;
};

TEST_F(ReclamationTest, WithoutReadersAllIsReleasedInOrder) {
    retire(1);
    retire(2);
    EXPECT_EQ(collect(), (Names{1, 2}));
    EXPECT_EQ(collect(), Names{});
}

TEST_F(ReclamationTest, WaitsForEveryReader) {
    Reclamation::Reader first = reclamation.add_reader();
    Reclamation::Reader second = reclamation.add_reader();
    retire(1);
    EXPECT_EQ(collect(), Names{});
    first.quiesce();
    EXPECT_EQ(collect(), Names{});
    second.quiesce();
    EXPECT_EQ(collect(), Names{1});
}

TEST_F(ReclamationTest, AnAnnouncementFromBeforeTheRetirementDoesNotCount) {
    Reclamation::Reader reader = reclamation.add_reader();
    reader.quiesce();
    retire(1);
    EXPECT_EQ(collect(), Names{});
}

TEST_F(ReclamationTest, ReleasesWhatIsPassedAndKeepsWhatIsNot) {
    Reclamation::Reader reader = reclamation.add_reader();
    retire(1);
    EXPECT_EQ(collect(), Names{});
    reader.quiesce();
    retire(2);
    EXPECT_EQ(collect(), Names{1});
    EXPECT_EQ(reclamation.retired_count(), 1u);
    reader.quiesce();
    EXPECT_EQ(collect(), Names{2});
}

TEST_F(ReclamationTest, AReaderThatIsOfflineHoldsNothingBack) {
    Reclamation::Reader reader = reclamation.add_reader();
    retire(1);
    reader.go_offline();
    EXPECT_EQ(collect(), Names{1});
    reader.go_online();
    retire(2);
    EXPECT_EQ(collect(), Names{});
    reader.go_offline();
}

TEST_F(ReclamationTest, AReaderThatEndsHoldsNothingBackAndMakesRoomForAnother) {
    for (size_t i = 0; i < 3 * Reclamation::kReadersMax; ++i) {
        std::optional<Reclamation::Reader> reader(reclamation.add_reader());
        retire(static_cast<int>(i));
        EXPECT_EQ(collect(), Names{});
        reader.reset();
        EXPECT_EQ(collect(), Names{static_cast<int>(i)});
    }
}

}  // namespace
}  // namespace kvorum::kv
