#include "engine/files/columnar_files.hpp"

#include "engine/columns/language_columns.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <utility>

namespace sluice {

namespace {

constexpr std::size_t checked_files = 100;

}  // namespace

std::shared_ptr<arrow::Schema> infer_columnar(const source_request& request, const std::vector<input_file>& files,
                                              const read_file_schema& read_schema, diagnostics& faults) {
  std::shared_ptr<arrow::Schema> records;
  for (std::size_t i = 0; i < std::min(files.size(), checked_files); ++i) {
    auto schema = read_schema(files[i]);
    if (!schema.ok()) {
      faults.push_back(std::move(schema).problem());
    } else if (!records) {
      records = language_schema(**schema, request, files[i].name, faults);
    } else if (auto same = same_columns(*records, **schema, files[i].name); !same.ok()) {
      faults.push_back(std::move(same).problem());
    }
  }
  return records;
}

std::shared_ptr<const columnar_table> make_columnar_table(const source_request& request, std::vector<input_file> files,
                                                          std::shared_ptr<arrow::Schema> records, bool knows_rows,
                                                          diagnostics& faults) {
  auto columns = source_columns::choose(request, *records, knows_rows, faults);
  if (!columns.ok()) return nullptr;
  return std::make_shared<const columnar_table>(columnar_table{.files = std::move(files),
                                                               .records = std::move(records),
                                                               .columns = std::move(columns).value(),
                                                               .number = request.number,
                                                               .split_bytes = request.split_bytes,
                                                               .want_positions = request.want_positions});
}

result<std::shared_ptr<arrow::Schema>> columns_of_file(const source_request& request, const input_file& file,
                                                       const read_file_schema& read_schema) {
  SLUICE_ASSIGN(const auto schema, read_schema(file));
  diagnostics faults;
  auto columns = language_schema(*schema, request, file.name, faults);
  if (!faults.empty()) return faults.front();
  return columns;
}

}  // namespace sluice
