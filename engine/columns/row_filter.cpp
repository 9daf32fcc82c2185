#include "engine/columns/row_filter.hpp"

#include "engine/expression/bind/conjuncts.hpp"
#include "engine/expression/bits.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

namespace sluice {

namespace {

/// The bits of a boolean array from bit 0, nulls as false.
result<std::shared_ptr<arrow::Buffer>> true_bits(const arrow::BooleanArray& from, std::int64_t rows) {
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> bits, arrow::AllocateEmptyBitmap(rows), "filter rows");
  for (std::int64_t row = 0; row < rows; ++row)
    if (from.IsValid(row) && from.Value(row)) arrow::bit_util::SetBit(bits->mutable_data(), row);
  return bits;
}

}  // namespace

result<std::shared_ptr<const row_filter>> row_filter::make(const std::string& condition, const std::string& unit,
                                                           const run_context& context,
                                                           const std::shared_ptr<arrow::Schema>& columns) {
  diagnostics faults;
  const auto names_over = [&](const std::shared_ptr<arrow::Schema>& schema) {
    expression::scope names;
    names.inputs.push_back({.qualifier = unit, .schema = schema});
    names.context = &context;
    names.unit = unit;
    return names;
  };
  const auto bind_over = [&](const std::shared_ptr<arrow::Schema>& schema) {
    return expression::bind_condition(condition, names_over(schema), {}, faults);
  };
  const auto over_all = bind_over(columns);
  if (!over_all) return faults.front();
  auto made = std::make_shared<row_filter>();
  made->columns_ = over_all->columns();
  arrow::FieldVector fields;
  for (const int column : made->columns_) fields.push_back(columns->field(column));
  made->schema_ = arrow::schema(std::move(fields));
  made->condition_ = bind_over(made->schema_);
  if (!made->condition_) return faults.front();
  for (const auto& part : expression::bind_conjuncts(condition, names_over(made->schema_), {}, faults)) {
    const auto& read = part.whole->columns();
    if (read.size() != 1 || made->schema_->field(read.front())->type()->id() != arrow::Type::STRING) break;
    auto alone = expression::bind_condition(
        part.whole->to_string(), names_over(arrow::schema({made->schema_->field(read.front())})), {}, faults);
    if (!alone) return faults.front();
    made->leading_texts_.push_back({read.front(), std::move(alone)});
  }
  if (!faults.empty()) return faults.front();
  return std::shared_ptr<const row_filter>(std::move(made));
}

result<std::shared_ptr<arrow::BooleanArray>> row_filter::keep(const std::vector<std::shared_ptr<arrow::Array>>& columns,
                                                              std::int64_t rows) const {
  batch in;
  in.data = arrow::RecordBatch::Make(schema_, rows, columns);
  SLUICE_ASSIGN(const auto value, condition_->evaluate(in));
  auto truth = std::static_pointer_cast<arrow::BooleanArray>(value.values);
  if (value.errors.empty() && truth->null_count() == 0 && truth->offset() == 0) return truth;
  SLUICE_ASSIGN(auto bits, true_bits(*truth, rows));
  for (const auto& each : value.errors) arrow::bit_util::SetBit(bits->mutable_data(), each.row);
  return std::make_shared<arrow::BooleanArray>(rows, std::move(bits));
}

result<batch> row_filter::apply(batch rows, std::uint64_t& left_out) const {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const int column : columns_) columns.push_back(rows.data->column(column));
  SLUICE_ASSIGN(const auto stay, keep(columns, rows.rows()));
  const auto kept = stay->true_count();
  if (kept == rows.rows()) return rows;
  left_out += static_cast<std::uint64_t>(rows.rows() - kept);
  return kept == 0 ? rows.slice(0, 0) : filter_rows(rows, *stay);
}

std::vector<std::uint32_t> kept_rows(const arrow::BooleanArray& keep) {
  std::vector<std::uint32_t> rows(static_cast<std::size_t>(keep.true_count()));
  auto* next = rows.data();
  const auto* bits = keep.values()->data();
  for (std::int64_t word = 0; word < expression::words_for(keep.length()); ++word) {
    auto left = expression::load_word(bits, word, keep.length());
    const auto first = static_cast<std::uint32_t>(word * 64);
    if (left == ~std::uint64_t{0}) {
      for (std::uint32_t i = 0; i < 64; ++i) *next++ = first + i;
      continue;
    }
    for (; left != 0; left &= left - 1) *next++ = first + static_cast<std::uint32_t>(__builtin_ctzll(left));
  }
  return rows;
}

}  // namespace sluice
