#pragma once

#include "tests/support/components.hpp"
#include "tests/support/temporary_folder.hpp"

#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/api.h>

#include <string>
#include <vector>

namespace sluice::test {

/// A folder with files to read, and what a source is asked for.
class ndjson_fixture {
 public:
  ndjson_fixture() : context(make_context(folder.path().string())) {}

  source_request from(const std::string& text, options types = {}, const std::string& name = "t.ndjson") {
    (void)folder.write(name, text);
    source_request made;
    made.unit = "in";
    made.own = {{"path", name}};
    made.types = std::move(types);
    made.context = &context;
    return made;
  }

  temporary_folder folder;
  run_context context;
};

inline const component& ndjson() { return *find_component(component_kind::source, "ndjson"); }

inline std::string schema_of(const read_result& all) { return schema_text(*all.table->schema()); }

inline std::string value(const read_result& all, const std::string& column, int row) {
  const auto values = all.table->GetColumnByName(column);
  return values->chunk(0)->IsNull(row) ? "null" : value_text(*values->chunk(0), row);
}

inline std::vector<std::string> codes(const read_result& all) {
  std::vector<std::string> found;
  for (const auto& record : all.rejected) found.push_back(record.code);
  return found;
}

}  // namespace sluice::test
