#include "engine/formats/messages/refusal.hpp"

#include "engine/error/names.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <utility>

namespace sluice::messages {

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

error contradiction(const typed::record_fault& fault, const message_table& what, const std::string& place) {
  const auto column = fault.column.substr(0, fault.column.find_first_of(".["));
  const auto wider = wider_type(fault);
  std::string types;
  for (int i = 0; i < what.fields; ++i) {
    const auto& field = *what.records.schema->field(i);
    const auto type = field.name() == column ? wider : type_name(*field.type());
    types += (types.empty() ? "" : ", ") + quoted(field.name()) + ": " + quoted(type);
  }
  auto why = user_error("contradicts_type",
                        "column " + fault.column + " inferred " + fault.type + " from the first messages, but " +
                            place + " has " + shortened(fault.value, 80),
                        "types: { " + types + " }");
  why.path = "/types/" + column;
  return why;
}

}  // namespace

status refuse(const message_table& what, const std::string& unit, unreadable message, read_step& step) {
  auto& fault = message.fault;
  if (fault.wrong_guess || what.policy == on_error::fail) {
    auto why = fault.wrong_guess ? contradiction(fault, what, message.place)
                                 : user_error(fault.code,
                                              message.place + (fault.column.empty() ? "" : ", column " + fault.column) +
                                                  ": " + fault.message,
                                              "correct what sends such messages, or reject them with on_error: reject");
    why.where = "unit " + unit;
    return why;
  }
  step.rejected.push_back({.record = std::move(message.record),
                           .offset = message.offset,
                           .code = std::move(fault.code),
                           .column = std::move(fault.column),
                           .message = std::move(fault.message)});
  return {};
}

}  // namespace sluice::messages
