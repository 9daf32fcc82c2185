// The loops of every generation of machines against the plainest code that can be written.
#include "engine/expression/loops/loops.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

using namespace sluice::expression;

namespace {

constexpr arithmetic arithmetics[] = {arithmetic::add, arithmetic::subtract, arithmetic::multiply, arithmetic::divide,
                                      arithmetic::modulo};
constexpr comparison comparisons[] = {comparison::equal,      comparison::not_equal, comparison::less,
                                      comparison::less_equal, comparison::greater,   comparison::greater_equal};
constexpr operand_form forms[] = {operand_form::both_columns, operand_form::left_constant,
                                  operand_form::right_constant};

// Small numbers, the ends of the type, and anything between.
template <class T>
T any_value(std::mt19937_64& random) {
  using limits = std::numeric_limits<T>;
  switch (random() % 8) {
    case 0:
      return limits::max();
    case 1:
      return limits::lowest();
    case 2:
      return T{0};
    case 3:
      return std::is_signed_v<T> ? static_cast<T>(-1) : T{1};
    case 4:
      if constexpr (std::is_floating_point_v<T>)
        return random() % 2 == 0 ? limits::quiet_NaN() : (random() % 2 == 0 ? limits::infinity() : -limits::infinity());
      return static_cast<T>(random());
    default:
      return static_cast<T>(static_cast<int>(random() % 200) - (std::is_signed_v<T> ? 100 : 0)) /
             (std::is_floating_point_v<T> ? T(8) : T(1));
  }
}

template <class T>
std::vector<T> any_values(std::mt19937_64& random, std::size_t count) {
  std::vector<T> values(count);
  for (auto& value : values) value = any_value<T>(random);
  return values;
}

// The result, or nothing where there is none in the type.
template <class T>
bool reference(arithmetic op, T a, T b, T& out) {
  if constexpr (std::is_floating_point_v<T>) {
    switch (op) {
      case arithmetic::add:
        out = a + b;
        break;
      case arithmetic::subtract:
        out = a - b;
        break;
      case arithmetic::multiply:
        out = a * b;
        break;
      case arithmetic::divide:
        out = a / b;
        break;
      case arithmetic::modulo:
        out = std::fmod(a, b);
        break;
    }
    const bool vanished = out == 0 && a != 0 && ((op == arithmetic::multiply && b != 0) || op == arithmetic::divide);
    return std::isfinite(out) && !vanished;
  } else {
    if ((op == arithmetic::divide || op == arithmetic::modulo) && b == 0) return false;
    __extension__ typedef __int128 wide;
    const wide x = a, y = b;
    const wide value = op == arithmetic::add        ? x + y
                       : op == arithmetic::subtract ? x - y
                       : op == arithmetic::divide   ? x / y
                       : op == arithmetic::modulo   ? x % y
                                                    : 0;
    if (op == arithmetic::multiply) return !__builtin_mul_overflow(a, b, &out);
    out = static_cast<T>(value);
    return value >= wide{std::numeric_limits<T>::min()} && value <= wide{std::numeric_limits<T>::max()};
  }
}

template <class T>
bool reference(comparison op, T a, T b) {
  int order = a < b ? -1 : a > b ? 1 : 0;
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) order = std::isnan(a) - std::isnan(b);
  }
  switch (op) {
    case comparison::equal:
      return order == 0;
    case comparison::not_equal:
      return order != 0;
    case comparison::less:
      return order < 0;
    case comparison::less_equal:
      return order <= 0;
    case comparison::greater:
      return order > 0;
    default:
      return order >= 0;
  }
}

template <class T>
void check_arithmetic(int generation, std::mt19937_64& random) {
  for (const auto op : arithmetics)
    for (const auto form : forms)
      for (const std::size_t rows : {1, 7, 64, 130}) {
        const auto left = any_values<T>(random, rows);
        const auto right = any_values<T>(random, rows);
        std::vector<T> out(rows);
        const bool bad = find_arithmetic<T>(op, form, generation)(left.data(), right.data(), out.data(),
                                                                  static_cast<std::int64_t>(rows));
        bool expect_bad = false;
        bool same = true;
        for (std::size_t row = 0; row < rows; ++row) {
          T wanted{};
          const bool good = reference(op, left[form == operand_form::left_constant ? 0 : row],
                                      right[form == operand_form::right_constant ? 0 : row], wanted);
          expect_bad = expect_bad || !good;
          same = same && (!good || out[row] == wanted);
        }
        INFO("op " << static_cast<int>(op) << " form " << static_cast<int>(form) << " rows " << rows << " generation "
                   << generation);
        REQUIRE(same);
        REQUIRE(bad == expect_bad);
        // Writing over an operand gives the same.
        auto in_place = left;
        if (form == operand_form::left_constant) continue;
        find_arithmetic<T>(op, form, generation)(in_place.data(), right.data(), in_place.data(),
                                                 static_cast<std::int64_t>(rows));
        REQUIRE(std::memcmp(in_place.data(), out.data(), rows * sizeof(T)) == 0);
      }
}

template <class T>
void check_comparison(int generation, std::mt19937_64& random) {
  for (const auto op : comparisons)
    for (const auto form : forms)
      for (const std::size_t rows : {1, 63, 64, 65, 200}) {
        const auto left = any_values<T>(random, rows);
        const auto right = any_values<T>(random, rows);
        std::vector<std::uint64_t> out((rows + 63) / 64 + 1, 0x5555555555555555ULL);
        find_comparison<T>(op, form, generation)(left.data(), right.data(), out.data(),
                                                 static_cast<std::int64_t>(rows));
        bool same = true;
        for (std::size_t row = 0; row < rows; ++row) {
          const bool wanted = reference(op, left[form == operand_form::left_constant ? 0 : row],
                                        right[form == operand_form::right_constant ? 0 : row]);
          same = same && (((out[row / 64] >> (row % 64)) & 1) != 0) == wanted;
        }
        INFO("op " << static_cast<int>(op) << " form " << static_cast<int>(form) << " rows " << rows << " generation "
                   << generation);
        REQUIRE(same);
        REQUIRE(out.back() == 0x5555555555555555ULL);  // nothing is written beyond the last word
      }
}

}  // namespace

TEMPLATE_TEST_CASE("loops agree with plain code on every generation of machines", "", std::int16_t, std::int32_t,
                   std::int64_t, std::uint64_t, float, double) {
  std::mt19937_64 random(3);
  for (int generation = 2; generation <= machine_generation(); ++generation)
    for (int round = 0; round < 20; ++round) {
      check_arithmetic<TestType>(generation, random);
      check_comparison<TestType>(generation, random);
    }
}
