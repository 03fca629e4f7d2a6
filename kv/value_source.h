// Where the bytes of a value come from that a command makes of others: written into the new record in slices, so that a
// value of megabytes is never copied in one step. Private to kv.
//
// What a source refers to, a record or an entry of the log, stays until the value is put (Store::begin_put). Thread:
// the owning core.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace kvorum::kv {

class ValueSource {
 public:
    ValueSource() = default;
    ValueSource(const ValueSource&) = delete;
    ValueSource& operator=(const ValueSource&) = delete;
    virtual ~ValueSource() = default;
    // Writes the bytes from `offset` on. Called once for each, from the first to the last.
    virtual void fill(uint64_t offset, std::span<char> out) const = 0;
};

// `base`, then zeros, and over them `patch`.
class PatchedValue final : public ValueSource {
 public:
    PatchedValue(std::string_view base, uint64_t patch_at, std::string_view patch)
        : base_(base), patch_at_(patch_at), patch_(patch) {}
    // With a patch of its own.
    PatchedValue(std::string_view base, uint64_t patch_at, char byte)
        : base_(base), patch_at_(patch_at), byte_{byte}, patch_(byte_.data(), 1) {}
    void fill(uint64_t offset, std::span<char> out) const override;

 private:
    std::string_view base_;
    uint64_t patch_at_;
    std::array<char, 1> byte_{};
    std::string_view patch_;
};

// `base`, then zeros up to a size, of which single bytes can be read and changed before it is put.
class PagedValue final : public ValueSource {
 public:
    PagedValue(std::string_view base, uint64_t size_bytes);
    // Within the size.
    void read(uint64_t offset, std::span<char> out) const { fill(offset, out); }
    void write(uint64_t offset, std::string_view bytes);
    void fill(uint64_t offset, std::span<char> out) const override;

 private:
    static constexpr size_t kPageBytes = 4096;
    using Page = std::array<char, kPageBytes>;

    std::string_view base_;
    std::vector<std::unique_ptr<Page>> pages_;  // that were written to
};

// Bytes of the base from `offset` on, zeros behind its end.
void copy_with_zeros(std::string_view base, uint64_t offset, std::span<char> out);

}  // namespace kvorum::kv
