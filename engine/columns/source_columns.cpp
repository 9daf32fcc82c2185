#include "engine/columns/source_columns.hpp"

#include "engine/error/names.hpp"
#include "engine/files/file_faults.hpp"
#include "engine/values/positions.hpp"
#include "engine/values/types.hpp"

#include <arrow/api.h>

#include <algorithm>
#include <unordered_set>

namespace sluice {

namespace {

struct candidate {
  std::shared_ptr<arrow::Field> field;
  source_columns::column column;
};

error at_path(error problem, std::string path) {
  problem.path = std::move(path);
  return problem;
}

/// The columns that `columns:` names, or all.
std::vector<candidate> named_columns(const source_request& request, const arrow::Schema& records, diagnostics& faults) {
  std::vector<candidate> chosen;
  if (request.columns.empty()) {
    for (int i = 0; i < records.num_fields(); ++i)
      chosen.push_back({records.field(i), {source_columns::origin::record, i}});
    return chosen;
  }
  for (std::size_t i = 0; i < request.columns.size(); ++i) {
    const auto& name = request.columns[i];
    const int index = records.GetFieldIndex(name);
    if (index >= 0) {
      chosen.push_back({records.field(index), {source_columns::origin::record, index}});
      continue;
    }
    const auto near = nearest_name(name, records.field_names());
    faults.push_back(
        at_path(user_error("unknown_column", "the source has no column " + name,
                           near.empty() ? "its columns are " + schema_text(records) : "did you mean " + near + "?"),
                "/columns/" + std::to_string(i)));
  }
  return chosen;
}

void add_metadata(const source_request& request, bool knows_rows, std::vector<candidate>& chosen, diagnostics& faults) {
  if (!request.metadata.is_object()) return;
  for (const auto& [name, what] : request.metadata.items()) {
    const auto kind = what.is_string() ? what.get<std::string>() : what.dump();
    if (kind == "path") {
      chosen.push_back({arrow::field(name, arrow::utf8()), {source_columns::origin::path, -1}});
    } else if (kind == "row" && knows_rows) {
      chosen.push_back({arrow::field(name, arrow::int64()), {source_columns::origin::row, -1}});
    } else if (kind == "row") {
      faults.push_back(
          at_path(user_error("not_supported_yet", "row numbers of this format are not supported yet",
                             "its splits are read in parallel, so the number of rows before a split is not known"),
                  "/metadata/" + name));
    } else {
      faults.push_back(at_path(user_error("unknown_metadata", "unknown metadata " + kind, "available are path and row"),
                               "/metadata/" + name));
    }
  }
}

/// A type that the user gave is a promise that the values are checked, and which rows are rejected must not depend on
/// what is read below: such a column is read even where nobody needs it, and left out of the batches.
bool is_checked(const source_request& request, const arrow::Field& field) {
  return request.policy != on_error::set_null && request.types.is_object() && request.types.contains(field.name()) &&
         field.type()->id() != arrow::Type::STRING;
}

}  // namespace

result<source_columns> source_columns::choose(const source_request& request, const arrow::Schema& records,
                                              bool knows_rows, diagnostics& faults) {
  const auto before = faults.size();
  auto chosen = named_columns(request, records, faults);
  add_metadata(request, knows_rows, chosen, faults);
  std::unordered_set<std::string> seen;
  for (const auto& one : chosen) {
    if (!seen.insert(one.field->name()).second)
      faults.push_back(user_error("duplicate_column", "the column " + one.field->name() + " appears twice",
                                  "name it only once in columns: and metadata:"));
  }
  if (faults.size() > before) return faults.back();
  source_columns made;
  if (request.resolved && !request.needed.empty()) {
    std::erase_if(chosen, [&](const candidate& one) {
      const auto& needed = request.needed;
      if (std::find(needed.begin(), needed.end(), one.field->name()) != needed.end()) return false;
      if (one.column.index >= 0 && is_checked(request, *one.field)) made.wanted_.push_back(one.column.index);
      return true;
    });
  }
  arrow::FieldVector fields;
  for (const auto& one : chosen) {
    fields.push_back(one.field);
    made.columns_.push_back(one.column);
    if (one.column.index >= 0) made.wanted_.push_back(one.column.index);
  }
  std::sort(made.wanted_.begin(), made.wanted_.end());
  made.schema_ = arrow::schema(std::move(fields));
  return made;
}

result<std::shared_ptr<arrow::RecordBatch>> source_columns::assemble(
    const std::vector<std::shared_ptr<arrow::Array>>& read, std::int64_t rows, const std::string& path,
    std::int64_t first_row, const std::vector<std::int64_t>* given) const {
  arrow::ArrayVector arrays;
  for (const auto& one : columns_) {
    if (one.from == origin::record) {
      const auto at = std::lower_bound(wanted_.begin(), wanted_.end(), one.index) - wanted_.begin();
      arrays.push_back(read[static_cast<std::size_t>(at)]);
    } else if (one.from == origin::path) {
      SLUICE_ASSIGN(auto paths, path_values(path, rows));
      arrays.push_back(std::move(paths));
    } else {
      arrow::Int64Builder numbers;
      SLUICE_TRY_ARROW(numbers.Reserve(rows), "fill in row numbers");
      for (std::int64_t i = 0; i < rows; ++i)
        numbers.UnsafeAppend(given ? (*given)[static_cast<std::size_t>(i)] : first_row + i);
      SLUICE_ASSIGN_ARROW(auto filled, numbers.Finish(), "fill in row numbers");
      arrays.push_back(std::move(filled));
    }
  }
  return arrow::RecordBatch::Make(schema_, rows, std::move(arrays));
}

std::shared_ptr<arrow::Schema> records_of(const source_request& request) {
  arrow::FieldVector fields;
  for (const auto& field : request.resolved->fields()) {
    if (!request.metadata.is_object() || !request.metadata.contains(field->name())) fields.push_back(field);
  }
  return arrow::schema(std::move(fields));
}

result<std::shared_ptr<arrow::FixedSizeBinaryArray>> row_positions(std::uint32_t source, std::uint32_t split,
                                                                   std::int64_t first, std::int64_t count) {
  return make_positions(count, [=](std::int64_t row) { return position{source, split, first + row}; });
}

}  // namespace sluice
