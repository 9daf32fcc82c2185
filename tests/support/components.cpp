#include "tests/support/components.hpp"

#include "engine/component/takes_filter.hpp"

#include "engine/memory/manager.hpp"
#include "engine/values/positions.hpp"
#include "engine/values/types.hpp"

#include <arrow/api.h>
#include <arrow/json/from_string.h>

#include <stdexcept>

namespace sluice::test {

run_context make_context(const std::string& base_folder) {
  return {.run_id = "0191e7a0-0000-7000-8000-000000000001",
          .pipeline = "test",
          .now_microseconds = 1'714'564'800'000'000,
          .seed = 42,
          .timezone = "UTC",
          .base_folder = base_folder,
          .spill_folder = base_folder + "/spill",
          .params = {},
          .memory = std::make_shared<memory::manager>(std::int64_t{256} << 20),
          .secret = {}};
}

std::shared_ptr<arrow::RecordBatch> make_table(const std::vector<column_text>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& column : columns) {
    const auto type = parse_type(column.type);
    if (!type.ok()) throw std::runtime_error(type.problem().to_string());
    fields.push_back(arrow::field(column.name, *type));
    arrays.push_back(arrow::json::ArrayFromJSONString(*type, column.json).ValueOrDie());
  }
  const auto rows = arrays.empty() ? 0 : arrays.front()->length();
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(arrays));
}

std::shared_ptr<arrow::RecordBatch> every_type() {
  return make_table({
      {"boolean_", "boolean", "[true, null, false]"},
      {"smallint_", "smallint", "[-32768, null, 32767]"},
      {"integer_", "integer", "[-2147483648, null, 2147483647]"},
      {"bigint_", "bigint", "[-9223372036854775808, null, 9223372036854775807]"},
      {"ubigint_", "ubigint", "[0, null, 18446744073709551615]"},
      {"real_", "real", "[0.1, null, -1e30]"},
      {"double_", "double", "[0.1, null, 5e-324]"},
      {"decimal_", "decimal(12,2)", R"(["-1234567890.12", null, "0.05"])"},
      {"wide_", "decimal(50,3)", R"(["12345678901234567890123456789012345678901234567.891", null, "-0.001"])"},
      {"text_", "text", R"(["gr\u00fc\u00df \"q\" \\ \n\u0001", null, ""])"},
      {"bytea_", "bytea", R"(["ab\u0000c", null, ""])"},
      {"date_", "date", "[-719162, null, 19844]"},
      {"time_", "time", "[0, null, 86399999999]"},
      {"timestamp_", "timestamp", R"(["1969-12-31 23:59:59.999999", null, "2024-05-01 12:00:00"])"},
      {"timestamptz_", "timestamptz", R"(["1969-12-31 23:59:59.999999", null, "2024-05-01 12:00:00"])"},
      {"list_", "bigint[]", "[[1, null, 3], null, []]"},
      {"texts_", "text[]", R"([["a", ""], null, [null]])"},
      {"struct_", "struct(a bigint, b text)", R"([{"a": 1, "b": "x"}, null, {"a": null, "b": null}])"},
      {"deep_", "struct(l bigint[], s struct(d decimal(5,2)))[]", R"([[{"l": [1], "s": {"d": "1.50"}}], null, []])"},
  });
}

batch as_batch(std::shared_ptr<arrow::RecordBatch> table) {
  return {.data = std::move(table), .positions = nullptr, .order = {}};
}

result<read_result> read_all(const component& from, const source_request& request, const std::string& filter) {
  diagnostics faults;
  auto made = from.make_source(request, faults);
  if (!made) return faults.at(0);
  if (!filter.empty())
    SLUICE_TRY(dynamic_cast<takes_filter&>(*made).leave_out_unless(filter, request.unit, *request.context));
  SLUICE_ASSIGN(const auto splits, made->discover());
  read_result all;
  all.splits = splits.size();
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (const auto& piece : splits) {
    SLUICE_ASSIGN(auto reader, made->open(piece, ""));
    for (bool end = false; !end;) {
      SLUICE_ASSIGN(auto step, reader->next());
      end = step.end;
      const auto rows = step.rows.data ? static_cast<std::uint64_t>(step.rows.rows()) : 0;
      if (step.records != rows + step.rejected.size() + step.filtered)
        throw std::runtime_error("a step's records are not its rows, rejects and filtered ones");
      all.records += step.records;
      all.set_null += step.set_null;
      all.filtered += step.filtered;
      for (auto& record : step.rejected) all.rejected.push_back(std::move(record));
      if (step.rows.positions)
        for (std::int64_t i = 0; i < step.rows.positions->length(); ++i)
          all.positions.push_back(position_at(*step.rows.positions, i));
      if (step.rows.data) batches.push_back(step.rows.data);
    }
  }
  SLUICE_ASSIGN_ARROW(all.table, arrow::Table::FromRecordBatches(made->schema(), batches), "put batches together");
  SLUICE_ASSIGN_ARROW(all.table, all.table->CombineChunks(), "put batches together");
  SLUICE_TRY_ARROW(all.table->ValidateFull(), "validate what was read");
  return all;
}

read_result must_read(const component& from, const source_request& request) {
  auto all = read_all(from, request);
  if (!all.ok()) throw std::runtime_error(all.problem().to_string());
  return std::move(all).value();
}

result<sink_report> write_all(const component& to, const sink_request& request,
                              const std::vector<std::shared_ptr<arrow::RecordBatch>>& tables) {
  diagnostics faults;
  const auto made = to.make_sink(request, faults);
  if (!made) return faults.at(0);
  const auto run = [&]() -> result<sink_report> {
    SLUICE_TRY(made->open(1));
    row_errors refused;
    for (const auto& table : tables) SLUICE_TRY(made->write(as_batch(table), refused));
    SLUICE_ASSIGN(auto prepared, made->prepare(1));
    SLUICE_TRY(made->commit(prepared.token));
    return std::move(prepared.report);
  };
  auto report = run();
  if (!report.ok()) made->abort();
  return report;
}

diagnostics faults_of(const component& from, const source_request& request) {
  diagnostics faults;
  if (!from.make_source(request, faults) && faults.empty()) throw std::runtime_error("no source and no fault");
  return faults;
}

diagnostics faults_of(const component& to, const sink_request& request) {
  diagnostics faults;
  if (!to.make_sink(request, faults) && faults.empty()) throw std::runtime_error("no sink and no fault");
  return faults;
}

}  // namespace sluice::test
