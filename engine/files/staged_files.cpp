#include "engine/files/staged_files.hpp"

#include "engine/files/file_sink_options.hpp"
#include "engine/files/file_target.hpp"
#include "engine/files/files.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

namespace sluice {

namespace {

/// Lists and structs are written as text where the format has none; nobody compares them.
options types_of(const arrow::Schema& schema, bool nested) {
  auto all = options::object();
  for (const auto& field : schema.fields()) {
    const auto type = language_type(field->type());
    all[field->name()] = nested || type->num_fields() == 0 ? type_name(*type) : std::string("text");
  }
  return all;
}

void copy(const options& from, const char* name, options& to) {
  if (from.contains(name) && !from[name].is_null()) to[name] = from[name];
}

}  // namespace

result<std::vector<staged_source>> staged_files(const std::string& component, const sink_request& request,
                                                std::vector<std::string> files) {
  std::vector<staged_source> made;
  if (files.empty()) return made;
  const auto given = request.own.is_object() ? request.own : options::object();
  const auto path =
      request.own.is_string() ? request.own.get<std::string>() : text_option(request.own, "path", files.front());
  staged_source one{.component = component};
  one.own = options::object();
  one.own["path"] = files.front();
  if (component == "csv" || component == "ndjson") {
    // The names of hidden files do not say how they are packed.
    SLUICE_ASSIGN(const auto packed, compression_of(path, text_option(given, "compression", "auto")));
    one.own["compression"] = std::string(name_of(packed));
    one.types = types_of(*request.schema, component == "ndjson");
  } else {
    one.own["compression"] = "none";
  }
  if (component == "csv") {
    for (const auto* name : {"separator", "quote"}) copy(given, name, one.own);
    one.own["null_values"] = options::array({text_option(given, "null_value", "")});
    if (given.contains("header") && given["header"].is_boolean() && !given["header"].get<bool>()) {
      auto names = options::array();
      for (const auto& name : request.schema->field_names()) names.push_back(name);
      one.own["header"] = std::move(names);
    }
  }
  if (component == "parquet") copy(given, "encryption", one.own);
  one.files = std::move(files);
  made.push_back(std::move(one));
  return made;
}

result<std::vector<staged_source>> staged_file(const std::string& component, const sink_request& request,
                                               const std::string& token) {
  if (request.mode == "append" || file_target::is_direct(token)) return std::vector<staged_source>();
  SLUICE_ASSIGN(auto hidden, file_target::hidden_of(token));
  return staged_files(component, request, {std::move(hidden)});
}

}  // namespace sluice
