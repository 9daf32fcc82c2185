#include "engine/component/may_block.hpp"
#include "engine/component/spilled_state.hpp"
#include "engine/component/stand_in.hpp"
#include "engine/memory/manager.hpp"
#include "engine/operators/aggregates/bind.hpp"
#include "engine/operators/aggregates/group_pass.hpp"
#include "engine/operators/aggregates/group_results.hpp"
#include "engine/operators/aggregates/stored_groups.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/makes_rows.hpp"
#include "engine/operators/partitioned_spill.hpp"
#include "engine/operators/row_policy.hpp"
#include "engine/operators/sorting/external_sort.hpp"
#include "engine/operators/windows/window_aggregate.hpp"
#include "engine/operators/windows/window_rule.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>

namespace sluice {

namespace {

using aggregates::aggregation;
using aggregates::group_pass;
using aggregates::stored_groups;

// Groups beyond which calls take longer than an actor's turn.
constexpr std::uint32_t many_groups = 32 * 1024;
// Groups of a part of the state: their columns fit into the cache of a core.
constexpr std::size_t groups_of_a_part = 16 * 1024;

class aggregate final : public single_output, public may_block, public spilled_state, public makes_rows {
 public:
  aggregate(const transform_request& request, std::shared_ptr<arrow::Schema> schema, aggregation what)
      : single_output(request, std::move(schema)),
        context_(*request.context),
        input_(request.inputs.front().schema),
        what_(std::move(what)),
        endless_(request.endless),
        memory_(request.context->memory, request.unit) {}

  [[nodiscard]] partitioning input_partitioning(int) const override {
    if (what_.keys.empty()) return {.how = partitioning::kind::single};
    partitioning how{.how = partitioning::kind::by_keys};
    for (const int key : what_.keys) how.keys.push_back(input_->field(key)->name());
    how.key_types = what_.key_types;
    return how;
  }
  [[nodiscard]] bool keeps_order() const override { return false; }
  [[nodiscard]] bool next_call_may_block() const override {
    return spilled_ || stored_ ||
           (pass_ && (pass_->size() > many_groups || pass_->bytes() >= context_.memory->least()));
  }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>&) const override {
    column_set columns(input_);
    columns.add(what_.keys);
    for (const auto& one : what_.inputs) columns.add(one.value->columns());
    return columns.names();
  }

  /// The groups as rows, and the distinct values of each call that has any. Many groups are handed out part by part.
  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    if (!finished_ && !pass_) return parts;
    SLUICE_ASSIGN(auto flags, held::numbers("flags", {positions_ ? 1 : 0, finished_ ? 1 : 0}));
    parts.push_back(std::move(flags));
    if (finished_ || holds_many()) return parts;
    SLUICE_ASSIGN(auto saved, pass_->save(of));
    add_parts(std::move(saved), parts);
    return parts;
  }
  status restore(const std::vector<state_part>& parts) override {
    if (parts.empty()) return {};
    SLUICE_TRY(prepare());
    for (const auto& part : parts) {
      if (part.name == "flags") {
        SLUICE_ASSIGN(const auto flags, held::numbers_of(part, 2));
        positions_ = positions_ || flags[0] != 0;
        all_given_ = all_given_ || flags[1] != 0;
      } else if (!is_of_groups(part)) {
        return held::foreign(part.name);
      } else if (part.name != groups_part) {
        SLUICE_TRY(take_groups_back(part));
      }
    }
    for (const auto& part : parts)
      if (part.name == groups_part) SLUICE_TRY(take_groups_back(part));
    return {};
  }

  /// Groups stand for the first of their rows until they are given; rows of groups that are on disk for themselves.
  [[nodiscard]] std::uint64_t held() const override {
    if (finished_ || !pass_) return 0;
    return pass_->size() - std::min(known_, pass_->size()) + (spilled_ ? spilled_->rows() : 0) +
           (stored_ ? stored_->held() : 0);
  }

  /// Many groups; rows of groups that have no room in memory: keys, inputs, and where they came; and distinct values.
  [[nodiscard]] bool has_spilled() const override {
    return !finished_ && pass_ && (holds_many() || spilled_ || stored_ || pass_->has_spilled());
  }
  status hand_out(key_groups of, const part_taker& take) override {
    if (stored_) return stored_->hand_out(of, take);
    if (holds_many()) SLUICE_TRY(hand_out_groups(of, take));
    SLUICE_TRY(pass_->hand_out(of, take));
    if (!spilled_) return {};
    return spilled_->each([&](const batch& rows) -> status {
      auto columns = rows.data->columns();
      const std::vector<std::shared_ptr<arrow::Array>> keys(
          columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(what_.keys.size()));
      SLUICE_ASSIGN(const auto chosen, held::in_groups(of, keys, rows.rows()));
      if (chosen.empty()) return {};
      const auto where = std::static_pointer_cast<arrow::UInt64Array>(columns.back());
      held::place_columns places;
      for (std::int64_t row = 0; row < where->length(); ++row)
        places.add(pass_->order().key(static_cast<std::uint32_t>(where->Value(row) >> 32)),
                   static_cast<std::uint32_t>(where->Value(row)));
      columns.pop_back();
      SLUICE_TRY(places.append_to(columns));
      batch all;
      all.data = held::unnamed(rows.rows(), std::move(columns));
      const arrow::Int32Array indices(std::ssize(chosen), arrow::Buffer::Wrap(chosen));
      return take({"spilled", take_rows(all, indices).data});
    });
  }
  // Their groups are none of those in memory: they go to disk again, and groups that come are treated as before.
  status take_in(const state_part& part) override {
    SLUICE_TRY(prepare());
    if (is_of_groups(part)) return take_groups_back(part);
    if (endless_) {
      SLUICE_TRY(store());
      return stored_->take_in(part);
    }
    if (!pass_->frozen()) SLUICE_TRY(begin_to_spill());
    if (part.name != "spilled") return pass_->take_in(part);
    const auto own = what_.keys.size() + what_.inputs.size();
    if (part.rows->num_columns() != static_cast<int>(own) + 4) return held::foreign(part.name);
    const held::places_read places(*part.rows, static_cast<int>(own));
    std::vector<std::uint32_t> numbers;
    for (std::int64_t begin = 0, end = 0; begin < part.rows->num_rows(); begin = end) {
      end = places.end_of_batch(begin);
      numbers.clear();
      for (auto row = begin; row < end; ++row) numbers.push_back(places.row(row));
      const auto some = part.rows->Slice(begin, end - begin)->columns();
      const auto keys = static_cast<std::ptrdiff_t>(what_.keys.size());
      group_pass::evaluated_rows in{.keys = {some.begin(), some.begin() + keys},
                                    .inputs = {some.begin() + keys, some.begin() + static_cast<std::ptrdiff_t>(own)},
                                    .rows = end - begin,
                                    .order = places.key(begin),
                                    .row_numbers = numbers.data()};
      SLUICE_TRY(pass_->leave_out(in.keys, in.rows));
      SLUICE_ASSIGN(const auto number, pass_->number_of(in.order));
      SLUICE_ASSIGN(const auto where, numbered(number, numbers));
      SLUICE_TRY(spill(in, where));
    }
    return {};
  }
  [[nodiscard]] bool gives_rows_again() const override { return endless_; }

  status before_barrier(std::uint64_t, emitter&) override {
    if (endless_) give_changed();
    return {};
  }

  status process(int, batch in, emitter& out) override {
    positions_ = positions_ || in.positions != nullptr;
    if (in.rows() == 0) return {};
    group_pass::evaluated_rows rows;
    row_errors errors;
    SLUICE_ASSIGN(rows.inputs, what_.evaluate(in, errors));
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, out));
    in = keep_rows(in, settled);
    for (auto& value : rows.inputs) value = keep_rows(value, settled);
    rows.rows = in.rows();
    if (rows.rows == 0) return {};
    for (const int key : what_.keys) {
      SLUICE_ASSIGN(auto column, canonical_key(in.data->column(key)));
      rows.keys.push_back(std::move(column));
    }
    rows.order = in.order;
    return add(rows, nullptr, out);
  }

  status finish(int, emitter& out) override {
    SLUICE_TRY(prepare());
    if (what_.keys.empty() && pass_->size() == 0 && !all_given_ && !endless_) {
      SLUICE_TRY(pass_->add_nothing());
      out.count_added(1);
    }
    finished_ = true;
    if (endless_) {
      give_changed();
    } else if (spilled_) {
      places_.emplace(pass_->order());
    } else {
      pass_->start();
    }
    return {};
  }

  result<bool> resume(emitter& out) override {
    if (stored_) return work_on_stored(out);
    if (given_ < giving_.size()) return give_some(out);
    if (!finished_ || endless_) return false;
    if (spilled_) return work_off(out);
    const auto groups = pass_->next(target_batch_rows);
    if (groups.empty()) return false;
    SLUICE_ASSIGN(auto made, read(*pass_, groups, out, false));
    out.emit(0, std::move(made));
    return true;
  }

 private:
  // Distinct values are looked through for each part.
  [[nodiscard]] bool holds_many() const { return !stored_ && pass_->size() > many_groups && !pass_->has_distinct(); }

  static constexpr const char* groups_part = "groups";
  static constexpr const char* distinct_part = "distinct";  // with the number of the state behind it

  [[nodiscard]] static bool is_of_groups(const state_part& part) {
    return part.name == groups_part || part.name.rfind(distinct_part, 0) == 0;
  }

  // Distinct values stand before the groups that they are of.
  static void add_parts(group_pass::saved saved, std::vector<state_part>& to) {
    for (std::size_t call = 0; call < saved.distinct.size(); ++call)
      if (saved.distinct[call]) to.push_back({distinct_part + std::to_string(call), std::move(saved.distinct[call])});
    to.push_back({groups_part, std::move(saved.groups)});
  }

  status hand_out_groups(key_groups of, const part_taker& take) {
    std::vector<state_part> parts;
    return pass_->save_by_parts(of, groups_of_a_part, [&](group_pass::saved saved) -> status {
      parts.clear();
      add_parts(std::move(saved), parts);
      for (const auto& part : parts) SLUICE_TRY(take(part));
      return {};
    });
  }

  status take_groups_back(const state_part& part) {
    taken_.distinct.resize(what_.states.size());
    for (std::size_t call = 0; call < taken_.distinct.size(); ++call)
      if (part.name == distinct_part + std::to_string(call)) return taken_.distinct[call] = part.rows, status();
    if (part.name != groups_part) return held::foreign(part.name);
    auto saved = std::exchange(taken_, {});
    saved.groups = part.rows;
    if (all_given_) return {};
    if (stored_) {  // by another instance's part before this one
      SLUICE_ASSIGN(const auto pass, group_pass::make(what_, context_, unit_));
      SLUICE_TRY(pass->load(saved));
      return stored_->take(*pass, std::vector<stored_groups::facts>(pass->size(), {.given = true, .changed = false}));
    }
    SLUICE_TRY(pass_->load(saved));
    known_ = endless_ ? pass_->size() : 0;
    memory_.take(pass_->bytes());
    return {};
  }

  // Groups that have changed, in the order in which they appeared.
  void give_changed() {
    if (stored_) return stored_->start();
    giving_.clear();
    given_ = 0;
    for (std::uint32_t group = 0; group < changed_.size(); ++group)
      if (changed_[group]) giving_.push_back(group);
    changed_.clear();
  }

  result<bool> give_some(emitter& out) {
    const auto count = std::min<std::size_t>(giving_.size() - given_, target_batch_rows);
    const std::span<const std::uint32_t> groups(giving_.data() + given_, count);
    given_ += count;
    std::uint64_t again = 0;
    for (const auto group : groups) again += group < known_ ? 1 : 0;
    out.count_added(again);
    SLUICE_ASSIGN(auto made, read(*pass_, groups, out, false));
    if (given_ == giving_.size()) known_ = pass_->size();
    out.emit(0, std::move(made));
    return given_ < giving_.size();
  }

  result<bool> work_on_stored(emitter& out) {
    return stored_->work(
        {.give = [&](group_pass& from, std::span<const std::uint32_t> groups, std::uint64_t again) -> status {
           out.count_added(again);
           SLUICE_ASSIGN(auto made, read(from, groups, out, false));
           out.emit(0, std::move(made));
           return {};
         },
         .merged = [&](std::uint64_t rows) { out.count_merged(rows); }});
  }

  // From here on the groups of a source without end are on disk: at the next checkpoint those that have changed are
  // given, and there must be memory for them.
  status store() {
    if (stored_) return {};
    stored_ = std::make_unique<stored_groups>(what_, context_, unit_);
    std::vector<stored_groups::facts> about(pass_->size());
    for (std::size_t group = 0; group < about.size(); ++group)
      about[group] = {.given = group < known_, .changed = group < changed_.size() && changed_[group]};
    SLUICE_TRY(stored_->take(*pass_, about));
    pass_.reset();
    changed_.clear();
    known_ = 0;
    memory_.take(0);
    memory::return_freed_memory();
    return prepare();
  }

  void note_changed() {
    changed_.resize(pass_->size());
    for (const auto group : pass_->last_groups()) changed_[group] = true;
  }

  status prepare() {
    if (pass_) return {};
    SLUICE_ASSIGN(pass_, group_pass::make(what_, context_, unit_));
    return {};
  }

  // Takes rows into the present pass; `places` are those of rows that come back
  // from disk.
  status add(const group_pass::evaluated_rows& rows, const std::shared_ptr<arrow::Array>& places, emitter& out) {
    SLUICE_TRY(prepare());
    if (!stored_ && !pass_->frozen() && !memory_.try_resize(pass_->bytes() + pass_->growth(rows.rows)) &&
        pass_->bytes() >= context_.memory->least())
      SLUICE_TRY(endless_ ? store() : begin_to_spill());
    if (stored_) return stored_->add(rows);
    SLUICE_TRY(pass_->add(rows));
    if (endless_) note_changed();
    out.count_merged(pass_->merged());
    memory_.take(pass_->bytes());
    if (pass_->left_out().empty()) return {};
    return spill(rows, places);
  }

  status begin_to_spill() {
    if (!spilled_) spilled_ = std::make_unique<partitioned_spill>(context_, unit_);
    memory::return_freed_memory();
    return pass_->freeze();
  }

  // Rows of groups for which there is no room: keys, inputs, and where they
  // came.
  status spill(const group_pass::evaluated_rows& rows, const std::shared_ptr<arrow::Array>& places) {
    auto columns = rows.keys;
    columns.insert(columns.end(), rows.inputs.begin(), rows.inputs.end());
    auto where = places;
    if (!where) {
      const auto number = static_cast<std::uint32_t>(pass_->order().size() - 1);
      SLUICE_ASSIGN(where, make_places(number, rows.rows));
    }
    columns.push_back(std::move(where));
    arrow::FieldVector fields;
    for (const auto& column : columns) fields.push_back(arrow::field("", column->type()));
    batch all;
    all.data = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows.rows, std::move(columns));
    const auto& left_out = pass_->left_out();
    std::vector<std::uint64_t> hashes;
    hashes.reserve(left_out.size());
    for (const auto row : left_out) hashes.push_back(pass_->hashes()[row]);
    const arrow::Int32Array indices(static_cast<std::int64_t>(left_out.size()), arrow::Buffer::Wrap(left_out));
    return spilled_->add(take_rows(all, indices), hashes);
  }

  // One step of: give what the present pass made to the sorter; make a pass of
  // the next partition; at the end, give the rows in the order in which their
  // groups appeared.
  result<bool> work_off(emitter& out) {
    if (!results_)
      results_ = std::make_unique<external_sort>(context_, unit_,
                                                 std::vector<external_sort::key>{{.column = schema()->num_fields()}});
    SLUICE_ASSIGN(bool more, results_->work());
    if (more) return true;
    if (all_read_) return give(out);
    if (!reading_) {
      SLUICE_ASSIGN(const auto rows, spilled_->next_block());
      if (rows) {
        SLUICE_TRY(take_back(*rows, out));
        return true;
      }
      SLUICE_ASSIGN(more, pass_->settle());
      if (more) return true;
      pass_->start();
      reading_ = true;
    }
    if (const auto groups = pass_->next(target_batch_rows); !groups.empty()) {
      SLUICE_ASSIGN(auto made, read(*pass_, groups, out, true));
      SLUICE_TRY(results_->add(std::move(made)));
      return true;
    }
    return next_pass();
  }

  result<bool> next_pass() {
    reading_ = false;
    pass_.reset();
    origins_.clear();
    memory_.take(0);
    memory::return_freed_memory();
    SLUICE_TRY(spilled_->close());
    first_pass_ = false;
    if (spilled_->next_partition()) {
      SLUICE_TRY(prepare());
      return true;
    }
    all_read_ = true;
    SLUICE_TRY(results_->finish());
    return true;
  }

  // Spilled rows come back: those of one batch together, as they came.
  status take_back(const batch& rows, emitter& out) {
    const auto& data = *rows.data;
    const auto& places = static_cast<const arrow::UInt64Array&>(*data.columns().back());
    const auto keys = static_cast<std::ptrdiff_t>(what_.keys.size());
    std::vector<std::uint32_t> numbers;
    for (std::int64_t begin = 0; begin < data.num_rows();) {
      const auto batch_number = static_cast<std::uint32_t>(places.Value(begin) >> 32);
      numbers.clear();
      auto end = begin;
      for (; end < data.num_rows() && places.Value(end) >> 32 == batch_number; ++end)
        numbers.push_back(static_cast<std::uint32_t>(places.Value(end)));
      const auto part = data.Slice(begin, end - begin)->columns();
      group_pass::evaluated_rows in{.keys = {part.begin(), part.begin() + keys},
                                    .inputs = {part.begin() + keys, part.end() - 1},
                                    .rows = end - begin,
                                    .order = places_->origin.key(batch_number),
                                    .row_numbers = numbers.data()};
      origins_.push_back(batch_number);
      SLUICE_TRY(add(in, part.back(), out));
      begin = end;
    }
    return {};
  }

  result<bool> give(emitter& out) {
    SLUICE_ASSIGN(auto rows, results_->next());
    if (!rows.data) return false;
    SLUICE_ASSIGN_ARROW(rows.data, rows.data->RemoveColumn(rows.data->num_columns() - 1), "read results");
    rows.order = {};
    out.emit(0, std::move(rows));
    return true;
  }

  static result<std::shared_ptr<arrow::Array>> make_places(std::uint32_t number, std::int64_t rows) {
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> buffer, arrow::AllocateBuffer(rows * 8), "spill rows");
    auto* values = reinterpret_cast<std::uint64_t*>(buffer->mutable_data());
    for (std::int64_t row = 0; row < rows; ++row)
      values[row] = (std::uint64_t{number} << 32) | static_cast<std::uint64_t>(row);
    return std::shared_ptr<arrow::Array>(std::make_shared<arrow::UInt64Array>(rows, std::move(buffer)));
  }

  // The places of rows of a batch, by their numbers in it.
  static result<std::shared_ptr<arrow::Array>> numbered(std::uint32_t batch, const std::vector<std::uint32_t>& rows) {
    std::vector<std::uint64_t> values;
    values.reserve(rows.size());
    for (const auto row : rows) values.push_back((std::uint64_t{batch} << 32) | row);
    const auto count = std::ssize(values);
    return std::shared_ptr<arrow::Array>(
        std::make_shared<arrow::UInt64Array>(count, arrow::Buffer::FromVector(std::move(values))));
  }

  // Places of groups over all passes: rank of the batch, then the row.
  result<std::shared_ptr<arrow::Array>> places_of(std::span<const std::uint32_t> groups) {
    const auto rows = static_cast<std::int64_t>(groups.size());
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> buffer, arrow::AllocateBuffer(rows * 8), "read results");
    auto* values = reinterpret_cast<std::uint64_t*>(buffer->mutable_data());
    for (const auto group : groups) {
      const auto place = pass_->place_of(group);
      const auto number = first_pass_ ? place.batch : origins_[place.batch];
      *values++ = (std::uint64_t{places_->rank[number]} << 32) | place.row;
    }
    return std::shared_ptr<arrow::Array>(std::make_shared<arrow::UInt64Array>(rows, std::move(buffer)));
  }

  result<batch> read(group_pass& from, std::span<const std::uint32_t> groups, emitter& out, bool with_places) {
    const auto rows = static_cast<std::int64_t>(groups.size());
    SLUICE_ASSIGN(auto columns, aggregates::read_keys(what_, from, groups));
    batch made;
    row_errors errors;
    SLUICE_ASSIGN(auto results, aggregates::read_outputs(what_, from, columns, groups, errors));
    columns.insert(columns.end(), results.begin(), results.end());
    made.data = arrow::RecordBatch::Make(schema(), rows, std::move(columns));
    if (positions_) made.positions = unknown_positions(rows);
    SLUICE_ASSIGN(const auto settled, settle_errors(made, std::move(errors), policy_, out));
    made = keep_rows(made, settled);
    if (!with_places) return made;
    SLUICE_ASSIGN(auto places, places_of(groups));
    places = keep_rows(places, settled);
    SLUICE_ASSIGN_ARROW(made.data,
                        made.data->AddColumn(schema()->num_fields(), arrow::field("", places->type()), places),
                        "read results");
    return made;
  }

  // The order of all batches that came, for putting the results of passes in
  // order.
  struct batch_places {
    explicit batch_places(arrivals order) : origin(std::move(order)), rank(origin.size()) {
      const auto sequence = origin.sorted();
      for (std::size_t i = 0; i < sequence.size(); ++i) rank[sequence[i]] = static_cast<std::uint32_t>(i);
    }
    arrivals origin;
    std::vector<std::uint32_t> rank;  ///< by number
  };

  const run_context& context_;
  std::shared_ptr<arrow::Schema> input_;
  aggregation what_;
  bool endless_;                       ///< changed groups are given with each checkpoint, because the end never comes
  std::vector<bool> changed_;          ///< groups, since they were given last
  std::vector<std::uint32_t> giving_;  ///< groups that have changed
  std::size_t given_ = 0;              ///< of giving_
  std::uint32_t known_ = 0;            ///< groups that were given before
  memory::reservation memory_;
  std::unique_ptr<group_pass> pass_;            ///< the groups in memory
  std::unique_ptr<partitioned_spill> spilled_;  ///< rows of the others; null while there are none
  std::unique_ptr<stored_groups> stored_;       ///< all groups, below a source without end, once memory was short
  std::unique_ptr<external_sort> results_;      ///< of all passes, by their places, where there are several
  std::optional<batch_places> places_;
  std::vector<std::uint32_t> origins_;  ///< number among all batches of each batch of a later pass
  group_pass::saved taken_;             ///< distinct values whose groups are the next part
  bool first_pass_ = true;
  bool finished_ = false;
  bool all_given_ = false;  ///< by an instance before this one
  bool reading_ = false;    ///< results of the present pass
  bool all_read_ = false;   ///< results_ has everything
  bool positions_ = false;  ///< the input's rows have positions, so those made
                            ///< here get some too
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "aggregate", 1, faults)) return nullptr;
  if (request.own.contains("window") && !request.own["window"].is_null())
    return windows::make_window_aggregate(request, faults);
  for (const auto* one : {"sets", "rollup", "cube"})
    if (request.own.contains(one) && !request.own[one].is_null()) {
      auto fault = user_error("invalid_option", std::string(one) + " can't be used in a step",
                              "make the aggregate a separate unit");
      fault.path = "/aggregate";
      faults.push_back(std::move(fault));
      return nullptr;
    }
  auto bound = aggregates::bind(request, faults);
  if (!bound.whole) return make_stand_in(std::move(bound.schema));
  return std::make_unique<aggregate>(request, std::move(bound.schema), std::move(bound.what));
}

}  // namespace

const component& aggregate_transform() {
  static const component self{
      .spec =
          {.name = "aggregate",
           .kind = component_kind::transform,
           .summary = "Groups rows by key columns and computes aggregates for each group",
           .description =
               "The output has one row for each distinct combination of the `by` columns (nulls form a group too), "
               "in the order in which they first appear. Without `by` the output has exactly one row, also for "
               "empty input.\n\n"
               "Sums, averages and variances of real and double are computed exactly and rounded once, so that the "
               "result is identical for any order of rows, parallelism and number of nodes. A sum that does not "
               "fit its type is an error of its group (numeric_overflow); `on_error` decides what happens to it.\n\n"
               "With `window`, rows are also grouped by their event time, the column that `time` of the source "
               "names: `{ tumble: 1m }`, `{ hop: 5m, every: 1m }` or `{ session: 10m }`. The output has the columns "
               "window_start and window_end after the keys. A window is emitted once, when the watermark passes its "
               "end; rows that come later go to the port `late`, or to the rejects (late_row) if nothing reads it. "
               "See docs/event-time.md.\n\n"
               "`sets: [[country, city], [country], []]` groups the rows by each of these sets, as `grouping sets` of "
               "SQL; columns that are not in a set are null in its rows. `rollup: [country, city]` means these three "
               "sets, `cube` all combinations. Planning turns them into one aggregate for each set and a union; "
               "`sluice explain` shows them.",
           .value = {.form = shape::object,
                     .help = "the key columns and the aggregates",
                     .required = true,
                     .elements = {{.name = "by",
                                   .form = shape::list,
                                   .help = "columns to group by; empty: all rows form one group",
                                   .elements = {{.form = shape::column, .help = "a column"}}},
                                  {.name = "compute",
                                   .form = shape::map,
                                   .help = "new column: expression with aggregates",
                                   .elements = {{.form = shape::expression, .help = "sum(net), count(*), ..."}}},
                                  windows::window_spec(),
                                  {.name = "sets",
                                   .form = shape::list,
                                   .help = "groups by each of these sets of columns, and by all of `by`",
                                   .elements = {{.form = shape::list,
                                                 .help = "columns; [] for all rows",
                                                 .elements = {{.form = shape::column, .help = "a column"}}}}},
                                  {.name = "rollup",
                                   .form = shape::list,
                                   .help = "[a, b]: the sets [a, b], [a] and []",
                                   .elements = {{.form = shape::column, .help = "a column"}}},
                                  {.name = "cube",
                                   .form = shape::list,
                                   .help = "[a, b]: the sets [a, b], [a], [b] and []",
                                   .elements = {{.form = shape::column, .help = "a column"}}}}},
           .law = "in + added = out + merged + rejected (merged: each row of a group beyond its first; added: the "
                  "one row of an aggregate without keys over empty input, further windows of a row, and groups that "
                  "late rows changed; out: late rows too, if their port is read)",
           .example = R"yaml(version: 1
pipeline: airports-by-zone
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  zones:
    from: airports
    aggregate:
      by: [tzone]
      compute: { airports: "count(*)", highest: "max(alt)", mean: "round(avg(alt), 1)" }
load:
  show:
    from: zones
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
