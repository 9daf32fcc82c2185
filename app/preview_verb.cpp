#include "actors/run/rejects_batch.hpp"
#include "app/data_file.hpp"
#include "app/planning.hpp"
#include "app/preview_rows.hpp"
#include "app/table.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"
#include "config/load.hpp"
#include "engine/component/json_pointer.hpp"
#include "engine/error/names.hpp"
#include "engine/files/files.hpp"
#include "engine/formats/csv/sniff.hpp"
#include "engine/values/types.hpp"
#include "engine/values/uuid.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/api.h>

#include <memory>
#include <optional>
#include <set>

namespace sluice::app {

namespace {

struct chosen {
  std::string file;
  std::string unit;
  std::vector<std::string> set;
  std::string config;
  std::int64_t rows = 10;
  bool yaml = false;
  data_options data;
};

void print_json(session& with, const std::string& unit, const kept_rows& rows, std::uint64_t rejected,
                const std::vector<std::string>& rejects) {
  options out = {{"unit", unit}, {"columns", options::array()}, {"rows", options::array()}};
  if (rejected > 0) out["rejected"] = rejected;
  if (!rejects.empty()) out["rejects"] = rejects;
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
  std::vector<std::string> rejects;
};

int show(session& with, const chosen& what, const fetched& got, const std::string& unit) {
  if (got.outcome.state == store::run_state::failed) {
    diagnostics cause = {
        got.outcome.cause.value_or(internal_error("preview_failed", "the preview failed, and no cause was reported"))};
    if (got.planned.source) config::resolve_locations(*got.planned.source, cause);
    report_faults(with, cause, got.planned.source.get());
    return exit_failed;
  }
  if (with.options.json) {
    print_json(with, unit, *got.rows, got.outcome.rejected, got.rejects);
    return exit_succeeded;
  }
  print_table(with, *got.rows);
  std::int64_t count = 0;
  for (const auto& each : got.rows->batches) count += each->num_rows();
  std::string said = unit + ": " + (count == what.rows ? "the first " : "all ") +
                     thousands(static_cast<std::uint64_t>(count)) + (count == 1 ? " row" : " rows") + ", " +
                     std::to_string(got.rows->schema->num_fields()) + " columns";
  if (got.outcome.rejected > 0) said += "; " + thousands(got.outcome.rejected) + " rejected";
  if (with.options.quiet) return exit_succeeded;
  with.terminal.note(paint(said + "\n", style::dim, with.terminal.color_err()));
  for (const auto& reject : got.rejects) with.terminal.note("rejected  " + printable(reject) + "\n");
  if (got.outcome.rejected > got.rejects.size() && !got.rejects.empty())
    with.terminal.note("          and " + thousands(got.outcome.rejected - got.rejects.size()) + " more\n");
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
  /// `text`: of a pipeline from standard input.
  previewing(session& with, const chosen& what, std::optional<data_file> data, std::string text)
      : with_(with), what_(what), data_(std::move(data)), text_(std::move(text)), unit_(what.unit) {}

  result<int> run() {
    for (;;) {
      const auto planned = plan();
      if (!planned) return failed_;
      if (what_.yaml) {
        with_.terminal.out(skeleton_pipeline(*data_, *schema_of(*planned)));
        return exit_succeeded;
      }
      if (!with_.options.quiet && as_text_.empty()) {
        if (data_ && !data_->own.empty() && !with_.options.json)
          with_.terminal.note("read with  " + csv::options_text(data_->own) + "\n");
        auto warnings = planned->what->warnings;
        if (data_)
          for (auto& warning : warnings) warning.at = {};
        report_faults(with_, warnings, planned->source.get(), "warning");
      }
      const auto rows = std::make_shared<kept_rows>();
      rows->schema = schema_of(*planned);
      SLUICE_ASSIGN(auto outcome, fetch_rows(with_, *planned, rows));
      if (read_as_text(outcome.run)) continue;
      if (!as_text_.empty() && !with_.options.quiet) report_faults(with_, told_, nullptr, "warning");
      return show(with_, what_, {*planned, rows, std::move(outcome.run), std::move(outcome.rejects)}, unit_);
    }
  }

 private:
  std::optional<planned_pipeline> plan() {
    diagnostics faults;
    std::shared_ptr<const config::document> source;
    planning_request request;
    request.file = what_.file;
    request.set = what_.set;
    request.config = what_.config;
    request.run_id = uuid_v7();
    request.text = data_ ? reading_pipeline(*data_) : text_;
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
    return planned.what->units[static_cast<std::size_t>(*planned.what->find(preview_sink))].inputs.front().schema;
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
  std::string text_;
  std::string unit_;
  std::set<std::string> as_text_;  ///< columns of a data file whose values contradict what was inferred
  diagnostics told_;               ///< ... and the contradictions
  int failed_ = exit_unusable;
};

/// All of standard input, of which the begin was looked at.
result<std::string> rest_of_standard_input() {
  SLUICE_ASSIGN(const auto stream, open_stream({.name = "-", .path = "-"}));
  std::string text;
  for (std::string block(64 * 1024, '\0');;) {
    SLUICE_ASSIGN(const auto got, stream->read(reinterpret_cast<std::uint8_t*>(block.data()), std::ssize(block)));
    text.append(block, 0, static_cast<std::size_t>(got));
    if (got < std::ssize(block)) return text;
  }
}

result<int> preview(session& with, const chosen& what) {
  SLUICE_ASSIGN(auto data, recognise_data_file(what.file, what.data));
  if (what.yaml && !data)
    return user_error("bad_arguments",
                      "--yaml creates a pipeline from a data file, but " + what.file + " is a pipeline",
                      "data files can be CSV, NDJSON, Parquet or Arrow; set the format with --format");
  std::string text;
  if (!data && what.file == "-") {
    SLUICE_ASSIGN(text, rest_of_standard_input());
  }
  return previewing(with, what, std::move(data), std::move(text)).run();
}

}  // namespace

command preview_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes = {.positionals =
                    {{.name = "FILE",
                      .help = "a pipeline, or a data file (CSV, NDJSON, Parquet, Arrow, also compressed); - for stdin",
                      .target = &what->file,
                      .offers = completes::file}},
                .options = {{.names = {"--unit"},
                             .value = "UNIT",
                             .help = "the unit (or unit.port) to show (default: the input of the first sink)",
                             .target = &what->unit},
                            {.names = {"--rows", "-n"},
                             .value = "N",
                             .help = "number of rows (default 10)",
                             .target = &what->rows},
                            set_option(what->set),
                            config_option(what->config),
                            {.names = {"--yaml"},
                             .value = {},
                             .help = "for a data file: print a pipeline that reads it, with types",
                             .target = &what->yaml},
                            {.names = {"--format"},
                             .value = "FORMAT",
                             .help = "format of a data file (default: detected by its name and first bytes)",
                             .target = &what->data.format,
                             .choices = {"csv", "ndjson", "json", "parquet", "ipc"}},
                            {.names = {"--separator"},
                             .value = "TEXT",
                             .help = "for a CSV file (default: detected)",
                             .target = &what->data.separator},
                            {.names = {"--quote"},
                             .value = "BYTE",
                             .help = "for a CSV file (default: detected)",
                             .target = &what->data.quote},
                            {.names = {"--encoding"},
                             .value = "NAME",
                             .help = "for a CSV file (default: detected)",
                             .target = &what->data.encoding},
                            {.names = {"--skip-rows"},
                             .value = "N",
                             .help = "lines before the header of a CSV file (default: detected)",
                             .target = &what->data.skip_rows},
                            {.names = {"--no-header"},
                             .value = {},
                             .help = "the CSV file has no header with column names",
                             .target = &what->data.no_header}},
                .details = "  sluice preview orders.csv\n"
                           "  sluice preview orders.csv --yaml > orders.yaml\n"
                           "  sluice preview starter.yaml --unit paid --rows 20\n\n"
                           "Nothing is loaded or stored.\n"},
      .run = [what](session& with) { return preview(with, *what); }};
}

}  // namespace sluice::app
