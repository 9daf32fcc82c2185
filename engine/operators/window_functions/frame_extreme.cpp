// min and max over frames: of the rows that are in the frame, those that can still become the result wait in a queue.
#include "engine/operators/sorting/sort_keys.hpp"
#include "engine/operators/window_functions/sliding.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/type.h>

#include <algorithm>
#include <vector>

namespace sluice::window_functions {

namespace {

constexpr std::int64_t nowhere = -1;

class extreme final : public call {
 public:
  explicit extreme(const expression::window_call& of)
      : greatest_(of.function == "max"), frame_(of.frame), order_(of.order) {}

  result<std::shared_ptr<arrow::Array>> compute(const segment& of, const inputs& in, row_errors&) override {
    SLUICE_ASSIGN(const auto frames, find_frames(of, frame_, order_, in));
    // Bytes that compare as the values do, whatever their type; what is sought has the smallest ones.
    encoded_keys keys;
    SLUICE_TRY(keys.encode({{.value = nullptr, .text = {}, .descending = greatest_, .nulls_first = false}},
                           {in.arguments[0]}, of.rows));
    const counted_rows counted(in);
    arrow::Int64Builder places;
    SLUICE_TRY_ARROW(places.Reserve(of.rows), "find the extremes of frames");
    for_each_part(of.partitions, [&](std::int64_t first, std::int64_t last) {
      waiting one{.keys = keys, .high = first}, two{.keys = keys, .high = first};
      for (auto row = first; row < last; ++row) {
        const auto at = static_cast<std::size_t>(row);
        auto best = one.move(frames.begin[at], frames.end[at], counted);
        if (!frames.second_begin.empty())
          best = better(keys, best, two.move(frames.second_begin[at], frames.second_end[at], counted));
        if (!frames.self.empty() && frames.self[at] != 0 && counted[row]) best = better(keys, best, row);
        if (best == nowhere)
          places.UnsafeAppendNull();
        else
          places.UnsafeAppend(best);
      }
    });
    SLUICE_ASSIGN_ARROW(const auto rows, places.Finish(), "find the extremes of frames");
    SLUICE_ASSIGN_ARROW(auto taken,
                        arrow::compute::Take(*in.arguments[0], *rows, arrow::compute::TakeOptions::NoBoundsCheck()),
                        "find the extremes of frames");
    return taken;
  }

 private:
  // Rows of the frame in order, each better than all behind it in the queue's sense: the first is the result.
  struct waiting {
    const encoded_keys& keys;
    std::int64_t high;
    std::vector<std::int64_t> rows = {};
    std::size_t head = 0;

    std::int64_t move(std::int64_t begin, std::int64_t end, const counted_rows& counted) {
      for (high = std::max(high, begin); high < end; ++high) {
        if (!counted[high]) continue;
        while (rows.size() > head && keys[rows.back()] >= keys[high]) rows.pop_back();
        rows.push_back(high);
      }
      while (head < rows.size() && rows[head] < begin) ++head;
      return head == rows.size() ? nowhere : rows[head];
    }
  };

  static std::int64_t better(const encoded_keys& keys, std::int64_t a, std::int64_t b) {
    if (a == nowhere || b == nowhere) return a == nowhere ? b : a;
    return keys[b] < keys[a] ? b : a;
  }

  bool greatest_;
  expression::window_frame frame_;
  std::vector<expression::window_order> order_;
};

}  // namespace

std::unique_ptr<call> make_frame_extreme(const expression::window_call& of) {
  if (of.function != "min" && of.function != "max") return nullptr;
  return std::make_unique<extreme>(of);
}

}  // namespace sluice::window_functions
