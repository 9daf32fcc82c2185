#include "engine/expression/loops/loops.hpp"

namespace sluice::expression {

#define SLUICE_GENERATION(name)                                          \
  namespace name {                                                       \
  template <class T>                                                     \
  arithmetic_loop<T> arithmetic_by_op(arithmetic op, operand_form form); \
  template <class T>                                                     \
  comparison_loop<T> comparison_by_op(comparison op, operand_form form); \
  }
SLUICE_GENERATION(v2)
SLUICE_GENERATION(v3)
SLUICE_GENERATION(v4)
#undef SLUICE_GENERATION

int machine_generation() {
  static const int found = [] {
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
      return 4;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 3 : 2;
  }();
  return found;
}

template <class T>
arithmetic_loop<T> find_arithmetic(arithmetic op, operand_form form, int generation) {
  if (generation == 4) return v4::arithmetic_by_op<T>(op, form);
  if (generation == 3) return v3::arithmetic_by_op<T>(op, form);
  return v2::arithmetic_by_op<T>(op, form);
}

template <class T>
comparison_loop<T> find_comparison(comparison op, operand_form form, int generation) {
  if (generation == 4) return v4::comparison_by_op<T>(op, form);
  if (generation == 3) return v3::comparison_by_op<T>(op, form);
  return v2::comparison_by_op<T>(op, form);
}

#define SLUICE_LOOPS_FOR(T)                                                   \
  template arithmetic_loop<T> find_arithmetic(arithmetic, operand_form, int); \
  template comparison_loop<T> find_comparison(comparison, operand_form, int);
SLUICE_LOOPS_FOR(std::int16_t)
SLUICE_LOOPS_FOR(std::int32_t)
SLUICE_LOOPS_FOR(std::int64_t)
SLUICE_LOOPS_FOR(std::uint64_t)
SLUICE_LOOPS_FOR(float)
SLUICE_LOOPS_FOR(double)
#undef SLUICE_LOOPS_FOR

}  // namespace sluice::expression
