#include "engine/columns/typed/read_types.hpp"
#include "engine/component/component.hpp"
#include "engine/error/names.hpp"
#include "engine/error/remarks.hpp"
#include "engine/files/folder_source.hpp"
#include "engine/files/follow/description.hpp"
#include "engine/files/listed_files.hpp"
#include "engine/formats/csv/csv_files.hpp"
#include "engine/formats/csv/infer.hpp"
#include "engine/formats/csv/remarks.hpp"
#include "engine/formats/csv/source_options.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <map>

namespace sluice {

namespace {

bool same_names(std::vector<std::string> a, std::vector<std::string> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

/// Reads the begin of the first hundred files: their columns must be the same, in any order.
std::vector<csv::file_layout> read_layouts(const std::vector<input_file>& files, const csv_table& what,
                                           bool all_columns, diagnostics& faults) {
  std::vector<csv::file_layout> layouts;
  for (const auto& file : files) {
    if (layouts.size() == checked_csv_files) break;
    auto layout = csv::read_layout(file, what.rules);
    if (!layout.ok()) {
      auto problem = std::move(layout).problem();
      if (problem.path.empty()) problem.path = "/csv/path";
      faults.push_back(std::move(problem));
      return {};
    }
    layouts.push_back(std::move(*layout));
  }
  if (auto named = csv::name_empty_files(files, layouts, what.rules); !named.ok()) {
    faults.push_back(std::move(named).problem());
    faults.back().path = "/csv/path";
    return {};
  }
  for (std::size_t i = 1; i < layouts.size() && all_columns; ++i) {
    if (same_names(layouts[i].names, layouts.front().names)) continue;
    faults.push_back(different_csv_columns(files[i], layouts[i].names, layouts.front().names));
    faults.back().path = "/csv/path";
    return {};
  }
  return layouts;
}

void check_type_names(const std::map<std::string, typed::column_plan>& types, const std::vector<std::string>& names,
                      const std::string& better, diagnostics& faults) {
  for (const auto& [name, ignored] : types) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const auto near = nearest_name(name, names);
    auto problem = user_error("unknown_column", "the source has no column " + name,
                              near.empty() ? "its columns are " + joined(names) : "did you mean " + near + "?");
    if (!better.empty()) problem.hint = "the file seems to be written in another way: csv: { " + better + " }";
    problem.path = "/types/" + name;
    faults.push_back(std::move(problem));
  }
}

/// Says why columns are text, and that a file seems to be written in another way.
void remark_on(const source_request& request, const std::vector<input_file>& files, const csv_table& what,
               const std::vector<std::string>& names, const csv::guessed_types& guessed, diagnostics& faults) {
  const auto own = file_options(request);
  std::string reason;
  if (!guessed.utf8) reason = "its text is not UTF-8";
  if (guessed.other_width * 10 > guessed.rows)
    reason = std::to_string(guessed.other_width) + " of the " + std::to_string(guessed.other_width + guessed.rows) +
             " records looked at have other than " + std::to_string(names.size()) + " fields";
  if (names.size() == 1) reason = "its records have one field";
  if (!reason.empty())
    if (auto remark = csv::dialect_remark(files.front(), own, reason)) {
      faults.push_back(std::move(*remark));
      return;  // what the values look like says little then
    }
  if (guessed.swallowed) faults.push_back(csv::swallowed_remark(*guessed.swallowed, files));
  if (auto remark = csv::header_remark(files.front(), own, names)) faults.push_back(std::move(*remark));
  if (guessed.swallowed) faults.push_back(csv::swallowed_remark(*guessed.swallowed, files));
  for (std::size_t i = 0; i < guessed.reasons.size(); ++i) {
    const auto& columns = request.columns;
    if (!guessed.reasons[i] || what.types.contains(names[i])) continue;
    if (!columns.empty() && std::find(columns.begin(), columns.end(), names[i]) == columns.end()) continue;
    faults.push_back(csv::text_column_remark(names[i], *guessed.reasons[i], files, what.rules));
  }
}

/// Finds the files and the type of every column.
std::shared_ptr<arrow::Schema> infer_records(const source_request& request, csv_table& what, diagnostics& faults) {
  const auto files = list_files(what.search, "csv", faults);
  if (!files) return nullptr;
  const auto layouts = read_layouts(*files, what, request.columns.empty(), faults);
  if (layouts.empty()) return nullptr;
  const auto& names = layouts.front().names;
  const bool one_column = names.size() == 1 && !what.types.empty() && !what.types.contains(names.front());
  check_type_names(what.types, names, one_column ? csv::better_options(files->front(), file_options(request)) : "",
                   faults);
  const bool all_given =
      std::all_of(names.begin(), names.end(), [&](const auto& name) { return what.types.contains(name); });
  csv::guessed_types guessed;
  if (what.rules.all_text) {
    guessed.types.assign(names.size(), arrow::utf8());
  } else if (!all_given) {
    auto sampled = csv::guess_types(*files, layouts, what.rules, what.sample);
    if (!sampled.ok()) {
      faults.push_back(std::move(sampled).problem());
      return nullptr;
    }
    guessed = std::move(*sampled);
  }
  remark_on(request, *files, what, names, guessed, faults);
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto given = what.types.find(names[i]);
    const auto type = given == what.types.end() ? guessed.types[i] : given->second.type;
    if (!type) return nullptr;  // its fault is told already
    fields.push_back(arrow::field(names[i], type));
  }
  return arrow::schema(std::move(fields));
}

/// Refuses at once what no builder takes.
void check_supported(const csv_table& what, diagnostics& faults) {
  for (const int index : what.columns.wanted()) {
    const auto& field = what.records->field(index);
    csv::builder_request probe;
    probe.plan.name = field->name();
    probe.plan.type = field->type();
    if (auto builder = csv::make_builder(std::move(probe)); !builder.ok()) {
      auto problem = std::move(builder).problem();
      problem.path = "/types/" + field->name();
      faults.push_back(std::move(problem));
    }
  }
}

std::vector<std::string> file_extensions() { return {"csv", "tsv", "txt", "tbl"}; }

/// The names in a file's header; the types are not known.
result<std::shared_ptr<arrow::Schema>> columns_of(const source_request& request, const input_file& file) {
  diagnostics faults;
  const auto rules = csv::read_file_rules(file_options(request), faults);
  if (!faults.empty()) return faults.front();
  SLUICE_ASSIGN(const auto layout, csv::read_layout(file, rules));
  if (layout.names.empty()) return csv::empty_file(file, rules, "contains no record");
  arrow::FieldVector fields;
  for (const auto& name : layout.names) fields.push_back(arrow::field(name, arrow::null()));
  return arrow::schema(std::move(fields));
}

std::unique_ptr<source> make_records(const source_request& request, diagnostics& faults) {
  const auto before = faults.size();
  const auto failed = [&] {
    return !std::all_of(faults.begin() + static_cast<std::ptrdiff_t>(before), faults.end(), is_remark);
  };
  auto what = std::make_shared<csv_table>();
  what->unit = request.unit;
  what->number = request.number;
  what->split_bytes = std::max<std::int64_t>(request.split_bytes, 1);
  what->sample = request.sample.value_or(default_csv_sample);
  what->want_positions = request.want_positions;
  what->policy = request.policy;
  what->all_columns = request.columns.empty();
  what->follow = file_options(request).value("follow", false);
  if (request.context) what->timezone = request.context->timezone;
  what->search = requested_files(request, file_extensions(), "utf-8");
  what->rules = csv::read_file_rules(file_options(request), faults);
  what->types = typed::read_types(request.types, faults);
  if (faults.size() > before) return nullptr;
  what->records = request.resolved ? records_of(request) : infer_records(request, *what, faults);
  if (!what->records || failed()) return nullptr;
  auto columns = source_columns::choose(request, *what->records, true, faults);
  if (!columns.ok()) return nullptr;
  what->columns = std::move(*columns);
  check_supported(*what, faults);
  if (failed()) return nullptr;
  if (!request.columns.empty()) {
    // Files need only the columns that are named.
    arrow::FieldVector named;
    for (const auto& name : request.columns) named.push_back(what->records->GetFieldByName(name));
    what->records = arrow::schema(std::move(named));
    what->columns = std::move(*source_columns::choose(request, *what->records, true, faults));
  }
  for (const auto& column : what->columns.columns()) what->whole_files |= column.from == source_columns::origin::row;
  return make_csv_files(std::move(what));
}

std::unique_ptr<source> make(const source_request& request, diagnostics& faults) {
  return make_with_folder_columns(request, "csv", file_extensions(), "utf-8", faults, make_records);
}

field_spec byte_field(std::string name, std::string help, options preset) {
  return {.name = std::move(name), .form = shape::text, .help = std::move(help), .default_value = std::move(preset)};
}

std::vector<field_spec> fields() {
  auto all = text_source_fields();
  all.push_back(byte_field(
      "separator",
      "Separator between fields: one to 16 bytes, for example \", \"; \"\\t\" for a tab. One byte is read fastest.",
      ","));
  all.push_back(byte_field(
      "quote",
      "Quote character (one byte) around fields that contain separators, line breaks or quotes; \"\" for none.", "\""));
  all.push_back(byte_field("escape",
                           "Escape character (one byte): the byte after it is read literally, inside and outside "
                           "quotes. Not needed for doubled quotes.",
                           nullptr));
  all.push_back({.name = "header",
                 .form = shape::one_of,
                 .help = "true: the first record holds the column names (an empty name becomes column_3, a second "
                         "`name` becomes name_2); false: no header, the columns are called column_1, column_2, ...; a "
                         "list: no header, these are the names.",
                 .default_value = true,
                 .elements = {{.name = "", .form = shape::boolean, .help = "Whether there is a header."},
                              {.name = "",
                               .form = shape::list,
                               .help = "The names of all columns.",
                               .elements = {{.name = "", .form = shape::text, .help = "A name."}}}}});
  all.push_back(
      {.name = "null_values",
       .form = shape::list,
       .help = "Unquoted texts that are read as null. Quoted, they are text in text columns and null in all others.",
       .default_value = options::array({""}),
       .elements = {{.name = "", .form = shape::text, .help = "A text that is read as null."}}});
  all.push_back({.name = "quotes",
                 .form = shape::text,
                 .help = "lenient: a quote inside a field that does not begin with a quote is text; strict: such a "
                         "record is rejected (invalid_quotes).",
                 .default_value = "lenient",
                 .choices = {"lenient", "strict"}});
  all.push_back({.name = "all_text",
                 .form = shape::boolean,
                 .help = "Read all columns that `types:` does not name as text; infer nothing.",
                 .default_value = false});
  all.push_back(byte_field("comment", "Lines that start with this byte are ignored.", nullptr));
  all.push_back(follow_field());
  all.push_back(
      {.name = "skip_rows", .form = shape::integer, .help = "Lines to skip before the header.", .default_value = 0});
  return all;
}

component_spec spec() {
  return {
      .name = "csv",
      .kind = component_kind::source,
      .summary = "Reads CSV files: text separated by commas, tabs or another separator",
      .description =
          "Files are divided into splits and read in parallel, also if fields contain line breaks. Compressed files "
          "and standard input are read by one reader from beginning to end. Line breaks are LF, CRLF or CR; the last "
          "one may be missing. Empty lines are ignored if records have more than one field.\n\n"
          "Types that `types:` does not give are inferred from a sample taken at the head, middle and tail of each of "
          "the first hundred files: boolean, bigint, double, decimal, date, timestamp, timestamptz, else text. A "
          "column is inferred as a number only if every value would be written exactly as it was read. So `007`, `+5`, "
          "`1E5`, `.5`, `-0`, ` 5` and `nan` are text, and so are `1.0` and `2.55` in one column; `12.50` and `3.00`, "
          "which have the same number of decimal places, are decimal. Booleans are `true` and `false`. A type given "
          "under `types:` accepts all these forms. A value that contradicts an inferred type fails the run; the "
          "message shows the `types:` line to add.\n\n"
          "A quote that is never closed would turn the rest of the file into one record. It fails the run with "
          "`unclosed_quote`, whatever `on_error` is; the message names the line and how many lines it swallowed. A "
          "quote that is closed so late that more than ten records would be rejected as one fails the run too "
          "(`runaway_quote`), and so does a record of more than 256 MiB. Two stray quotes can also merge the lines "
          "between them into one valid record: if this occurs in the sample from which types are inferred, `run` and "
          "`preview` warn (`lines_in_quotes`).\n\n"
          "`on_error` decides what happens to records with too few or too many fields, values that do not fit a given "
          "type, text that is not UTF-8, and text after a closing quote: they are rejected with the original record "
          "(reject), the value becomes null (set_null; records that are bad as a whole are still rejected), or the run "
          "fails (fail).\n\n"
          "A folder that is named `day=2024-05-01` gives the column day (bigint, date or text), as Hive and Spark "
          "write "
          "partitions; `types:` can give it another type.\n\n"
          "The columns of several files are matched by name and may be in any order. Files of 0 bytes are ignored if "
          "there are others. Text is kept byte for byte; blanks around numbers, dates and times are ignored. A type "
          "can be a map: `{ type: date, formats: [\"%d.%m.%Y\"] }`, `{ type: \"decimal(12,2)\", decimal: \",\", "
          "thousands: \".\" }`.\n\n" +
          follow_description(),
      .value = {.name = "", .form = shape::object, .help = "The files and how they are written.", .elements = fields()},
      .law = "records = out + rejected",
      .example = R"(version: 1
pipeline: read-airlines
extract:
  airlines:
    csv: { path: examples/data/airlines.csv }
    types: { carrier: text }
load:
  out:
    from: airlines
    csv: { path: "-" }
)",
      .bounded = false,
      .replayable = true,
  };
}

}  // namespace

const component& csv_source() {
  static const component described = {
      .spec = spec(),
      .make_source = make,
      .files = {.extensions = file_extensions(), .appends = true, .columns = columns_of}};
  return described;
}

}  // namespace sluice
