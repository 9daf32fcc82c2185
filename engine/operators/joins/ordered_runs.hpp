#pragma once

#include "engine/component/component.hpp"
#include "engine/memory/spill_file.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace sluice::joins {

/// Brings output back into the left's order where a join worked partition by partition: each pass over a partition
/// writes one run, ascending by the number of the left's row, and the runs are merged at the end. Rows of equal number
/// keep the order of their runs.
class ordered_runs {
 public:
  explicit ordered_runs(memory::spill_file& file) : file_(&file) {}

  /// Notes the place in the stream of the left's rows from `number` on.
  void note_place(std::uint64_t number, const order_key& place) { places_.push_back({number, place}); }
  void begin_run() { runs_.emplace_back(); }
  /// Adds output to the present run: `numbers` are those of the left's rows.
  status add(const batch& rows, const std::shared_ptr<arrow::Array>& numbers);
  status end_run();
  /// Merges; one piece of work a call, false when everything was emitted.
  result<bool> merge(emitter& out);

  /// The places that were noted, and all output so far, as rows that `take_places` and `take_rows` take back; numbers
  /// are their last column. Before the first `merge`. Block.
  [[nodiscard]] batch places() const;
  status each(const std::function<status(const batch&)>& take) const;
  status take_places(const arrow::RecordBatch& rows);
  status take_rows(const batch& rows);
  /// Rows of output.
  [[nodiscard]] std::uint64_t rows() const;

  /// Memory that buffers take, while runs are written or merged.
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  struct run {
    std::vector<memory::spilled_block> blocks;
    std::size_t next = 0;  ///< block to be read
    batch rows;            ///< the present one, without the numbers
    std::shared_ptr<arrow::UInt64Array> numbers;
    std::int64_t at = 0;
    std::uint32_t held = 0;  ///< place of `rows` among those that the present batch is gathered from
  };
  struct noted_place {
    std::uint64_t number;
    order_key place;
  };

  status write_pending();
  result<bool> load(run& of);
  status load_all(std::size_t begin, std::size_t end);
  result<bool> gather_next(std::size_t begin, std::size_t end, bool one_place, batch& made,
                           std::shared_ptr<arrow::UInt64Array>& numbers);
  status merge_first();
  [[nodiscard]] std::uint64_t end_of_place(std::uint64_t number);

  memory::spill_file* file_;
  std::vector<noted_place> places_;
  std::size_t next_place_ = 0;
  std::vector<batch> pending_;  ///< of the present run, numbers as the last column
  std::int64_t pending_rows_ = 0;
  std::vector<run> runs_;
  bool loaded_ = false;
  std::int64_t bytes_ = 0;
};

}  // namespace sluice::joins
