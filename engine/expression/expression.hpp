#pragma once

#include "engine/component/run_context.hpp"
#include "engine/error/error.hpp"
#include "engine/error/row_errors.hpp"
#include "engine/values/batch.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::expression {

/// What names in an expression can mean.
struct scope {
  struct input {
    std::string qualifier;  ///< unit name: `orders.amount`
    std::shared_ptr<arrow::Schema> schema;
  };
  std::vector<input> inputs;             ///< column index = index over all inputs, one after the other
  const run_context* context = nullptr;  ///< params, now, seed, timezone
  std::string unit;                      ///< part of the seed of random() and uuid()
};

/// What a bound expression gives for a batch.
struct evaluated {
  std::shared_ptr<arrow::Array> values;  ///< batch.rows() long; null where `errors` names the row
  row_errors errors;                     ///< division_by_zero, numeric_overflow, invalid_cast, ...
};

/// A typed expression, ready to run. Immutable; may be shared by threads.
class bound {
 public:
  virtual ~bound() = default;
  [[nodiscard]] virtual std::shared_ptr<arrow::DataType> type() const = 0;
  /// Columns of the scope that it reads, ascending.
  [[nodiscard]] virtual const std::vector<int>& columns() const = 0;
  /// The column itself where the expression is nothing but one.
  [[nodiscard]] virtual std::optional<int> as_column() const = 0;
  /// Evaluates over columns laid out as the scope's. Errors of single rows are in the value; an `error` is a defect or
  /// lack of memory.
  [[nodiscard]] virtual result<evaluated> evaluate(const batch& rows) const = 0;
  /// Evaluates one that reads no column ("1 + 1", "$day").
  [[nodiscard]] virtual result<std::shared_ptr<arrow::Scalar>> constant() const = 0;
  /// Text in canonical form, types resolved, for `explain`.
  [[nodiscard]] virtual std::string to_string() const = 0;
};

using bound_ptr = std::shared_ptr<const bound>;

/// Parses and types an expression. Faults carry `offset` (bytes into `text`) and `path` as given; null if there are
/// any.
bound_ptr bind(std::string_view text, const scope& names, const std::string& path, diagnostics& faults);
/// The same, and the result must be boolean.
bound_ptr bind_condition(std::string_view text, const scope& names, const std::string& path, diagnostics& faults);
/// Wraps `inner` in a cast to `type`, as `x::type`. Null where the language has no such cast.
bound_ptr cast(bound_ptr inner, const std::shared_ptr<arrow::DataType>& type, const scope& names);

/// An aggregate call as `compute` of the transform `aggregate` holds it: sum(net * 2), count(distinct x), count(*).
/// Expressions over several aggregates ("sum(a) / count(*)") are taken apart: `calls` feed `final`.
struct aggregate_call {
  std::string function;  ///< count_star count sum avg min max first last any_value stddev ...
  bound_ptr argument;    ///< null for count(*)
  bool distinct = false;
  bound_ptr filter;                       ///< FILTER (WHERE ...), may be null
  std::shared_ptr<arrow::DataType> type;  ///< of the result
};
struct bound_aggregate {
  std::vector<aggregate_call> calls;
  bound_ptr final;  ///< over a scope whose columns are the keys, then the calls' results; null where the entry is one
                    ///< bare call
  std::shared_ptr<arrow::DataType> type;
};
/// Parses and types an entry of `aggregate.compute`; `keys` are the columns of `by`.
std::optional<bound_aggregate> bind_aggregate(std::string_view text, const scope& names,
                                              const std::vector<std::string>& keys, const std::string& path,
                                              diagnostics& faults);

/// Resolves a name as the language does: exact, else case-insensitive where unique; index over all inputs.
/// The fault is unknown_column with the nearest name, or ambiguous_column.
std::optional<int> resolve_column(std::string_view name, const scope& names, const std::string& path,
                                  diagnostics& faults);

/// Describes a function for `sluice functions` and the docs.
struct function_spec {
  std::string name;
  std::string kind;       ///< math, text, date, condition, conversion, hash, aggregate, ...
  std::string signature;  ///< "round(number, digits) -> number"
  std::string summary;
  std::string example;  ///< "round(2.345, 2)"
  std::string result;   ///< of the example, as text: the tests evaluate it
};
/// All functions, sorted by name.
const std::vector<function_spec>& functions();

}  // namespace sluice::expression
