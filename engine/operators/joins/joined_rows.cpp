#include "engine/operators/joins/joined_rows.hpp"

#include "engine/operators/common_type.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <functional>

namespace sluice::joins {

namespace {

constexpr std::int64_t most_text = std::int64_t{64} << 20;

using column_maker = std::function<result<std::shared_ptr<arrow::Array>>(const output_column&)>;

result<std::shared_ptr<arrow::RecordBatch>> make_columns(const join_plan& what, std::int64_t rows,
                                                         const column_maker& make) {
  arrow::ArrayVector columns;
  for (std::size_t i = 0; i < what.columns.size(); ++i) {
    const auto& type = what.schema->field(static_cast<int>(i))->type();
    SLUICE_ASSIGN(auto made, make(what.columns[i]));
    if (!made) {
      SLUICE_ASSIGN_ARROW(made, arrow::MakeArrayOfNull(type, rows), "join rows");
    }
    SLUICE_ASSIGN(made, widen(made, type));
    columns.push_back(std::move(made));
  }
  return arrow::RecordBatch::Make(what.schema, rows, std::move(columns));
}

bool follow_each_other(std::span<const std::int32_t> rows) {
  for (std::size_t i = 1; i < rows.size(); ++i)
    if (rows[i] != rows[i - 1] + 1) return false;
  return true;
}

result<batch> one_batch(const join_plan& what, const batch& left, const build_side& right,
                        std::span<const std::int32_t> left_rows, std::span<const std::uint32_t> right_rows) {
  const auto count = static_cast<std::int64_t>(left_rows.size());
  const bool shared = follow_each_other(left_rows);
  auto made = shared ? left.slice(left_rows.front(), count) : left;
  std::vector<row_place> places;
  if (!shared) {
    for (const auto row : left_rows) places.push_back({0, row});
    if (left.positions) {
      SLUICE_ASSIGN(auto positions, gather_column({left.positions}, places, most_text));
      made.positions = as_positions(positions);
    }
  }
  SLUICE_ASSIGN(
      made.data, make_columns(what, count, [&](const output_column& from) -> result<std::shared_ptr<arrow::Array>> {
        if (from.left < 0) return right.column(from.right, right_rows, most_text);
        return shared ? made.data->column(from.left) : gather_column({left.data->column(from.left)}, places, most_text);
      }));
  return made;
}

result<batch> one_unmatched(const join_plan& what, const build_side& right, std::span<const std::uint32_t> rows) {
  batch made;
  SLUICE_ASSIGN(made.data, make_columns(what, static_cast<std::int64_t>(rows.size()),
                                        [&](const output_column& from) -> result<std::shared_ptr<arrow::Array>> {
                                          if (from.right < 0) return std::shared_ptr<arrow::Array>();
                                          return right.column(from.right, rows, most_text);
                                        }));
  SLUICE_ASSIGN(made.positions, right.positions(rows));
  return made;
}

// Calls `make(begin, count)` for all rows, for half of them where they hold too much text at once.
template <class Make>
status in_pieces(std::size_t begin, std::size_t count, std::vector<batch>& out, const Make& make) {
  if (count == 0) return {};
  auto made = make(begin, count);
  if (made.ok()) {
    out.push_back(std::move(made).value());
    return {};
  }
  if (count == 1 || made.problem().code != "value_too_large") return std::move(made).problem();
  SLUICE_TRY(in_pieces(begin, count / 2, out, make));
  return in_pieces(begin + count / 2, count - count / 2, out, make);
}

}  // namespace

result<std::vector<batch>> joined_rows(const join_plan& what, const batch& left, const build_side& right,
                                       std::span<const std::int32_t> left_rows,
                                       std::span<const std::uint32_t> right_rows) {
  std::vector<batch> made;
  SLUICE_TRY(in_pieces(0, left_rows.size(), made, [&](std::size_t begin, std::size_t count) {
    return one_batch(what, left, right, left_rows.subspan(begin, count),
                     right_rows.empty() ? right_rows : right_rows.subspan(begin, count));
  }));
  return made;
}

result<std::vector<batch>> unmatched_rows(const join_plan& what, const build_side& right,
                                          std::span<const std::uint32_t> right_rows) {
  std::vector<batch> made;
  SLUICE_TRY(in_pieces(0, right_rows.size(), made, [&](std::size_t begin, std::size_t count) {
    return one_unmatched(what, right, right_rows.subspan(begin, count));
  }));
  return made;
}

result<batch> unmatched_rows(const join_plan& what, const batch& right) {
  auto made = right;
  SLUICE_ASSIGN(made.data, make_columns(what, right.rows(),
                                        [&](const output_column& from) -> result<std::shared_ptr<arrow::Array>> {
                                          if (from.right < 0) return std::shared_ptr<arrow::Array>();
                                          const auto at = std::find(what.kept.begin(), what.kept.end(), from.right);
                                          return right.data->column(static_cast<int>(at - what.kept.begin()));
                                        }));
  return made;
}

}  // namespace sluice::joins
