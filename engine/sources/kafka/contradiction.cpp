#include "engine/sources/kafka/contradiction.hpp"

#include "engine/error/names.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

namespace sluice {

namespace {

bool needs_quotes(const std::string& text) {
  return text.find_first_of(" ,:{}[]\"'#&*!|>%@`()") != std::string::npos || text.empty();
}

std::string quoted(const std::string& text) { return needs_quotes(text) ? "\"" + text + "\"" : text; }

/// The type to write for the column.
std::string wider_type(const typed::record_fault& fault) {
  const bool number = !fault.value.empty() && fault.value.find_first_not_of("-+.eE0123456789") == std::string::npos;
  if (!number || fault.type != "bigint") return "text";
  return fault.value.find_first_of(".eE") == std::string::npos ? "decimal(38,0)" : "double";
}

}  // namespace

error message_contradicts(const typed::record_fault& fault, const kafka_table& what, const std::string& place) {
  const auto column = fault.column.substr(0, fault.column.find_first_of(".["));
  const auto wider = wider_type(fault);
  std::string types;
  for (int i = 0; i < what.fields; ++i) {
    const auto& field = *what.records.schema->field(i);
    const auto type = field.name() == column ? wider : type_name(*field.type());
    types += (types.empty() ? "" : ", ") + quoted(field.name()) + ": " + quoted(type);
  }
  auto why = user_error("contradicts_type",
                        "column " + fault.column + " inferred " + fault.type +
                            " from the first messages, but the one at " + place + " has " + shortened(fault.value, 80),
                        "types: { " + types + " }");
  why.where = "unit " + what.unit;
  why.path = "/types/" + column;
  return why;
}

}  // namespace sluice
