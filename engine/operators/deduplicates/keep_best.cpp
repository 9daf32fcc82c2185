#include "engine/operators/deduplicates/keep.hpp"
#include "engine/operators/deduplicates/spilling_keys.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/keys/group_places.hpp"
#include "engine/operators/picked_rows.hpp"
#include "engine/operators/row_policy.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <functional>
#include <numeric>
#include <utility>

namespace sluice {

namespace {

// A row that is spilled has two more columns: its encoded order and its place.
class keep_best final : public spilling_keys {
 public:
  keep_best(const transform_request& request, std::vector<int> by, std::vector<sort_key> order)
      : spilling_keys(request, std::move(by)), order_(std::move(order)), stored_(schema_of_kept()), rows_(stored_) {}

  [[nodiscard]] bool keeps_order() const override { return false; }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(schema());
    columns.add(by());
    for (const auto& key : order_) columns.add(key.value->columns());
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  [[nodiscard]] std::uint64_t held() const override { return has_finished() ? 0 : known() + spilling_keys::held(); }

  /// The rows that are kept, in the input's order, and where they came.
  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    SLUICE_ASSIGN(const auto keys, known_keys());
    if (keys.empty() || has_finished()) return parts;
    SLUICE_ASSIGN(const auto chosen, held::in_groups(of, keys, known()));
    std::vector<bool> wanted(known());
    for (const auto group : chosen) wanted[static_cast<std::size_t>(group)] = true;
    auto in_order = places_;
    in_order.start(batches_);
    for (;;) {
      std::vector<std::uint32_t> groups;
      const auto some = in_order.next(target_batch_rows);
      if (some.empty()) return parts;
      held::place_columns places;
      for (const auto group : some) {
        if (!wanted[group]) continue;
        groups.push_back(group);
        const auto place = places_.place_of(group);
        places.add(batches_.key(place.batch), place.row);
      }
      if (groups.empty()) continue;
      SLUICE_ASSIGN(auto made, kept(groups));
      auto columns = made.data->columns();
      columns.pop_back();
      SLUICE_TRY(places.append_to(columns));
      made.data = held::unnamed(made.rows(), std::move(columns));
      SLUICE_ASSIGN(auto part, held::rows("rows", made));
      parts.push_back(std::move(part));
    }
  }
  status restore(const std::vector<state_part>& parts) override {
    held::quiet_emitter quiet;
    const int columns = schema()->num_fields();
    for (const auto& part : parts) {
      if (part.rows->num_columns() < columns + 4) return held::foreign(part.name);
      const held::places_read places(*part.rows, columns);
      for (std::int64_t begin = 0, end = 0; begin < part.rows->num_rows(); begin = end) {
        end = places.end_of_batch(begin);
        const auto slice = part.rows->Slice(begin, end - begin);
        auto own = slice->columns();
        own.resize(static_cast<std::size_t>(columns));
        batch in;
        in.data = arrow::RecordBatch::Make(schema(), end - begin, std::move(own));
        if (slice->num_columns() > columns + 4) {
          if (!slice->column(columns + 4)->type()->Equals(*position_type())) return held::foreign(part.name);
          in.positions = as_positions(slice->column(columns + 4));
        }
        SLUICE_ASSIGN(const auto number, taken_back_.number(places.key(begin), batches_));
        arrow::UInt64Builder where;
        for (auto row = begin; row < end; ++row)
          SLUICE_TRY_ARROW(where.Append((std::uint64_t{number} << 32) | places.row(row)), "take rows back");
        SLUICE_ASSIGN_ARROW(const auto numbers, where.Finish(), "take rows back");
        std::vector<std::shared_ptr<arrow::Array>> values;
        row_errors errors;
        for (const auto& key : order_) {
          SLUICE_ASSIGN(auto value, evaluate(key, in, errors));
          values.push_back(std::move(value));
        }
        if (!errors.empty()) return held::foreign(part.name);
        SLUICE_TRY(encoded_.encode(order_, std::move(values), in.rows()));
        SLUICE_TRY(choose(
            in, [this](std::int64_t row) { return encoded_[row]; }, numbers, quiet));
        // Where there is less memory than there was.
        if (!left_out_.empty()) SLUICE_TRY(spill_some(in, numbers));
      }
    }
    return {};
  }

  status process(int, batch in, emitter& out) override {
    if (in.rows() == 0) return {};
    std::vector<std::shared_ptr<arrow::Array>> values;
    row_errors errors;
    for (const auto& key : order_) {
      SLUICE_ASSIGN(auto value, evaluate(key, in, errors));
      values.push_back(std::move(value));
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, out));
    in = keep_rows(in, settled);
    for (auto& value : values) value = keep_rows(value, settled);
    if (in.rows() == 0) return {};
    SLUICE_TRY(encoded_.encode(order_, std::move(values), in.rows()));
    SLUICE_ASSIGN(const auto number, batches_.add(in.order));
    SLUICE_ASSIGN(const auto places, make_places(number, in.rows()));
    SLUICE_TRY(choose(
        in, [this](std::int64_t row) { return encoded_[row]; }, places, out));
    return left_out_.empty() ? status() : spill_some(in, places);
  }

 protected:
  // The columns, the encoded order, and where the row came.
  result<state_part> part_of(const batch& rows) override {
    const auto columns = static_cast<std::size_t>(schema()->num_fields());
    const auto& where = static_cast<const arrow::UInt64Array&>(*rows.data->column(static_cast<int>(columns) + 1));
    held::place_columns places;
    for (std::int64_t row = 0; row < where.length(); ++row)
      places.add(batches_.key(static_cast<std::uint32_t>(where.Value(row) >> 32)),
                 static_cast<std::uint32_t>(where.Value(row)));
    auto all = rows.data->columns();
    all.pop_back();
    SLUICE_TRY(places.append_to(all));
    auto plain = rows;
    plain.data = held::unnamed(rows.rows(), std::move(all));
    return held::rows("spilled", plain);
  }
  result<batch> rows_of(const state_part& part) override {
    SLUICE_ASSIGN(auto rows, held::rows_of(part));
    const int columns = schema()->num_fields();
    if (rows.data->num_columns() != columns + 5) return held::foreign(part.name);
    const held::places_read places(*rows.data, columns + 1);
    arrow::UInt64Builder where;
    for (std::int64_t begin = 0, end = 0; begin < rows.rows(); begin = end) {
      end = places.end_of_batch(begin);
      SLUICE_ASSIGN(const auto number, taken_back_.number(places.key(begin), batches_));
      for (auto row = begin; row < end; ++row)
        SLUICE_TRY_ARROW(where.Append((std::uint64_t{number} << 32) | places.row(row)), "take rows back");
    }
    SLUICE_ASSIGN_ARROW(auto numbers, where.Finish(), "take rows back");
    auto own = rows.data->columns();
    own.resize(static_cast<std::size_t>(columns) + 1);
    own.push_back(std::move(numbers));
    rows.data = arrow::RecordBatch::Make(spilled_schema(), rows.rows(), std::move(own));
    return rows;
  }

  status take_back(batch rows, external_sort&, emitter& out) override {
    const int columns = schema()->num_fields();
    const auto& encoded = static_cast<const arrow::LargeBinaryArray&>(*rows.data->column(columns));
    SLUICE_TRY(choose(
        rows, [&](std::int64_t row) { return encoded.GetView(row); }, rows.data->column(columns + 1), out));
    return spill(rows, left_out_);
  }

  result<bool> emit_kept(emitter& out) override {
    if (!started_) places_.start(batches_);
    started_ = true;
    const auto groups = places_.next(target_batch_rows);
    if (groups.empty()) return false;
    SLUICE_ASSIGN(auto made, kept(groups));
    SLUICE_ASSIGN_ARROW(made.data, made.data->RemoveColumn(schema()->num_fields()), "read kept rows");
    out.emit(0, std::move(made));
    return true;
  }

  result<bool> give_kept(external_sort& results) override {
    if (given_ >= known()) return false;
    std::vector<std::uint32_t> groups(std::min<std::size_t>(known() - given_, target_batch_rows));
    std::iota(groups.begin(), groups.end(), given_);
    given_ += static_cast<std::uint32_t>(groups.size());
    SLUICE_ASSIGN(auto made, kept(groups));
    SLUICE_TRY(rank_places(made));
    SLUICE_TRY(results.add(std::move(made)));
    return true;
  }

  void start_over() override {
    rows_ = picked_rows(stored_);
    places_ = {};
    best_.clear();
    best_.shrink_to_fit();
    best_bytes_ = 0;
    winners_.clear();
    winners_.shrink_to_fit();
    given_ = 0;
  }

 private:
  using order_of = std::function<std::string_view(std::int64_t)>;

  // Of what is kept: the columns, the place and the position.
  std::shared_ptr<arrow::Schema> schema_of_kept() {
    auto fields = schema()->fields();
    fields.push_back(arrow::field("", arrow::uint64()));
    fields.push_back(arrow::field("", position_type()));
    return arrow::schema(std::move(fields));
  }

  std::shared_ptr<arrow::Schema> spilled_schema() {
    auto fields = schema()->fields();
    fields.push_back(arrow::field("", arrow::large_binary()));
    fields.push_back(arrow::field("", arrow::uint64()));
    return arrow::schema(std::move(fields));
  }

  // Rows of the present batch for whose keys there is no room.
  status spill_some(const batch& in, const std::shared_ptr<arrow::Array>& places) {
    SLUICE_ASSIGN(const auto encoded, encoded_column(in.rows()));
    auto columns = in.data->columns();
    columns.push_back(encoded);
    columns.push_back(places);
    return spill(in.with(arrow::RecordBatch::Make(spilled_schema(), in.rows(), std::move(columns))), left_out_);
  }

  result<std::shared_ptr<arrow::Array>> encoded_column(std::int64_t rows) {
    arrow::LargeBinaryBuilder builder;
    for (std::int64_t row = 0; row < rows; ++row) SLUICE_TRY_ARROW(builder.Append(encoded_[row]), "spill rows");
    SLUICE_ASSIGN_ARROW(auto column, builder.Finish(), "spill rows");
    return column;
  }

  status choose(const batch& in, const order_of& order, const std::shared_ptr<arrow::Array>& places, emitter& out) {
    const auto before = known();
    SLUICE_ASSIGN(const auto* groups, number(in));
    const auto& where = static_cast<const arrow::UInt64Array&>(*places);
    best_.resize(known());
    winners_.resize(known(), -1);
    chosen_.clear();
    left_out_.clear();
    for (std::int64_t row = 0; row < in.rows(); ++row) {
      const auto group = groups[row];
      if (group == group_index::missing) {
        left_out_.push_back(static_cast<std::int32_t>(row));
        continue;
      }
      const auto key = order(row);
      const bool is_first = group >= before && winners_[group] < 0;
      if (!is_first && key >= std::string_view(best_[group])) continue;
      best_bytes_ += static_cast<std::int64_t>(key.size()) - static_cast<std::int64_t>(best_[group].size());
      best_[group] = key;
      if (winners_[group] < 0) chosen_.push_back(group);
      winners_[group] = static_cast<std::int32_t>(row);
      places_.put(group, static_cast<std::uint32_t>(where.Value(row) >> 32),
                  static_cast<std::uint32_t>(where.Value(row)));
    }
    out.count_merged(static_cast<std::uint64_t>(in.rows()) - (known() - before) - left_out_.size());
    SLUICE_TRY(keep(in, places));
    holds(rows_.bytes() + places_.bytes() + best_bytes_ +
          static_cast<std::int64_t>(best_.capacity() * sizeof(std::string) + winners_.capacity() * 4));
    return {};
  }

  // Stores the rows that were chosen.
  status keep(const batch& in, const std::shared_ptr<arrow::Array>& places) {
    rows_chosen_.clear();
    for (const auto group : chosen_) rows_chosen_.push_back(std::exchange(winners_[group], -1));
    positions_ = positions_ || in.positions != nullptr;
    auto columns = in.data->columns();
    columns.resize(static_cast<std::size_t>(schema()->num_fields()));
    columns.push_back(places);
    columns.push_back(in.positions ? in.positions : unknown_positions(in.rows()));
    return rows_.put(*arrow::RecordBatch::Make(stored_, in.rows(), std::move(columns)), chosen_, rows_chosen_, known());
  }

  // The rows of groups, with their places.
  result<batch> kept(std::span<const std::uint32_t> groups) {
    SLUICE_ASSIGN(const auto rows, rows_.take(groups));
    batch made;
    auto columns = rows->columns();
    if (positions_) made.positions = as_positions(columns.back());
    columns.pop_back();
    auto fields = schema()->fields();
    fields.push_back(arrow::field("", arrow::uint64()));
    made.data = arrow::RecordBatch::Make(arrow::schema(std::move(fields), schema()->metadata()), rows->num_rows(),
                                         std::move(columns));
    return made;
  }

  // Batches came in any order: what counts is their rank in the input's.
  status rank_places(batch& kept_rows) {
    if (batches_.in_order()) return {};
    if (rank_.empty()) {
      rank_.resize(batches_.size());
      const auto sequence = batches_.sorted();
      for (std::size_t i = 0; i < sequence.size(); ++i) rank_[sequence[i]] = static_cast<std::uint32_t>(i);
    }
    const int column = schema()->num_fields();
    const auto& places = static_cast<const arrow::UInt64Array&>(*kept_rows.data->column(column));
    arrow::UInt64Builder builder;
    for (std::int64_t row = 0; row < places.length(); ++row) {
      const auto place = places.Value(row);
      SLUICE_TRY_ARROW(builder.Append((std::uint64_t{rank_[place >> 32]} << 32) | (place & 0xffffffff)), "rank rows");
    }
    SLUICE_ASSIGN_ARROW(const auto ranked, builder.Finish(), "rank rows");
    SLUICE_ASSIGN_ARROW(kept_rows.data, kept_rows.data->SetColumn(column, arrow::field("", arrow::uint64()), ranked),
                        "rank rows");
    return {};
  }

  std::vector<sort_key> order_;
  std::shared_ptr<arrow::Schema> stored_;
  picked_rows rows_;
  encoded_keys encoded_;
  arrivals batches_;
  held::batches_taken_back taken_back_;
  group_places places_;            ///< of the rows kept
  std::vector<std::string> best_;  ///< encoded order of the row kept, by group
  std::int64_t best_bytes_ = 0;
  std::vector<std::int32_t> winners_;  ///< row of the present batch that is kept, by group; -1: none
  std::vector<std::uint32_t> chosen_;
  std::vector<std::int32_t> rows_chosen_, left_out_;
  std::vector<std::uint32_t> rank_;  ///< of each batch
  std::uint32_t given_ = 0;          ///< groups that the sorter has
  bool positions_ = false;
  bool started_ = false;
};

}  // namespace

std::unique_ptr<transform> keep_best_rows(const transform_request& request, std::vector<int> by,
                                          std::vector<sort_key> order) {
  return std::make_unique<keep_best>(request, std::move(by), std::move(order));
}

}  // namespace sluice
