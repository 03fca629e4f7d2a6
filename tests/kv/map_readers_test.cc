// Readers on other threads, while the owner splits, merges, replaces, erases and clears. Run under ThreadSanitizer and
// AddressSanitizer this shows that a reader never meets memory that is being written or was freed.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <charconv>
#include <string>
#include <thread>
#include <vector>

#include "base/prng.h"
#include "kv/hash_map.h"

namespace kvorum::kv {
namespace {

constexpr SegmentShape kTinyShape{.bucket_count = 2, .stash_count = 2};
constexpr int kReaderCount = 2;
constexpr int kStableCount = 200;
constexpr uint64_t kChangingCount = 2000;

std::string stable_key(uint64_t i) { return "stable" + std::to_string(i); }
std::string changing_key(uint64_t i) { return "changing" + std::to_string(i); }

// A value that proves itself: what a reader gets is whole and belongs to the key.
std::string value_of(std::string_view key, uint64_t version) {
    std::string value(key);
    for (uint64_t i = 0; i <= version % 40; ++i)
        value.append(":").append(std::to_string(version));
    return value;
}

uint64_t version_of(std::string_view value) {
    uint64_t version = 0;
    std::from_chars(value.data() + value.rfind(':') + 1, value.data() + value.size(), version);
    return version;
}

class MapReaders : public ::testing::Test {
 protected:
    void put(const std::string& key, uint64_t version) {
        map.put({.key = key, .value = value_of(key, version), .revision = Revision{version}}, map.hash(key));
    }
    void erase(const std::string& key) { map.erase(key, map.hash(key)); }
    const Record* find(const std::string& key) const { return map.find(key, map.hash(key)); }

    // Runs `step` on reader threads until the owner's work is done.
    template <typename Step, typename Work>
    void run(Step step, Work work) {
        std::vector<std::thread> threads;
        threads.reserve(kReaderCount);
        for (uint64_t i = 0; i < kReaderCount; ++i) {
            threads.emplace_back([this, i, &step] {
                Reclamation::Reader reader = map.add_reader();
                Prng prng(i);
                ++started;
                while (!done) {
                    for (int k = 0; k < 8; ++k)
                        step(prng);
                    if (prng.chance(1, 50)) {
                        reader.go_offline();
                        reader.go_online();
                    }
                    reader.quiesce();
                }
            });
        }
        while (started < kReaderCount)
            std::this_thread::yield();
        work();
        done = true;
        for (std::thread& thread : threads)
            thread.join();
        map.collect();
    }

    HashMap map{1, kTinyShape};
    std::atomic<int> started{0};
    std::atomic<bool> done{false};
};

TEST_F(MapReaders, SeeWholeRecordsAndNeverMissAKeyThatStays) {
    for (uint64_t i = 0; i < kStableCount; ++i)
        put(stable_key(i), 0);
    const auto read = [this](Prng& prng) {
        const std::string stable = stable_key(prng.below(kStableCount));
        const Record* record = find(stable);
        ASSERT_NE(record, nullptr) << stable;
        ASSERT_EQ(record->value(), value_of(stable, record->revision().value()));
        const std::string changing = changing_key(prng.below(kChangingCount));
        if (const Record* other = find(changing)) {
            ASSERT_EQ(other->key(), changing);
            ASSERT_EQ(other->value(), value_of(changing, other->revision().value()));
        }
    };
    run(read, [this] {
        Prng prng(77);
        for (uint64_t step = 1; step <= 60'000; ++step) {
            // Whole waves of inserts and of erasures: segments split and merge.
            const std::string key = changing_key(prng.below(kChangingCount));
            if (step / 3000 % 2 == 0) {
                put(key, step);
            } else {
                erase(key);
            }
            if (prng.chance(1, 4)) put(stable_key(prng.below(kStableCount)), step);
            if (prng.chance(1, 16)) map.collect();
        }
    });
    EXPECT_EQ(map.retired_count(), 0u);
}

TEST_F(MapReaders, SeeVersionsOnlyGoForward) {
    constexpr uint64_t kKeys = 8;
    for (uint64_t i = 0; i < kKeys; ++i)
        put(stable_key(i), 0);
    struct alignas(64) Seen {
        std::array<uint64_t, kKeys> versions{};
    };
    static thread_local Seen seen;
    const auto read = [this](Prng& prng) {
        const uint64_t i = prng.below(kKeys);
        const Record* record = find(stable_key(i));
        ASSERT_NE(record, nullptr);
        const uint64_t version = version_of(record->value());
        ASSERT_GE(version, seen.versions[i]) << "a reader went back in time";
        seen.versions[i] = version;
    };
    run(read, [this] {
        Prng prng(5);
        for (uint64_t step = 1; step <= 40'000; ++step) {
            put(stable_key(prng.below(kKeys)), step);
            // Others make the segments split and merge.
            const std::string key = changing_key(step % 500);
            if (step / 500 % 2 == 0) {
                put(key, step);
            } else {
                erase(key);
            }
            if (step % 32 == 0) map.collect();
        }
    });
}

TEST_F(MapReaders, OutliveAClearThatTheyAreIn) {
    const auto read = [this](Prng& prng) {
        const std::string key = changing_key(prng.below(kChangingCount));
        const Record* record = find(key);
        if (record != nullptr) {
            ASSERT_EQ(record->value(), value_of(key, record->revision().value()));
        }
    };
    run(read, [this] {
        for (uint64_t round = 1; round <= 60; ++round) {
            for (uint64_t i = 0; i < kChangingCount; i += 3)
                put(changing_key(i), round);
            map.clear();
            map.collect();
            map.release_cleared();
        }
    });
    while (map.release_cleared()) {
    }
    EXPECT_EQ(map.size(), 0u);
}

}  // namespace
}  // namespace kvorum::kv
