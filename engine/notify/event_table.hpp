#pragma once

#include "engine/notify/condition.hpp"

#include <arrow/type_fwd.h>

#include <map>
#include <memory>
#include <string>

namespace sluice::notify {

/// One event as a table that expressions are bound to: its columns, those of its run's params, and its data.
struct event_row {
  std::shared_ptr<arrow::Schema> event;
  std::shared_ptr<arrow::Schema> params;
  std::shared_ptr<arrow::Schema> data;
  std::shared_ptr<arrow::RecordBatch> row;  ///< all columns one after the other; null without an event
  std::map<std::string, std::shared_ptr<arrow::Scalar>> values;  ///< of the params, typed; nulls without an event
};

/// `what` null: only types. `values`: the texts of the run's params; one that is missing or does not fit is null.
result<event_row> event_table(const param_types& params, const store::event* what, const options& values);

}  // namespace sluice::notify
