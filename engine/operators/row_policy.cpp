#include "engine/operators/row_policy.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>

#include <algorithm>
#include <map>

namespace sluice {

namespace {

error failure_of(const row_error& first, std::size_t failed) {
  auto problem =
      user_error(first.code, first.column.empty() ? first.message : "column " + first.column + ": " + first.message,
                 "set on_error: reject to reject such rows, or on_error: set_null to replace the value with null");
  if (failed > 1) problem.message += " (and " + std::to_string(failed - 1) + " more in this batch)";
  return problem;
}

std::shared_ptr<arrow::Array> rows_without(std::int64_t rows, const row_errors& errors) {
  auto buffer = std::shared_ptr<arrow::Buffer>(arrow::AllocateBuffer(rows * 4).ValueOrDie());
  auto* indices = reinterpret_cast<std::int32_t*>(buffer->mutable_data());
  std::int64_t kept = 0;
  auto next = errors.begin();
  for (std::int64_t row = 0; row < rows; ++row) {
    if (next != errors.end() && next->row == row) {
      while (next != errors.end() && next->row == row) ++next;
      continue;
    }
    indices[kept++] = static_cast<std::int32_t>(row);
  }
  return std::make_shared<arrow::Int32Array>(kept, std::move(buffer));
}

}  // namespace

result<settled_rows> settle_errors(const batch& entered, row_errors errors, on_error policy, emitter& out) {
  if (errors.empty()) return settled_rows{};
  std::stable_sort(errors.begin(), errors.end(), [](const row_error& a, const row_error& b) { return a.row < b.row; });
  switch (policy) {
    case on_error::fail:
      out.reject(entered, {errors.front()});
      return failure_of(errors.front(), errors.size());
    case on_error::reject: {
      out.reject(entered, errors);
      return settled_rows{.all_kept = false, .kept = rows_without(entered.rows(), errors)};
    }
    case on_error::set_null: {
      std::map<std::string, std::uint64_t> values;
      for (const auto& one : errors) ++values[one.column];
      for (const auto& [column, count] : values) out.count_set_null(column, count);
      return settled_rows{};
    }
  }
  return settled_rows{};
}

batch keep_rows(const batch& in, const settled_rows& settled) {
  return settled.all_kept ? in : take_rows(in, *settled.kept);
}

std::shared_ptr<arrow::Array> keep_rows(const std::shared_ptr<arrow::Array>& column, const settled_rows& settled) {
  if (settled.all_kept) return column;
  return arrow::compute::Take(*column, *settled.kept, arrow::compute::TakeOptions::NoBoundsCheck()).ValueOrDie();
}

}  // namespace sluice
