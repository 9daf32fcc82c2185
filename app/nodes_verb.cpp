#include "app/run_source.hpp"
#include "app/table.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"
#include "engine/error/not_yet.hpp"

#include <memory>

namespace sluice::app {

namespace {

std::string cell_text(const options& value, const std::string& name = {}) {
  if (name == "started" && value.is_number_integer()) return ago_text(value.get<std::int64_t>());
  if (name == "pid") return value.dump();
  if (value.is_null()) return {};
  if (value.is_string()) return printable(value.get<std::string>());
  if (value.is_number_unsigned()) return thousands(value.get<std::uint64_t>());
  if (!value.is_object()) return value.dump();
  std::string text;
  for (const auto& [key, each] : value.items()) text += (text.empty() ? "" : ", ") + key + "=" + cell_text(each);
  return text;
}

result<int> list(session& with, const std::vector<std::string>& words) {
  if (!words.empty() && words.front() == "drain") return not_supported_yet("sluice nodes drain", "drain-nodes");
  if (!words.empty())
    return user_error("bad_arguments", "'" + words.front() + "' is not a valid argument for sluice nodes",
                      "see: sluice nodes --help");
  SLUICE_ASSIGN(const auto client, client_for(with));
  SLUICE_ASSIGN(auto answer, client.get("/v1/nodes"));
  const auto nodes = answer.is_object() && answer.contains("nodes") ? answer["nodes"] : answer;
  if (with.options.json) {
    with.terminal.out(nodes.dump(2) + "\n");
    return exit_succeeded;
  }
  // Nodes may tell more in later versions: what the first one tells are the columns.
  std::vector<table::column> columns;
  if (nodes.is_array() && !nodes.empty() && nodes[0].is_object())
    for (const auto& [name, value] : nodes[0].items())
      columns.push_back({.title = name, .right = name == "pid", .shrink_to = 8});
  table shown(columns);
  for (const auto& node : nodes) {
    std::vector<table::cell> row;
    row.reserve(columns.size());
    for (const auto& column : columns)
      row.push_back({node.contains(column.title) ? cell_text(node[column.title], column.title) : ""});
    shown.add(std::move(row));
  }
  if (!columns.empty())
    with.terminal.out(shown.render(with.terminal.out_width(), with.terminal.color_out(), with.terminal.unicode()));
  return exit_succeeded;
}

}  // namespace

command nodes_verb() {
  auto words = std::make_shared<std::vector<std::string>>();
  return {.takes = {.positionals =
                        {{.name = "drain", .help = "not supported yet", .target = words.get(), .required = false}}},
          .run = [words](session& with) { return list(with, *words); }};
}

}  // namespace sluice::app
