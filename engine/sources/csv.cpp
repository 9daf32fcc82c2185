#include "engine/component.hpp"
#include "engine/formats/csv/infer.hpp"
#include "engine/formats/csv/line_counter.hpp"
#include "engine/formats/csv/reader.hpp"
#include "engine/formats/csv/source_options.hpp"
#include "engine/formats/files.hpp"
#include "engine/formats/source_columns.hpp"
#include "engine/takes_filter.hpp"
#include "engine/types.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

namespace sluice {

namespace {

constexpr std::size_t checked_files = 100;
constexpr std::int64_t default_sample = 20'480;

/// A plan as it would be written in a message: "id, name, amount".
std::string names_text(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

struct csv_table {
  std::string unit;
  file_search search;
  csv::file_rules rules;
  std::map<std::string, csv::column_plan> types;  ///< as given
  std::shared_ptr<arrow::Schema> records;         ///< all columns of a record, or those that `columns:` names
  source_columns columns;
  bool all_columns = true;   ///< `columns:` names none: files may have no others
  bool whole_files = false;  ///< not cut into splits: rows are numbered
  std::uint32_t number = 0;
  std::int64_t split_bytes = 0;
  std::int64_t sample = default_sample;
  bool want_positions = true;
  on_error policy = on_error::reject;
  std::string timezone = "UTC";
};

error different_columns(const input_file& file, const std::vector<std::string>& found,
                        const std::vector<std::string>& wanted) {
  std::vector<std::string> lost;
  std::vector<std::string> fresh;
  for (const auto& name : wanted)
    if (std::find(found.begin(), found.end(), name) == found.end()) lost.push_back(name);
  for (const auto& name : found)
    if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) fresh.push_back(name);
  std::string message = "the file " + file.name + " has other columns than the source's first file:";
  if (!lost.empty()) message += " it lacks " + names_text(lost);
  if (!fresh.empty()) message += std::string(lost.empty() ? "" : ", and") + " it also has " + names_text(fresh);
  return user_error(
      "different_columns", message,
      "read such files by a source of their own, or name the columns that all of them have: columns: [...]");
}

class csv_files : public source, public takes_filter {
 public:
  explicit csv_files(std::shared_ptr<const csv_table> what) : what_(std::move(what)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return what_->columns.schema(); }

  status leave_out_unless(const std::string& condition, const std::string& unit, const run_context& context) override {
    SLUICE_ASSIGN(filter_, row_filter::make(condition, unit, context, schema()));
    return {};
  }

  result<std::vector<split>> discover() override {
    SLUICE_ASSIGN(const auto files, find_files(what_->search));
    std::vector<split> splits;
    for (const auto& file : files) {
      SLUICE_ASSIGN(const auto known, know(file));
      add_splits(file, known->layout.data_begin, splits);
    }
    if (splits.size() > (std::size_t{1} << position::split_bits))
      return user_error("too_many_splits", "the source " + what_->unit + " has more than a million splits",
                        "read fewer files in one run");
    return splits;
  }

  result<std::unique_ptr<split_reader>> open(const split& piece) override {
    SLUICE_ASSIGN(const auto file, find_file(piece.object, what_->search));
    SLUICE_ASSIGN(const auto known, know(file));
    csv::reader_questions ask = {
        .line_of = [this, piece](std::uint64_t offset) { return line_of(piece, offset); },
        .sampled_rows = [this] { return sampled_rows(); },
    };
    auto plan = known->plan;
    if (known->chain && !what_->whole_files) {
      const auto index = static_cast<std::size_t>((piece.begin - known->layout.data_begin) / what_->split_bytes);
      return csv::read_split(std::move(plan), piece, known->chain, index, std::move(ask));
    }
    SLUICE_ASSIGN(auto stream, open_stream(file));
    return csv::read_whole(std::move(plan), piece, std::move(stream), known->layout.data_begin, std::move(ask));
  }

  std::uint64_t line_of(const split& piece, std::uint64_t offset) override {
    const auto file = find_file(piece.object, what_->search);
    return file.ok() ? lines_.line_at(*file, piece.begin + static_cast<std::int64_t>(offset)) : 0;
  }

 private:
  /// What is known of a file, read when its first split is wanted.
  struct known_file {
    csv::file_layout layout;
    csv::read_plan plan;
    std::shared_ptr<csv::split_chain> chain;  ///< null where the file is read as a stream
  };

  void add_splits(const input_file& file, std::int64_t data_begin, std::vector<split>& splits) const {
    const auto add = [&](std::int64_t begin, std::int64_t end, std::int64_t bytes) {
      splits.push_back({.id = static_cast<std::uint32_t>(splits.size()),
                        .object = file.name,
                        .begin = begin,
                        .end = end,
                        .bytes = bytes});
    };
    if (!file.seekable() || what_->whole_files) {
      const auto size = std::max<std::int64_t>(file.size, 0);
      add(0, size, size);
      return;
    }
    auto begin = data_begin;
    do {
      const auto end = std::min(begin + what_->split_bytes, file.size);
      add(begin, end, end - begin);
      begin = end;
    } while (begin < file.size);
  }

  result<std::shared_ptr<const known_file>> know(const input_file& file) {
    {
      const std::lock_guard guard(lock_);
      if (const auto found = known_.find(file.path); found != known_.end()) return found->second;
    }
    auto fresh = std::make_shared<known_file>();
    SLUICE_ASSIGN(fresh->layout, csv::read_layout(file, what_->rules));
    SLUICE_ASSIGN(fresh->plan, plan_for(file, fresh->layout));
    fresh->layout.data_begin = std::max(fresh->layout.data_begin, file.begin);
    if (file.seekable()) {
      SLUICE_ASSIGN(auto open, random_file::open(file));
      fresh->chain = std::make_shared<csv::split_chain>(std::move(open), what_->rules.rules, fresh->layout.data_begin,
                                                        what_->split_bytes);
    }
    const std::lock_guard guard(lock_);
    return known_.emplace(file.path, std::move(fresh)).first->second;
  }

  /// Finds the columns of the source among those of a file: by name, in any order.
  result<csv::read_plan> plan_for(const input_file& file, const csv::file_layout& layout) const {
    const auto& wanted = *what_->records;
    if (what_->all_columns && static_cast<int>(layout.names.size()) != wanted.num_fields())
      return different_columns(file, layout.names, wanted.field_names());
    csv::read_plan plan = {.unit = what_->unit,
                           .source = what_->number,
                           .rules = what_->rules,
                           .fields = layout.names.size(),
                           .columns = {},
                           .field_of = {},
                           .metadata = {},
                           .schema = what_->columns.schema(),
                           .policy = what_->policy,
                           .want_positions = what_->want_positions,
                           .timezone = what_->timezone,
                           .filter = filter_};
    for (const auto& name : wanted.field_names()) {
      if (std::find(layout.names.begin(), layout.names.end(), name) == layout.names.end())
        return different_columns(file, layout.names, wanted.field_names());
    }
    const auto add = [&](int index) {
      const auto& field = wanted.field(index);
      const auto given = what_->types.find(field->name());
      csv::column_plan each = given == what_->types.end() ? csv::column_plan{} : given->second;
      each.name = field->name();
      each.type = field->type();
      each.inferred = given == what_->types.end() && field->type()->id() != arrow::Type::STRING;
      plan.columns.push_back(std::move(each));
      const auto place = std::find(layout.names.begin(), layout.names.end(), field->name());
      plan.field_of.push_back(static_cast<int>(place - layout.names.begin()));
    };
    std::set<int> shown;
    for (const auto& column : what_->columns.columns()) {
      if (column.from != source_columns::origin::record) {
        plan.metadata.emplace_back(column.from == source_columns::origin::path ? "path" : "row");
        continue;
      }
      add(column.index);
      shown.insert(column.index);
    }
    for (const int index : what_->columns.wanted())
      if (!shown.contains(index)) add(index);  // read to be checked only
    return plan;
  }

  /// How many rows inference looked at: it looks again, since only this rare message wants to know.
  std::int64_t sampled_rows() const {
    const auto files = find_files(what_->search);
    if (!files.ok()) return 0;
    std::vector<csv::file_layout> layouts;
    for (const auto& file : *files) {
      if (layouts.size() == checked_files || file.path == "-") break;
      auto layout = csv::read_layout(file, what_->rules);
      if (!layout.ok()) return 0;
      layouts.push_back(std::move(*layout));
    }
    if (layouts.empty()) return 0;
    const auto guessed = csv::guess_types(*files, layouts, what_->rules, what_->sample);
    return guessed.ok() ? guessed->rows : 0;
  }

  std::shared_ptr<const csv_table> what_;
  std::shared_ptr<const row_filter> filter_;
  std::mutex lock_;
  std::map<std::string, std::shared_ptr<const known_file>> known_;
  csv::line_counter lines_;
};

/// Reads the begin of the first hundred files: their columns must be the same, in any order.
std::vector<csv::file_layout> read_layouts(const std::vector<input_file>& files, const csv_table& what,
                                           bool all_columns, diagnostics& faults) {
  std::vector<csv::file_layout> layouts;
  for (const auto& file : files) {
    if (layouts.size() == checked_files) break;
    auto layout = csv::read_layout(file, what.rules);
    if (!layout.ok()) {
      auto problem = std::move(layout).problem();
      if (problem.path.empty()) problem.path = "/csv/path";
      faults.push_back(std::move(problem));
      return {};
    }
    if (!layouts.empty() && all_columns) {
      auto wanted = layouts.front().names;
      auto found = layout->names;
      std::sort(wanted.begin(), wanted.end());
      std::sort(found.begin(), found.end());
      if (found != wanted) {
        faults.push_back(different_columns(file, layout->names, layouts.front().names));
        faults.back().path = "/csv/path";
        return {};
      }
    }
    layouts.push_back(std::move(*layout));
  }
  return layouts;
}

void check_type_names(const std::map<std::string, csv::column_plan>& types, const std::vector<std::string>& names,
                      diagnostics& faults) {
  for (const auto& [name, ignored] : types) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const auto near = nearest_name(name, names);
    auto problem = user_error("unknown_column", "the source has no column " + name,
                              near.empty() ? "its columns are " + names_text(names) : "did you mean " + near + "?");
    problem.path = "/types/" + name;
    faults.push_back(std::move(problem));
  }
}

/// Finds the files and the type of every column.
std::shared_ptr<arrow::Schema> infer_records(const source_request& request, csv_table& what, diagnostics& faults) {
  auto files = find_files(what.search);
  if (!files.ok()) {
    auto problem = std::move(files).problem();
    problem.path = "/csv" + (problem.path.empty() ? "/path" : problem.path);
    faults.push_back(std::move(problem));
    return nullptr;
  }
  const auto layouts = read_layouts(*files, what, request.columns.empty(), faults);
  if (layouts.empty()) return nullptr;
  const auto& names = layouts.front().names;
  check_type_names(what.types, names, faults);
  const bool all_given =
      std::all_of(names.begin(), names.end(), [&](const auto& name) { return what.types.contains(name); });
  csv::guessed_types guessed;
  if (!all_given) {
    auto sampled = csv::guess_types(*files, layouts, what.rules, what.sample);
    if (!sampled.ok()) {
      faults.push_back(std::move(sampled).problem());
      return nullptr;
    }
    guessed = std::move(*sampled);
  }
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto given = what.types.find(names[i]);
    const auto type = given == what.types.end() ? guessed.types[i] : given->second.type;
    if (!type) return nullptr;  // its fault is told already
    fields.push_back(arrow::field(names[i], type));
  }
  return arrow::schema(std::move(fields));
}

/// The columns of a record out of a plan's schema, which holds the metadata as well.
std::shared_ptr<arrow::Schema> planned_records(const source_request& request) {
  arrow::FieldVector fields;
  for (const auto& field : request.resolved->fields()) {
    if (!request.metadata.is_object() || !request.metadata.contains(field->name())) fields.push_back(field);
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
  const auto rules =
      csv::read_file_rules(request.own.is_object() ? request.own : options::object({{"path", request.own}}), faults);
  if (!faults.empty()) return faults.front();
  SLUICE_ASSIGN(const auto layout, csv::read_layout(file, rules));
  arrow::FieldVector fields;
  for (const auto& name : layout.names) fields.push_back(arrow::field(name, arrow::null()));
  return arrow::schema(std::move(fields));
}

std::unique_ptr<source> make(const source_request& request, diagnostics& faults) {
  const auto before = faults.size();
  auto what = std::make_shared<csv_table>();
  what->unit = request.unit;
  what->number = request.number;
  what->split_bytes = std::max<std::int64_t>(request.split_bytes, 1);
  what->sample = request.sample.value_or(default_sample);
  what->want_positions = request.want_positions;
  what->policy = request.policy;
  what->all_columns = request.columns.empty();
  if (request.context) what->timezone = request.context->timezone;
  const auto own = request.own.is_object() ? request.own : options::object({{"path", request.own}});
  what->search = {.path = own.value("path", options()),
                  .compression = own.value("compression", std::string("auto")),
                  .base_folder = request.context ? request.context->base_folder : "",
                  .extensions = file_extensions(),
                  .encoding = own.value("encoding", std::string("utf-8")),
                  .chosen = request.files};
  what->rules = csv::read_file_rules(own, faults);
  what->types = csv::read_types(request.types, faults);
  if (faults.size() > before) return nullptr;
  what->records = request.resolved ? planned_records(request) : infer_records(request, *what, faults);
  if (!what->records || faults.size() > before) return nullptr;
  auto columns = source_columns::choose(request, *what->records, true, faults);
  if (!columns.ok()) return nullptr;
  what->columns = std::move(*columns);
  check_supported(*what, faults);
  if (faults.size() > before) return nullptr;
  if (!request.columns.empty()) {
    // Files need only the columns that are named.
    arrow::FieldVector named;
    for (const auto& name : request.columns) named.push_back(what->records->GetFieldByName(name));
    what->records = arrow::schema(std::move(named));
    what->columns = std::move(*source_columns::choose(request, *what->records, true, faults));
  }
  for (const auto& column : what->columns.columns()) what->whole_files |= column.from == source_columns::origin::row;
  return std::make_unique<csv_files>(std::move(what));
}

field_spec byte_field(std::string name, std::string help, options preset) {
  return {.name = std::move(name), .form = shape::text, .help = std::move(help), .default_value = std::move(preset)};
}

std::vector<field_spec> fields() {
  auto all = text_source_fields();
  all.push_back(byte_field("separator", "The byte between fields; \"\\t\" for a tab.", ","));
  all.push_back(
      byte_field("quote", "The byte around fields that hold separators, line ends or quotes; \"\" for none.", "\""));
  all.push_back(byte_field(
      "escape", "A byte that takes the next one as it is, in and outside quotes. Doubled quotes need none.", nullptr));
  all.push_back(
      {.name = "header",
       .form = shape::one_of,
       .help =
           "true: the first record names the columns (an empty name becomes column_3, a second `name` becomes name_2); "
           "false: there is none, and columns are called column_1, column_2, ...; a list: there is none, and these are "
           "the names.",
       .default_value = true,
       .elements = {{.name = "", .form = shape::boolean, .help = "Whether there is one."},
                    {.name = "",
                     .form = shape::list,
                     .help = "The names of all columns.",
                     .elements = {{.name = "", .form = shape::text, .help = "A name."}}}}});
  all.push_back({.name = "null_values",
                 .form = shape::list,
                 .help = "Texts that stand for null where they are not quoted. A quoted one is text in a text column "
                         "and null in all others.",
                 .default_value = options::array({""}),
                 .elements = {{.name = "", .form = shape::text, .help = "Such a text."}}});
  all.push_back(byte_field("comment", "Lines that start with this byte are no records.", nullptr));
  all.push_back({.name = "skip_rows",
                 .form = shape::integer,
                 .help = "Lines to pass over before the header.",
                 .default_value = 0});
  return all;
}

component_spec spec() {
  return {
      .name = "csv",
      .kind = component_kind::source,
      .summary = "Reads CSV files: comma, tab or otherwise separated text",
      .description =
          "Files are cut into splits and read in parallel, quotes and line ends within them included; packed files and "
          "standard input are read from begin to end by one reader. Line ends are LF, CRLF or CR; the last may be "
          "missing. "
          "Empty lines are passed over where records have more than one field.\n\n"
          "Types that `types:` does not give are inferred from a sample over head, middle and tail of each of the "
          "first "
          "hundred files: boolean, bigint, double, date, timestamp, timestamptz, else text. Digits with leading zeros "
          "and "
          "integers beyond 64 bits are text. A value that contradicts an inferred type fails the run with the `types:` "
          "line that mends it.\n\n"
          "Records with too few or too many fields, values that are none of a given type, text that is not UTF-8 and "
          "quotes that don't close are treated by `on_error`: they go to the rejects with the record as it stood "
          "(reject), become null (set_null; whole records that don't fit still go to the rejects), or fail the run.\n\n"
          "Columns of several files are matched by name, in any order. Text is kept byte for byte; blanks around "
          "numbers, "
          "dates and times are passed over. A type may be a map: `{ type: date, formats: [\"%d.%m.%Y\"] }`, "
          "`{ type: \"decimal(12,2)\", decimal: \",\", thousands: \".\" }`.",
      .value = {.name = "",
                .form = shape::object,
                .help = "Which files, and how they are written.",
                .elements = fields()},
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
