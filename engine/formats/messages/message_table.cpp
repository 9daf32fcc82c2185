#include "engine/formats/messages/message_table.hpp"

#include "engine/columns/typed/read_types.hpp"
#include "engine/error/names.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice::messages {

namespace {

error at(std::string path, error problem) {
  problem.path = std::move(path);
  return problem;
}

/// The columns that `types:` gives, in its order.
std::shared_ptr<arrow::Schema> given_columns(const source_request& request, message_table& into, diagnostics& faults) {
  into.records.given = typed::read_types(request.types, faults);
  arrow::FieldVector fields;
  for (const auto& [name, ignored] : request.types.items()) {
    const auto found = into.records.given.find(name);
    if (found != into.records.given.end() && found->second.type)
      fields.push_back(arrow::field(name, found->second.type));
  }
  return arrow::schema(std::move(fields));
}

/// The column of messages that are one value. Whatever is in it is a fault of the message, not of a guess.
std::shared_ptr<arrow::Schema> one_column(std::shared_ptr<arrow::DataType> type, message_table& into) {
  auto& given = into.records.given["value"];
  given.name = "value";
  given.type = type;
  given.inferred = false;
  return arrow::schema({arrow::field("value", std::move(type))});
}

/// The columns of the values; null where there is a fault.
std::shared_ptr<arrow::Schema> value_columns(const source_request& request,
                                             const std::shared_ptr<arrow::Schema>& sampled, message_table& into,
                                             diagnostics& faults) {
  const bool typed = request.types.is_object() && !request.types.empty();
  switch (into.form) {
    case format::json:
      return typed ? given_columns(request, into, faults) : sampled;
    case format::csv:
      if (typed) return given_columns(request, into, faults);
      faults.push_back(
          at("/types", user_error("missing_types", "CSV messages have no header, so their columns need types",
                                  "types: { id: bigint, name: text }, in the order of the fields")));
      return nullptr;
    case format::text:
      if (!typed) return one_column(arrow::utf8(), into);
      if (request.types.size() == 1) return given_columns(request, into, faults);
      faults.push_back(at("/types", user_error("invalid_option",
                                               "a message of format text is one value, types give it " +
                                                   std::to_string(request.types.size()),
                                               "types: { value: double }, or another format")));
      return nullptr;
    case format::bytes:
      if (!typed) return one_column(arrow::binary(), into);
      faults.push_back(
          at("/types", user_error("invalid_option", "a message of format bytes is one bytea, without types",
                                  "format: text reads texts and numbers")));
      return nullptr;
  }
  return nullptr;
}

}  // namespace

field_spec format_field() {
  return {.name = "format",
          .form = shape::text,
          .help = "what a message is: a JSON object, a record of CSV (without header), a text, or bytes",
          .default_value = "json",
          .choices = {"json", "csv", "text", "bytes"}};
}

format read_format(const options& own) {
  const auto name = own.is_object() ? own.value("format", "json") : "json";
  return name == "csv" ? format::csv : name == "text" ? format::text : name == "bytes" ? format::bytes : format::json;
}

bool wants_sample(const source_request& request, format form) {
  return form == format::json && !request.resolved && (!request.types.is_object() || request.types.empty());
}

bool choose_columns(const source_request& request, const std::vector<metadata_kind>& kinds,
                    const std::shared_ptr<arrow::Schema>& sampled, message_table& into, diagnostics& faults) {
  const auto before = faults.size();
  into.policy = request.policy;
  // Whoever sends messages adds fields when he likes.
  into.ignore_unknown = true;
  if (auto zone = zone_clock::find(request.context ? request.context->timezone : "UTC"); zone.ok())
    into.zone = *zone;
  else
    faults.push_back(std::move(zone).problem());
  const bool untyped_json = into.form == format::json && (!request.types.is_object() || request.types.empty());
  auto values = value_columns(request, request.resolved && untyped_json ? records_of(request) : sampled, into, faults);
  if (!values || faults.size() > before) return false;

  into.fields = values->num_fields();
  auto all = values->fields();
  std::vector<std::size_t> asked;
  auto wanted = request;
  if (request.metadata.is_object()) {
    for (const auto& [name, what] : request.metadata.items()) {
      const auto kind = what.is_string() ? what.get<std::string>() : what.dump();
      const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const auto& one) { return one.name == kind; });
      if (found == kinds.end()) {
        std::vector<std::string> names;
        for (const auto& one : kinds) names.push_back(one.name);
        faults.push_back(at("/metadata/" + name, user_error("unknown_metadata", "unknown metadata " + kind,
                                                            "available are " + joined(names))));
        continue;
      }
      asked.push_back(static_cast<std::size_t>(found - kinds.begin()));
      all.push_back(arrow::field(name, found->type));
      if (!wanted.columns.empty()) wanted.columns.push_back(name);
    }
  }
  if (faults.size() > before) return false;
  wanted.metadata = {};
  into.records.schema = arrow::schema(std::move(all));
  auto columns = source_columns::choose(wanted, *into.records.schema, false, faults);
  if (!columns.ok()) return false;
  into.columns = std::move(columns).value();
  const auto& read = into.columns.wanted();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto found = std::lower_bound(read.begin(), read.end(), into.fields + static_cast<int>(i));
    if (found != read.end() && *found == into.fields + static_cast<int>(i))
      into.metadata.push_back({asked[i], static_cast<std::size_t>(found - read.begin())});
  }
  if (auto tried = into.make_columns(); !tried.ok()) {
    faults.push_back(std::move(tried).problem());
    return false;
  }
  return true;
}

}  // namespace sluice::messages
