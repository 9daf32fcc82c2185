#include "engine/component/stand_in.hpp"
#include "engine/expression/windows.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/row_policy.hpp"
#include "engine/operators/window_functions/windowed.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <numeric>
#include <set>
#include <string>
#include <unordered_map>

namespace sluice {

namespace {

struct entry {
  std::string name;
  int place = 0;  ///< column that it replaces, or the one behind the last
  expression::bound_ptr value;
  std::shared_ptr<arrow::Schema> schema;  ///< that `value` is bound to: columns whose names stand in it
  std::vector<int> picked = {};           ///< their places, of the input and of earlier entries
  std::vector<int> reads = {};            ///< columns of the input that it reads
};

class derive final : public single_output {
 public:
  derive(const transform_request& request, std::shared_ptr<arrow::Schema> made, std::vector<entry> entries)
      : single_output(request, std::move(made)), input_(request.inputs.front().schema), entries_(std::move(entries)) {}

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(input_);
    for (const auto& name : wanted) {
      const int column = schema()->GetFieldIndex(name);
      if (column >= 0 && column < input_->num_fields() && !replaced(column)) columns.add(column);
    }
    for (const auto& one : entries_) columns.add(one.reads);
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    auto columns = in.data->columns();
    columns.reserve(static_cast<std::size_t>(schema()->num_fields()));
    row_errors errors;
    for (const auto& one : entries_) {
      arrow::ArrayVector seen;
      for (const int column : one.picked) seen.push_back(columns[static_cast<std::size_t>(column)]);
      SLUICE_ASSIGN(auto value,
                    one.value->evaluate(in.with(arrow::RecordBatch::Make(one.schema, in.rows(), std::move(seen)))));
      append_errors(errors, std::move(value.errors), one.name);
      if (static_cast<std::size_t>(one.place) < columns.size())
        columns[static_cast<std::size_t>(one.place)] = std::move(value.values);
      else
        columns.push_back(std::move(value.values));
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, out));
    out.emit(0, keep_rows(made_from(in, std::move(columns)), settled));
    return {};
  }

 private:
  [[nodiscard]] bool replaced(int column) const {
    for (const auto& one : entries_)
      if (one.place == column) return true;
    return false;
  }

  std::shared_ptr<arrow::Schema> input_;
  std::vector<entry> entries_;
};

std::string folded(std::string_view text) {
  std::string small;
  for (const char c : text) small += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return small;
}

/// The words of an expression that could name a column, in small letters: those outside quotes, and all that stands in
/// double quotes.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) > 127;
  };
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '"') {
      std::string name;
      for (++i; i < text.size(); ++i) {
        if (text[i] == '"' && (i + 1 == text.size() || text[i + 1] != '"')) break;
        if (text[i] == '"') ++i;
        name += text[i];
      }
      ++i;
      words.push_back(folded(name));
      continue;
    }
    const auto begin = i;
    while (i < text.size() && is_letter(text[i])) ++i;
    if (i > begin) words.push_back(folded(text.substr(begin, i - begin)));
    if (i == begin) ++i;
  }
  return words;
}

/// The columns as the next entry sees them. An expression is bound to those whose names stand in it: a schema of all
/// columns costs as much as there are, for each of thousands of entries.
class visible_columns {
 public:
  explicit visible_columns(const arrow::Schema& input) : fields_(input.fields()) {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      by_word_[folded(fields_[i]->name())].push_back(static_cast<int>(i));
      const auto [place, fresh] = by_name_.emplace(fields_[i]->name(), static_cast<int>(i));
      if (!fresh) place->second = -1;  // the name fits several
    }
  }

  /// The places of the columns that an expression could read, ascending.
  [[nodiscard]] std::vector<int> named_in(std::string_view text) const {
    std::set<int> places;
    for (const auto& word : words_of(text))
      if (const auto found = by_word_.find(word); found != by_word_.end())
        places.insert(found->second.begin(), found->second.end());
    return {places.begin(), places.end()};
  }
  [[nodiscard]] std::vector<int> all() const {
    std::vector<int> places(fields_.size());
    std::iota(places.begin(), places.end(), 0);
    return places;
  }
  [[nodiscard]] std::shared_ptr<arrow::Schema> schema_of(const std::vector<int>& places) const {
    arrow::FieldVector fields;
    for (const int place : places) fields.push_back(fields_[static_cast<std::size_t>(place)]);
    return arrow::schema(std::move(fields));
  }

  /// Adds or replaces a column; its place.
  int put(const std::string& name, const std::shared_ptr<arrow::DataType>& type) {
    const auto known = by_name_.find(name);
    if (known != by_name_.end() && known->second >= 0) {
      fields_[static_cast<std::size_t>(known->second)] = arrow::field(name, type);
      return known->second;
    }
    const auto place = static_cast<int>(fields_.size());
    fields_.push_back(arrow::field(name, type));
    by_word_[folded(name)].push_back(place);
    by_name_.emplace(name, place);
    return place;
  }

 private:
  arrow::FieldVector fields_;
  std::unordered_map<std::string, int> by_name_;
  std::unordered_map<std::string, std::vector<int>> by_word_;  ///< names in small letters
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "derive", 1, faults)) return nullptr;
  std::vector<window_functions::entry> all;
  bool windowed = false;
  for (const auto& [name, text] : request.own.items()) {
    all.push_back({name, expression_text(text), pointer({"derive", name})});
    windowed = windowed || expression::mentions_window(all.back().text);
  }
  if (windowed) return window_functions::make(request, all, window_functions::shape::derived, faults);
  visible_columns columns(*request.inputs.front().schema);
  std::vector<int> origin = columns.all();  // column of the input, or -1 for derived ones
  std::vector<entry> entries;
  bool whole = true;
  for (const auto& [name, text] : request.own.items()) {
    const auto written = expression_text(text);
    const auto path = pointer({"derive", name});
    const auto told = faults.size();
    entry one{.name = name, .place = 0, .value = nullptr, .schema = nullptr, .picked = columns.named_in(written)};
    one.schema = columns.schema_of(one.picked);
    one.value = expression::bind(written, scope_of(request, one.schema), path, faults);
    if (!one.value) {
      // The fault should know all columns.
      faults.erase(faults.begin() + static_cast<std::ptrdiff_t>(told), faults.end());
      one.picked = columns.all();
      one.schema = columns.schema_of(one.picked);
      one.value = expression::bind(written, scope_of(request, one.schema), path, faults);
    }
    if (!one.value) {
      (void)columns.put(name, unknown_type());
      origin = columns.all();
      whole = false;
      continue;
    }
    for (const int column : one.value->columns())
      if (const int from = origin[static_cast<std::size_t>(one.picked[static_cast<std::size_t>(column)])]; from >= 0)
        one.reads.push_back(from);
    one.place = columns.put(name, one.value->type());
    if (static_cast<std::size_t>(one.place) < origin.size())
      origin[static_cast<std::size_t>(one.place)] = -1;
    else
      origin.push_back(-1);
    entries.push_back(std::move(one));
  }
  if (!whole) return make_stand_in(columns.schema_of(columns.all()));
  return std::make_unique<derive>(request, columns.schema_of(columns.all()), std::move(entries));
}

}  // namespace

const component& derive_transform() {
  static const component self{
      .spec = {.name = "derive",
               .kind = component_kind::transform,
               .summary = "Adds or replaces columns with computed values",
               .description =
                   "Entries are computed in the order of the file; later entries can use earlier ones. An entry with "
                   "the name of an existing column replaces it in place; other entries are added at the end. Window "
                   "functions are written as in PostgreSQL: `row_number() over (partition by customer order by at "
                   "desc)`. With them, rows come out sorted by partition and order (of the last window where there are "
                   "several); rows that are equal in both keep their order. Rows that do not fit into `run.memory` are "
                   "sorted on disk, but one partition must fit unless all its functions are row_number, rank, "
                   "dense_rank or running sums.",
               .value = {.form = shape::map,
                         .help = "column: expression",
                         .required = true,
                         .elements = {{.form = shape::expression, .help = "expression for the column's value"}}},
               .law = "in = out + rejected",
               .example = R"yaml(version: 1
pipeline: airports-in-metres
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  metric:
    from: airports
    derive:
      metres: "round(alt * 0.3048, 1)"
      high: "metres > 1500"
load:
  show:
    from: metric
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
