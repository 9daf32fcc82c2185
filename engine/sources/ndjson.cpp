#include "engine/component.hpp"
#include "engine/formats/contradiction.hpp"
#include "engine/formats/files.hpp"
#include "engine/formats/language_columns.hpp"
#include "engine/formats/ndjson/lines.hpp"
#include "engine/formats/ndjson/record_parser.hpp"
#include "engine/formats/ndjson/sampling.hpp"
#include "engine/formats/row_filter.hpp"
#include "engine/formats/source_columns.hpp"
#include "engine/takes_filter.hpp"
#include "engine/types.hpp"

#include <arrow/api.h>
#include <simdjson.h>

#include <algorithm>
#include <mutex>

namespace sluice {

namespace {

using namespace ndjson;

constexpr std::int64_t block_bytes = 512 * 1024;  // stays in the second cache from the read to the last field
// JSON text is about twice as long as its columns.
constexpr std::int64_t batch_text_bytes = 2 * target_batch_bytes;

struct ndjson_table {
  std::string unit;
  std::vector<input_file> files;
  record_columns records;
  source_columns columns;
  std::uint32_t number = 0;
  std::int64_t split_bytes = 0;
  bool want_positions = true;
  bool ignore_unknown = false;
  std::optional<std::int64_t> sample;
  bool whole_files = false;  ///< not cut into splits: rows are numbered
  on_error policy = on_error::reject;
  zone_clock zone;

  [[nodiscard]] result<std::vector<column>> make_columns() const {
    std::vector<column> made;
    for (const int index : columns.wanted()) {
      const auto& field = records.schema->field(index);
      const auto given = records.given.find(field->name());
      SLUICE_ASSIGN(auto one, make_column(field->name(), field->name(), field->type(), given != records.given.end(),
                                          ignore_unknown));
      if (given != records.given.end()) one.take_forms(given->second);
      made.push_back(std::move(one));
    }
    return made;
  }
  /// Whether a column that nobody reads has to be looked into all the same: for keys that come twice or are unknown.
  [[nodiscard]] bool is_passed(int index) const {
    const auto& wanted = columns.wanted();
    return !std::binary_search(wanted.begin(), wanted.end(), index) && has_keys(*records.schema->field(index)->type());
  }
  static bool has_keys(const arrow::DataType& type) {
    return type.id() == arrow::Type::STRUCT || (type.id() == arrow::Type::LIST && has_keys(*type.field(0)->type()));
  }
  /// The columns for which is_passed, as they would be read.
  [[nodiscard]] result<std::vector<column>> make_passed() const {
    std::vector<column> made;
    for (int i = 0; i < records.schema->num_fields(); ++i) {
      if (!is_passed(i)) continue;
      const auto& field = records.schema->field(i);
      SLUICE_ASSIGN(auto one, make_column(field->name(), field->name(), field->type(), false, ignore_unknown));
      made.push_back(std::move(one));
    }
    return made;
  }
  /// All keys of the records: the ones that are not wanted are known all the same.
  [[nodiscard]] key_table make_keys() const {
    key_table keys;
    const auto& wanted = columns.wanted();
    int passed = 0;
    for (int i = 0; i < records.schema->num_fields(); ++i) {
      const auto found = std::lower_bound(wanted.begin(), wanted.end(), i);
      const bool is_wanted = found != wanted.end() && *found == i;
      keys.add(records.schema->field(i)->name(), is_wanted ? static_cast<int>(found - wanted.begin()) : -1);
      if (is_passed(i)) keys.entries.back().passed = passed++;
    }
    keys.ignore_unknown = ignore_unknown;
    keys.index();
    return keys;
  }
};

result<std::unique_ptr<line_blocks>> open_lines(const input_file& file, const split& piece) {
  if (file.seekable()) {
    SLUICE_ASSIGN(auto opened, random_file::open(file));
    return std::make_unique<line_blocks>(std::move(opened), file.name, piece.begin, piece.end, block_bytes);
  }
  SLUICE_ASSIGN(auto opened, open_stream(file));
  return std::make_unique<line_blocks>(std::move(opened), file.name, block_bytes);
}

/// Number of the line, from 1, that holds a byte of a file; 0 where it can't be read again. Reads all that is before.
std::uint64_t line_at(const input_file& file, std::int64_t target) {
  if (file.path == "-") return 0;
  auto lines = open_lines(file, {.id = 0, .object = file.name, .begin = 0, .end = target + 1, .bytes = 0});
  if (!lines.ok()) return 0;
  std::uint64_t line = 1;
  for (;;) {
    const auto more = (*lines)->next();
    if (!more.ok() || !*more) return 0;
    const auto length = (*lines)->end() - (*lines)->begin();
    const auto wanted = std::min<std::int64_t>(target - (*lines)->offset(), length);
    line += static_cast<std::uint64_t>(std::count((*lines)->begin(), (*lines)->begin() + wanted, '\n'));
    if (wanted < length) return line;
  }
}

bool is_number(const std::string& json) { return json[0] == '-' || (json[0] >= '0' && json[0] <= '9'); }

/// What a JSON value is, in a word or two.
std::string nature_of(const std::string& json) {
  if (is_number(json))
    return json.find_first_of(".eE") == std::string::npos ? "is an integer beyond 64 bits" : "is decimal";
  switch (json[0]) {
    case '{':
      return "is an object";
    case '[':
      return "is a list";
    case 't':
    case 'f':
      return "is boolean";
    default:
      return "is text";
  }
}

/// The type to write for a column whose guessed one has no room for a value.
std::string wider_type(const record_fault& fault, const arrow::Schema& records) {
  const auto field = records.GetFieldByName(fault.column);
  if (!field || !is_number(fault.value) || !arrow::is_integer(field->type()->id())) return "text";
  return fault.value.find_first_of(".eE") == std::string::npos ? "decimal(38,0)" : "double";
}

class ndjson_reader : public split_reader {
 public:
  ndjson_reader(std::shared_ptr<const ndjson_table> what, const split& piece, const input_file& file,
                std::unique_ptr<line_blocks> lines, std::vector<column> columns, std::vector<column> passed,
                std::shared_ptr<const row_filter> filter)
      : what_(std::move(what)),
        filter_(std::move(filter)),
        piece_(piece),
        file_(file),
        lines_(std::move(lines)),
        columns_(std::move(columns)),
        passed_(std::move(passed)),
        keys_(what_->make_keys()),
        parser_(columns_, passed_, keys_, what_->policy == on_error::set_null, what_->zone) {}

  result<read_step> next() override {
    read_step step;
    const auto consumed = lines_->consumed();
    const auto nulls = parser_.set_null();
    try {
      while (step.records == 0 ||
             (parser_.rows() < target_batch_rows && lines_->consumed() - consumed < batch_text_bytes)) {
        if (step.end) break;
        if (at_ == end_) SLUICE_TRY(read_block(step));
        SLUICE_TRY(read_records(step));
      }
      SLUICE_TRY(finish(step));
    } catch (const std::bad_alloc&) {
      return external_error("out_of_memory", "no memory is left for the records of " + piece_.object,
                            "raise run.memory or free memory");
    }
    step.set_null = parser_.set_null() - nulls;
    step.bytes = static_cast<std::uint64_t>(lines_->consumed() - consumed);
    return step;
  }

 private:
  status read_block(read_step& step) {
    SLUICE_ASSIGN(const bool more, lines_->next());
    step.end = !more;
    at_ = more ? lines_->begin() : nullptr;
    end_ = more ? lines_->end() : nullptr;
    valid_utf8_ = !more || simdjson::validate_utf8(at_, static_cast<std::size_t>(end_ - at_));
    return {};
  }

  /// Reads the block's records, at most a batch of them.
  status read_records(read_step& step) {
    const auto* const block = lines_->begin();
    const auto base = position{what_->number, piece_.id, 0}.pack() + static_cast<std::uint64_t>(lines_->offset());
    while (at_ != end_ && parser_.rows() < target_batch_rows) {
      const char* begin = at_;
      if (*skip_blanks(begin) == '\n') {
        at_ = line_end(begin) + 1;
        continue;
      }
      ++step.records;
      ++records_;
      const char* newline = nullptr;
      record_fault fault;
      if (!valid_utf8_ && !simdjson::validate_utf8(begin, static_cast<std::size_t>(line_end(begin) - begin))) {
        fault = {.code = "invalid_utf8", .column = "", .message = "the record has bytes that are no UTF-8"};
      } else {
        newline = parser_.read(begin);
        if (newline == nullptr) fault = parser_.fault();
      }
      if (newline != nullptr) {
        if (what_->want_positions) positions_.append(base + static_cast<std::uint64_t>(begin - block));
        if (what_->whole_files) numbers_.push_back(records_);
      } else {
        newline = line_end(begin);
        SLUICE_TRY(refuse(std::move(fault), {begin, static_cast<std::size_t>(newline - begin)},
                          static_cast<std::uint64_t>(lines_->offset() + (begin - block)), step));
      }
      at_ = newline + 1;
    }
    return {};
  }

  status refuse(record_fault fault, std::string_view record, std::uint64_t offset, read_step& step) const {
    if (fault.wrong_guess || what_->policy == on_error::fail) {
      const auto line = line_at(file_, piece_.begin + static_cast<std::int64_t>(offset));
      const auto place = (line > 0 ? " at line " + std::to_string(line) : std::string()) + " of " + piece_.object;
      return fault.wrong_guess ? contradiction_of(fault, line) : failure(fault, place);
    }
    if (!record.empty() && record.back() == '\r') record.remove_suffix(1);
    step.rejected.push_back({.record = std::string(record),
                             .offset = offset,
                             .code = std::move(fault.code),
                             .column = std::move(fault.column),
                             .message = std::move(fault.message)});
    return {};
  }

  [[nodiscard]] error contradiction_of(const record_fault& fault, std::uint64_t line) const {
    auto problem = contradicts_type({.column = fault.column,
                                     .key = fault.column.substr(0, fault.column.find_first_of(".[")),
                                     .type = fault.type,
                                     .value = fault.value,
                                     .nature = nature_of(fault.value),
                                     .wider = wider_type(fault, *what_->records.schema),
                                     .sampled_rows = count_sampled(what_->files, what_->sample),
                                     .file = piece_.object,
                                     .line = line});
    problem.where = "unit " + what_->unit;
    return problem;
  }
  [[nodiscard]] error failure(const record_fault& fault, const std::string& place) const {
    auto problem = user_error(
        fault.code,
        "the record" + place + (fault.column.empty() ? "" : ", column " + fault.column) + ": " + fault.message,
        "mend the record, or let such records go to the rejects with on_error: reject");
    problem.where = "unit " + what_->unit;
    return problem;
  }

  status finish(read_step& step) {
    const auto rows = parser_.rows();
    // At the end nothing is better than no rows; before it, a batch without rows says that there is more to come.
    if (rows == 0 && step.end) return {};
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (auto& one : columns_) {
      SLUICE_ASSIGN(auto values, one.finish());
      arrays.push_back(std::move(values));
    }
    SLUICE_ASSIGN(step.rows.data, what_->columns.assemble(arrays, rows, piece_.object, 0, &numbers_));
    numbers_.clear();
    if (what_->want_positions) step.rows.positions = std::make_shared<arrow::UInt64Array>(rows, positions_.take());
    parser_.start();
    if (filter_) {
      SLUICE_ASSIGN(step.rows, filter_->apply(std::move(step.rows), step.filtered));
    }
    return {};
  }

  std::shared_ptr<const ndjson_table> what_;
  std::shared_ptr<const row_filter> filter_;  ///< may be null
  split piece_;
  const input_file& file_;  ///< one of the table's
  std::unique_ptr<line_blocks> lines_;
  std::vector<column> columns_;
  std::vector<column> passed_;
  key_table keys_;
  record_parser parser_;
  growing_bytes positions_;
  std::vector<std::int64_t> numbers_;  ///< of the batch's rows in their file, where they are wanted
  std::int64_t records_ = 0;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  bool valid_utf8_ = true;
};

class ndjson_files : public source, public takes_filter {
 public:
  explicit ndjson_files(std::shared_ptr<const ndjson_table> what) : what_(std::move(what)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return what_->columns.schema(); }

  status leave_out_unless(const std::string& condition, const std::string& unit, const run_context& context) override {
    SLUICE_ASSIGN(filter_, row_filter::make(condition, unit, context, schema()));
    return {};
  }

  result<std::vector<split>> discover() override {
    std::vector<split> splits;
    for (const auto& file : what_->files) {
      // At most a million splits, however large the files are.
      const auto step = what_->whole_files ? std::max<std::int64_t>(file.size, 1)
                        : file.seekable()  ? std::max<std::int64_t>({what_->split_bytes, file.size / 100'000, 1})
                                           : std::int64_t{1};
      const auto end = file.seekable() ? file.size : std::int64_t{1};
      for (auto begin = file.begin; begin < end; begin += step) {
        const auto piece_end = std::min(begin + step, end);
        splits.push_back({.id = static_cast<std::uint32_t>(splits.size()),
                          .object = file.name,
                          .begin = begin,
                          .end = piece_end,
                          .bytes = file.seekable() ? piece_end - begin : std::max<std::int64_t>(file.size, 0)});
      }
    }
    return splits;
  }

  result<std::unique_ptr<split_reader>> open(const split& piece) override {
    SLUICE_ASSIGN(const auto* file, find(piece));
    SLUICE_ASSIGN(auto lines, open_lines(*file, piece));
    SLUICE_ASSIGN(auto columns, what_->make_columns());
    SLUICE_ASSIGN(auto passed, what_->make_passed());
    return std::unique_ptr<split_reader>(
        new ndjson_reader(what_, piece, *file, std::move(lines), std::move(columns), std::move(passed), filter_));
  }

  std::uint64_t line_of(const split& piece, std::uint64_t offset) override {
    const auto file = find(piece);
    return file.ok() ? line_at(**file, piece.begin + static_cast<std::int64_t>(offset)) : 0;
  }

 private:
  result<const input_file*> find(const split& piece) const {
    for (const auto& file : what_->files)
      if (file.name == piece.object) return &file;
    return internal_error("unknown_split", "the source has no file " + piece.object);
  }

  std::shared_ptr<const ndjson_table> what_;
  std::shared_ptr<const row_filter> filter_;
};

std::unique_ptr<source> make(const source_request& request, diagnostics& faults) {
  const auto before = faults.size();
  auto made = std::make_shared<ndjson_table>();
  const auto path = request.own.is_object() && request.own.contains("path") ? request.own["path"] : request.own;
  const auto packed = request.own.is_object() ? request.own.value("compression", options("auto")) : options("auto");
  const auto encoding = request.own.is_object() ? request.own.value("encoding", options("utf-8")) : options("utf-8");
  auto files = find_files({.path = path,
                           .compression = packed.is_string() ? packed.get<std::string>() : "auto",
                           .base_folder = request.context ? request.context->base_folder : "",
                           .extensions = {"ndjson", "jsonl", "json"},
                           .encoding = encoding.is_string() ? encoding.get<std::string>() : "utf-8",
                           .chosen = request.files});
  if (!files.ok()) {
    auto problem = std::move(files).problem();
    problem.path = "/ndjson" + (problem.path.empty() ? "/path" : problem.path);
    faults.push_back(std::move(problem));
    return nullptr;
  }
  made->files = std::move(files).value();
  if (request.resolved) {
    made->records = read_types(request, faults);
    made->records.schema = records_of(request);
  } else {
    made->records = infer_columns(request, made->files, faults);
  }
  if (auto zone = zone_clock::find(request.context ? request.context->timezone : "UTC"); zone.ok())
    made->zone = *zone;
  else
    faults.push_back(std::move(zone).problem());
  if (faults.size() > before) return nullptr;
  auto columns = source_columns::choose(request, *made->records.schema, true, faults);
  if (!columns.ok()) return nullptr;
  made->columns = std::move(columns).value();
  for (const auto& column : made->columns.columns()) made->whole_files |= column.from == source_columns::origin::row;
  made->sample = request.sample;
  made->unit = request.unit;
  made->number = request.number;
  made->split_bytes = request.split_bytes;
  made->want_positions = request.want_positions;
  // Who names the columns that he wants has said what is to become of the others.
  made->ignore_unknown = !request.columns.empty();
  made->policy = request.policy;
  if (auto tried = made->make_columns(); !tried.ok()) {
    faults.push_back(std::move(tried).problem());
    return nullptr;
  }
  return std::make_unique<ndjson_files>(std::move(made));
}

component_spec spec() {
  return {
      .name = "ndjson",
      .kind = component_kind::source,
      .summary = "Reads newline-delimited JSON: one object a line",
      .description =
          "Columns and types are inferred from a sample of the records, unless `types:` gives them: whole numbers are "
          "bigint "
          "(ubigint or decimal(38,0) where they are larger), others double, ISO dates and timestamps such, objects "
          "structs, "
          "arrays lists; kinds that do not go together are text. A key that a record lacks is null.\n\n"
          "A record that is no JSON object, is cut off, has a key twice, more behind it or a key in no record of the "
          "sample "
          "goes to the rejects (`on_error: reject`). With `columns:` all other keys are passed over, whatever is "
          "inside "
          "of their values, as long as it is JSON and no key comes twice beside them. A value that is "
          "none of "
          "the type that `types:` gave is handled by `on_error`; one that contradicts an inferred type fails the run "
          "and says "
          "which line mends it. Given types also take numbers and booleans from JSON texts, and text takes any value "
          "as it "
          "stands. Numbers keep all their digits in integers and decimals. A type may be a map, for texts: `{ type: "
          "date, "
          "formats: [\"%d.%m.%Y\"] }`, `{ type: \"decimal(12,2)\", decimal: \",\", thousands: \".\" }`.\n\n"
          "Files that are not packed are read in parallel, unless `metadata:` asks for row numbers. The position of a "
          "row is its byte in the split.",
      .value = {.form = shape::object, .help = "which files", .elements = text_source_fields()},
      .law = "in = out + rejected",
      .example = R"yaml(version: 1
pipeline: ndjson-source-example
extract:
  orders:
    ndjson: { path: examples/data/shop/events.ndjson }
load:
  nowhere:
    from: orders
    blackhole: {}
)yaml",
  };
}

}  // namespace

const component& ndjson_source() {
  static const component made = {
      .spec = spec(), .make_source = make, .files = {.extensions = {"ndjson", "jsonl", "json"}, .appends = true}};
  return made;
}

}  // namespace sluice
