#include "engine/component/component.hpp"
#include "tests/fuzz/read_file.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>
#include <iostream>
#include <string>

using namespace sluice;

namespace sluice {
const component& csv_source();
const component& ndjson_source();
}  // namespace sluice

namespace {

options as_json(const arrow::Array& values, std::int64_t row) {
  if (values.IsNull(row)) return nullptr;
  switch (values.type_id()) {
    case arrow::Type::STRING:
      return static_cast<const arrow::StringArray&>(values).GetString(row);
    case arrow::Type::INT64:
      return static_cast<const arrow::Int64Array&>(values).Value(row);
    case arrow::Type::UINT64:
      return static_cast<const arrow::UInt64Array&>(values).Value(row);
    case arrow::Type::DOUBLE:
      return static_cast<const arrow::DoubleArray&>(values).Value(row);
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(values).Value(row);
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListArray&>(values);
      auto all = options::array();
      for (auto i = list.value_offset(row); i < list.value_offset(row + 1); ++i)
        all.push_back(as_json(*list.values(), i));
      return all;
    }
    case arrow::Type::STRUCT: {
      const auto& fields = static_cast<const arrow::StructArray&>(values);
      auto all = options::object();
      for (int i = 0; i < fields.num_fields(); ++i)
        all[fields.type()->field(i)->name()] = as_json(*fields.field(i), row);
      return all;
    }
    default:
      return values.GetScalar(row).ValueOrDie()->ToString();
  }
}

options as_json(const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches) {
  auto rows = options::array();
  for (const auto& each : batches) {
    for (std::int64_t row = 0; row < each->num_rows(); ++row) {
      auto cells = options::array();
      for (const auto& column : each->columns()) cells.push_back(as_json(*column, row));
      rows.push_back(std::move(cells));
    }
  }
  return rows;
}

}  // namespace

// Not a test of its own: differential_test.py runs it to have many small files read by one process. Standard input
// holds for each a line of JSON {source, own, types, columns, split, size} and `size` bytes; a line of JSON comes back.
TEST_CASE("read many files", "[.][read_many]") {
  fuzz::memory_file file;
  std::string line;
  std::string content;
  while (std::getline(std::cin, line)) {
    const auto what = options::parse(line);
    content.resize(what["size"].get<std::size_t>());
    std::cin.read(content.data(), static_cast<std::streamsize>(content.size()));
    file.write(content);
    source_request ask;
    ask.unit = "in";
    ask.own = what["own"];
    ask.own["path"] = file.path();
    ask.types = what["types"];
    for (const auto& name : what["columns"]) ask.columns.push_back(name.get<std::string>());
    ask.split_bytes = what["split"].get<std::int64_t>();
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    const auto got = fuzz::read_file(what["source"] == "csv" ? csv_source() : ndjson_source(), ask, &batches);
    auto rejects = options::array();
    for (const auto& [offset, code] : got.rejects) rejects.push_back({offset, code});
    std::cout << options({{"rows", as_json(batches)}, {"rejects", rejects}, {"problem", got.problem}}).dump() << "\n";
  }
}
