// Functions that number rows: they know partitions and peers only.
#include "engine/operators/window_functions/call.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/type.h>

#include <vector>

namespace sluice::window_functions {

namespace {

template <class Value, class ArrayType>
std::shared_ptr<arrow::Array> array_of(std::vector<Value> values) {
  const auto rows = static_cast<std::int64_t>(values.size());
  return std::make_shared<ArrayType>(rows, arrow::Buffer::FromVector(std::move(values)));
}

enum class number { row, rank, dense };

// row_number, rank and dense_rank, which go on in the next piece of a partition.
class numbers final : public call {
 public:
  explicit numbers(number what) : what_(what) {}
  [[nodiscard]] bool runs() const override { return true; }

  result<std::shared_ptr<arrow::Array>> compute(const segment& of, const inputs&, row_errors&) override {
    std::vector<std::int64_t> values(static_cast<std::size_t>(of.rows));
    std::size_t group = 0;
    for (std::size_t i = 0; i + 1 < of.partitions.size(); ++i) {
      if (i > 0 || !of.continues) rows_ = groups_ = 0;
      for (; group + 1 < of.peers.size() && of.peers[group] < of.partitions[i + 1]; ++group) {
        const auto begin = of.peers[group];
        const auto end = of.peers[group + 1];
        ++groups_;
        const auto value = what_ == number::dense ? groups_ : rows_ + 1;
        for (auto row = begin; row < end; ++row) values[row] = what_ == number::row ? value + row - begin : value;
        rows_ += end - begin;
      }
    }
    return array_of<std::int64_t, arrow::Int64Array>(std::move(values));
  }

 private:
  number what_;
  std::int64_t rows_ = 0, groups_ = 0;  ///< of the partition, before the next peers
};

// percent_rank and cume_dist.
class shares final : public call {
 public:
  explicit shares(bool cumulative) : cumulative_(cumulative) {}

  result<std::shared_ptr<arrow::Array>> compute(const segment& of, const inputs&, row_errors&) override {
    std::vector<double> values(static_cast<std::size_t>(of.rows));
    std::size_t group = 0;
    for_each_part(of.partitions, [&](std::int64_t first, std::int64_t last) {
      const auto rows = static_cast<double>(last - first);
      for (; group + 1 < of.peers.size() && of.peers[group] < last; ++group) {
        const auto before = static_cast<double>((cumulative_ ? of.peers[group + 1] : of.peers[group]) - first);
        const double value = cumulative_ ? before / rows : last - first == 1 ? 0.0 : before / (rows - 1);
        for (auto row = of.peers[group]; row < of.peers[group + 1]; ++row) values[row] = value;
      }
    });
    return array_of<double, arrow::DoubleArray>(std::move(values));
  }

 private:
  bool cumulative_;
};

class tiles final : public call {
 public:
  // As in PostgreSQL, the first row of a partition says how many parts it has.
  result<std::shared_ptr<arrow::Array>> compute(const segment& of, const inputs& in, row_errors& errors) override {
    const auto& counts = static_cast<const arrow::Int64Array&>(*in.arguments[0]);
    arrow::Int32Builder values;
    SLUICE_TRY_ARROW(values.Reserve(of.rows), "number rows");
    for_each_part(of.partitions, [&](std::int64_t first, std::int64_t last) {
      const bool known = counts.IsValid(first) && counts.Value(first) > 0 && counts.Value(first) <= INT32_MAX;
      if (!known) {
        for (auto row = first; row < last; ++row) {
          if (counts.IsValid(first))
            errors.push_back(
                {.row = row,
                 .code = "out_of_range",
                 .column = {},
                 .message = "ntile expects a number of parts above 0, found " + std::to_string(counts.Value(first))});
          values.UnsafeAppendNull();
        }
        return;
      }
      // The first parts have one row more where they do not divide evenly.
      const auto rows = last - first;
      const auto parts = counts.Value(first);
      const auto size = rows / parts;
      const auto larger = rows % parts;
      for (std::int64_t at = 0; at < rows; ++at) {
        const auto tile = at < larger * (size + 1) ? at / (size + 1) : larger + (at - larger * (size + 1)) / size;
        values.UnsafeAppend(static_cast<std::int32_t>(tile + 1));
      }
    });
    SLUICE_ASSIGN_ARROW(auto made, values.Finish(), "number rows");
    return made;
  }
};

}  // namespace

std::unique_ptr<call> make_rank(const expression::window_call& of) {
  if (of.function == "row_number") return std::make_unique<numbers>(number::row);
  if (of.function == "rank") return std::make_unique<numbers>(number::rank);
  if (of.function == "dense_rank") return std::make_unique<numbers>(number::dense);
  if (of.function == "percent_rank") return std::make_unique<shares>(false);
  if (of.function == "cume_dist") return std::make_unique<shares>(true);
  if (of.function == "ntile") return std::make_unique<tiles>();
  return nullptr;
}

}  // namespace sluice::window_functions
