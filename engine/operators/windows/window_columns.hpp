#pragma once

#include "engine/component/component.hpp"
#include "engine/operators/aggregates/bind.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::windows {

inline constexpr auto begin_name = "window_start";
inline constexpr auto end_name = "window_end";

/// The columns of an aggregate's input, without any of the names of a window's own columns, then window_start and
/// window_end: what its keys and expressions see.
class window_columns {
 public:
  window_columns(const std::shared_ptr<arrow::Schema>& input, const std::shared_ptr<arrow::DataType>& time_type);

  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  /// The name in the input of a column of `schema`; none for those of the window.
  [[nodiscard]] std::optional<std::string> input_name(int column) const;
  /// The rows of a batch, each in the window that begins and ends there.
  [[nodiscard]] batch add_to(const batch& in, std::span<const std::int64_t> begins,
                             std::span<const std::int64_t> ends) const;

 private:
  std::vector<int> kept_;  ///< columns of the input
  std::shared_ptr<arrow::DataType> time_type_;
  std::shared_ptr<arrow::Schema> schema_;
};

/// An aggregate with a window, bound.
struct bound_windows {
  event_time time;
  window_columns columns;
  aggregates::aggregation what;
  std::vector<output_port> outputs;  ///< the groups; where it is read, the late rows
  std::string zone;                  ///< empty where the times have none
};

/// Binds the keys, window and expressions of a request. Null where a part has a fault or reads unknown columns;
/// `schema` is then what can be told of the output. Faults: no_event_time and those of an aggregate.
std::unique_ptr<bound_windows> bind_windows(const transform_request& request, std::shared_ptr<arrow::Schema>& schema,
                                            diagnostics& faults);

/// Columns of the input that are read: those of keys and expressions, and the event time.
std::vector<std::string> columns_read(const bound_windows& what, const std::shared_ptr<arrow::Schema>& input);

}  // namespace sluice::windows
