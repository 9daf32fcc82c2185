#include "engine/formats/messages/message_decoder.hpp"

#include "tests/support/components.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::messages;

namespace {

/// Reads values; what became of each is "" or the code of its fault.
struct reading {
  std::shared_ptr<arrow::RecordBatch> rows;
  std::vector<std::string> faults;
};

reading read(format form, options types, const std::vector<std::string>& values,
             std::vector<std::string> columns = {}) {
  const auto context = test::make_context();
  source_request request;
  request.unit = "in";
  request.types = std::move(types);
  request.columns = std::move(columns);
  request.context = &context;
  auto table = std::make_shared<message_table>();
  table->form = form;
  diagnostics faults;
  const bool chosen = choose_columns(request, {}, nullptr, *table, faults);
  for (const auto& one : faults) UNSCOPED_INFO(one.to_string());
  REQUIRE(chosen);
  auto decoder = message_decoder::make(table);
  REQUIRE(decoder.ok());
  (*decoder)->start_block();
  for (const auto& one : values) (*decoder)->join(one);
  (*decoder)->end_block();
  reading made;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto* fault = (*decoder)->read(i);
    made.faults.push_back(fault == nullptr ? "" : fault->code);
  }
  made.rows = *(*decoder)->finish();
  REQUIRE(made.rows->ValidateFull().ok());
  return made;
}

std::string ids(const reading& of) {
  std::string text;
  for (const auto& id : static_cast<const arrow::Int64Array&>(*of.rows->column(0)))
    text += (id ? std::to_string(*id) : "null") + " ";
  return text;
}

}  // namespace

TEST_CASE("a JSON message is one object, over as many lines as it likes") {
  const auto made = read(format::json, {{"id", "bigint"}},
                         {R"({"id":1})", "{\n  \"id\": 2,\r\n  \"other\": [1,\n2]\n}\n", R"({"id":3})"});
  CHECK(made.faults == std::vector<std::string>{"", "", ""});
  CHECK(ids(made) == "1 2 3 ");
}

TEST_CASE(
    "two objects in a message, half a one, and a line end within a text are refused, and the next message is read") {
  const auto made = read(format::json, {{"id", "bigint"}, {"t", "text"}},
                         {"{\"id\":1}\n{\"id\":2}", R"({"id":3,)", "", "{\"id\":4,\"t\":\"a\nb\"}", "[5]", "\xff",
                          "null", R"({"id":6,"t":"x"})"});
  CHECK(made.faults == std::vector<std::string>{"invalid_json", "invalid_json", "invalid_json", "invalid_json",
                                                "invalid_json", "invalid_utf8", "invalid_json", ""});
  CHECK(ids(made) == "6 ");
}

TEST_CASE("a record of CSV has the fields of types in their order") {
  const auto made =
      read(format::csv, {{"id", "bigint"}, {"name", "text"}},
           {"1,a", "2,\"b, \"\"c\"\"\nd\"\r\n", "3", "4,x,y", "5,\"open", "6,\"x\"y", "seven,z", ",", "8,"});
  CHECK(made.faults == std::vector<std::string>{"", "", "too_few_fields", "too_many_fields", "unclosed_quote",
                                                "text_after_quote", "invalid_value", "", ""});
  CHECK(ids(made) == "1 2 null 8 ");
  const auto& names = static_cast<const arrow::StringArray&>(*made.rows->column(1));
  CHECK(names.GetString(1) == "b, \"c\"\nd");
  CHECK(names.IsNull(2));
}

TEST_CASE("columns choose among the types, and what is not chosen is passed over") {
  const auto made = read(format::csv, {{"id", "bigint"}, {"name", "text"}, {"n", "bigint"}}, {"1,a,5", "2,b,6"}, {"n"});
  CHECK(made.rows->num_columns() == 1);
  CHECK(ids(made) == "5 6 ");
}

TEST_CASE("a text that is none is refused, bytes may be anything") {
  CHECK(read(format::text, {}, {"a", "\xff", ""}).faults == std::vector<std::string>{"", "invalid_utf8", ""});
  CHECK(read(format::bytes, {}, {"a", "\xff", ""}).faults == std::vector<std::string>{"", "", ""});
  CHECK(ids(read(format::text, {{"value", "bigint"}}, {"1", " 2 ", "x"})) == "1 2 ");
}
