#include "engine/expression/columns.hpp"
#include "engine/expression/functions/list_values.hpp"
#include "engine/expression/kernels/dispatch.hpp"
#include "engine/expression/kernels/operators.hpp"

namespace sluice::expression {

namespace {

std::uint64_t* words(const buffer_ptr& buffer) { return reinterpret_cast<std::uint64_t*>(buffer->mutable_data()); }

template <class T, comparison Op>
result<array_ptr> comparison_kernel(call& c) {
  const column_of<T> left(c.args[0]);
  const column_of<T> right(c.args[1]);
  auto bits = allocate_bitmap(c.rows);
  find_comparison<T>(Op, form_of(c))(left.values, right.values, words(bits), c.rows);
  return make_booleans(c.rows, std::move(bits), all_valid(c.args, c.rows));
}

kernel find_number_comparison(comparison op, const arrow::DataType& type) {
  return dispatch_number(type, [op]<class T>(std::type_identity<T>) {
    return dispatch(op, [](auto known) -> kernel { return comparison_kernel<T, known>; });
  });
}

// false < true: comparisons of booleans are logic.
template <comparison Op>
result<array_ptr> boolean_kernel(call& c) {
  std::vector<array_ptr> sides;
  for (const auto& arg : c.args) {
    SLUICE_ASSIGN(auto side, as_array(arg, c.rows));
    sides.push_back(std::move(side));
  }
  const auto left = boolean_bits(*sides[0]);
  const auto right = boolean_bits(*sides[1]);
  auto bits = allocate_bitmap(c.rows);
  for (std::int64_t word = 0; word < words_for(c.rows); ++word) {
    const auto a = load_word(left->data(), word, c.rows);
    const auto b = load_word(right->data(), word, c.rows);
    words(bits)[word] = Op == comparison::equal        ? ~(a ^ b)
                        : Op == comparison::not_equal  ? a ^ b
                        : Op == comparison::less       ? ~a & b
                        : Op == comparison::less_equal ? ~a | b
                        : Op == comparison::greater    ? a & ~b
                                                       : a | ~b;
  }
  return make_booleans(c.rows, std::move(bits), all_valid(c.args, c.rows));
}

// Equality with a constant: most rows are decided by their length or their first eight bytes.
void gather_equal(const texts_of& texts, std::string_view wanted, std::int64_t rows, std::uint8_t* out) {
  const auto length = static_cast<std::int32_t>(wanted.size());
  if (length < 8) {
    // Eight bytes can be read from where a text begins, whatever its length, but for the last ones.
    const auto* const last = std::upper_bound(texts.offsets, texts.offsets + rows, texts.offsets[rows] - 8);
    const auto readable = static_cast<std::int64_t>(last - texts.offsets);
    const auto used = (std::uint64_t{1} << (8 * length)) - 1;
    std::uint64_t text = 0;
    std::memcpy(&text, wanted.data(), wanted.size());
    return gather_bits(rows, out, [&](std::int64_t row) {
      const auto begin = texts.offsets[row];
      const bool same_length = texts.offsets[row + 1] - begin == length;
      if (row >= readable) return same_length && std::memcmp(texts.bytes + begin, wanted.data(), wanted.size()) == 0;
      std::uint64_t found;
      std::memcpy(&found, texts.bytes + begin, 8);
      return static_cast<bool>(static_cast<int>(same_length) & static_cast<int>((found & used) == text));
    });
  }
  std::uint64_t first;
  std::memcpy(&first, wanted.data(), 8);
  gather_bits(rows, out, [&](std::int64_t row) {
    const auto begin = texts.offsets[row];
    if (texts.offsets[row + 1] - begin != length) return false;
    std::uint64_t found;
    std::memcpy(&found, texts.bytes + begin, 8);
    return found == first && std::memcmp(texts.bytes + begin + 8, wanted.data() + 8, wanted.size() - 8) == 0;
  });
}

// Text compares by its bytes, which for UTF-8 is the order of code points (collation "C").
template <comparison Op>
result<array_ptr> text_kernel(call& c) {
  const texts_of left(c.args[0]);
  const texts_of right(c.args[1]);
  auto bits = allocate_bitmap(c.rows);
  constexpr bool equality = Op == comparison::equal || Op == comparison::not_equal;
  if (equality && left.constant != right.constant && c.rows > 1) {
    gather_equal(left.constant ? right : left, left.constant ? left[0] : right[0], c.rows, bits->mutable_data());
    if (Op == comparison::not_equal)
      for (std::int64_t word = 0; word < words_for(c.rows); ++word) words(bits)[word] = ~words(bits)[word];
  } else {
    gather_bits(c.rows, bits->mutable_data(), [&](std::int64_t row) { return holds<Op>(left[row], right[row]); });
  }
  return make_booleans(c.rows, std::move(bits), all_valid(c.args, c.rows));
}

// IS DISTINCT FROM: nulls equal each other and differ from everything else.
template <bool Negated>
result<array_ptr> distinct_kernel(call& c) {
  const auto compare = find_comparison_kernel(comparison::not_equal, *c.args[0].array->type());
  SLUICE_ASSIGN(auto left, as_array(c.args[0], c.rows));
  SLUICE_ASSIGN(auto right, as_array(c.args[1], c.rows));
  // The kernel may take its arguments over; the arrays here keep what is needed below.
  const auto left_valid = validity_of(*left);
  const auto right_valid = validity_of(*right);
  call inner{c.of, arrow::boolean(), {{left}, {right}}, c.rows, c.active, c.in, c.state};
  SLUICE_ASSIGN(auto differs, compare(inner));
  const auto differing = boolean_bits(*differs);
  auto bits = allocate_bitmap(c.rows);
  for (std::int64_t word = 0; word < words_for(c.rows); ++word) {
    const auto a = left_valid ? load_word(left_valid->data(), word, c.rows) : ~std::uint64_t{0};
    const auto b = right_valid ? load_word(right_valid->data(), word, c.rows) : ~std::uint64_t{0};
    const auto distinct = (a ^ b) | (a & b & load_word(differing->data(), word, c.rows));
    words(bits)[word] = Negated ? ~distinct : distinct;
  }
  return make_booleans(c.rows, std::move(bits), nullptr);
}

}  // namespace

kernel text_comparison_kernel(comparison op) {
  return dispatch(op, [](auto known) -> kernel { return text_kernel<known>; });
}

kernel find_comparison_kernel(comparison op, const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return dispatch(op, [](auto known) -> kernel { return boolean_kernel<known>; });
    case arrow::Type::DATE32:
      return find_number_comparison(op, *arrow::int32());
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
      return find_number_comparison(op, *arrow::int64());
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return decimal_comparison_kernel(op);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return text_comparison_kernel(op);
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return interval_comparison_kernel(op);
    case arrow::Type::LIST:
      return list_comparison_kernel(op);
    default:
      return find_number_comparison(op, type);
  }
}

kernel find_distinct_kernel(bool negated, const arrow::DataType& type) {
  if (find_comparison_kernel(comparison::not_equal, type) == nullptr) return nullptr;
  return negated ? distinct_kernel<true> : distinct_kernel<false>;
}

}  // namespace sluice::expression
