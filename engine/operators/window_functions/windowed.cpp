#include "engine/operators/window_functions/windowed.hpp"

#include "engine/component/may_block.hpp"
#include "engine/component/spilled_state.hpp"
#include "engine/component/stand_in.hpp"
#include "engine/expression/windows.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/row_policy.hpp"
#include "engine/operators/window_functions/layout.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <optional>

namespace sluice::window_functions {

namespace {

struct output {
  std::string name;
  expression::bound_ptr value;
  int place = 0;                                    ///< column of the working columns that it becomes
  std::vector<int> results = {};                    ///< columns of the rows that its calls gave
  std::shared_ptr<arrow::Schema> schema = nullptr;  ///< working columns, then results
};

class windowed final : public single_output, public may_block, public spilled_state {
 public:
  windowed(const transform_request& request, std::shared_ptr<arrow::Schema> made, layout rows,
           std::vector<output> outputs, shape how)
      : single_output(request, std::move(made)),
        input_(request.inputs.front().schema),
        rows_(std::move(rows)),
        outputs_(std::move(outputs)),
        how_(how) {
    for (auto& one : rows_.windows)
      stages_.push_back(
          std::make_unique<stage>(*request.context, unit_, one.partition, one.sort, std::move(one.calls)));
  }

  [[nodiscard]] partitioning input_partitioning(int) const override { return {.how = partitioning::kind::single}; }
  [[nodiscard]] bool needs_order() const override { return true; }
  [[nodiscard]] bool keeps_order() const override { return false; }
  [[nodiscard]] bool next_call_may_block() const override { return true; }
  [[nodiscard]] std::optional<std::string> needs_end(int) const override {
    return "aggregate with a window (every:), or compute over what is loaded, from a bounded source";
  }
  [[nodiscard]] std::uint64_t held() const override { return finished_ ? 0 : static_cast<std::uint64_t>(taken_); }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(input_);
    const auto own = [&](const std::vector<int>& read) {
      for (const int column : read)
        if (column < input_->num_fields()) columns.add(column);
    };
    for (const auto& one : rows_.computed) columns.add(one.value->columns());
    for (const int column : rows_.reads) columns.add(column);
    for (const auto& one : outputs_) own(one.value->columns());
    if (how_ == shape::derived)
      for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    if (!of.contains(0) || finished_ || has_spilled()) return parts;
    SLUICE_TRY(stages_.front()->each_held([&](const batch& rows) -> status {
      SLUICE_ASSIGN(auto part, held::rows("rows", rows));
      parts.push_back(std::move(part));
      return {};
    }));
    return parts;
  }
  // Rows wait for the end of the input in the sorter of the first stage; what is in memory comes behind what is on
  // disk.
  [[nodiscard]] bool has_spilled() const override { return !finished_ && stages_.front()->spilled(); }
  status hand_out(key_groups of, const part_taker& take) override {
    if (!of.contains(0)) return {};
    return stages_.front()->each([&](const batch& rows) -> status {
      SLUICE_ASSIGN(const auto part, held::rows("rows", rows));
      return take(part);
    });
  }
  status take_in(const state_part& part) override { return restore({part}); }
  status restore(const std::vector<state_part>& parts) override {
    for (const auto& part : parts) {
      SLUICE_ASSIGN(auto rows, held::rows_of(part));
      if (!rows.data->schema()->Equals(*rows_.stored, false)) return held::foreign(part.name);
      rows.data = arrow::RecordBatch::Make(rows_.stored, rows.rows(), rows.data->columns());
      taken_ += rows.rows();
      SLUICE_TRY(stages_.front()->add(std::move(rows)));
      for (bool more = true; more;) {
        SLUICE_ASSIGN(more, stages_.front()->work());
      }
    }
    return {};
  }

  status process(int, batch in, emitter& out) override {
    if (in.rows() == 0) return {};
    std::vector<std::shared_ptr<arrow::Array>> values;
    row_errors errors;
    for (const auto& one : rows_.computed) {
      SLUICE_ASSIGN(auto value, one.value->evaluate(in));
      append_errors(errors, std::move(value.errors), one.column);
      values.push_back(std::move(value.values));
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, out));
    in = keep_rows(in, settled);
    auto columns = in.data->columns();
    for (const auto& value : values) columns.push_back(keep_rows(value, settled));
    taken_ += in.rows();
    return stages_.front()->add(in.with(arrow::RecordBatch::Make(rows_.stored, in.rows(), std::move(columns))));
  }

  status finish(int, emitter&) override {
    finished_ = true;
    return stages_.front()->finish();
  }

  // One step: what waits is given first, then the stage behind goes on, so that nothing piles up.
  result<bool> resume(emitter& out) override {
    if (waiting_.data) return give(out);
    if (active_ + 1 < stages_.size()) {
      SLUICE_ASSIGN(const bool more, stages_[active_ + 1]->work());
      if (more) return true;
    }
    if (active_ == stages_.size()) return false;
    SLUICE_ASSIGN(const bool more, stages_[active_]->work());
    if (more || !finished_) return more;
    SLUICE_ASSIGN(auto made, stages_[active_]->next());
    if (!made) {
      stages_[active_].reset();
      if (++active_ < stages_.size()) SLUICE_TRY(stages_[active_]->finish());
      return active_ < stages_.size();
    }
    if (!made->rows.data) return true;
    if (!made->errors.empty()) {
      SLUICE_ASSIGN(const auto settled, settle_errors(entered(made->rows), std::move(made->errors), policy_, out));
      made->rows = keep_rows(made->rows, settled);
    }
    if (active_ + 1 < stages_.size()) {
      SLUICE_TRY(stages_[active_ + 1]->add(std::move(made->rows)));
    } else {
      waiting_ = std::move(made->rows);
      given_ = 0;
    }
    return true;
  }

 private:
  [[nodiscard]] batch entered(const batch& rows) const {
    auto columns = rows.data->columns();
    columns.resize(static_cast<std::size_t>(input_->num_fields()));
    return rows.with(arrow::RecordBatch::Make(input_, rows.rows(), std::move(columns)));
  }

  result<bool> give(emitter& out) {
    const auto count = std::min(target_batch_rows, waiting_.rows() - given_);
    const auto rows = waiting_.slice(given_, count);
    given_ += count;
    if (given_ == waiting_.rows()) waiting_ = {};
    const auto& all = rows.data->columns();
    auto columns = entered(rows).data->columns();
    std::vector<std::shared_ptr<arrow::Array>> selected;
    row_errors errors;
    for (const auto& one : outputs_) {
      auto seen = columns;
      for (const int at : one.results) seen.push_back(all[static_cast<std::size_t>(at)]);
      SLUICE_ASSIGN(auto value, one.value->evaluate(rows.with(arrow::RecordBatch::Make(one.schema, count, seen))));
      append_errors(errors, std::move(value.errors), one.name);
      if (how_ == shape::selected)
        selected.push_back(std::move(value.values));
      else if (static_cast<std::size_t>(one.place) < columns.size())
        columns[static_cast<std::size_t>(one.place)] = std::move(value.values);
      else
        columns.push_back(std::move(value.values));
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(entered(rows), std::move(errors), policy_, out));
    auto made = rows.with(
        arrow::RecordBatch::Make(schema(), count, how_ == shape::selected ? std::move(selected) : std::move(columns)));
    made = keep_rows(made, settled);
    if (made.rows() > 0) out.emit(0, std::move(made));
    return true;
  }

  std::shared_ptr<arrow::Schema> input_;
  layout rows_;
  std::vector<output> outputs_;
  shape how_;
  std::vector<std::unique_ptr<stage>> stages_;
  std::size_t active_ = 0;
  batch waiting_ = {};      ///< of the last stage, given in pieces
  std::int64_t given_ = 0;  ///< rows of it
  std::int64_t taken_ = 0;
  bool finished_ = false;
};

// A window that reads what an earlier entry makes is worked off behind it.
std::unique_ptr<transform> make_steps(const transform_request& request, const std::vector<entry>& entries,
                                      std::size_t split, diagnostics& faults) {
  auto both = request;
  both.own = options::array();
  auto map = options::object();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i == split) {
      both.own.push_back({{"derive", map}});
      map = options::object();
    }
    map[entries[i].name] = entries[i].text;
  }
  both.own.push_back({{"derive", map}});
  diagnostics own;
  auto made = find_component(component_kind::transform, "steps")->make_transform(both, own);
  for (auto& fault : own) {
    // /steps/1/derive/x is /derive/x of the user.
    if (const auto at = fault.path.find("/derive"); fault.path.starts_with("/steps/") && at != std::string::npos)
      fault.path.erase(0, at);
    faults.push_back(std::move(fault));
  }
  return made;
}

bool reads_any(const expression::window_call& call, const std::vector<bool>& derived) {
  bool found = false;
  const auto look = [&](const expression::bound_ptr& value) {
    if (!value) return;
    for (const int column : value->columns()) found = found || derived[static_cast<std::size_t>(column)];
  };
  for (const auto& each : call.arguments) look(each);
  for (const auto& each : call.partition) look(each);
  for (const auto& each : call.order) look(each.value);
  for (const auto& each : {call.filter, call.frame.start_limit, call.frame.end_limit, call.frame.range_key}) look(each);
  return found;
}

}  // namespace

std::unique_ptr<transform> make(const transform_request& request, const std::vector<entry>& entries, shape how,
                                diagnostics& faults) {
  const auto input = request.inputs.front().schema;
  auto fields = input->fields();             // as the next entry sees them
  std::vector<bool> derived(fields.size());  // by an entry
  arrow::FieldVector selected;
  layout rows(input);
  std::vector<output> outputs;
  bool whole = !has_unknown_columns(request);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& one = entries[i];
    const auto visible = arrow::schema(fields);
    const auto names = scope_of(request, visible);
    output made{.name = one.name, .value = nullptr};
    auto seen = fields;
    if (expression::mentions_window(one.text)) {
      auto bound = expression::bind_windows(one.text, names, one.path, faults);
      if (bound) {
        for (const auto& call : bound->calls)
          if (how == shape::derived && reads_any(call, derived)) return make_steps(request, entries, i, faults);
        for (auto& call : bound->calls) {
          seen.push_back(arrow::field("", call.type));
          auto place = rows.add(call, one.name);
          if (!place.ok()) {
            auto fault = place.problem();
            fault.path = one.path;
            faults.push_back(std::move(fault));
            bound.reset();
            break;
          }
          made.results.push_back(*place);
        }
      }
      if (bound) made.value = bound->final;
    } else {
      made.value = expression::bind(one.text, names, one.path, faults);
    }
    whole = whole && made.value != nullptr;
    const auto field = arrow::field(one.name, made.value ? made.value->type() : unknown_type());
    if (how == shape::selected) {
      selected.push_back(field);
    } else {
      const int known = visible->GetFieldIndex(one.name);
      made.place = known >= 0 ? known : static_cast<int>(fields.size());
      if (known >= 0) {
        fields[static_cast<std::size_t>(known)] = field;
      } else {
        fields.push_back(field);
        derived.push_back(true);
      }
      derived[static_cast<std::size_t>(made.place)] = true;
    }
    made.schema = arrow::schema(std::move(seen));
    if (made.value) outputs.push_back(std::move(made));
  }
  if (how == shape::selected) {
    check_unique(selected, "/select", "give one of them another name: { other: expression }", faults);
    fields = std::move(selected);
  }
  auto schema = arrow::schema(std::move(fields));
  if (!whole) return make_stand_in(std::move(schema));
  std::vector<std::vector<int>*> numbers;
  for (auto& each : outputs) numbers.push_back(&each.results);
  rows.settle(numbers);
  return std::make_unique<windowed>(request, std::move(schema), std::move(rows), std::move(outputs), how);
}

}  // namespace sluice::window_functions
