#include "engine/formats/parquet/dictionary_filter.hpp"

#include "engine/columns/language_columns.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

namespace sluice {

namespace {

/// A dictionary that has nearly as many values as there are rows saves nothing.
constexpr std::int64_t rows_per_value = 4;

}  // namespace

dictionary_filter::dictionary_filter(const row_filter& filter, const std::vector<std::string>& names) {
  for (const auto& text : filter.leading_texts())
    parts_.push_back({.column = names[static_cast<std::size_t>(text.column)], .what = text});
}

result<const arrow::DictionaryArray*> dictionary_filter::look_up(part& of, const arrow::RecordBatch& rows) {
  const auto column = rows.GetColumnByName(of.column);
  if (!column || column->type_id() != arrow::Type::DICTIONARY) return nullptr;
  const auto* numbers = static_cast<const arrow::DictionaryArray*>(column.get());
  const auto& values = numbers->dictionary();
  if (numbers->indices()->type_id() != arrow::Type::INT32 || values->null_count() > 0 ||
      values->length() * rows_per_value > rows.num_rows())
    return nullptr;
  if (of.dictionary == values) return numbers;
  SLUICE_ASSIGN(const auto texts, to_language(values, arrow::utf8(), of.column, {}));
  batch in;
  in.data = arrow::RecordBatch::Make(arrow::schema({arrow::field(of.column, arrow::utf8())}), texts->length(), {texts});
  SLUICE_ASSIGN(const auto said, of.what.condition->evaluate(in));
  const auto& truth = static_cast<const arrow::BooleanArray&>(*said.values);
  of.verdicts.assign(static_cast<std::size_t>(texts->length()), verdict::stays);
  for (std::int64_t value = 0; value < texts->length(); ++value)
    if (truth.IsValid(value) && !truth.Value(value)) of.verdicts[static_cast<std::size_t>(value)] = verdict::goes;
  for (const auto& each : said.errors) of.verdicts[static_cast<std::size_t>(each.row)] = verdict::fails;
  of.dictionary = values;
  return numbers;
}

result<std::shared_ptr<arrow::BooleanArray>> dictionary_filter::keep(const arrow::RecordBatch& rows) {
  const auto count = rows.num_rows();
  std::vector<verdict> so_far(static_cast<std::size_t>(count), verdict::stays);
  std::int64_t going = 0;
  for (auto& one : parts_) {
    SLUICE_ASSIGN(const auto* numbers, look_up(one, rows));
    if (numbers == nullptr) break;  // what stands behind it counts only where it is not false
    const auto& indices = static_cast<const arrow::Int32Array&>(*numbers->indices());
    for (std::int64_t row = 0; row < count; ++row) {
      auto& verdict_of_row = so_far[static_cast<std::size_t>(row)];
      if (verdict_of_row != verdict::stays || indices.IsNull(row)) continue;
      verdict_of_row = one.verdicts[static_cast<std::size_t>(indices.Value(row))];
      going += verdict_of_row == verdict::goes ? 1 : 0;
    }
  }
  if (going == 0) return std::shared_ptr<arrow::BooleanArray>();
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> bits, arrow::AllocateEmptyBitmap(count), "filter rows");
  for (std::int64_t row = 0; row < count; ++row)
    if (so_far[static_cast<std::size_t>(row)] != verdict::goes) arrow::bit_util::SetBit(bits->mutable_data(), row);
  return std::make_shared<arrow::BooleanArray>(count, std::move(bits), nullptr, 0);
}

}  // namespace sluice
