// A queue in one array that grows when it must and never shrinks: steady traffic allocates nothing. Thread: the
// owner's.
#pragma once

#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace kvorum {

template <typename T>
class Fifo {
 public:
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] T& front() { return (*this)[0]; }
    [[nodiscard]] const T& front() const { return (*this)[0]; }
    [[nodiscard]] T& back() { return (*this)[size_ - 1]; }
    [[nodiscard]] const T& back() const { return (*this)[size_ - 1]; }
    [[nodiscard]] T& operator[](size_t i) { return ring_[slot(i)]; }
    [[nodiscard]] const T& operator[](size_t i) const { return ring_[slot(i)]; }

    // In order. Good until the queue changes.
    [[nodiscard]] auto begin() { return Iterator<Fifo, T>{this, 0}; }
    [[nodiscard]] auto end() { return Iterator<Fifo, T>{this, size_}; }
    [[nodiscard]] auto begin() const { return Iterator<const Fifo, const T>{this, 0}; }
    [[nodiscard]] auto end() const { return Iterator<const Fifo, const T>{this, size_}; }

    void push_back(T value) {
        if (size_ == ring_.size()) grow();
        ring_[(head_ + size_++) & (ring_.size() - 1)] = std::move(value);
    }
    void pop_front() {
        front() = T{};
        head_ = (head_ + 1) & (ring_.size() - 1);
        --size_;
    }
    void pop_back() {
        back() = T{};
        --size_;
    }
    void clear() {
        while (!empty())
            pop_back();
    }

 private:
    template <typename Queue, typename Item>
    struct Iterator {
        using iterator_category = std::forward_iterator_tag;
        using value_type = T;
        using difference_type = std::ptrdiff_t;
        using pointer = Item*;
        using reference = Item&;

        Item& operator*() const { return (*queue)[at]; }
        Item* operator->() const { return &(*queue)[at]; }
        Iterator& operator++() {
            ++at;
            return *this;
        }
        Iterator operator++(int) { return {queue, at++}; }
        bool operator==(const Iterator& other) const { return at == other.at; }

        Queue* queue = nullptr;
        size_t at = 0;
    };

    [[nodiscard]] size_t slot(size_t i) const {
        KVORUM_ASSERT(i < size_, "{} of {}", i, size_);
        return (head_ + i) & (ring_.size() - 1);
    }
    void grow() {
        std::vector<T> larger(ring_.empty() ? 16 : ring_.size() * 2);
        for (size_t i = 0; i < size_; ++i)
            larger[i] = std::move((*this)[i]);
        ring_ = std::move(larger);
        head_ = 0;
    }

    std::vector<T> ring_;  // its size is a power of two
    size_t head_ = 0;
    size_t size_ = 0;
};

}  // namespace kvorum
