#pragma once

#include "engine/component/component.hpp"
#include "engine/component/json_pointer.hpp"
#include "engine/expression/expression.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What the factories of transforms share: from options to bound expressions, columns and output schemas.
namespace sluice {

/// Text of an option that is an expression: YAML reads `1` and `true` as other than text.
std::string expression_text(const options& value);

/// Quotes a column's name as an expression takes it: "a ""b""".
std::string quoted_name(const std::string& name);

/// Adds the fault wrong_number_of_inputs unless there are as many as `wanted`.
bool require_inputs(const transform_request& request, const std::string& operation, std::size_t wanted,
                    diagnostics& faults);

/// The names that expressions of a unit with one input see.
expression::scope scope_of(const transform_request& request, int input = 0);
/// The same over another schema: what later entries of `derive` see.
expression::scope scope_of(const transform_request& request, std::shared_ptr<arrow::Schema> schema);

/// Finds columns by name in an input; adds a fault for each that is not there, or, where the input is pruned, passes
/// over it.
std::optional<int> find_column(const transform_request& request, int input, const std::string& name,
                               const std::string& path, diagnostics& faults);

/// Adds the fault duplicate_column for every output column that occurs twice.
void check_unique(const arrow::FieldVector& fields, const std::string& path, const std::string& hint,
                  diagnostics& faults);

/// Collects column names without repetition, in the order of a schema.
class column_set {
 public:
  explicit column_set(std::shared_ptr<arrow::Schema> schema);
  void add(int column) { chosen_[column] = true; }
  void add(const std::vector<int>& columns);
  /// Adds a column that is there; others are passed over.
  void add_name(const std::string& name);
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<bool> chosen_;
};

/// What transforms with one output share.
class single_output : public transform {
 public:
  [[nodiscard]] const std::vector<output_port>& outputs() const override { return outputs_; }

 protected:
  single_output(const transform_request& request, std::shared_ptr<arrow::Schema> schema)
      : unit_(request.unit), policy_(request.policy), outputs_{{.name = "", .schema = std::move(schema)}} {}

  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const { return outputs_.front().schema; }
  /// A batch in the place of `in`, with other columns.
  [[nodiscard]] batch made_from(const batch& in, std::vector<std::shared_ptr<arrow::Array>> columns) const;

  std::string unit_;
  on_error policy_;

 private:
  std::vector<output_port> outputs_;
};

/// Appends the errors of an evaluation; those that name no column get `column`.
void append_errors(row_errors& to, row_errors&& from, const std::string& column);

}  // namespace sluice
