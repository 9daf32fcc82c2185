// CASE, COALESCE and IN over constants.
#include "engine/expression/columns.hpp"
#include "engine/expression/kernels/kernels.hpp"

#include <arrow/compute/api.h>

namespace sluice::expression {

namespace {

buffer_ptr full_mask(const mask& active, std::int64_t rows) {
  auto bits = allocate_bitmap(rows);
  for (std::int64_t word = 0; word < words_for(rows); ++word)
    store_word(bits->mutable_data(), word,
               active.bits ? load_word(active.bits->data(), word, rows) : low_bits(rows - word * 64));
  return bits;
}

bool any_bit(const buffer_ptr& bits, std::int64_t rows) {
  for (std::int64_t word = 0; word < words_for(rows); ++word)
    if (load_word(bits->data(), word, rows) != 0) return true;
  return false;
}

// Rows of `open` where `condition` is true; they leave `open`.
result<buffer_ptr> take_rows_of(const operand& condition, const buffer_ptr& open, std::int64_t rows) {
  SLUICE_ASSIGN(const auto array, as_array(condition, rows));
  const auto values = boolean_bits(*array);
  const auto validity = validity_of(*array);
  auto taken = allocate_bitmap(rows);
  for (std::int64_t word = 0; word < words_for(rows); ++word) {
    auto holds = load_word(values->data(), word, rows) & load_word(open->data(), word, rows);
    if (validity) holds &= load_word(validity->data(), word, rows);
    store_word(taken->mutable_data(), word, holds);
    store_word(open->mutable_data(), word, load_word(open->data(), word, rows) & ~holds);
  }
  return taken;
}

result<operand> run_function(const char* name, const std::vector<arrow::Datum>& args) {
  auto made = arrow::compute::CallFunction(name, args);
  if (!made.ok()) return from_arrow(made.status(), std::string("evaluate ") + name);
  return operand{made->make_array()};
}

class branches_node final : public node {
 public:
  explicit branches_node(std::vector<node_ptr> parts) : node(parts.back()->type, parts) {}

  // Every branch is evaluated for all rows, but only the errors of the rows that take it count; one that no row takes
  // is not evaluated.
  result<operand> evaluate(frame& in, const mask& active) const override {
    const auto open = full_mask(active, in.length);
    arrow::ArrayVector conditions;
    std::vector<arrow::Datum> values;
    for (std::size_t i = 0; i + 1 < inputs.size(); i += 2) {
      SLUICE_ASSIGN(const auto condition, inputs[i]->evaluate(in, mask{copy(open, in.length)}));
      SLUICE_ASSIGN(auto taken, take_rows_of(condition, open, in.length));
      if (!any_bit(taken, in.length)) continue;
      SLUICE_ASSIGN(const auto value, inputs[i + 1]->evaluate(in, mask{taken}));
      conditions.push_back(make_booleans(in.length, std::move(taken), nullptr));
      SLUICE_ASSIGN(auto datum, as_datum(value));
      values.push_back(std::move(datum));
    }
    operand otherwise{make_nulls(type, 1), true};
    if (any_bit(open, in.length)) {
      SLUICE_ASSIGN(otherwise, inputs.back()->evaluate(in, mask{open}));
    }
    if (conditions.empty()) return otherwise;
    SLUICE_ASSIGN(auto datum, as_datum(otherwise));
    if (conditions.size() == 1)
      return run_function("if_else", {arrow::Datum(conditions[0]), values[0], std::move(datum)});
    std::vector<std::string> names(conditions.size());
    SLUICE_ASSIGN_ARROW(auto cases, arrow::StructArray::Make(conditions, names), "evaluate case");
    values.insert(values.begin(), arrow::Datum(std::move(cases)));
    values.push_back(std::move(datum));
    return run_function("case_when", values);
  }

  void print(std::string& out, bool) const override {
    out += "case";
    for (std::size_t i = 0; i + 1 < inputs.size(); i += 2) {
      out += " when ";
      inputs[i]->print(out, false);
      out += " then ";
      inputs[i + 1]->print(out, false);
    }
    const auto* otherwise = as_constant(inputs.back());
    if (otherwise == nullptr || !otherwise->is_null()) {
      out += " else ";
      inputs.back()->print(out, false);
    }
    out += " end";
  }

 private:
  // The mask must outlive changes of `open`.
  static buffer_ptr copy(const buffer_ptr& bits, std::int64_t rows) {
    auto made = allocate_bitmap(rows);
    std::memcpy(made->mutable_data(), bits->data(), static_cast<std::size_t>(made->size()));
    return made;
  }
};

class coalesce_node final : public node {
 public:
  explicit coalesce_node(std::vector<node_ptr> parts) : node(parts.back()->type, parts) {}

  result<operand> evaluate(frame& in, const mask& active) const override {
    auto open = full_mask(active, in.length);
    std::vector<operand> values;
    for (const auto& input : inputs) {
      SLUICE_ASSIGN(auto value, input->evaluate(in, mask{open}));
      values.push_back(value);
      if (value.constant ? !value.constant_null() : value.array->null_count() == 0) break;
      if (value.constant) {
        values.pop_back();
        continue;
      }
      const auto validity = validity_of(*value.array);
      auto next = allocate_bitmap(in.length);
      for (std::int64_t word = 0; word < words_for(in.length); ++word)
        store_word(next->mutable_data(), word,
                   load_word(open->data(), word, in.length) & ~load_word(validity->data(), word, in.length));
      open = std::move(next);
      if (!any_bit(open, in.length)) break;
    }
    if (values.empty()) return operand{make_nulls(type, 1), true};
    if (values.size() == 1) return values[0];
    std::vector<arrow::Datum> data;
    for (const auto& value : values) {
      SLUICE_ASSIGN(auto datum, as_datum(value));
      data.push_back(std::move(datum));
    }
    return run_function("coalesce", data);
  }

  void print(std::string& out, bool) const override {
    out += "coalesce(";
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (i > 0) out += ", ";
      inputs[i]->print(out, false);
    }
    out += ')';
  }
};

// x IN (constants): true where found; where not found it is null if one of the constants is, else false.
class lookup_node final : public node {
 public:
  lookup_node(node_ptr value, array_ptr constants)
      : node(arrow::boolean(), {std::move(value)}),
        constants_(std::move(constants)),
        has_null_(constants_->null_count() > 0) {}

  result<operand> evaluate(frame& in, const mask& active) const override {
    SLUICE_ASSIGN(const auto value, inputs[0]->evaluate(in, active));
    if (value.constant_null()) return operand{make_nulls(type, 1), true};
    const arrow::compute::SetLookupOptions options(constants_, arrow::compute::SetLookupOptions::SKIP);
    auto found = arrow::compute::IsIn(arrow::Datum(value.array), options);
    if (!found.ok()) return from_arrow(found.status(), "look a value up in a list");
    const auto array = found->make_array();
    const auto rows = array->length();
    const auto bits = boolean_bits(*array);
    auto validity = validity_of(*value.array);
    if (has_null_) {
      auto known = allocate_bitmap(rows);
      for (std::int64_t word = 0; word < words_for(rows); ++word)
        store_word(known->mutable_data(), word, load_word(bits->data(), word, rows));
      validity = std::move(known);
    }
    return operand{make_booleans(rows, bits, std::move(validity)), value.constant};
  }

  void print(std::string& out, bool nested) const override {
    if (nested) out += '(';
    inputs[0]->print(out, true);
    out += " in (";
    for (std::int64_t i = 0; i < constants_->length(); ++i) {
      if (i > 0) out += ", ";
      constant_node(constants_->Slice(i, 1)).print(out, false);
    }
    out += nested ? "))" : ")";
  }

 private:
  array_ptr constants_;
  bool has_null_;
};

}  // namespace

node_ptr make_branches(std::vector<node_ptr> inputs) { return std::make_shared<branches_node>(std::move(inputs)); }
node_ptr make_coalesce(std::vector<node_ptr> inputs) { return std::make_shared<coalesce_node>(std::move(inputs)); }
node_ptr make_lookup(node_ptr value, array_ptr constants) {
  return std::make_shared<lookup_node>(std::move(value), std::move(constants));
}

}  // namespace sluice::expression
