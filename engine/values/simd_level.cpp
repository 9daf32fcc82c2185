#include "engine/values/simd_level.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace sluice {

simd_level supported_simd_level() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("pclmul") &&
      __builtin_cpu_supports("bmi2"))
    return simd_level::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("bmi2"))
    return simd_level::avx2;
  return simd_level::sse2;
}

simd_level best_simd_level() {
  static const auto level = [] {
    const auto best = supported_simd_level();
    const char* wanted = std::getenv("SLUICE_SIMD");
    if (wanted == nullptr) return best;
    const std::string_view name = wanted;
    if (name == "scalar") return simd_level::scalar;
    if (name == "sse2") return simd_level::sse2;
    if (name == "avx2") return std::min(best, simd_level::avx2);
    return best;
  }();
  return level;
}

}  // namespace sluice
