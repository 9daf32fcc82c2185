#pragma once

#include "engine/component/component.hpp"
#include "engine/memory/manager.hpp"
#include "engine/values/positions.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"
#include "tests/support/temporary_folder.hpp"

#include <arrow/api.h>
#include <arrow/json/from_string.h>

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

/// What tests of components share: batches from JSON, an emitter that collects, and a runner that feeds a transform and
/// asserts the conservation law at its end.
namespace sluice::testing {

/// Fails the test with the error's text where there is one.
template <class T>
T must(result<T> value) {
  if (!value.ok()) FAIL(value.problem().to_string());
  return std::move(value).value();
}
inline void must(const status& value) {
  if (!value.ok()) FAIL(value.problem().to_string());
}

/// Makes a schema from "id bigint, price decimal(12,2)".
inline std::shared_ptr<arrow::Schema> schema_of(const std::string& text) {
  arrow::FieldVector fields;
  std::size_t begin = 0;
  while (begin < text.size()) {
    int depth = 0;
    std::size_t end = begin;
    for (; end < text.size() && (depth > 0 || text[end] != ','); ++end)
      depth += text[end] == '(' ? 1 : text[end] == ')' ? -1 : 0;
    auto part = text.substr(begin, end - begin);
    part.erase(0, part.find_first_not_of(' '));
    const auto space = part.find(' ');
    fields.push_back(arrow::field(part.substr(0, space), must(parse_type(part.substr(space + 1)))));
    begin = end + 1;
  }
  return arrow::schema(std::move(fields));
}

/// Makes a batch from rows in JSON: rows("id bigint, name text", R"([[1, "a"], [2, null]])").
inline batch rows(const std::shared_ptr<arrow::Schema>& schema, const std::string& json) {
  auto structs = arrow::json::ArrayFromJSONString(arrow::struct_(schema->fields()), json).ValueOrDie();
  batch out;
  out.data = arrow::RecordBatch::FromStructArray(structs).ValueOrDie()->ReplaceSchema(schema).ValueOrDie();
  return out;
}
inline batch rows(const std::string& schema, const std::string& json) { return rows(schema_of(schema), json); }

/// Makes a batch from columns of equal length.
inline batch batch_of(const std::shared_ptr<arrow::Schema>& schema, arrow::ArrayVector columns) {
  batch out;
  const auto length = columns.empty() ? 0 : columns[0]->length();
  out.data = arrow::RecordBatch::Make(schema, length, std::move(columns));
  return out;
}

/// Gives every row the position (source 0, split, offset + its index).
inline batch with_positions(batch in, std::uint32_t split = 0, std::int64_t offset = 0) {
  in.positions = must(make_positions(in.rows(), [&](std::int64_t row) { return position{0, split, offset + row}; }));
  return in;
}

/// One line a row, values by "|", null as "null".
inline std::vector<std::string> lines_of(const arrow::RecordBatch& data) {
  std::vector<std::string> lines;
  for (std::int64_t row = 0; row < data.num_rows(); ++row) {
    std::string line;
    for (int column = 0; column < data.num_columns(); ++column) {
      if (column > 0) line += '|';
      const auto& values = *data.column(column);
      line += values.IsNull(row) || values.type_id() == arrow::Type::NA ? "null" : value_text(values, row);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

/// Collects what a transform emits.
class collector : public emitter {
 public:
  struct rejected_row {
    std::string record;
    sluice::position position = sluice::position::unknown;
    row_error why;  ///< the first of the row's errors
  };

  void emit(int port, batch rows) override {
    if (static_cast<std::size_t>(port) >= ports.size()) ports.resize(port + 1);
    REQUIRE(rows.data != nullptr);
    if (rows.positions) REQUIRE(rows.positions->length() == rows.rows());
    REQUIRE(rows.data->ValidateFull().ToString() == "OK");
    out += static_cast<std::uint64_t>(rows.rows());
    ports[port].push_back(std::move(rows));
  }

  void reject(const batch& in, const row_errors& why) override {
    std::int64_t last = -1;
    for (const auto& one : why) {
      REQUIRE(one.row >= last);  // sorted by row
      REQUIRE(one.row < in.rows());
      if (one.row == last) continue;
      last = one.row;
      rejected_row entry;
      entry.record = lines_of(*in.data->Slice(one.row, 1))[0];
      if (in.positions) entry.position = position_at(*in.positions, one.row);
      entry.why = one;
      rejects.push_back(std::move(entry));
    }
  }

  void count_filtered(std::uint64_t rows) override { filtered += rows; }
  void count_merged(std::uint64_t rows) override { merged += rows; }
  void count_added(std::uint64_t rows) override { added += rows; }
  void count_set_null(const std::string& column, std::uint64_t values) override { set_null[column] += values; }

  /// All rows of a port as text, in the order in which they came.
  [[nodiscard]] std::vector<std::string> lines(int port = 0) const {
    std::vector<std::string> all;
    if (static_cast<std::size_t>(port) >= ports.size()) return all;
    for (const auto& part : ports[port])
      for (auto& line : lines_of(*part.data)) all.push_back(std::move(line));
    return all;
  }

  std::vector<std::vector<batch>> ports;
  std::vector<rejected_row> rejects;
  std::uint64_t out = 0, filtered = 0, merged = 0, added = 0;
  std::map<std::string, std::uint64_t> set_null;
};

/// A run's context for tests: 1 GiB of memory, the time 2024-05-01 12:00 UTC.
inline run_context test_context(std::int64_t memory_bytes = std::int64_t{1} << 30) {
  run_context context;
  context.run_id = "0190a000-0000-7000-8000-000000000001";
  context.pipeline = "test";
  context.now_microseconds = 1'714'564'800'000'000;
  context.seed = 42;
  context.memory = std::make_shared<memory::manager>(memory_bytes);
  return context;
}

/// Makes a transform and feeds it, as the actor does.
class runner {
 public:
  struct setup {
    on_error policy = on_error::fail;
    bool pruned = false;
    std::int64_t memory_bytes = std::int64_t{1} << 30;
  };

  runner(const std::string& name, const std::string& own_json, std::vector<input_port> inputs, const setup& how)
      : context(test_context(how.memory_bytes)) {
    context.spill_folder = spill.file("run");
    request.unit = "unit_under_test";
    request.inputs = std::move(inputs);
    request.own = options::parse(own_json);
    request.policy = how.policy;
    request.pruned = how.pruned;
    request.context = &context;
    const auto* found = find_component(component_kind::transform, name);
    REQUIRE(found != nullptr);
    under_test = found->make_transform(request, faults);
    if (!faults.empty()) under_test = nullptr;  // at most a stand-in
    REQUIRE((under_test == nullptr) == !faults.empty());
  }
  runner(const std::string& name, const std::string& own_json, std::vector<input_port> inputs)
      : runner(name, own_json, std::move(inputs), setup{}) {}
  /// One input, by its schema's text.
  runner(const std::string& name, const std::string& own_json, const std::string& schema)
      : runner(name, own_json, {{"source", schema_of(schema)}}, setup{}) {}
  runner(const std::string& name, const std::string& own_json, const std::string& schema, on_error policy)
      : runner(name, own_json, {{"source", schema_of(schema)}}, setup{.policy = policy}) {}

  transform& unit() {
    for (const auto& fault : faults) UNSCOPED_INFO(fault.to_string());
    REQUIRE(under_test != nullptr);
    return *under_test;
  }

  status try_feed(batch in, int input = 0) {
    fed += static_cast<std::uint64_t>(in.rows());
    SLUICE_TRY(unit().process(input, std::move(in), out));
    return drain();
  }
  runner& feed(batch in, int input = 0) {
    must(try_feed(std::move(in), input));
    return *this;
  }
  /// Feeds rows of JSON in the schema of the input.
  runner& feed(const std::string& json, int input = 0) { return feed(rows(request.inputs[input].schema, json), input); }

  status try_end(int input = 0) {
    SLUICE_TRY(unit().finish(input, out));
    return drain();
  }
  /// Ends inputs that have not ended yet and asserts what must hold for every transform at its end.
  runner& end(int input) {
    must(try_end(input));
    ended.push_back(input);
    return *this;
  }
  runner& end() {
    for (int input = 0; input < static_cast<int>(request.inputs.size()); ++input)
      if (std::find(ended.begin(), ended.end(), input) == ended.end()) end(input);
    check_law();
    return *this;
  }

  void check_law() {
    INFO("in " << fed << " added " << out.added << " out " << out.out << " filtered " << out.filtered << " merged "
               << out.merged << " rejected " << out.rejects.size());
    CHECK(spill.names().empty());
    CHECK(fed + out.added == out.out + out.filtered + out.merged + out.rejects.size());
    const auto& ports = unit().outputs();
    REQUIRE(out.ports.size() <= ports.size());
    for (std::size_t port = 0; port < out.ports.size(); ++port)
      for (const auto& part : out.ports[port]) CHECK(part.data->schema()->Equals(*ports[port].schema));
  }

  [[nodiscard]] std::vector<std::string> lines(int port = 0) const { return out.lines(port); }
  [[nodiscard]] std::string schema(int port = 0) { return schema_text(*unit().outputs()[port].schema); }

  test::temporary_folder spill;
  run_context context;
  transform_request request;
  diagnostics faults;
  collector out;
  std::uint64_t fed = 0;
  std::vector<int> ended;
  std::unique_ptr<transform> under_test;  // last: it may refer to the rest

 private:
  status drain() {
    for (int turn = 0;; ++turn) {
      REQUIRE(turn < 1'000'000);
      SLUICE_ASSIGN(const bool more, unit().resume(out));
      if (!more) return {};
    }
  }
};

using lines = std::vector<std::string>;

}  // namespace sluice::testing
