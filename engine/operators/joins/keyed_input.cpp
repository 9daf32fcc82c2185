#include "engine/operators/joins/keyed_input.hpp"

#include "engine/operators/common_type.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/row_policy.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace sluice::joins {

namespace {

batch take(const batch& from, const std::vector<std::int32_t>& rows) {
  return take_rows(from, arrow::Int32Array(static_cast<std::int64_t>(rows.size()), arrow::Buffer::Wrap(rows)));
}

}  // namespace

std::vector<std::shared_ptr<arrow::DataType>> key_types(const join_plan& what) {
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (const auto& key : what.keys) types.push_back(canonical_key_type(key.type));
  return types;
}

result<key_columns> with_key_values(const join_plan& what, int input, const batch& in, on_error policy, emitter& out) {
  std::vector<std::shared_ptr<arrow::Array>> keys;
  row_errors errors;
  for (const auto& key : what.keys) {
    const auto& side = input == 0 ? key.left : key.right;
    if (const auto column = side->as_column()) {
      keys.push_back(in.data->column(*column));
      continue;
    }
    SLUICE_ASSIGN(auto value, side->evaluate(in));
    append_errors(errors, std::move(value.errors), side->to_string());
    keys.push_back(std::move(value.values));
  }
  SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy, out));
  key_columns made{.rows = keep_rows(in, settled), .keys = {}};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    SLUICE_ASSIGN(auto canonical, canonical_key(keep_rows(keys[i], settled)));
    SLUICE_ASSIGN(auto widened, widen(canonical, what.keys[i].type));
    SLUICE_ASSIGN(keys[i], canonical_key(std::move(widened)));
  }
  made.keys = std::move(keys);
  return made;
}

result<keyed_rows> with_keys(const join_plan& what, const key_layout& layout, int input, const batch& in,
                             on_error policy, emitter& out) {
  SLUICE_ASSIGN(auto valued, with_key_values(what, input, in, policy, out));
  keyed_rows made{.rows = std::move(valued.rows), .keys = {}};
  made.keys = layout.pack(valued.keys, made.rows.rows());
  return made;
}

result<right_rows> split_right(const join_plan& what, keyed_rows in) {
  right_rows made;
  arrow::ArrayVector columns;
  arrow::FieldVector fields;
  for (const int column : what.kept) {
    columns.push_back(in.rows.data->column(column));
    fields.push_back(what.inputs[1]->field(column));
  }
  in.rows.data = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), in.rows.rows(), std::move(columns));
  if (!what.keeps_right()) in.rows.positions = nullptr;
  if (!in.keys.nulls.empty()) {
    std::vector<std::int32_t> whole, lacking;
    for (std::int64_t row = 0; row < in.keys.rows; ++row)
      (in.keys.is_null(row) ? lacking : whole).push_back(static_cast<std::int32_t>(row));
    if (!lacking.empty()) {
      made.without_key = take(in.rows, lacking);
      in.rows = take(in.rows, whole);
      in.keys = in.keys.take(whole);
    }
    in.keys.nulls.clear();
  }
  made.whole = std::move(in);
  return made;
}

}  // namespace sluice::joins
