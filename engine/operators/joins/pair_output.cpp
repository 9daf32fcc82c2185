#include "engine/operators/joins/pair_output.hpp"

#include "engine/operators/common_type.hpp"
#include "engine/operators/gather.hpp"
#include "engine/operators/row_policy.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <unordered_map>

namespace sluice::joins {

namespace {

/// Copies rows that a side keeps into one batch.
result<batch> gather(const timed_rows& from, const std::vector<timed_row>& rows) {
  std::vector<const batch*> batches;
  std::unordered_map<std::uint64_t, std::uint32_t> known;
  std::vector<row_place> places;
  places.reserve(rows.size());
  for (const auto& row : rows) {
    const auto [found, first] = known.try_emplace(row.batch, static_cast<std::uint32_t>(batches.size()));
    if (first) batches.push_back(&from.rows_of(row.batch));
    places.push_back({found->second, row.row});
  }
  return gather_rows(batches, places);
}

}  // namespace

status pair_output::check(both_sides& sides, std::vector<timed_row>& left, std::vector<timed_row>& right,
                          emitter& out) const {
  for (const auto& condition : what_->conditions) {
    if (left.empty()) return {};
    SLUICE_ASSIGN(auto both, gather(sides[0], left));
    SLUICE_ASSIGN(const auto others, gather(sides[1], right));
    auto fields = what_->inputs[0]->fields();
    fields.insert(fields.end(), what_->inputs[1]->fields().begin(), what_->inputs[1]->fields().end());
    auto columns = both.data->columns();
    for (const auto& column : others.data->columns()) columns.push_back(column);
    both.data = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), both.rows(), std::move(columns));
    SLUICE_ASSIGN(auto value, condition->evaluate(both));
    for (auto& one : value.errors)
      if (one.column.empty()) one.column = condition->to_string();
    SLUICE_ASSIGN(const auto settled, settle_errors(both, std::move(value.errors), on_error::fail, out));
    (void)settled;
    const auto& meets = static_cast<const arrow::BooleanArray&>(*value.values);
    std::size_t kept = 0;
    for (std::size_t at = 0; at < left.size(); ++at) {
      const auto row = static_cast<std::int64_t>(at);
      if (!meets.IsValid(row) || !meets.Value(row)) continue;
      left[kept] = left[at];
      right[kept++] = right[at];
    }
    left.resize(kept);
    right.resize(kept);
  }
  return {};
}

status pair_output::give(const both_sides& sides, const std::vector<timed_row>& left,
                         const std::vector<timed_row>& right, emitter& out) const {
  if (left.empty()) return {};
  SLUICE_ASSIGN(auto made, gather(sides[0], left));
  batch others;
  if (what_->shows_right()) {
    SLUICE_ASSIGN(others, gather(sides[1], right));
  }
  arrow::ArrayVector columns;
  for (std::size_t at = 0; at < what_->columns.size(); ++at) {
    const auto& from = what_->columns[at];
    const auto column = from.left >= 0 ? made.data->column(from.left) : others.data->column(from.right);
    SLUICE_ASSIGN(auto whole, widen(column, what_->schema->field(static_cast<int>(at))->type()));
    columns.push_back(std::move(whole));
  }
  made.data = arrow::RecordBatch::Make(what_->schema, made.rows(), std::move(columns));
  out.emit(0, std::move(made));
  return {};
}

status pair_output::give_alone(const timed_rows& from, std::size_t side, const std::vector<timed_row>& rows,
                               emitter& out) const {
  if (rows.empty()) return {};
  SLUICE_ASSIGN(auto made, gather(from, rows));
  arrow::ArrayVector columns;
  for (std::size_t at = 0; at < what_->columns.size(); ++at) {
    const auto& shown = what_->columns[at];
    const auto& type = what_->schema->field(static_cast<int>(at))->type();
    const int column = side == 0 ? shown.left : shown.right;
    std::shared_ptr<arrow::Array> values;
    if (column < 0) {
      SLUICE_ASSIGN_ARROW(values, arrow::MakeArrayOfNull(type, made.rows()), "join rows");
    } else {
      values = made.data->column(column);
    }
    SLUICE_ASSIGN(values, widen(values, type));
    columns.push_back(std::move(values));
  }
  made.data = arrow::RecordBatch::Make(what_->schema, made.rows(), std::move(columns));
  out.emit(0, std::move(made));
  return {};
}

}  // namespace sluice::joins
