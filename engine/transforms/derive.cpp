#include "engine/operators/binding.hpp"
#include "engine/operators/growing_rows.hpp"
#include "engine/operators/row_policy.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cctype>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace sluice {

namespace {

struct entry {
  std::string name;
  int place = 0;  ///< column that it replaces, or the one behind the last
  expression::bound_ptr value;
  std::vector<int> reads = {};  ///< columns of the input that it reads
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
    const auto rows = std::make_shared<growing_rows>(schema(), *in.data);
    const auto seen = in.with(rows);
    row_errors errors;
    for (const auto& one : entries_) {
      SLUICE_ASSIGN(auto value, one.value->evaluate(seen));
      append_errors(errors, std::move(value.errors), one.name);
      rows->put(one.place, std::move(value.values));
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, out));
    out.emit(0, keep_rows(made_from(in, rows->columns()), settled));
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

/// The columns as the next entry sees them. A schema costs as much as it has columns, so that one is only made where an
/// entry may read what came since the last.
class visible_columns {
 public:
  explicit visible_columns(std::shared_ptr<arrow::Schema> input)
      : schema_(std::move(input)), fields_(schema_->fields()) {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const auto [place, fresh] = places_.emplace(fields_[i]->name(), static_cast<int>(i));
      if (!fresh) place->second = -1;  // the name fits several
    }
  }

  /// Whether an expression holds a word that is the name of a column that came since the last schema.
  [[nodiscard]] bool may_read_new(std::string_view text) const {
    if (new_.empty()) return false;
    std::string word;
    for (const char c : std::string(text) + ' ') {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"') return true;  // any name may stand there
      if (std::isalnum(byte) != 0 || c == '_' || c == '$' || byte > 127) {
        word += static_cast<char>(byte > 127 ? byte : std::tolower(byte));
        continue;
      }
      if (new_.contains(word)) return true;
      word.clear();
    }
    return false;
  }

  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  [[nodiscard]] bool has_new() const { return !new_.empty(); }
  /// Lets the schema show all columns.
  void catch_up() {
    if (new_.empty()) return;
    schema_ = arrow::schema(fields_);
    new_.clear();
  }

  /// Adds or replaces a column; its place.
  int put(const std::string& name, const std::shared_ptr<arrow::DataType>& type) {
    const auto known = places_.find(name);
    auto place = known == places_.end() ? -1 : known->second;
    if (place < 0) {
      place = static_cast<int>(fields_.size());
      fields_.push_back(arrow::field(name, type));
      if (known == places_.end()) places_.emplace(name, place);
    } else {
      fields_[static_cast<std::size_t>(place)] = arrow::field(name, type);
    }
    std::string folded;
    for (const char c : name) {
      const auto byte = static_cast<unsigned char>(c);
      folded += static_cast<char>(byte > 127 ? byte : std::tolower(byte));
    }
    new_.insert(std::move(folded));
    return place;
  }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  arrow::FieldVector fields_;
  std::unordered_map<std::string, int> places_;
  std::unordered_set<std::string> new_;  ///< in small letters
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "derive", 1, faults)) return nullptr;
  const auto before = faults.size();
  visible_columns columns(request.inputs.front().schema);
  std::vector<int> origin(static_cast<std::size_t>(columns.schema()->num_fields()));  // column of the input, or -1
  for (std::size_t i = 0; i < origin.size(); ++i) origin[i] = static_cast<int>(i);
  std::vector<entry> entries;
  for (const auto& [name, text] : request.own.items()) {
    const auto written = expression_text(text);
    const auto path = pointer({"derive", name});
    if (columns.may_read_new(written)) columns.catch_up();
    const auto told = faults.size();
    auto value = expression::bind(written, scope_of(request, columns.schema()), path, faults);
    if (!value && columns.has_new()) {
      // The fault should name all columns.
      faults.erase(faults.begin() + static_cast<std::ptrdiff_t>(told), faults.end());
      columns.catch_up();
      value = expression::bind(written, scope_of(request, columns.schema()), path, faults);
    }
    if (!value) continue;
    entry one{.name = name, .value = value};
    for (const int column : value->columns())
      if (origin[static_cast<std::size_t>(column)] >= 0) one.reads.push_back(origin[static_cast<std::size_t>(column)]);
    one.place = columns.put(name, value->type());
    if (static_cast<std::size_t>(one.place) < origin.size())
      origin[static_cast<std::size_t>(one.place)] = -1;
    else
      origin.push_back(-1);
    entries.push_back(std::move(one));
  }
  if (faults.size() > before) return nullptr;
  columns.catch_up();
  return std::make_unique<derive>(request, columns.schema(), std::move(entries));
}

}  // namespace

const component& derive_transform() {
  static const component self{
      .spec =
          {.name = "derive",
           .kind = component_kind::transform,
           .summary = "Adds or replaces columns, each by an expression.",
           .description =
               "Entries work in the order of the file, and later ones see earlier ones. An entry with the name of a "
               "column replaces it where it stands; others are added at the end.",
           .value = {.form = shape::map,
                     .help = "column: expression",
                     .required = true,
                     .elements = {{.form = shape::expression, .help = "the column's value"}}},
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
