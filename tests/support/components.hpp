#pragma once

#include "engine/component/component.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::test {

/// A run for components under test.
run_context make_context(const std::string& base_folder = "/");

/// A table from JSON, one text a column: make_table({{"id", "bigint", "[1, null]"}, ...}). Types are SQL types.
struct column_text {
  std::string name;
  std::string type;
  std::string json;
};
std::shared_ptr<arrow::RecordBatch> make_table(const std::vector<column_text>& columns);
/// Every type of the language but intervals, each with a null, and with the values that are easily lost.
std::shared_ptr<arrow::RecordBatch> every_type();
batch as_batch(std::shared_ptr<arrow::RecordBatch> table);

/// Everything that a source gave.
struct read_result {
  std::shared_ptr<arrow::Table> table;
  std::vector<rejected_record> rejected;
  std::vector<position> positions;
  std::uint64_t records = 0;
  std::uint64_t set_null = 0;
  std::uint64_t filtered = 0;
  std::size_t splits = 0;
};
/// Makes the source as a plan does and reads all of its splits in order.
/// `filter`: a condition for its readers, empty: none.
result<read_result> read_all(const component& from, const source_request& request, const std::string& filter = {});
/// The same, the text of the first fault as exception: for tests that expect none.
read_result must_read(const component& from, const source_request& request);

/// Opens the sink, writes all, prepares and commits.
result<sink_report> write_all(const component& to, const sink_request& request,
                              const std::vector<std::shared_ptr<arrow::RecordBatch>>& tables);
/// The faults of making it.
diagnostics faults_of(const component& from, const source_request& request);
diagnostics faults_of(const component& to, const sink_request& request);

}  // namespace sluice::test
