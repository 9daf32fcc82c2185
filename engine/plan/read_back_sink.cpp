#include "engine/plan/read_back_sink.hpp"

#include "engine/component/checks_rules.hpp"
#include "engine/component/component.hpp"
#include "engine/component/interrupt_switch.hpp"
#include "engine/component/interruption.hpp"
#include "engine/component/may_be_down.hpp"
#include "engine/component/reads_back.hpp"
#include "engine/error/remarks.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/keys/key_hash.hpp"
#include "engine/operators/reconcile/compared_rows.hpp"
#include "engine/operators/reconcile/reconciled_sink.hpp"
#include "engine/values/marked_text.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <atomic>

namespace sluice {

namespace {

using reconcile::compared_column;
using reconcile::compared_rows;
using reconcile::side;

/// JSON may come back spelled in another way, and nested values as text.
bool can_compare(const arrow::DataType& type) { return !is_json_type(type) && flow::check_key_type(type, "").ok(); }

result<expression::bound_ptr> bound_to(const std::string& text, const transform_request& over) {
  diagnostics faults;
  auto bound = expression::bind(text, scope_of(over), "", faults);
  if (!bound) return faults.empty() ? internal_error("unknown_column", "can't compare " + text) : faults.front();
  return bound;
}

class read_back_sink final : public sink, public may_be_down, public checks_rules {
 public:
  read_back_sink(std::unique_ptr<sink> inner, std::string unit, const run_context& context, bool warns,
                 std::vector<compared_column> keys, std::vector<compared_column> columns, arrow::FieldVector read)
      : inner_(std::move(inner)),
        unit_(std::move(unit)),
        context_(context),
        warns_(warns),
        keys_(std::move(keys)),
        columns_(std::move(columns)),
        read_(std::move(read)),
        rows_(keys_, columns_) {}
  ~read_back_sink() override { reading_.connect(nullptr); }

  status open(std::uint32_t attempt) override { return inner_->open(attempt); }

  status write(const batch& rows, row_errors& refused) override {
    const auto before = refused.size();
    SLUICE_TRY(inner_->write(rows, refused));
    if (refused.size() == before) return rows_.add(side::here, rows);
    std::vector<bool> bad(static_cast<std::size_t>(rows.rows()), false);
    for (auto at = before; at < refused.size(); ++at) bad[static_cast<std::size_t>(refused[at].row)] = true;
    std::vector<std::int32_t> good;
    for (std::size_t row = 0; row < bad.size(); ++row)
      if (!bad[row]) good.push_back(static_cast<std::int32_t>(row));
    return rows_.add(side::here, take_rows(rows, arrow::Int32Array(static_cast<std::int64_t>(good.size()),
                                                                   arrow::Buffer::Wrap(good))));
  }

  result<prepared_epoch> prepare(std::uint64_t epoch) override {
    SLUICE_ASSIGN(auto made, inner_->prepare(epoch));
    const auto& sketch = rows_.sketch();
    // Nothing came and nothing was written: some files can't be read without a row.
    if (sketch.rows(side::here) == 0 && made.report.loaded == 0) return made;
    SLUICE_ASSIGN(const auto sources, dynamic_cast<reads_back*>(inner_.get())->staged(made.token));
    if (!sources.empty() || made.report.loaded == 0) {
      for (const auto& each : sources) SLUICE_TRY(read(each));
      checked_ = true;
      counted_ += sketch.rows(side::here);
      if (!sketch.equal()) {
        const auto found = sketch.find();
        broken_ += std::max<std::uint64_t>(found.keys, 1);
        const auto said = rows_.describe("the target", found);
        if (message_.empty()) message_ = said;
        if (!warns_)
          return user_error(
              "not_reconciled",
              "the target " + made.report.target + " would hold other rows than those that arrived: " + said,
              "nothing was published; compare the types of the target's columns with those of the rows, "
              "or set severity: warn");
      }
    }
    rows_ = compared_rows(keys_, columns_);
    return made;
  }

  status commit(const std::string& token) override { return inner_->commit(token); }
  status recover(const std::vector<std::string>& tokens) override { return inner_->recover(tokens); }
  status keep(const std::vector<std::string>& tokens) override { return inner_->keep(tokens); }
  [[nodiscard]] bool one_epoch() const override { return inner_->one_epoch(); }
  void abort() noexcept override { inner_->abort(); }
  void interrupt() noexcept override {
    stopped_ = true;
    inner_->interrupt();
    reading_.interrupt();
  }
  [[nodiscard]] std::optional<down_state> down() const override { return down_of(inner_.get()); }

  [[nodiscard]] std::vector<rule_result> rules() const override {
    if (!checked_) return {};
    return {{.rule = "reconcile",
             .severity = warns_ ? "warn" : "fail",
             .checked = counted_,
             .broken = broken_,
             .message = message_,
             .within_limit = broken_ == 0,
             .fails = broken_ > 0 && !warns_}};
  }

 private:
  [[nodiscard]] error unreadable(const error& why) const {
    auto problem = why;
    problem.message = "reconcile can't read back what was written: " + problem.message;
    return problem;
  }

  status read(const staged_source& from) {
    const auto* const by = find_component(component_kind::source, from.component);
    if (by == nullptr) return internal_error("unknown_component", "there is no source " + from.component);
    source_request request;
    request.unit = unit_;
    request.own = from.own;
    request.types = from.types;
    request.policy = on_error::fail;
    request.want_positions = false;
    request.context = &context_;
    if (!from.files.empty()) {
      std::vector<chosen_file> files;
      for (const auto& name : from.files) files.push_back({.name = name});
      request.files = std::make_shared<const chosen_files>(std::move(files));
    }
    diagnostics faults;
    const auto made = by->make_source(request, faults);
    const auto first = std::find_if_not(faults.begin(), faults.end(), is_remark);
    if (first != faults.end()) return unreadable(*first);
    if (made == nullptr) return internal_error("unknown_component", "the source " + from.component + " was not made");
    SLUICE_TRY(bind_columns(*made->schema()));
    auto splits = made->discover();
    if (!splits.ok()) return unreadable(splits.problem());
    for (const auto& piece : *splits) {
      auto opened = made->open(piece, "");
      if (!opened.ok()) return unreadable(opened.problem());
      reading_.connect(opened->get());
      auto done = read(**opened);
      reading_.connect(nullptr);
      SLUICE_TRY(std::move(done));
    }
    return {};
  }

  status read(split_reader& from) {
    for (;;) {
      if (stopped_) return interrupted_error("reading back what was written");
      auto step = from.next();
      if (!step.ok()) return unreadable(step.problem());
      if (step->rows.data && step->rows.rows() > 0) SLUICE_TRY(add(step->rows));
      if (step->end) return {};
    }
  }

  /// Each column as what arrived: a value that can't be that is null, which is a difference.
  status bind_columns(const arrow::Schema& from) {
    transform_request over;
    over.unit = unit_;
    over.inputs = {{.unit = "target", .schema = arrow::schema(from.fields())}};
    casts_.clear();
    for (const auto& field : read_) {
      const auto name = quoted_name(field->name());
      SLUICE_ASSIGN(auto cast, bound_to("try_cast(" + name + " as " + type_name(*field->type()) + ")", over));
      casts_.push_back(std::move(cast));
    }
    return {};
  }

  status add(const batch& rows) {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const auto& cast : casts_) {
      SLUICE_ASSIGN(auto value, cast->evaluate(rows));
      columns.push_back(std::move(value.values));
    }
    return rows_.add(side::there, rows.with(arrow::RecordBatch::Make(arrow::schema(read_), rows.rows(), columns)));
  }

  std::unique_ptr<sink> inner_;
  std::string unit_;
  const run_context& context_;
  bool warns_;
  std::vector<compared_column> keys_, columns_;
  arrow::FieldVector read_;                   ///< the compared columns as they are read back
  std::vector<expression::bound_ptr> casts_;  ///< of what a source gives to read_
  compared_rows rows_;                        ///< of this epoch
  interrupt_switch<split_reader> reading_;
  std::atomic<bool> stopped_ = false;
  bool checked_ = false;
  std::uint64_t counted_ = 0, broken_ = 0;  ///< rows, keys
  std::string message_;
};

}  // namespace

result<std::unique_ptr<sink>> compare_with_written(std::unique_ptr<sink> inner, const planned_unit& unit,
                                                   const run_context& context) {
  const auto& own = unit.definition.own;
  const auto* const can = dynamic_cast<const reads_back*>(inner.get());
  if (can == nullptr || !own.is_object() || !own.contains(wanted_reconcile) || unit.inputs.empty()) return inner;
  const auto& asked = own.at(wanted_reconcile);
  transform_request arriving, written;
  arriving.inputs = {unit.inputs.front()};
  const auto& schema = *unit.inputs.front().schema;
  arrow::FieldVector read;
  for (const auto& field : schema.fields())
    if (can->stages(field->name()) && can_compare(*canonical_key_type(field->type())))
      read.push_back(arrow::field(field->name(), language_type(field->type())));
  written.inputs = {{.unit = "target", .schema = arrow::schema(read)}};
  const auto names = [&](const char* option) {
    return asked.contains(option) && asked[option].is_array() ? asked[option].get<std::vector<std::string>>()
                                                              : std::vector<std::string>();
  };
  const auto keys = names("key");
  const auto chosen = names("columns");
  std::vector<compared_column> key_columns, columns;
  for (const auto& field : read) {
    const auto name = quoted_name(field->name());
    const auto is_in = [&](const std::vector<std::string>& list) {
      return std::find(list.begin(), list.end(), field->name()) != list.end();
    };
    const bool key = is_in(keys);
    if (!key && !chosen.empty() && !is_in(chosen)) continue;
    compared_column made{.name = field->name(), .type = nullptr};
    for (std::size_t at = 0; at < 2; ++at) {
      const auto& over = at == 0 ? arriving : written;
      SLUICE_ASSIGN(made.value[at], bound_to(name, over));
      if (key) {
        SLUICE_ASSIGN(made.text[at], bound_to(name + "::text", over));
      }
    }
    made.type = canonical_key_type(made.value[1]->type());
    (key ? key_columns : columns).push_back(std::move(made));
  }
  std::unique_ptr<sink> made = std::make_unique<read_back_sink>(
      std::move(inner), unit.definition.name, context, asked.value("severity", std::string("fail")) == "warn",
      std::move(key_columns), std::move(columns), std::move(read));
  return made;
}

}  // namespace sluice
