#include "engine/operators/aggregates/group_results.hpp"

#include "engine/expression/bits.hpp"
#include "engine/expression/evaluate_where.hpp"
#include "engine/operators/binding.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_scalar.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <cstring>

namespace sluice::aggregates {

namespace {

// The rows in which every call has a value; null where there are no others.
result<std::shared_ptr<arrow::Buffer>> rows_with_values(const row_errors& failed, std::int64_t rows) {
  if (failed.empty()) return std::shared_ptr<arrow::Buffer>();
  const auto bytes = expression::words_for(rows) * 8;
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> bits, arrow::AllocateBuffer(bytes), "read results");
  std::memset(bits->mutable_data(), 0xff, static_cast<std::size_t>(bytes));
  for (const auto& one : failed) expression::clear_bit(bits->mutable_data(), one.row);
  return bits;
}

// coalesce(sum(x), 0) must not make a value of a sum that does not fit.
result<std::shared_ptr<arrow::Array>> evaluate_final(const aggregation::output& output, const batch& in,
                                                     const std::shared_ptr<arrow::Buffer>& good, row_errors& errors) {
  SLUICE_ASSIGN(auto value, expression::evaluate_where(*output.final, in, good));
  append_errors(errors, std::move(value.errors), output.name);
  if (!good) return value.values;
  const arrow::BooleanArray keep(in.rows(), good);
  SLUICE_ASSIGN_ARROW(const auto kept,
                      arrow::compute::IfElse(keep, value.values, arrow::MakeNullScalar(value.values->type())),
                      "read results");
  return kept.make_array();
}

}  // namespace

result<std::vector<std::shared_ptr<arrow::Array>>> read_keys(const aggregation& what, group_pass& pass,
                                                             std::span<const std::uint32_t> groups) {
  SLUICE_ASSIGN(auto columns, pass.keys(groups));
  row_errors none;  // taking a value can't fail
  for (std::size_t key = 0; key < columns.size(); ++key) {
    if (what.spelled_keys[key] < 0) continue;
    SLUICE_ASSIGN(columns[key], pass.result_of(what.calls[what.spelled_keys[key]], groups, none));
  }
  return columns;
}

result<std::vector<std::shared_ptr<arrow::Array>>> read_outputs(const aggregation& what, group_pass& pass,
                                                                const std::vector<std::shared_ptr<arrow::Array>>& keys,
                                                                std::span<const std::uint32_t> groups,
                                                                row_errors& errors) {
  const auto rows = static_cast<std::int64_t>(groups.size());
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const auto& output : what.outputs) {
    row_errors failed;
    auto inputs = keys;
    for (const int call : output.calls) {
      SLUICE_ASSIGN(auto values, pass.result_of(what.calls[call], groups, failed));
      inputs.push_back(std::move(values));
    }
    SLUICE_ASSIGN(const auto good, rows_with_values(failed, rows));
    append_errors(errors, std::move(failed), output.name);
    if (!output.final) {
      columns.push_back(std::move(inputs.back()));
      continue;
    }
    batch made;
    made.data = arrow::RecordBatch::Make(output.final_schema, rows, std::move(inputs));
    SLUICE_ASSIGN(auto values, evaluate_final(output, made, good, errors));
    columns.push_back(std::move(values));
  }
  return columns;
}

}  // namespace sluice::aggregates
