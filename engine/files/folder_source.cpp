#include "engine/files/folder_source.hpp"

#include "engine/component/passing_source.hpp"
#include "engine/error/remarks.hpp"
#include "engine/files/folder_columns.hpp"
#include "engine/files/listed_files.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>

namespace sluice {

namespace {

/// Where a column comes from: that of the records where it is not negative.
struct folder_layout {
  std::shared_ptr<arrow::Schema> schema;
  std::shared_ptr<arrow::Schema> plain;  ///< without marks
  std::vector<int> from;
};

class folder_reader final : public passing_reader {
 public:
  folder_reader(std::unique_ptr<split_reader> inner, std::shared_ptr<const folder_layout> what, std::string file)
      : passing_reader(std::move(inner)), what_(std::move(what)), file_(std::move(file)) {}

  result<read_step> next() override {
    SLUICE_ASSIGN(auto step, inner_->next());
    if (!step.rows.data) return step;
    arrow::ArrayVector columns;
    for (std::size_t i = 0; i < what_->from.size(); ++i) {
      if (what_->from[i] >= 0) {
        columns.push_back(step.rows.data->column(what_->from[i]));
        continue;
      }
      SLUICE_ASSIGN(auto values, partition_values(file_, *what_->schema->field(static_cast<int>(i)), step.rows.rows()));
      columns.push_back(std::move(values));
    }
    step.rows.data = arrow::RecordBatch::Make(what_->plain, step.rows.rows(), std::move(columns));
    return step;
  }

 private:
  std::shared_ptr<const folder_layout> what_;
  std::string file_;
};

class folder_source final : public passing_source {
 public:
  folder_source(std::unique_ptr<source> inner, folder_layout what)
      : passing_source(std::move(inner)), what_(std::make_shared<const folder_layout>(std::move(what))) {}

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return what_->schema; }
  options reached() override { return inner_->reached(); }
  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    SLUICE_ASSIGN(auto reader, inner_->open(piece, position));
    return std::unique_ptr<split_reader>(std::make_unique<folder_reader>(std::move(reader), what_, piece.object));
  }

 private:
  std::shared_ptr<const folder_layout> what_;
};

using names = std::vector<std::string>;

bool is_in(const names& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

constexpr const char* folder_mark = "folder";

bool is_marked(const std::shared_ptr<arrow::Field>& field) {
  return field != nullptr && field->HasMetadata() && field->metadata()->Contains(folder_mark);
}

bool all_remarks(const diagnostics& faults, std::size_t from) {
  return std::all_of(faults.begin() + static_cast<std::ptrdiff_t>(from), faults.end(), is_remark);
}

/// The request for the records alone.
source_request request_of_records(const source_request& request, const names& folders) {
  auto inner = request;
  const auto without = [&](names& list) {
    std::erase_if(list, [&](const std::string& name) { return is_in(folders, name); });
  };
  without(inner.columns);
  without(inner.needed);
  if (inner.types.is_object())
    for (const auto& name : folders) inner.types.erase(name);
  if (request.resolved) {
    arrow::FieldVector fields;
    for (const auto& field : request.resolved->fields())
      if (!is_in(folders, field->name())) fields.push_back(field);
    inner.resolved = arrow::schema(fields);
    // An empty list stands for all columns: where only those of folders are needed, the records are still counted.
    if (!request.needed.empty() && inner.needed.empty() && !fields.empty()) inner.needed = {fields.front()->name()};
  }
  return inner;
}

/// The type that the user gave to a column of the folders, else the one that takes all its values.
std::shared_ptr<arrow::Field> typed_field(const source_request& request, const std::shared_ptr<arrow::Field>& guessed,
                                          diagnostics& faults) {
  if (request.resolved)
    if (auto field = request.resolved->GetFieldByName(guessed->name())) return field;
  if (!request.types.is_object() || !request.types.contains(guessed->name())) return guessed;
  const auto& given = request.types.at(guessed->name());
  auto type = given.is_string() ? parse_type(given.get<std::string>())
                                : result<std::shared_ptr<arrow::DataType>>(
                                      user_error("not_supported", "the type of a column of the folders has no formats",
                                                 "types: { " + guessed->name() + ": date }"));
  if (type.ok()) return guessed->WithType(*type);
  faults.push_back(std::move(type).problem());
  faults.back().path = "/types/" + guessed->name();
  return guessed;
}

/// All columns in their order, those that nobody needs left out.
folder_layout layout_of(const source_request& request, const arrow::Schema& records,
                        const arrow::FieldVector& folders) {
  folder_layout made;
  arrow::FieldVector fields;
  const auto wanted = [&](const std::string& name) {
    const bool chosen = request.columns.empty() || is_in(request.columns, name) ||
                        (request.metadata.is_object() && request.metadata.contains(name));
    const bool needed = !request.resolved || request.needed.empty() || is_in(request.needed, name);
    return chosen && needed;
  };
  const auto add = [&](const std::string& name) {
    if (!wanted(name)) return;
    const int record = records.GetFieldIndex(name);
    const auto folder =
        std::find_if(folders.begin(), folders.end(), [&](const auto& one) { return one->name() == name; });
    if (record < 0 && folder == folders.end()) return;
    fields.push_back(record >= 0 ? records.field(record)
                                 : (*folder)->WithMetadata(arrow::key_value_metadata({folder_mark}, {"1"})));
    made.from.push_back(record);
  };
  for (const auto& name : request.columns) add(name);
  for (const auto& field : records.fields())
    if (!is_in(request.columns, field->name())) add(field->name());
  for (const auto& field : folders)
    if (!is_in(request.columns, field->name())) add(field->name());
  made.schema = arrow::schema(std::move(fields));
  made.plain = without_folder_marks(made.schema);
  return made;
}

}  // namespace

std::unique_ptr<source> make_with_folder_columns(
    const source_request& request, const std::string& component, std::vector<std::string> extensions,
    const std::string& encoding, diagnostics& faults,
    const std::function<std::unique_ptr<source>(const source_request&, diagnostics&)>& make) {
  // Files may come later, and in other folders.
  if (const auto own = file_options(request); own.is_object() && own.value("follow", false))
    return make(request, faults);
  const auto files = find_files(requested_files(request, std::move(extensions), encoding));
  if (!files.ok()) return make(request, faults);  // which reports it
  auto folders = partition_columns(*files);
  if (!folders.ok()) {
    faults.push_back(std::move(folders).problem());
    faults.back().path = "/" + component + "/path";
    return nullptr;
  }
  if (request.resolved)
    std::erase_if(*folders, [&](const auto& one) { return !is_marked(request.resolved->GetFieldByName(one->name())); });
  for (;;) {
    if (folders->empty()) return make(request, faults);
    names all;
    for (const auto& field : *folders) all.push_back(field->name());
    const auto before = faults.size();
    auto inner = make(request_of_records(request, all), faults);
    if (inner == nullptr) return nullptr;
    // What stands in the files comes first.
    const auto taken =
        std::erase_if(*folders, [&](const auto& one) { return inner->schema()->GetFieldIndex(one->name()) >= 0; });
    if (taken > 0) {
      faults.resize(before);
      continue;
    }
    for (auto& field : *folders) field = typed_field(request, field, faults);
    if (faults.size() > before && !all_remarks(faults, before)) return nullptr;
    auto what = layout_of(request, *inner->schema(), *folders);
    return std::make_unique<folder_source>(std::move(inner), std::move(what));
  }
}

std::shared_ptr<arrow::Schema> without_folder_marks(const std::shared_ptr<arrow::Schema>& schema) {
  auto fields = schema->fields();
  for (auto& field : fields)
    if (is_marked(field)) field = field->RemoveMetadata();
  return arrow::schema(std::move(fields), schema->metadata());
}

}  // namespace sluice
