#include "actors/run/rejects_batch.hpp"
#include "actors/run/run.hpp"
#include "app/data_file.hpp"
#include "app/planning.hpp"
#include "app/run_engine.hpp"
#include "app/table.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"
#include "config/load.hpp"
#include "engine/component/json_pointer.hpp"
#include "engine/error/names.hpp"
#include "engine/values/types.hpp"
#include "engine/values/uuid.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/api.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <set>

namespace sluice::app {

namespace {

// Names that no pipeline can have, because a unit's name begins with a letter.
constexpr const char* limit_unit = "_preview_limit";
constexpr const char* sink_unit = "_preview";

struct chosen {
  std::string file;
  std::string unit;
  std::vector<std::string> set;
  std::int64_t rows = 10;
  bool yaml = false;
};

/// Keeps the rows that arrive: what a preview loads into.
struct kept_rows {
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
};

class keeping_sink : public sink {
 public:
  explicit keeping_sink(std::shared_ptr<kept_rows> into) : into_(std::move(into)) {}
  status open(std::uint32_t) override { return {}; }
  status write(const batch& rows, row_errors&) override {
    rows_ += static_cast<std::uint64_t>(rows.rows());
    if (rows.rows() > 0) into_->batches.push_back(rows.data);
    return {};
  }
  result<prepared_epoch> prepare(std::uint64_t) override { return prepared_epoch{{.loaded = rows_}, "-"}; }
  status commit(const std::string&) override { return {}; }
  status recover(const std::vector<std::string>&) override { return {}; }
  void abort() noexcept override {}

 private:
  std::shared_ptr<kept_rows> into_;
  std::uint64_t rows_ = 0;
};

std::string unit_of(const std::string& reference) { return reference.substr(0, reference.find('.')); }

const unit_definition* find_unit(const pipeline& in, const std::string& name) {
  for (const auto& unit : in.units)
    if (unit.name == name) return &unit;
  return nullptr;
}

/// What is shown where no unit is asked for: what the first sink gets.
std::string default_unit(const pipeline& of) {
  for (const auto& unit : of.units)
    if (unit.role == unit_role::load && !unit.from.empty()) return unit.from.front();
  return of.units.empty() ? std::string{} : of.units.front().name;
}

error unknown_unit(const pipeline& in, const std::string& name) {
  std::vector<std::string> known;
  std::string list;
  for (const auto& unit : in.units) {
    if (unit.role == unit_role::load) continue;
    known.push_back(unit.name);
    list += (list.empty() ? "" : ", ") + unit.name;
  }
  const auto nearest = nearest_name(name, known);
  return user_error("unknown_unit", "the pipeline has no unit " + name,
                    nearest.empty() ? "units that can be shown: " + list : "did you mean " + nearest + "?");
}

/// Cuts the pipeline down to what `wanted` is made of, its first rows going to a sink of our own.
status cut_down(pipeline& what, std::string& wanted, std::int64_t rows) {
  if (wanted.empty()) wanted = default_unit(what);
  const auto* last = find_unit(what, unit_of(wanted));
  if (last == nullptr) return unknown_unit(what, wanted);
  if (last->role == unit_role::load) wanted = last->from.empty() ? wanted : last->from.front();
  std::set<std::string> needed;
  std::vector<std::string> open = {unit_of(wanted)};
  while (!open.empty()) {
    const auto name = open.back();
    open.pop_back();
    const auto* unit = find_unit(what, name);
    if (unit == nullptr || !needed.insert(name).second) continue;
    for (const auto& from : unit->from) open.push_back(unit_of(from));
  }
  std::erase_if(what.units, [&](const unit_definition& unit) { return needed.count(unit.name) == 0; });
  unit_definition limit;
  limit.role = unit_role::transform;
  limit.name = limit_unit;
  limit.from = {wanted};
  limit.component = "limit";
  limit.own = rows;
  unit_definition out;
  out.role = unit_role::load;
  out.name = sink_unit;
  out.from = {limit_unit};
  out.component = "blackhole";
  out.own = options::object();
  what.units.push_back(std::move(limit));
  what.units.push_back(std::move(out));
  return {};
}

/// Runs the cut-down pipeline in this process; its state is kept nowhere.
result<actors::run_outcome> fetch(const session& with, const planned_pipeline& planned,
                                  const std::shared_ptr<kept_rows>& into) {
  SLUICE_ASSIGN(const auto nowhere, store::open_sqlite(":memory:"));
  const auto setup = make_setup(with, planned, "");
  setup->components.make_sink = [into](const plan&, int, const run_context&) -> result<std::unique_ptr<sink>> {
    return std::unique_ptr<sink>(std::make_unique<keeping_sink>(into));
  };
  auto outcome = actors::engine(nowhere).run(setup);
  std::error_code ignored;
  std::filesystem::remove_all(std::filesystem::path(setup->rejects_path).parent_path(), ignored);
  return outcome;
}

void print_json(session& with, const std::string& unit, const kept_rows& rows) {
  options out = {{"unit", unit}, {"columns", options::array()}, {"rows", options::array()}};
  for (const auto& field : rows.schema->fields())
    out["columns"].push_back({{"name", field->name()}, {"type", type_name(*field->type())}});
  for (const auto& each : rows.batches)
    for (std::int64_t row = 0; row < each->num_rows(); ++row)
      out["rows"].push_back(options::try_parse(actors::row_json(*each, row)).value_or(options()));
  with.terminal.out(out.dump(2) + "\n");
}

bool is_number(const arrow::DataType& type) { return arrow::is_numeric(type.id()) || arrow::is_decimal(type.id()); }

void print_table(session& with, const kept_rows& rows) {
  std::vector<table::column> columns;
  for (const auto& field : rows.schema->fields())
    columns.push_back({.title = printable(field->name()),
                       .note = type_name(*field->type()),
                       .right = is_number(*field->type()),
                       .shrink_to = is_number(*field->type()) ? 0 : 12});
  table shown(std::move(columns));
  for (const auto& each : rows.batches)
    for (std::int64_t row = 0; row < each->num_rows(); ++row) {
      std::vector<table::cell> cells;
      for (const auto& column : each->columns()) {
        if (column->IsNull(row)) {
          cells.push_back({"null", style::dim});
        } else {
          cells.push_back({printable(value_text(*column, row))});
        }
      }
      shown.add(std::move(cells));
    }
  auto& terminal = with.terminal;
  terminal.out(shown.render(terminal.out_width(), terminal.color_out(), terminal.unicode()));
}

/// What a preview shows, and what became of the run that got it.
struct fetched {
  planned_pipeline planned;
  std::shared_ptr<kept_rows> rows;
  actors::run_outcome outcome;
};

int show(session& with, const chosen& what, const fetched& got, const std::string& unit) {
  if (got.outcome.state == store::run_state::failed) {
    diagnostics cause = {
        got.outcome.cause.value_or(internal_error("preview_failed", "the preview failed, and nothing says why"))};
    if (got.planned.source) config::resolve_locations(*got.planned.source, cause);
    report_faults(with, cause, got.planned.source.get());
    return exit_failed;
  }
  if (with.options.json) {
    print_json(with, unit, *got.rows);
    return exit_succeeded;
  }
  print_table(with, *got.rows);
  std::int64_t count = 0;
  for (const auto& each : got.rows->batches) count += each->num_rows();
  std::string said = unit + ": " + (count == what.rows ? "the first " : "all ") +
                     thousands(static_cast<std::uint64_t>(count)) + (count == 1 ? " row" : " rows") + ", " +
                     std::to_string(got.rows->schema->num_fields()) + " columns";
  if (got.outcome.rejected > 0) said += "; " + thousands(got.outcome.rejected) + " rejected on the way";
  if (!with.options.quiet) with.terminal.note(paint(said + "\n", style::dim, with.terminal.color_err()));
  return exit_succeeded;
}

/// The column whose inferred type the data contradict, where that is what the run failed of.
std::optional<std::string> contradicted_column(const actors::run_outcome& outcome) {
  if (outcome.state != store::run_state::failed || !outcome.cause || outcome.cause->code != "contradicts_type")
    return std::nullopt;
  const auto parts = pointer_parts(outcome.cause->path);
  if (parts.size() < 2 || parts[parts.size() - 2] != "types") return std::nullopt;
  return parts.back();
}

/// One preview: of a pipeline, or of a data file.
class previewing {
 public:
  previewing(session& with, const chosen& what, std::optional<data_file> data)
      : with_(with), what_(what), data_(std::move(data)), unit_(what.unit) {}

  result<int> run() {
    for (;;) {
      const auto planned = plan();
      if (!planned) return failed_;
      if (what_.yaml) {
        with_.terminal.out(skeleton_pipeline(*data_, *schema_of(*planned)));
        return exit_succeeded;
      }
      if (!data_ && !with_.options.quiet)
        report_faults(with_, planned->what->warnings, planned->source.get(), "warning");
      const auto rows = std::make_shared<kept_rows>();
      rows->schema = schema_of(*planned);
      SLUICE_ASSIGN(auto outcome, fetch(with_, *planned, rows));
      if (read_as_text(outcome)) continue;
      if (!as_text_.empty() && !with_.options.quiet) report_faults(with_, told_, nullptr, "warning");
      return show(with_, what_, {*planned, rows, std::move(outcome)}, unit_);
    }
  }

 private:
  std::optional<planned_pipeline> plan() {
    diagnostics faults;
    std::shared_ptr<const config::document> source;
    planning_request request;
    request.file = what_.file;
    request.set = what_.set;
    request.run_id = uuid_v7();
    if (data_) request.text = reading_pipeline(*data_);
    request.adapt = [&](pipeline& definition) {
      for (const auto& column : as_text_) definition.units.front().types[column] = "text";
      return cut_down(definition, unit_, what_.rows);
    };
    auto planned = plan_pipeline(with_, request, faults, source);
    if (data_) {
      // The pipeline is ours: its lines would mean nothing to anybody.
      source = nullptr;
      if (planned) planned->source = nullptr;
      for (auto& fault : faults) fault.at = {};
    }
    if (!planned) {
      report_faults(with_, faults, source.get());
      failed_ = exit_code_of(faults);
    }
    return planned;
  }

  [[nodiscard]] static const std::shared_ptr<arrow::Schema>& schema_of(const planned_pipeline& planned) {
    return planned.what->units[static_cast<std::size_t>(*planned.what->find(sink_unit))].inputs.front().schema;
  }

  /// Of a data file whose values contradict what was inferred of a column: shows that as text from now on, which takes
  /// every value as it stands. A pipeline says itself what its columns are.
  bool read_as_text(const actors::run_outcome& outcome) {
    const auto column = data_ ? contradicted_column(outcome) : std::nullopt;
    if (!column || !as_text_.insert(*column).second) return false;
    told_.push_back(*outcome.cause);
    told_.back().message += "; shown as text";
    return true;
  }

  session& with_;
  const chosen& what_;
  std::optional<data_file> data_;
  std::string unit_;
  std::set<std::string> as_text_;  ///< columns of a data file whose values contradict what was inferred
  diagnostics told_;               ///< ... and the contradictions
  int failed_ = exit_unusable;
};

result<int> preview(session& with, const chosen& what) {
  auto data = recognise_data_file(what.file);
  if (what.yaml && !data)
    return user_error(
        "bad_arguments", "--yaml makes a pipeline of a data file, and " + what.file + " is none that is known",
        "data files end in .csv, .tsv, .ndjson, .jsonl, .json, .parquet, .arrow or .feather, also packed");
  return previewing(with, what, std::move(data)).run();
}

}  // namespace

command preview_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes = {.positionals = {{.name = "FILE",
                                 .help = "a pipeline, or a data file (.csv, .ndjson, .parquet, .arrow, also packed)",
                                 .target = &what->file,
                                 .offers = completes::file}},
                .options = {{.names = {"--unit"},
                             .value = "UNIT",
                             .help = "the unit (or unit.port) to show; default: what the first sink gets",
                             .target = &what->unit},
                            {.names = {"--rows", "-n"},
                             .value = "N",
                             .help = "so many rows (default 10)",
                             .target = &what->rows},
                            set_option(what->set),
                            {.names = {"--yaml"},
                             .value = {},
                             .help = "of a data file: print a pipeline that reads it, types included",
                             .target = &what->yaml}},
                .details =
                    "  sluice preview orders.csv\n  sluice preview orders.csv --yaml > orders.yaml\n"
                    "  sluice preview starter.yaml --unit paid --rows 20\n\nNothing is loaded and nothing is kept.\n"},
      .run = [what](session& with) { return preview(with, *what); }};
}

}  // namespace sluice::app
