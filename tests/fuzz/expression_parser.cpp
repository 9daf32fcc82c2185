#include "engine/expression/expression.hpp"
#include "engine/values/types.hpp"
#include "tests/fuzz/read_file.hpp"
#include "tests/fuzz/targets.hpp"

#include <arrow/api.h>

namespace sluice::fuzz {

namespace {

const expression::scope& names() {
  static const run_context context;
  static const expression::scope all = [] {
    arrow::FieldVector fields;
    for (const auto* type :
         {"boolean", "smallint", "integer", "bigint", "ubigint", "real", "double", "decimal(12,2)", "text", "bytea",
          "date", "time", "timestamp", "timestamptz", "interval", "text[]", "struct(a bigint, b text)"}) {
      fields.push_back(arrow::field("c" + std::to_string(fields.size()), *parse_type(type)));
    }
    expression::scope made;
    made.inputs = {{.qualifier = "t", .schema = arrow::schema(std::move(fields))}};
    made.context = &context;
    made.unit = "u";
    return made;
  }();
  return all;
}

}  // namespace

void expression_parser(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  diagnostics faults;
  const auto made = expression::bind(text, names(), "/x", faults);
  if ((made == nullptr) == faults.empty()) broken_promise("neither an expression nor a fault");
  for (const auto& fault : faults)
    if (fault.offset.value_or(0) > size) broken_promise("a fault behind the end of the text");
  diagnostics other;
  (void)expression::bind_aggregate(text, names(), {"c3"}, "/x", other);
  if (!made) return;
  (void)made->to_string();
  (void)made->columns();
}

}  // namespace sluice::fuzz
