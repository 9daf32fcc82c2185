#pragma once

#include "engine/expression/expression.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/json/from_string.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice::expression::testing {

inline run_context& context() {
  static run_context made = [] {
    run_context c;
    c.run_id = "r";
    c.pipeline = "p";
    c.now_microseconds = 1714564800'000000;  // 2024-05-01 12:00:00 UTC
    c.seed = 42;
    c.params["day"] = std::make_shared<arrow::Date32Scalar>(19844);  // 2024-05-01
    c.params["name"] = std::make_shared<arrow::StringScalar>("JFK");
    return c;
  }();
  return made;
}

/// A column: name, SQL type, values as JSON.
struct column {
  std::string name;
  std::string type;
  std::string json;
};

inline batch rows_of(const std::vector<column>& columns) {
  static const bool ready = arrow::compute::Initialize().ok();
  if (!ready) throw std::runtime_error("no compute functions");
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  std::int64_t rows = 1;
  for (const auto& each : columns) {
    auto type = std::move(parse_type(each.type)).value();
    // Arrow wants every place of a decimal written in JSON; a cast does not.
    const bool is_decimal = arrow::is_decimal(type->id());
    auto array = arrow::json::ArrayFromJSONString(is_decimal ? arrow::utf8() : type, each.json).ValueOrDie();
    if (is_decimal) array = arrow::compute::Cast(*array, type).ValueOrDie();
    arrays.push_back(std::move(array));
    fields.push_back(arrow::field(each.name, type));
    rows = arrays.back()->length();
  }
  return {.data = arrow::RecordBatch::Make(arrow::schema(fields), rows, arrays),
          .positions = nullptr,
          .order = {},
          .epoch = 0};
}

inline scope scope_of(const batch& rows, const std::string& qualifier = "orders") {
  return {.inputs = {{qualifier, rows.data->schema()}}, .context = &context(), .unit = "unit"};
}

inline std::string faults_text(const diagnostics& faults) {
  std::string text;
  for (const auto& each : faults) {
    if (!text.empty()) text += "; ";
    text += each.code + "@" + std::to_string(each.offset.value_or(9999)) + " " + each.message;
    if (!each.hint.empty()) text += " [" + each.hint + "]";
  }
  return text;
}

/// The faults of an expression: "code@offset message [hint]; ...", or "ok".
inline std::string faults_of(const std::string& text, const std::vector<column>& columns = {}) {
  const auto rows = rows_of(columns);
  diagnostics faults;
  const auto bound = expression::bind(text, scope_of(rows), "/x", faults);
  return bound ? "ok" : faults_text(faults);
}

/// The type of an expression, or its faults.
inline std::string type_of(const std::string& text, const std::vector<column>& columns = {}) {
  const auto rows = rows_of(columns);
  diagnostics faults;
  const auto bound = expression::bind(text, scope_of(rows), "/x", faults);
  return bound ? type_name(*bound->type()) : faults_text(faults);
}

/// The values of an expression, "1|null|3"; rows with an error are "!code: message".
inline std::string values_of(const std::string& text, const batch& rows) {
  diagnostics faults;
  const auto bound = expression::bind(text, scope_of(rows), "/x", faults);
  if (!bound) return faults_text(faults);
  const auto made = bound->evaluate(rows);
  if (!made.ok()) return "failed: " + made.problem().to_string();
  if (const auto valid = made->values->ValidateFull(); !valid.ok()) return "invalid array: " + valid.ToString();
  if (made->values->length() != rows.rows()) return "wrong length";
  if (!made->values->type()->Equals(*bound->type())) return "wrong type " + made->values->type()->ToString();
  std::string out;
  std::size_t next = 0;
  for (std::int64_t row = 0; row < rows.rows(); ++row) {
    if (row > 0) out += '|';
    if (next < made->errors.size() && made->errors[next].row == row) {
      out += "!" + made->errors[next].code + ": " + made->errors[next].message;
      if (made->values->IsValid(row)) out += " (not null)";
      ++next;
    } else {
      out += made->values->IsNull(row) ? "null" : value_text(*made->values, row);
    }
  }
  if (next != made->errors.size()) out += " (errors out of order)";
  return out;
}

inline std::string values_of(const std::string& text, const std::vector<column>& columns) {
  return values_of(text, rows_of(columns));
}

/// The value of an expression without columns.
inline std::string value_of(const std::string& text) {
  return values_of(text, std::vector<column>{{"x", "integer", "[0]"}});
}

}  // namespace sluice::expression::testing
