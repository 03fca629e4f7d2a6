// Integers that cannot be mixed up: Term, LogIndex and NodeId are different types with no implicit conversion between
// them.
//
// Subtracting two ids of one kind gives a plain count; adding a count to an id gives an id. 0 means "none" for all
// three.
#pragma once

#include <fmt/format.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace kvorum {

template <typename Tag>
class StrongId {
 public:
    constexpr StrongId() = default;
    constexpr explicit StrongId(uint64_t value) : value_(value) {}

    [[nodiscard]] constexpr uint64_t value() const { return value_; }
    [[nodiscard]] constexpr bool is_none() const { return value_ == 0; }

    constexpr auto operator<=>(const StrongId&) const = default;

    constexpr StrongId& operator++() {
        ++value_;
        return *this;
    }
    friend constexpr StrongId operator+(StrongId id, uint64_t count) { return StrongId{id.value_ + count}; }
    friend constexpr StrongId operator-(StrongId id, uint64_t count) { return StrongId{id.value_ - count}; }
    friend constexpr uint64_t operator-(StrongId a, StrongId b) { return a.value_ - b.value_; }

    template <typename H>
    friend H AbslHashValue(H state, StrongId id) {
        return H::combine(std::move(state), id.value_);
    }

 private:
    uint64_t value_ = 0;
};

}  // namespace kvorum

template <typename Tag>
struct fmt::formatter<kvorum::StrongId<Tag>> : fmt::formatter<uint64_t> {
    template <typename Context>
    auto format(kvorum::StrongId<Tag> id, Context& context) const {
        return fmt::formatter<uint64_t>::format(id.value(), context);
    }
};

template <typename Tag>
struct std::hash<kvorum::StrongId<Tag>> {
    size_t operator()(kvorum::StrongId<Tag> id) const { return std::hash<uint64_t>{}(id.value()); }
};
