#include "engine/plan/stated_target.hpp"

#include "engine/files/file_sink_options.hpp"

#include <map>

namespace sluice {

namespace {

using kind = write_target::kind;

/// Sinks that write one file: `csv: out.csv` and `csv: { path: out.csv }`.
write_target file_of(const std::string& component, const options& own) {
  const auto path = own.is_string() ? own.get<std::string>() : text_option(own, "path", "");
  const auto what = path == "-" ? kind::standard_output : path.ends_with('/') ? kind::folder : kind::file;
  return {.what = what, .path = path, .option = "/" + component + (own.is_string() ? "" : "/path")};
}

write_target table_of_file(const std::string& component, const options& own) {
  return {.what = kind::table,
          .path = text_option(own, "path", ""),
          .table = text_option(own, "table", ""),
          .option = "/" + component + "/table"};
}

write_target standard_output(const std::string& component, const options&) {
  return {.what = kind::standard_output, .path = "-", .option = "/" + component};
}

write_target nothing(const std::string&, const options&) { return {}; }

using statement = write_target (*)(const std::string& component, const options& own);

const std::map<std::string, statement>& statements() {
  static const std::map<std::string, statement> all = {
      {"blackhole", nothing}, {"csv", file_of},          {"ipc", file_of},           {"ndjson", file_of},
      {"parquet", file_of},   {"sqlite", table_of_file}, {"stdout", standard_output}};
  return all;
}

}  // namespace

std::optional<write_target> stated_target(const std::string& component, const options& own) {
  const auto found = statements().find(component);
  if (found == statements().end()) return {};
  return found->second(component, own);
}

}  // namespace sluice
