// When memory that readers on other threads may still look at can be freed: quiescent-state reclamation (McKenney's
// RCU; performance study section 4).
//
// The owner takes something out of reach and retires it. A reader announces, between two operations, that it holds
// nothing that it read before. What was retired is released once every reader has announced so since: readers store
// once a turn, not once an operation, and to a cache line of their own. A reader that sleeps goes offline; one that
// does neither holds back all memory that is retired from then on, so no reader may run long without an announcement.
//
// Threads: retire() and collect() belong to the owner, which counts as quiescent whenever it calls collect();
// add_reader() may be called by any thread, and a Reader belongs to the thread that uses it. Ownership: all readers end
// before this does. Limits: kReadersMax readers at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace kvorum::kv {

class Reclamation {
    struct alignas(64) ReaderSlot {
        std::atomic<uint64_t> seen_epoch{kOffline};
        std::atomic<bool> taken{false};
    };

 public:
    static constexpr size_t kReadersMax = 64;

    using Release = void (*)(void* owner, void* object);

    class Reader {
     public:
        Reader(Reader&& other) noexcept
            : epoch_(std::exchange(other.epoch_, nullptr)), slot_(std::exchange(other.slot_, nullptr)) {}
        Reader(const Reader&) = delete;
        Reader& operator=(const Reader&) = delete;
        ~Reader();

        // What was read so far is not used any more.
        void quiesce() { slot_->seen_epoch.store(epoch_->load(std::memory_order_acquire), std::memory_order_release); }
        // The same, until go_online(): nothing may be read in between.
        void go_offline() { slot_->seen_epoch.store(kOffline, std::memory_order_release); }
        void go_online();

     private:
        friend class Reclamation;
        Reader(const std::atomic<uint64_t>& epoch, ReaderSlot& slot) : epoch_(&epoch), slot_(&slot) {}

        const std::atomic<uint64_t>* epoch_;
        ReaderSlot* slot_;
    };

    Reclamation() = default;
    Reclamation(const Reclamation&) = delete;
    Reclamation& operator=(const Reclamation&) = delete;
    ~Reclamation();

    [[nodiscard]] Reader add_reader();  // online

    // `object` can no longer be reached; release(owner, object) is called by a later collect(), in the order of
    // retirement.
    void retire(void* owner, void* object, Release release) { open_.emplace_back(owner, object, release); }
    // Releases what every reader has passed. What the owner itself read before is not valid any more.
    void collect();

    [[nodiscard]] size_t retired_count() const { return open_.size() + closed_count_; }

 private:
    static constexpr uint64_t kOffline = UINT64_MAX;

    struct Retired {
        Retired(void* its_owner, void* its_object, Release its_release)
            : owner(its_owner), object(its_object), release(its_release) {}
        void* owner;
        void* object;
        Release release;
    };
    struct Batch {
        uint64_t epoch;  // the last one in which a reader may have reached it
        std::vector<Retired> items;
    };

    static void release_all(const std::vector<Retired>& items);
    [[nodiscard]] uint64_t oldest_seen_epoch() const;

    std::array<ReaderSlot, kReadersMax> slots_;
    std::atomic<uint64_t> epoch_{1};
    std::atomic<size_t> slots_used_{0};  // no slot at or above it was ever taken
    std::vector<Retired> open_;          // in the current epoch
    std::deque<Batch> closed_;           // in earlier ones, not yet passed by all
    size_t closed_count_ = 0;
};

}  // namespace kvorum::kv
