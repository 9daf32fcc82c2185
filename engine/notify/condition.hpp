#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"
#include "engine/expression/bind/conjuncts.hpp"
#include "engine/expression/expression.hpp"
#include "engine/notify/event_columns.hpp"
#include "engine/store/store.hpp"

#include <arrow/type_fwd.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::notify {

/// Types of a pipeline's params by name, as SQL: {"day": "date"}.
using param_types = std::map<std::string, std::string>;
/// Their values as text, as `matches` takes them.
options texts_of(const std::map<std::string, std::shared_ptr<arrow::Scalar>>& params);
param_types types_of(const std::map<std::string, std::shared_ptr<arrow::Scalar>>& params);

/// A condition over events: `when` of a rule. It knows the columns type, severity, pipeline, owner, tags, unit, attempt
/// and final, `params.NAME` for params of the pipeline and `data.NAME` for values of the event (null where the event
/// has none). A name that only one of the three has needs no prefix; `event.type` is the column where a param is called
/// type. Immutable; may be shared by threads.
class condition {
 public:
  /// Faults have `offset` into the text and `path` as given; null if there are any.
  static std::shared_ptr<const condition> bind(const std::string& text, const param_types& params,
                                               const std::string& path, diagnostics& faults);

  /// Whether the condition is true of each event; null counts as false, and so does an error in its evaluation (a
  /// division by zero), which is no reason to stop everything behind it.
  /// `params` of the run of each event; may be empty where `uses_params` is false.
  [[nodiscard]] result<std::vector<bool>> matches(event_columns& events, const std::vector<options>& params) const;
  [[nodiscard]] result<std::vector<bool>> matches(const std::vector<store::event>& events,
                                                  const std::vector<options>& params) const;
  /// Rows of which it may be true, found by the value that it wants a column to have; nullopt: it wants none.
  [[nodiscard]] result<std::optional<std::vector<std::size_t>>> candidates(event_columns& events) const;
  [[nodiscard]] bool uses_params() const;

 private:
  condition() = default;

  param_types params_;
  std::shared_ptr<arrow::Schema> schema_;
  expression::bound_ptr bound_;
  std::optional<expression::pinned_column> pin_;  ///< by number in event_columns
};

/// The columns of `when`, for `sluice help events`: name, SQL type, meaning.
struct condition_column {
  std::string_view name;
  std::string_view type;
  std::string_view help;
};
const std::vector<condition_column>& condition_columns();

}  // namespace sluice::notify
