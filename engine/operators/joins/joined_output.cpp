#include "engine/operators/joins/joined_output.hpp"

#include "engine/operators/joins/joined_rows.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>

namespace sluice::joins {

void joined_output::begin_pass() {
  if (runs_ != nullptr) runs_->begin_run();
}

status joined_output::end_pass() { return runs_ != nullptr ? runs_->end_run() : status{}; }

status joined_output::give(const keyed_rows& left, const build_side& right, const matcher& made, emitter& out) {
  const auto rows = made.left_rows();
  if (rows.empty()) return {};
  SLUICE_ASSIGN(auto parts, joined_rows(*what_, left.rows, right, rows, made.right_rows()));
  if (runs_ == nullptr) {
    for (auto& part : parts) out.emit(0, std::move(part));
    return {};
  }
  const arrow::Int32Array indices(static_cast<std::int64_t>(rows.size()),
                                  arrow::Buffer::Wrap(rows.data(), rows.size()));
  SLUICE_ASSIGN_ARROW(const auto numbers,
                      arrow::compute::Take(*left.numbers, indices, arrow::compute::TakeOptions::NoBoundsCheck()),
                      "join rows");
  std::int64_t at = 0;
  for (const auto& part : parts) {
    SLUICE_TRY(runs_->add(part, numbers->Slice(at, part.rows())));
    at += part.rows();
  }
  return {};
}

status joined_output::give_unmatched(const build_side& right, std::size_t block, emitter& out) {
  const auto rows = right.unmarked(block);
  out.count_merged(static_cast<std::uint64_t>(right.rows_of(block)) - rows.size());
  SLUICE_ASSIGN(auto made, unmatched_rows(*what_, right, rows));
  for (auto& part : made) out.emit(0, std::move(part));
  return {};
}

}  // namespace sluice::joins
