#include "app/data_file.hpp"
#include "app/planning.hpp"
#include "app/preview_rows.hpp"
#include "app/profile_rules.hpp"
#include "app/table.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"
#include "engine/component/json_pointer.hpp"
#include "engine/operators/binding.hpp"
#include "engine/values/types.hpp"
#include "engine/values/uuid.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/api.h>

#include <memory>
#include <optional>
#include <set>

namespace sluice::app {

namespace {

constexpr std::int64_t most_listed = 8;   ///< distinct values that are listed
constexpr std::int64_t fewest_rows = 20;  ///< before which nothing is suggested

struct chosen {
  std::string file;
  data_options data;
};

bool has_extremes(const arrow::DataType& type) {
  return arrow::is_numeric(type.id()) || arrow::is_decimal(type.id()) || type.id() == arrow::Type::DATE32 ||
         type.id() == arrow::Type::TIMESTAMP || type.id() == arrow::Type::TIME64 || type.id() == arrow::Type::STRING;
}

bool is_whole(const arrow::DataType& type) { return type.num_fields() == 0; }

/// Letters and digits of a text by their kind: "AB-12" is "AA-99".
std::string pattern_of(const std::string& column) {
  return "regexp_replace(regexp_replace(regexp_replace(" + column +
         ", '[0-9]', '9', 'g'), '[a-z]', 'a', 'g'), '[A-Z]', 'A', 'g')";
}

/// Asks the engine: each question is an aggregate over the whole file.
class profiling {
 public:
  profiling(session& with, data_file data) : with_(with), data_(std::move(data)) {}

  result<int> run() {
    SLUICE_ASSIGN(const auto columns, schema());
    if (!columns) return failed_;
    for (;;) {
      SLUICE_ASSIGN(const bool done, ask_all(**columns));
      if (!done) return failed_;
      if (again_) {
        again_ = false;
        SLUICE_ASSIGN(const auto changed, schema());
        if (!changed) return failed_;
        return run_with(**changed);
      }
      return show();
    }
  }

 private:
  result<int> run_with(const arrow::Schema& columns) {
    SLUICE_ASSIGN(const bool done, ask_all(columns));
    if (!done) return failed_;
    if (again_) return run();
    return show();
  }

  std::optional<planned_pipeline> plan(const std::string& text, std::string unit) {
    diagnostics faults;
    std::shared_ptr<const config::document> source;
    planning_request request;
    request.file = data_.path;
    request.run_id = uuid_v7();
    request.text = text;
    request.adapt = [&](pipeline& definition) {
      for (const auto& column : as_text_) definition.units.front().types[column] = "text";
      return cut_down(definition, unit, 1);
    };
    auto planned = plan_pipeline(with_, request, faults, source);
    // The pipeline is ours: its lines would mean nothing to anybody.
    for (auto& fault : faults) fault.at = {};
    if (!planned) {
      report_faults(with_, faults, nullptr);
      failed_ = exit_code_of(faults);
      return planned;
    }
    planned->source = nullptr;
    return planned;
  }

  result<std::optional<std::shared_ptr<arrow::Schema>>> schema() {
    const auto planned = plan(reading_pipeline(data_), data_.name);
    if (!planned) return std::optional<std::shared_ptr<arrow::Schema>>();
    return std::optional(
        planned->what->units[static_cast<std::size_t>(*planned->what->find(preview_sink))].inputs.front().schema);
  }

  /// The one row of an aggregate; none where the run failed, or a column has to be read as text.
  result<std::shared_ptr<arrow::RecordBatch>> ask(const options& compute) {
    const auto text = reading_pipeline(data_) + "transform:\n  _profile:\n    from: " + data_.name +
                      "\n    aggregate: " + options{{"compute", compute}}.dump() + "\n";
    const auto planned = plan(text, "_profile");
    if (!planned) return std::shared_ptr<arrow::RecordBatch>();
    const auto rows = std::make_shared<kept_rows>();
    rows->schema =
        planned->what->units[static_cast<std::size_t>(*planned->what->find(preview_sink))].inputs.front().schema;
    SLUICE_ASSIGN(const auto outcome, fetch_rows(with_, *planned, rows));
    if (outcome.run.state == store::run_state::failed) {
      const auto cause =
          outcome.run.cause.value_or(internal_error("profile_failed", "the profile failed, and no cause was reported"));
      const auto parts = pointer_parts(cause.path);
      if (cause.code == "contradicts_type" && parts.size() >= 2 && parts[parts.size() - 2] == "types" &&
          as_text_.insert(parts.back()).second) {
        again_ = true;
        return std::shared_ptr<arrow::RecordBatch>();
      }
      report_faults(with_, {cause}, nullptr);
      failed_ = exit_failed;
      return std::shared_ptr<arrow::RecordBatch>();
    }
    rejected_ = outcome.run.rejected;
    for (const auto& each : rows->batches)
      if (each->num_rows() == 1) return each;
    return internal_error("profile_failed", "the aggregate gave no row");
  }

  /// False where the run has failed, and that was told.
  result<bool> ask_all(const arrow::Schema& columns) {
    options compute = {{"rows", "count(*)"}};
    for (int i = 0; i < columns.num_fields(); ++i) add_questions(i, *columns.field(i), compute);
    SLUICE_ASSIGN(const auto row, ask(compute));
    if (!row) return again_;
    rows_ = number(*row, "rows");
    made_.clear();
    for (int i = 0; i < columns.num_fields(); ++i) made_.push_back(answers(i, *columns.field(i), *row));
    return list_values(columns);
  }

  static std::string place(int column, const char* what) { return "c" + std::to_string(column) + "_" + what; }

  static void add_questions(int at, const arrow::Field& field, options& compute) {
    const auto name = quoted_name(field.name());
    const auto& type = *field.type();
    compute[place(at, "filled")] = "count(" + name + ")";
    if (is_whole(type)) compute[place(at, "distinct")] = "count(distinct " + name + ")";
    if (has_extremes(type)) {
      compute[place(at, "least")] = "min(" + name + ")";
      compute[place(at, "most")] = "max(" + name + ")";
    }
    if (type.id() != arrow::Type::STRING) return;
    compute[place(at, "patterns")] = "count(distinct " + pattern_of(name) + ")";
    compute[place(at, "pattern")] = "mode() within group (order by " + pattern_of(name) + ")";
  }

  static std::int64_t number(const arrow::RecordBatch& row, const std::string& name) {
    const auto column = row.GetColumnByName(name);
    return column && column->IsValid(0) ? static_cast<const arrow::Int64Array&>(*column).Value(0) : 0;
  }
  static std::optional<std::string> text(const arrow::RecordBatch& row, const std::string& name) {
    const auto column = row.GetColumnByName(name);
    if (!column || column->IsNull(0)) return {};
    return value_text(*column, 0);
  }

  column_profile answers(int at, const arrow::Field& field, const arrow::RecordBatch& row) const {
    return {.name = field.name(),
            .type = field.type(),
            .rows = rows_,
            .filled = number(row, place(at, "filled")),
            .distinct = is_whole(*field.type()) ? std::optional(number(row, place(at, "distinct"))) : std::nullopt,
            .least = text(row, place(at, "least")),
            .most = text(row, place(at, "most")),
            .patterns = number(row, place(at, "patterns")),
            .pattern = text(row, place(at, "pattern")),
            .values = {}};
  }

  /// Asks for the values of columns of text that have few.
  result<bool> list_values(const arrow::Schema& columns) {
    options compute = options::object();
    for (int i = 0; i < columns.num_fields(); ++i) {
      const auto& one = made_[static_cast<std::size_t>(i)];
      if (columns.field(i)->type()->id() == arrow::Type::STRING && one.distinct && *one.distinct > 0 &&
          *one.distinct <= most_listed && one.filled >= fewest_rows)
        compute[place(i, "values")] = "array_agg(distinct " + quoted_name(one.name) + ")";
    }
    if (compute.empty()) return true;
    SLUICE_ASSIGN(const auto row, ask(compute));
    if (!row) return again_;
    for (int i = 0; i < columns.num_fields(); ++i) {
      const auto column = row->GetColumnByName(place(i, "values"));
      if (!column || column->IsNull(0)) continue;
      const auto values = static_cast<const arrow::ListArray&>(*column).value_slice(0);
      for (std::int64_t at = 0; at < values->length(); ++at)
        if (values->IsValid(at)) made_[static_cast<std::size_t>(i)].values.push_back(value_text(*values, at));
    }
    return true;
  }

  int show() {
    const auto rules = suggested_rules(made_, fewest_rows);
    if (with_.options.json) {
      options out = {{"file", data_.path}, {"rows", rows_}, {"columns", options::array()}, {"rules", rules}};
      if (rejected_ > 0) out["rejected"] = rejected_;
      for (const auto& one : made_) out["columns"].push_back(to_options(one));
      with_.terminal.out(out.dump(2) + "\n");
      return exit_succeeded;
    }
    table shown({{.title = "column"},
                 {.title = "type"},
                 {.title = "nulls", .right = true},
                 {.title = "distinct", .right = true},
                 {.title = "least", .shrink_to = 10},
                 {.title = "most", .shrink_to = 10},
                 {.title = "pattern", .shrink_to = 10}});
    for (const auto& one : made_)
      shown.add({{printable(one.name)},
                 {type_name(*one.type)},
                 {thousands(static_cast<std::uint64_t>(rows_ - one.filled))},
                 {one.distinct ? thousands(static_cast<std::uint64_t>(*one.distinct)) : ""},
                 {printable(one.least.value_or(""))},
                 {printable(one.most.value_or(""))},
                 {one.pattern ? printable(*one.pattern) +
                                    (one.patterns > 1 ? " and " + std::to_string(one.patterns - 1) + " more" : "")
                              : ""}});
    auto& terminal = with_.terminal;
    terminal.out(shown.render(terminal.out_width(), terminal.color_out(), terminal.unicode()));
    if (!rules.empty()) terminal.out("\nRules that all rows keep, for the transform validate:\n\n" + rules_text(rules));
    if (!with_.options.quiet)
      terminal.note(thousands(static_cast<std::uint64_t>(rows_)) + (rows_ == 1 ? " row, " : " rows, ") +
                    std::to_string(made_.size()) + " columns" +
                    (rejected_ > 0 ? "; " + thousands(rejected_) + " rejected" : "") + "\n");
    return exit_succeeded;
  }

  session& with_;
  data_file data_;
  std::set<std::string> as_text_;  ///< columns whose values contradict what was inferred
  bool again_ = false;             ///< such a column was found
  std::int64_t rows_ = 0;
  std::uint64_t rejected_ = 0;
  std::vector<column_profile> made_;
  int failed_ = exit_unusable;
};

result<int> profile(session& with, const chosen& what) {
  SLUICE_ASSIGN(auto data, recognise_data_file(what.file, what.data));
  if (!data)
    return user_error("bad_arguments", "profile looks at a data file, but " + what.file + " is a pipeline",
                      "data files can be CSV, NDJSON, Parquet or Arrow; set the format with --format");
  if (data->path == "-")
    return user_error("bad_arguments", "profile reads its file more than once, and standard input can be read once",
                      "write it to a file");
  return profiling(with, std::move(*data)).run();
}

}  // namespace

command profile_verb() {
  auto what = std::make_shared<chosen>();
  return {.takes = {.positionals = {{.name = "FILE",
                                     .help = "a data file (CSV, NDJSON, Parquet, Arrow, also compressed)",
                                     .target = &what->file,
                                     .offers = completes::file}},
                    .options = {{.names = {"--format"},
                                 .value = "FORMAT",
                                 .help = "format of the file (default: detected by its name and first bytes)",
                                 .target = &what->data.format,
                                 .choices = {"csv", "ndjson", "parquet", "ipc"}},
                                {.names = {"--separator"},
                                 .value = "TEXT",
                                 .help = "for a CSV file (default: detected)",
                                 .target = &what->data.separator}},
                    .details = "  sluice profile orders.csv\n"
                               "  sluice profile orders.csv --json\n\n"
                               "All rows are read. In a pattern 9 is a digit, a and A are letters.\n"},
          .run = [what](session& with) { return profile(with, *what); }};
}

}  // namespace sluice::app
