#pragma once

namespace sluice {

/// Which code reads text on the hot path. All levels find the same; the tests compare them.
enum class simd_level { scalar, sse2, avx2, avx512 };

/// The fastest level of this machine.
simd_level supported_simd_level();
/// The level to use: that of the machine; the environment variable SLUICE_SIMD (scalar, sse2, avx2, avx512) lowers it.
simd_level best_simd_level();

}  // namespace sluice
