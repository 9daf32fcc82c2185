#include "engine/expression/columns.hpp"
#include "engine/expression/kernels/junction.hpp"
#include "engine/expression/kernels/kernels.hpp"

namespace sluice::expression {

namespace {

// The two bitmaps of a boolean: where it is true and where it is false; null rows are in neither.
struct truth {
  buffer_ptr values;
  buffer_ptr validity;  // may be null
  std::int64_t rows;

  [[nodiscard]] std::uint64_t valid(std::int64_t word) const {
    return validity ? load_word(validity->data(), word, rows) : ~std::uint64_t{0};
  }
  [[nodiscard]] std::uint64_t is_true(std::int64_t word) const {
    return load_word(values->data(), word, rows) & valid(word);
  }
  [[nodiscard]] std::uint64_t is_false(std::int64_t word) const {
    return ~load_word(values->data(), word, rows) & valid(word);
  }
};

result<truth> truth_of(const operand& of, std::int64_t rows) {
  SLUICE_ASSIGN(const auto array, as_array(of, rows));
  return truth{boolean_bits(*array), validity_of(*array), rows};
}

std::uint64_t active_word(const mask& active, std::int64_t word, std::int64_t rows) {
  return active.bits ? load_word(active.bits->data(), word, rows) : low_bits(rows - word * 64);
}

class junction_node final : public node {
 public:
  junction_node(bool is_and, node_ptr left, node_ptr right, bool null_decides = false)
      : node(arrow::boolean(), {std::move(left), std::move(right)}), is_and_(is_and), null_decides_(null_decides) {}

  result<operand> evaluate(frame& in, const mask& active) const override {
    SLUICE_ASSIGN(auto left_value, inputs[0]->evaluate(in, active));
    SLUICE_ASSIGN(const auto left, truth_of(left_value, in.length));
    mask open{allocate_bitmap(in.length)};
    const auto any = undecided(left, active, in.length, open.bits->mutable_data());
    if (any == 0) return left_value;
    SLUICE_ASSIGN(auto right_value, inputs[1]->evaluate(in, open));
    SLUICE_ASSIGN(const auto right, truth_of(right_value, in.length));
    return operand{left.validity || right.validity ? three_valued(left, right) : two_valued(left, right)};
  }

  void print(std::string& out, bool nested) const override {
    if (nested) out += '(';
    inputs[0]->print(out, nested_in(*inputs[0]));
    out += is_and_ ? " and " : " or ";
    inputs[1]->print(out, nested_in(*inputs[1]));
    if (nested) out += ')';
  }

  [[nodiscard]] bool is_and() const { return is_and_; }

 private:
  // Chains of the same junction need no parentheses.
  bool nested_in(const node& inner) const {
    const auto* junction = dynamic_cast<const junction_node*>(&inner);
    return junction != nullptr && junction->is_and_ != is_and_;
  }

  // The rows that count and that the left side does not decide; none of them gives 0.
  std::uint64_t undecided(const truth& left, const mask& active, std::int64_t rows, std::uint8_t* out) const {
    std::uint64_t any = 0;
    if (!left.validity && !active.bits) {
      const auto* values = left.values->data();
      const auto flip = is_and_ ? std::uint64_t{0} : ~std::uint64_t{0};
      combine_words(rows, out, values, values, [&](auto value, auto) { return any |= value ^ flip, value ^ flip; });
      if (rows % 64 == 0) return any;
      // Bits beyond the end must not keep the right side alive.
      const auto last = words_for(rows) - 1;
      store_word(out, last, load_word(out, last, rows));
      return any;
    }
    for (std::int64_t word = 0; word < words_for(rows); ++word) {
      const auto decided = null_decides_ ? ~left.is_true(word) : is_and_ ? left.is_false(word) : left.is_true(word);
      const auto left_open = active_word(active, word, rows) & ~decided;
      store_word(out, word, left_open);
      any |= left_open;
    }
    return any;
  }

  array_ptr two_valued(const truth& left, const truth& right) const {
    auto bits = allocate_bitmap(left.rows);
    auto* out = bits->mutable_data();
    if (is_and_)
      combine_words(left.rows, out, left.values->data(), right.values->data(), [](auto a, auto b) { return a & b; });
    else
      combine_words(left.rows, out, left.values->data(), right.values->data(), [](auto a, auto b) { return a | b; });
    return make_booleans(left.rows, std::move(bits), nullptr);
  }

  array_ptr three_valued(const truth& left, const truth& right) const {
    auto bits = allocate_bitmap(left.rows);
    auto validity = allocate_bitmap(left.rows);
    for (std::int64_t word = 0; word < words_for(left.rows); ++word) {
      const auto is_true =
          is_and_ ? left.is_true(word) & right.is_true(word) : left.is_true(word) | right.is_true(word);
      const auto is_false =
          is_and_ ? left.is_false(word) | right.is_false(word) : left.is_false(word) & right.is_false(word);
      store_word(bits->mutable_data(), word, is_true);
      store_word(validity->mutable_data(), word, is_true | is_false);
    }
    return make_booleans(left.rows, std::move(bits), std::move(validity));
  }

  bool is_and_;
  bool null_decides_;  ///< of an AND: its value is asked for nothing but whether it is true
};

template <bool Wanted, bool Negated>
result<array_ptr> is_boolean_kernel(call& c) {
  SLUICE_ASSIGN(const auto value, truth_of(c.args[0], c.rows));
  auto bits = allocate_bitmap(c.rows);
  for (std::int64_t word = 0; word < words_for(c.rows); ++word) {
    const auto found = Wanted ? value.is_true(word) : value.is_false(word);
    store_word(bits->mutable_data(), word, Negated ? ~found : found);
  }
  return make_booleans(c.rows, std::move(bits), nullptr);
}

result<array_ptr> null_test(call& c, bool wanted) {
  const auto validity = all_valid(c.args, c.rows);
  auto bits = allocate_bitmap(c.rows);
  for (std::int64_t word = 0; word < words_for(c.rows); ++word) {
    const auto valid = validity ? load_word(validity->data(), word, c.rows) : ~std::uint64_t{0};
    store_word(bits->mutable_data(), word, wanted ? ~valid : valid);
  }
  return make_booleans(c.rows, std::move(bits), nullptr);
}

}  // namespace

bool is_conjunction(const node& of) {
  const auto* junction = dynamic_cast<const junction_node*>(&of);
  return junction != nullptr && junction->is_and();
}

result<array_ptr> not_kernel(call& c) {
  SLUICE_ASSIGN(const auto value, truth_of(c.args[0], c.rows));
  auto bits = allocate_bitmap(c.rows);
  for (std::int64_t word = 0; word < words_for(c.rows); ++word)
    store_word(bits->mutable_data(), word, ~load_word(value.values->data(), word, c.rows));
  return make_booleans(c.rows, std::move(bits), value.validity);
}

result<array_ptr> is_null_kernel(call& c) { return null_test(c, true); }
result<array_ptr> is_not_null_kernel(call& c) { return null_test(c, false); }

kernel find_is_boolean_kernel(bool wanted, bool negated) {
  if (wanted) return negated ? is_boolean_kernel<true, true> : is_boolean_kernel<true, false>;
  return negated ? is_boolean_kernel<false, true> : is_boolean_kernel<false, false>;
}

node_ptr make_condition(node_ptr of) {
  if (!is_conjunction(*of)) return of;
  return std::make_shared<junction_node>(true, make_condition(of->inputs[0]), make_condition(of->inputs[1]), true);
}

node_ptr make_junction(bool is_and, node_ptr left, node_ptr right) {
  return std::make_shared<junction_node>(is_and, std::move(left), std::move(right));
}

}  // namespace sluice::expression
