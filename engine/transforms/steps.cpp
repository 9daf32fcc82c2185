#include "engine/component/filters_first.hpp"
#include "engine/component/holds_back.hpp"
#include "engine/component/may_block.hpp"
#include "engine/component/spilled_state.hpp"
#include "engine/component/stand_in.hpp"
#include "engine/error/names.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/entered_rows.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/keeps_first.hpp"
#include "engine/operators/makes_rows.hpp"
#include "engine/operators/passes_all.hpp"
#include "engine/operators/windows/event_times.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice {

namespace {

struct operation {
  std::string name;
  std::unique_ptr<transform> unit;
  bool resuming = false;  ///< has more to make of what it took in
  transform::step_counters counters;
};

class step_chain final : public transform,
                         public may_block,
                         public filters_first,
                         public holds_back,
                         public spilled_state {
 public:
  step_chain(const transform_request& request, std::vector<operation> operations, std::vector<output_port> outputs,
             entered_rows::keep what_stays)
      : operations_(std::move(operations)), outputs_(std::move(outputs)) {
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      links_.push_back(std::make_unique<link>(*this, i));
      operations_[i].counters.name = operations_[i].name;
    }
    if (request.policy == on_error::reject) entered_.emplace(what_stays, request.context->memory, request.unit);
  }

  [[nodiscard]] const std::vector<output_port>& outputs() const override { return outputs_; }

  [[nodiscard]] std::optional<std::string> first_condition() const override {
    const auto* first = dynamic_cast<const filters_first*>(operations_.front().unit.get());
    return first != nullptr ? first->first_condition() : std::nullopt;
  }

  [[nodiscard]] bool next_call_may_block() const override {
    for (const auto& one : operations_) {
      const auto* unit = dynamic_cast<const may_block*>(one.unit.get());
      if (unit != nullptr && unit->next_call_may_block()) return true;
    }
    return false;
  }

  // Rows can be spread as the first step wants, as long as no later one wants
  // anything.
  [[nodiscard]] partitioning input_partitioning(int) const override {
    for (std::size_t i = 1; i < operations_.size(); ++i)
      if (operations_[i].unit->input_partitioning(0).how != partitioning::kind::any)
        return {.how = partitioning::kind::single};
    return operations_.front().unit->input_partitioning(0);
  }
  [[nodiscard]] std::optional<std::string> needs_end(int) const override {
    for (const auto& one : operations_)
      if (auto mends = one.unit->needs_end(0)) return one.name + ": " + *mends;
    return std::nullopt;
  }
  [[nodiscard]] bool gives_rows_again() const override {
    return std::any_of(operations_.begin(), operations_.end(),
                       [](const auto& one) { return one.unit->gives_rows_again(); });
  }
  [[nodiscard]] std::uint64_t held() const override {
    std::uint64_t rows = 0;
    for (const auto& one : operations_) rows += one.unit->held();
    return rows;
  }
  [[nodiscard]] bool needs_order() const override {
    for (const auto& one : operations_) {
      if (one.unit->needs_order()) return true;
      if (!one.unit->keeps_order()) return false;
    }
    return false;
  }
  [[nodiscard]] bool keeps_order() const override {
    for (const auto& one : operations_)
      if (!one.unit->keeps_order()) return false;
    return true;
  }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    auto columns = wanted;
    for (auto one = operations_.rbegin(); one != operations_.rend(); ++one) {
      auto required = one->unit->required_columns(0, columns);
      if (!required) return std::nullopt;
      columns = std::move(*required);
    }
    return columns;
  }

  status process(int, batch in, emitter& out) override {
    if (in.rows() == 0) return {};
    out_ = &out;
    if (entered_) {
      SLUICE_ASSIGN(in, entered_->enter(in));
    }
    SLUICE_TRY(feed(0, std::move(in)));
    return failed();
  }

  [[nodiscard]] bool needs_watermarks() const override {
    return std::any_of(operations_.begin(), operations_.end(),
                       [](const auto& one) { return one.unit->needs_watermarks(); });
  }
  // Each step hears of it when the one before has given all that comes before it.
  status on_time(std::int64_t watermark, emitter& out) override {
    out_ = &out;
    time_ = watermark;
    next_in_time_ = 0;
    return {};
  }
  [[nodiscard]] bool holds_rows() const override { return time_.has_value() || any_holds(operations_.size()); }

  status finish(int, emitter&) override {
    if (!ended_) next_to_finish_ = 0;
    ended_ = true;
    return {};
  }

  // One call into one step: the last that has more to make, so that nothing
  // piles up; then the next one is ended.
  result<bool> resume(emitter& out) override {
    out_ = &out;
    for (auto one = operations_.rbegin(); one != operations_.rend(); ++one) {
      if (!one->resuming) continue;
      const auto index = static_cast<std::size_t>(operations_.rend() - one) - 1;
      SLUICE_ASSIGN(one->resuming, one->unit->resume(*links_[index]));
      SLUICE_TRY(failed());
      return true;
    }
    SLUICE_ASSIGN(const bool passed, pass_time());
    if (passed) return true;
    end_early();
    if (!ended_ || next_to_finish_ == operations_.size()) return false;
    const auto index = next_to_finish_++;
    SLUICE_TRY(operations_[index].unit->finish(0, *links_[index]));
    SLUICE_TRY(failed());
    operations_[index].resuming = true;
    return true;
  }

  status before_barrier(std::uint64_t epoch, emitter& out) override {
    out_ = &out;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      operations_[i].resuming = true;
      SLUICE_TRY(operations_[i].unit->before_barrier(epoch, *links_[i]));
      SLUICE_TRY(failed());
    }
    return {};
  }

  // The rows that entered, where those that stay inside point to them, and the
  // states of the steps; each part's name begins with the number of its step.
  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    if (entered_) {
      SLUICE_ASSIGN(parts, entered_->state());
    }
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      SLUICE_ASSIGN(auto some, operations_[i].unit->state(of));
      for (auto& part : some) parts.push_back({std::to_string(i) + "/" + part.name, std::move(part.rows)});
    }
    return parts;
  }
  status restore(const std::vector<state_part>& parts) override {
    std::vector<std::vector<state_part>> of_step(operations_.size());
    if (entered_) entered_->begin_to_take();
    for (const auto& part : parts) {
      if (entered_) {
        SLUICE_ASSIGN(const bool taken, entered_->take_in(part));
        if (taken) continue;
      }
      std::string name;
      SLUICE_ASSIGN(const auto step, step_of(part, name));
      SLUICE_ASSIGN(auto own, of_here({std::move(name), part.rows}));
      of_step[step].push_back(std::move(own));
    }
    for (std::size_t i = 0; i < of_step.size(); ++i) SLUICE_TRY(operations_[i].unit->restore(of_step[i]));
    return {};
  }

  [[nodiscard]] bool has_spilled() const override {
    return std::any_of(operations_.begin(), operations_.end(), [](const auto& one) {
      const auto* const disk = dynamic_cast<const spilled_state*>(one.unit.get());
      return disk != nullptr && disk->has_spilled();
    });
  }
  status hand_out(key_groups of, const part_taker& take) override {
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      auto* const disk = dynamic_cast<spilled_state*>(operations_[i].unit.get());
      if (disk == nullptr || !disk->has_spilled()) continue;
      const auto add = [&](const state_part& part) { return take({std::to_string(i) + "/" + part.name, part.rows}); };
      SLUICE_TRY(disk->hand_out(of, add));
    }
    return {};
  }
  status take_in(const state_part& part) override {
    std::string name;
    SLUICE_ASSIGN(const auto step, step_of(part, name));
    auto* const disk = dynamic_cast<spilled_state*>(operations_[step].unit.get());
    if (disk == nullptr) return held::foreign(part.name);
    SLUICE_ASSIGN(const auto own, of_here({std::move(name), part.rows}));
    return disk->take_in(own);
  }

  // Only once the steps behind the limit have given all they have.
  [[nodiscard]] bool satisfied() const override {
    if (!ended_early_ || next_to_finish_ < operations_.size()) return false;
    for (const auto& one : operations_)
      if (one.resuming) return false;
    return true;
  }

  [[nodiscard]] std::vector<step_counters> steps() const override {
    std::vector<step_counters> counters;
    for (const auto& one : operations_) counters.push_back(one.counters);
    return counters;
  }

 private:
  // A part of a step with its rows numbered as they entered here.
  [[nodiscard]] result<state_part> of_here(state_part part) const {
    return entered_ ? entered_->renumbered(std::move(part)) : result<state_part>(std::move(part));
  }

  // The step of a part, and the part's name there.
  [[nodiscard]] result<std::size_t> step_of(const state_part& part, std::string& name) const {
    std::size_t at = 0;
    std::size_t step = 0;
    for (; at < part.name.size() && part.name[at] >= '0' && part.name[at] <= '9'; ++at)
      step = step * 10 + static_cast<std::size_t>(part.name[at] - '0');
    if (at == 0 || at == part.name.size() || step >= operations_.size()) return held::foreign(part.name);
    name = part.name.substr(at + 1);
    return step;
  }

  // What a step emits goes to the next one; what it counts, to its own counters
  // and the unit's.
  class link final : public emitter {
   public:
    link(step_chain& unit, std::size_t index) : unit_(unit), index_(index) {}
    void emit(int port, batch rows) override {
      counters().out += static_cast<std::uint64_t>(rows.rows());
      unit_.passed_on(index_, port, std::move(rows));
    }
    void reject(const batch& in, const row_errors& why) override {
      for (std::size_t i = 0; i < why.size(); ++i)
        if (i == 0 || why[i].row != why[i - 1].row) ++counters().rejected;
      if (unit_.entered_) {
        unit_.entered_->reject(in, why, *unit_.out_);
      } else {
        unit_.out_->reject(in, why);
      }
    }
    void count_filtered(std::uint64_t rows) override {
      counters().filtered += rows;
      unit_.out_->count_filtered(rows);
    }
    void count_merged(std::uint64_t rows) override {
      counters().merged += rows;
      unit_.out_->count_merged(rows);
    }
    void count_added(std::uint64_t rows) override {
      counters().added += rows;
      unit_.out_->count_added(rows);
    }
    void count_set_null(const std::string& column, std::uint64_t values) override {
      unit_.out_->count_set_null(column, values);
    }

   private:
    step_counters& counters() { return unit_.operations_[index_].counters; }
    step_chain& unit_;
    std::size_t index_;
  };

  status feed(std::size_t index, batch in) {
    auto& one = operations_[index];
    one.counters.in += static_cast<std::uint64_t>(in.rows());
    one.resuming = true;
    return one.unit->process(0, std::move(in), *links_[index]);
  }

  void passed_on(std::size_t index, int port, batch rows) {
    if (rows.rows() == 0 || !failure_.ok()) return;
    if (index + 1 == operations_.size()) {
      out_->emit(port, entered_ ? entered_->leave(std::move(rows)) : std::move(rows));
    } else {
      failure_ = feed(index + 1, std::move(rows));
    }
  }

  // The error of a later step, which an emitter can't give back.
  status failed() { return std::exchange(failure_, status{}); }

  // True where one of the first steps still has rows that it took in before.
  [[nodiscard]] bool any_holds(std::size_t first) const {
    for (std::size_t i = 0; i < first; ++i) {
      const auto* unit = dynamic_cast<const holds_back*>(operations_[i].unit.get());
      if (unit != nullptr && unit->holds_rows() && next_to_finish_of(i)) return true;
    }
    return false;
  }
  [[nodiscard]] bool next_to_finish_of(std::size_t index) const { return !ended_ || next_to_finish_ <= index; }

  // Tells the next step of the watermark; false where none is left, or rows before it are still to come.
  result<bool> pass_time() {
    if (!time_ || any_holds(next_in_time_)) return false;
    if (next_in_time_ == operations_.size()) {
      time_.reset();
      return false;
    }
    const auto index = next_in_time_++;
    SLUICE_TRY(operations_[index].unit->on_time(*time_, *links_[index]));
    SLUICE_TRY(failed());
    operations_[index].resuming = true;
    return true;
  }

  // A limit that is reached ends the steps behind it, where those before it
  // hold no rows.
  void end_early() {
    if (ended_) return;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      if (!operations_[i].unit->keeps_order()) return;
      if (!operations_[i].unit->satisfied()) continue;
      ended_ = ended_early_ = true;
      next_to_finish_ = i + 1;
      return;
    }
  }

  std::vector<operation> operations_;
  std::vector<output_port> outputs_;
  std::vector<std::unique_ptr<link>> links_;
  std::optional<entered_rows> entered_;  ///< where rows are rejected
  emitter* out_ = nullptr;               ///< of the present call
  status failure_;
  bool ended_ = false;
  bool ended_early_ = false;
  std::size_t next_to_finish_ = 0;
  std::optional<std::int64_t> time_;  ///< a watermark that not all steps have heard of
  std::size_t next_in_time_ = 0;
};

bool passes_rows_on(const transform& unit) { return dynamic_cast<const passes_all*>(&unit) != nullptr; }

bool can_reject(const transform& unit) {
  return !passes_rows_on(unit) && dynamic_cast<const passes_first*>(&unit) == nullptr;
}

// What must be kept of rows that stay in a sort or the like.
entered_rows::keep what_stays(const std::vector<operation>& operations) {
  auto what = entered_rows::keep::nothing;
  for (const auto& one : operations) {
    if (what != entered_rows::keep::nothing && can_reject(*one.unit)) return entered_rows::keep::records;
    if (dynamic_cast<const makes_rows*>(one.unit.get()) != nullptr) return what;
    if (!one.unit->keeps_order()) what = entered_rows::keep::positions;
  }
  return what;
}

void add_fault(diagnostics& faults, error fault, std::string path) {
  fault.path = std::move(path);
  faults.push_back(std::move(fault));
}

// Makes one operation over the output of the one before it.
std::optional<operation> make_operation(const transform_request& request, const options& entry, const std::string& path,
                                        diagnostics& faults) {
  if (entry.is_null()) return std::nullopt;  // has a fault that is told already
  if (!entry.is_object() || entry.size() != 1) {
    add_fault(faults, user_error("invalid_option", "a step must be exactly one operation", "- filter: \"amount > 0\""),
              path);
    return std::nullopt;
  }
  const auto& name = entry.begin().key();
  const auto* found = find_component(component_kind::transform, name);
  if (found == nullptr || name == "steps") {
    std::vector<std::string> known;
    for (const auto* one : components())
      if (one->spec.kind == component_kind::transform && one->spec.name != "steps") known.push_back(one->spec.name);
    const auto nearest = nearest_name(name, known);
    add_fault(faults,
              user_error("unknown_component", "there is no transform " + name + " for a step",
                         nearest.empty() ? "sluice components lists them" : "did you mean `" + nearest + "`?"),
              path);
    return std::nullopt;
  }
  if (entry.begin().value().is_null()) {
    // Its options have a fault that is told already.
    return operation{.name = name, .unit = make_stand_in(unknown_columns()), .resuming = false, .counters = {}};
  }
  auto own = request;
  own.own = entry.begin().value();
  diagnostics found_faults;
  operation made{.name = name, .unit = found->make_transform(own, found_faults), .resuming = false, .counters = {}};
  for (auto& fault : found_faults) {
    fault.path = fault.path == "/from" ? path : path + fault.path;
    faults.push_back(std::move(fault));
  }
  if (!made.unit) made.unit = make_stand_in(unknown_columns());
  return made;
}

// A sort before a limit keeps only the rows that the limit lets through.
void sort_only_what_is_wanted(const std::vector<operation>& operations) {
  for (std::size_t i = 1; i < operations.size(); ++i) {
    const auto* limiting = dynamic_cast<const passes_first*>(operations[i].unit.get());
    if (limiting == nullptr) continue;
    auto before = i - 1;
    while (before > 0 && passes_rows_on(*operations[before].unit)) --before;
    if (auto* sorter = dynamic_cast<keeps_first*>(operations[before].unit.get()))
      sorter->keep_first(limiting->rows_passed());
  }
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "steps", 1, faults)) return nullptr;
  if (!request.own.is_array() || request.own.empty()) {
    add_fault(faults,
              user_error("invalid_option", "steps is empty: it needs at least one operation",
                         "steps: [ { filter: \"amount > 0\" } ]"),
              "/steps");
    return nullptr;
  }
  const auto before = faults.size();
  auto inner = request;
  std::vector<operation> operations;
  std::vector<output_port> outputs;  // of the last one
  bool whole = true;
  for (std::size_t i = 0; i < request.own.size(); ++i) {
    const auto path = "/steps/" + std::to_string(i);
    inner.read_ports = i + 1 < request.own.size() ? std::vector<std::string>() : request.read_ports;
    auto made = make_operation(inner, request.own[i], path, faults);
    if (!made) {
      inner.inputs.front().schema = unknown_columns();
      whole = false;
      continue;
    }
    const auto& ports = made->unit->outputs();
    if (i + 1 < request.own.size() && (ports.size() != 1 || !ports.front().name.empty())) {
      add_fault(faults,
                user_error("invalid_option", made->name + " has several outputs and must be the last step",
                           "put it into a separate unit"),
                path);
      inner.inputs.front().schema = unknown_columns();
      continue;
    }
    outputs = ports;
    for (auto& port : outputs) port.time = windows::time_behind(*made->unit, inner.inputs, port);
    if (ports.size() == 1) {
      inner.inputs.front().schema = outputs.front().schema;
      inner.inputs.front().time = outputs.front().time;
    }
    operations.push_back(std::move(*made));
  }
  if (faults.size() > before || !whole || has_unknown_columns(request))
    return operations.empty() || !whole ? make_stand_in(inner.inputs.front().schema)
                                        : make_stand_in(operations.back().unit->outputs());
  sort_only_what_is_wanted(operations);
  const auto what = what_stays(operations);
  return std::make_unique<step_chain>(request, std::move(operations), std::move(outputs), what);
}

}  // namespace

const component& steps_transform() {
  static const component self{
      .spec =
          {.name = "steps",
           .kind = component_kind::transform,
           .summary = "Runs several operations in one unit, one after the other",
           .description =
               "Each step is a transform with one input, and its rows are counted separately. If a step rejects a row, "
               "the rejects show the row as it entered the unit (after an aggregate: as the aggregate produced it).",
           .value = {.form = shape::list,
                     .help = "the operations, in order",
                     .required = true,
                     .elements = {{.form = shape::map,
                                   .help = "one operation, with the same options as in a separate unit",
                                   .elements = {{.form = shape::one_of, .help = "the operation's options"}}}}},
           .law = "in + added = out + filtered + merged + rejected, for "
                  "each step and for the unit",
           .example = R"yaml(version: 1
pipeline: high-airports-by-zone
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  high:
    from: airports
    steps:
      - filter: "alt > 3000"
      - derive: { metres: "round(alt * 0.3048, 1)" }
      - select: [faa, name, metres, tzone]
load:
  show:
    from: high
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
