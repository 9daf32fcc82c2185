#include "engine/expression/node.hpp"

#include "engine/error/names.hpp"
#include "engine/expression/columns.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/compute/api.h>

#include <algorithm>

namespace sluice::expression {

bool mask::has(std::int64_t row) const { return !bits || get_bit(bits->data(), row); }

bool operand::constant_null() const { return constant && array->IsNull(0); }

// --- constants -------------------------------------------------------------------------------------------------------

constant_node::constant_node(array_ptr row, bool is_untyped)
    : node(row->type(), {}), value(std::move(row)), untyped(is_untyped) {}

result<operand> constant_node::evaluate(frame&, const mask&) const { return operand{value, true}; }

bool constant_node::is_null() const { return value->IsNull(0); }

void constant_node::print(std::string& out, bool) const {
  if (is_null()) {
    out += "null";
    return;
  }
  const auto text = value_text(*value, 0);
  const auto id = type->id();
  const bool finite = text != "NaN" && text.find("Inf") == std::string::npos;
  if (id == arrow::Type::BOOL || arrow::is_integer(id) || arrow::is_decimal(id) || (arrow::is_floating(id) && finite)) {
    out += text;
    if (id == arrow::Type::FLOAT) out += "::real";
    return;
  }
  out += '\'';
  for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
  out += '\'';
  if (id != arrow::Type::STRING) out += "::" + type_name(*type);
}

const constant_node* as_constant(const node_ptr& of) { return dynamic_cast<const constant_node*>(of.get()); }

node_ptr null_constant(const type_ptr& type) { return std::make_shared<constant_node>(make_nulls(type, 1)); }

std::string text_of(const node& of) {
  std::string text;
  of.print(text, false);
  return text;
}

// --- columns ---------------------------------------------------------------------------------------------------------

column_node::column_node(int place, std::string written, type_ptr result, bool is_foreign)
    : node(std::move(result), {}), index(place), name(std::move(written)), foreign(is_foreign) {}

result<operand> column_node::evaluate(frame& in, const mask&) const {
  auto column = in.rows->data->column(index);
  if (!foreign) return operand{std::move(column)};
  auto converted = arrow::compute::Cast(*column, type);
  if (!converted.ok()) return from_arrow(converted.status(), "read column " + name + " as " + type_name(*type));
  return operand{std::move(converted).ValueUnsafe()};
}

void column_node::print(std::string& out, bool) const { out += quoted_identifier(name); }

// --- calls -----------------------------------------------------------------------------------------------------------

call_node::call_node(std::string called, type_ptr result, std::vector<node_ptr> from, kernel run, options how)
    : node(std::move(result), std::move(from)), name(std::move(called)), run_(run), how_(std::move(how)) {}

namespace {

// One evaluation stands for all rows: its error is the error of each row that counts.
void spread_errors(frame& in, const mask& active, const row_errors& found) {
  for (std::int64_t row = 0; row < in.length; ++row)
    if (active.has(row))
      in.errors.push_back({.row = row, .code = found[0].code, .column = {}, .message = found[0].message});
}

}  // namespace

result<operand> call_node::evaluate(frame& in, const mask& active) const {
  std::vector<operand> args;
  args.reserve(inputs.size());
  bool constant = !how_.is_volatile;
  bool null = false;
  // Also behind a null: whether an argument has an error must not depend on what the other rows of the batch make of
  // the arguments before it.
  for (const auto& input : inputs) {
    SLUICE_ASSIGN(auto arg, input->evaluate(in, active));
    null = null || (how_.null_in_null_out && arg.constant_null());
    constant = constant && arg.constant;
    args.push_back(std::move(arg));
  }
  if (null) return operand{make_nulls(type, 1), true};
  if (!constant) {
    call c{*this, type, std::move(args), in.length, active, in, how_.state.get()};
    SLUICE_ASSIGN(auto values, run_(c));
    return operand{std::move(values)};
  }
  frame one(nullptr, 1, in.run);
  const mask all;
  call c{*this, type, std::move(args), 1, all, one, how_.state.get()};
  SLUICE_ASSIGN(auto value, run_(c));
  if (one.errors.empty()) return operand{std::move(value), true};
  spread_errors(in, active, one.errors);
  return operand{make_nulls(type, 1), true};
}

void call_node::print(std::string& out, bool nested) const {
  const bool parentheses = nested && (how_.form == notation::infix || how_.form == notation::prefix ||
                                      (how_.form == notation::suffix && name[0] != '.'));
  if (parentheses) out += '(';
  switch (how_.form) {
    case notation::infix:
      inputs[0]->print(out, true);
      if (const bool quantified = name.ends_with(" any") || name.ends_with(" all"); quantified) {
        out += ' ' + name + '(';
        inputs[1]->print(out, false);
        out += ')';
        break;
      }
      out += ' ' + name + ' ';
      inputs[1]->print(out, true);
      break;
    case notation::prefix:
      out += name;
      inputs[0]->print(out, true);
      break;
    case notation::suffix:
      inputs[0]->print(out, true);
      if (name[0] != '.') out += ' ';
      out += name;
      break;
    case notation::index:
      inputs[0]->print(out, true);
      out += '[';
      inputs[1]->print(out, false);
      out += ']';
      break;
    case notation::slice:
      inputs[0]->print(out, true);
      out += '[';
      inputs[1]->print(out, false);
      out += ':';
      inputs[2]->print(out, false);
      out += ']';
      break;
    case notation::list:
      out += "array[";
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (i > 0) out += ", ";
        inputs[i]->print(out, false);
      }
      out += ']';
      break;
    case notation::cast:
      inputs[0]->print(out, true);
      out += "::" + type_name(*type);
      break;
    case notation::function:
      out += name + '(';
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (i > 0) out += ", ";
        inputs[i]->print(out, false);
      }
      out += ')';
  }
  if (parentheses) out += ')';
}

// --- values that are used twice --------------------------------------------------------------------------------------

void shared_node::print(std::string& out, bool nested) const {
  // Values that are used twice could double the text at every level.
  constexpr std::size_t longest_text = 8'000;
  if (out.size() > longest_text)
    out += "...";
  else
    inputs[0]->print(out, nested);
}

result<operand> shared_node::evaluate(frame& in, const mask& active) const {
  const auto known =
      std::find_if(in.shared.begin(), in.shared.end(), [&](const auto& entry) { return entry.first == this; });
  // The first use is the one with the widest mask, so that its errors cover the later ones.
  if (known != in.shared.end()) return known->second;
  SLUICE_ASSIGN(auto value, inputs[0]->evaluate(in, active));
  in.shared.emplace_back(this, value);
  return value;
}

}  // namespace sluice::expression
