#include "base/checksum_variants.h"

#include <array>

namespace kvorum {

extern const ChecksumVariant kPlainChecksum;

#ifdef __x86_64__
extern const ChecksumVariant kAvx2Checksum;

// AVX-512 gains nothing over AVX2 from 4 KiB on, and lowers the clock of some processors.
std::span<const ChecksumVariant* const> checksum_variants() {
    static constexpr std::array<const ChecksumVariant*, 2> kAll{&kAvx2Checksum, &kPlainChecksum};
    static const size_t missing = __builtin_cpu_supports("avx2") ? 0 : 1;
    return std::span(kAll).subspan(missing);
}
#else
std::span<const ChecksumVariant* const> checksum_variants() {
    static constexpr std::array<const ChecksumVariant*, 1> kAll{&kPlainChecksum};
    return kAll;
}
#endif

}  // namespace kvorum
