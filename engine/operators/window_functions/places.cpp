// Functions that give the value of another row: lag, lead, first_value, last_value, nth_value, and the aggregates
// first, last and any_value, which pass over nulls.
#include "engine/operators/window_functions/call.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/type.h>

#include <vector>

namespace sluice::window_functions {

namespace {

constexpr std::int64_t nowhere = -1;

// The values at some rows; null where there is none.
result<std::shared_ptr<arrow::Array>> take(const std::shared_ptr<arrow::Array>& values,
                                           const std::vector<std::int64_t>& rows) {
  arrow::Int64Builder indices;
  SLUICE_TRY_ARROW(indices.Reserve(static_cast<std::int64_t>(rows.size())), "find rows");
  for (const auto row : rows) {
    if (row == nowhere)
      indices.UnsafeAppendNull();
    else
      indices.UnsafeAppend(row);
  }
  SLUICE_ASSIGN_ARROW(const auto places, indices.Finish(), "find rows");
  SLUICE_ASSIGN_ARROW(auto taken, arrow::compute::Take(*values, *places, arrow::compute::TakeOptions::NoBoundsCheck()),
                      "find rows");
  return taken;
}

class neighbours final : public call {
 public:
  explicit neighbours(int direction) : direction_(direction) {}

  result<std::shared_ptr<arrow::Array>> compute(const segment& of, const inputs& in, row_errors&) override {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(of.rows), nowhere);
    const auto* offsets =
        in.arguments.size() > 1 ? static_cast<const arrow::Int64Array*>(in.arguments[1].get()) : nullptr;
    arrow::BooleanBuilder outside;
    SLUICE_TRY_ARROW(outside.Reserve(of.rows), "find rows");
    for_each_part(of.partitions, [&](std::int64_t first, std::int64_t last) {
      for (auto row = first; row < last; ++row) {
        const bool known = offsets == nullptr || offsets->IsValid(row);
        std::int64_t place = 0;
        const std::int64_t offset = offsets == nullptr ? 1 : known ? offsets->Value(row) : 0;
        const bool fits = direction_ > 0 ? !__builtin_add_overflow(row, offset, &place)
                                         : !__builtin_sub_overflow(row, offset, &place);
        const bool inside = fits && place >= first && place < last;
        if (known && inside) rows[static_cast<std::size_t>(row)] = place;
        outside.UnsafeAppend(known && !inside);
      }
    });
    SLUICE_ASSIGN(auto values, take(in.arguments[0], rows));
    if (in.arguments.size() < 3) return values;
    SLUICE_ASSIGN_ARROW(const auto where, outside.Finish(), "find rows");
    SLUICE_ASSIGN_ARROW(const auto made, arrow::compute::IfElse(where, in.arguments[2], values), "find rows");
    return made.make_array();
  }

 private:
  int direction_;
};

// Row `n` of a frame that may have a gap, and the row itself behind its first part; nowhere beyond its end.
std::int64_t row_of_frame(const frame_rows& frames, std::int64_t row, std::int64_t n) {
  const auto at = static_cast<std::size_t>(row);
  const auto first = frames.end[at] - frames.begin[at];
  if (n < first) return frames.begin[at] + n;
  n -= first;
  if (!frames.self.empty() && frames.self[at] != 0) {
    if (n == 0) return row;
    --n;
  }
  if (frames.second_begin.empty()) return nowhere;
  return n < frames.second_end[at] - frames.second_begin[at] ? frames.second_begin[at] + n : nowhere;
}

std::int64_t rows_of_frame(const frame_rows& frames, std::int64_t row) {
  const auto at = static_cast<std::size_t>(row);
  auto rows = frames.end[at] - frames.begin[at];
  if (!frames.self.empty()) rows += frames.self[at];
  if (!frames.second_begin.empty()) rows += frames.second_end[at] - frames.second_begin[at];
  return rows;
}

enum class which { first, last, nth };

class of_frame final : public call {
 public:
  of_frame(const expression::window_call& of, which what) : what_(what), frame_(of.frame), order_(of.order) {}

  result<std::shared_ptr<arrow::Array>> compute(const segment& of, const inputs& in, row_errors& errors) override {
    SLUICE_ASSIGN(const auto frames, find_frames(of, frame_, order_, in));
    std::vector<std::int64_t> rows(static_cast<std::size_t>(of.rows), nowhere);
    for (std::int64_t row = 0; row < of.rows; ++row) {
      std::int64_t n = 0;
      if (what_ == which::last) n = rows_of_frame(frames, row) - 1;
      if (what_ == which::nth) {
        const auto& numbers = static_cast<const arrow::Int64Array&>(*in.arguments[1]);
        if (numbers.IsNull(row)) continue;
        n = numbers.Value(row) - 1;
        if (n < 0) {
          errors.push_back({.row = row,
                            .code = "out_of_range",
                            .column = {},
                            .message = "nth_value expects a number above 0, found " + std::to_string(n + 1)});
          continue;
        }
      }
      if (n >= 0) rows[static_cast<std::size_t>(row)] = row_of_frame(frames, row, n);
    }
    return take(in.arguments[0], rows);
  }

 private:
  which what_;
  expression::window_frame frame_;
  std::vector<expression::window_order> order_;
};

// first and last without nulls: for each row, the next or the previous one that has a value.
class with_value final : public call {
 public:
  with_value(const expression::window_call& of, bool last) : last_(last), frame_(of.frame), order_(of.order) {}

  result<std::shared_ptr<arrow::Array>> compute(const segment& of, const inputs& in, row_errors&) override {
    SLUICE_ASSIGN(const auto frames, find_frames(of, frame_, order_, in));
    const auto& values = *in.arguments[0];
    const auto* filter = static_cast<const arrow::BooleanArray*>(in.filter.get());
    const auto has = [&](std::int64_t row) {
      return values.IsValid(row) && (filter == nullptr || (filter->IsValid(row) && filter->Value(row)));
    };
    std::vector<std::int64_t> near(static_cast<std::size_t>(of.rows), nowhere);
    std::int64_t found = nowhere;
    for (std::int64_t i = 0; i < of.rows; ++i) {
      const auto row = last_ ? i : of.rows - 1 - i;
      if (has(row)) found = row;
      near[static_cast<std::size_t>(row)] = found;
    }
    // In [begin, end).
    const auto in_part = [&](std::int64_t begin, std::int64_t end) {
      if (begin >= end) return nowhere;
      const auto row = near[static_cast<std::size_t>(last_ ? end - 1 : begin)];
      return row >= begin && row < end ? row : nowhere;
    };
    std::vector<std::int64_t> rows(static_cast<std::size_t>(of.rows), nowhere);
    for (std::int64_t row = 0; row < of.rows; ++row) {
      const auto at = static_cast<std::size_t>(row);
      std::int64_t parts[] = {
          in_part(frames.begin[at], frames.end[at]),
          !frames.self.empty() && frames.self[at] != 0 && has(row) ? row : nowhere,
          frames.second_begin.empty() ? nowhere : in_part(frames.second_begin[at], frames.second_end[at])};
      if (last_) std::swap(parts[0], parts[2]);
      for (const auto part : parts) {
        if (part == nowhere) continue;
        rows[at] = part;
        break;
      }
    }
    return take(in.arguments[0], rows);
  }

 private:
  bool last_;
  expression::window_frame frame_;
  std::vector<expression::window_order> order_;
};

}  // namespace

std::unique_ptr<call> make_place(const expression::window_call& of) {
  if (of.function == "lag") return std::make_unique<neighbours>(-1);
  if (of.function == "lead") return std::make_unique<neighbours>(1);
  if (of.function == "first_value") return std::make_unique<of_frame>(of, which::first);
  if (of.function == "last_value") return std::make_unique<of_frame>(of, which::last);
  if (of.function == "nth_value") return std::make_unique<of_frame>(of, which::nth);
  if (of.function == "first" || of.function == "any_value") return std::make_unique<with_value>(of, false);
  if (of.function == "last") return std::make_unique<with_value>(of, true);
  return nullptr;
}

}  // namespace sluice::window_functions
