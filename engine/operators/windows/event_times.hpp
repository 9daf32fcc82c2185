#pragma once

#include "engine/component/transform.hpp"
#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace sluice::windows {

/// True where a column of this type can say when rows happened: timestamp and timestamptz.
bool is_event_time(const arrow::DataType& type);

/// The event time of the rows that a transform makes: the one that it names; else that of its input 0, where it passes
/// rows on as they come and its output has the column.
std::optional<event_time> time_behind(const transform& unit, const std::vector<input_port>& inputs,
                                      const output_port& port);

/// The event times of a batch's rows, in microseconds since 1970.
class event_times {
 public:
  /// Errors: missing_column, type_mismatch (internal: planning checks both).
  static result<event_times> of(const arrow::RecordBatch& rows, const event_time& time);

  [[nodiscard]] bool has(std::int64_t row) const;
  [[nodiscard]] std::int64_t at(std::int64_t row) const { return values_[row] - (is_end_ ? 1 : 0); }
  /// The latest one; none where no row has one.
  [[nodiscard]] std::optional<std::int64_t> latest() const;
  [[nodiscard]] bool any_missing() const;

 private:
  event_times(std::shared_ptr<arrow::Array> column, bool is_end);

  std::shared_ptr<arrow::Array> column_;
  const std::int64_t* values_;
  bool is_end_;
};

}  // namespace sluice::windows
