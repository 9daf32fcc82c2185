#include "engine/operators/binding.hpp"
#include "engine/operators/row_policy.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

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
  derive(const transform_request& request, std::vector<std::shared_ptr<arrow::Schema>> schemas,
         std::vector<entry> entries)
      : single_output(request, schemas.back()),
        input_(request.inputs.front().schema),
        schemas_(std::move(schemas)),
        entries_(std::move(entries)) {}

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
    row_errors errors;
    auto seen = in;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (i > 0) seen = in.with(arrow::RecordBatch::Make(schemas_[i], in.rows(), columns));
      SLUICE_ASSIGN(auto value, entries_[i].value->evaluate(seen));
      append_errors(errors, std::move(value.errors), entries_[i].name);
      if (entries_[i].place < static_cast<int>(columns.size())) {
        columns[entries_[i].place] = std::move(value.values);
      } else {
        columns.push_back(std::move(value.values));
      }
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
  std::vector<std::shared_ptr<arrow::Schema>> schemas_;  ///< what each entry sees; the last is the output's
  std::vector<entry> entries_;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "derive", 1, faults)) return nullptr;
  const auto before = faults.size();
  std::vector<std::shared_ptr<arrow::Schema>> schemas = {request.inputs.front().schema};
  std::vector<int> origin(schemas.front()->num_fields());  // column of the input, or -1 for derived ones
  for (std::size_t i = 0; i < origin.size(); ++i) origin[i] = static_cast<int>(i);
  std::vector<entry> entries;
  for (const auto& [name, text] : request.own.items()) {
    const auto schema = schemas.back();
    auto value = expression::bind(expression_text(text), scope_of(request, schema), pointer({"derive", name}), faults);
    if (!value) continue;
    entry one{.name = name, .value = value};
    for (const int column : value->columns())
      if (origin[column] >= 0) one.reads.push_back(origin[column]);
    const auto field = arrow::field(name, value->type());
    one.place = schema->GetFieldIndex(name);
    if (one.place >= 0) {
      schemas.push_back(schema->SetField(one.place, field).ValueOrDie());
      origin[one.place] = -1;
    } else {
      one.place = schema->num_fields();
      schemas.push_back(schema->AddField(one.place, field).ValueOrDie());
      origin.push_back(-1);
    }
    entries.push_back(std::move(one));
  }
  if (faults.size() > before) return nullptr;
  return std::make_unique<derive>(request, std::move(schemas), std::move(entries));
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
