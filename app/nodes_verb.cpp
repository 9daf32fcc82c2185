#include "app/run_source.hpp"
#include "app/table.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"

#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::string action;
  std::string name;
  bool undo = false;
};

std::string text_at(const options& of, const char* key) {
  const auto found = of.find(key);
  return found != of.end() && found->is_string() ? printable(found->text()) : std::string();
}

std::int64_t number_at(const options& of, const char* key) {
  const auto found = of.find(key);
  return found != of.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::string labels_of(const options& node) {
  std::string text;
  if (const auto found = node.find("labels"); found != node.end() && found->is_object())
    for (const auto& [name, value] : found->items())
      text += (text.empty() ? "" : ", ") + printable(name + "=" + (value.is_string() ? value.text() : value.dump()));
  return text;
}

style style_of(const std::string& state) {
  if (state == "lost") return style::red;
  return state == "ready" || state.empty() ? style::plain : style::yellow;
}

std::vector<table::cell> row_of(const options& node) {
  const auto state = text_at(node, "state");
  const bool known = node.contains("units");
  const auto number = [&](const char* key) {
    return known ? thousands(static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_at(node, key)))) : "";
  };
  const auto since = state == "lost" ? number_at(node, "lost") : number_at(node, "started");
  return {{text_at(node, "name")},
          {text_at(node, "role")},
          {state, style_of(state)},
          {text_at(node, "version")},
          {known ? std::to_string(number_at(node, "load_percent")) + " %" : ""},
          {known ? bytes_text(static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_at(node, "memory")))) : ""},
          {number("units")},
          {number("runs")},
          {since > 0 ? (state == "lost" ? "lost " : "") + ago_text(since) : ""},
          {text_at(node, "cluster")},
          {text_at(node, "http")},
          {state == "lost" ? text_at(node, "how") : labels_of(node)}};
}

result<int> list(session& with) {
  SLUICE_ASSIGN(const auto client, client_for(with));
  SLUICE_ASSIGN(auto answer, client.get("/v1/nodes"));
  const auto nodes = answer.is_object() && answer.contains("nodes") ? answer["nodes"] : answer;
  if (with.options.json) {
    with.terminal.out(nodes.dump(2) + "\n");
    return exit_succeeded;
  }
  if (!nodes.is_array() || nodes.empty()) return exit_succeeded;
  table shown({{.title = "name", .shrink_to = 8},
               {.title = "role", .rank = 2},
               {.title = "state"},
               {.title = "version", .rank = 3},
               {.title = "load", .right = true, .rank = 1},
               {.title = "memory", .right = true, .rank = 1},
               {.title = "units", .right = true},
               {.title = "runs", .right = true, .rank = 1},
               {.title = "started", .rank = 4},
               {.title = "cluster", .shrink_to = 8, .rank = 5},
               {.title = "http", .shrink_to = 8, .rank = 2},
               {.title = "labels", .shrink_to = 8, .rank = 3}});
  for (const auto& node : nodes)
    if (node.is_object()) shown.add(row_of(node));
  with.terminal.out(shown.render(with.terminal.out_width(), with.terminal.color_out(), with.terminal.unicode()));
  return exit_succeeded;
}

std::string runs_text(const options& answer, const char* key) {
  std::string text;
  for (const auto& run : answer.at(key)) text += (text.empty() ? "" : ", ") + run.text().substr(0, 8);
  return text;
}

result<int> drain(session& with, const chosen& what) {
  SLUICE_ASSIGN(const auto client, client_for(with));
  SLUICE_ASSIGN(const auto answer,
                client.post("/v1/nodes/" + escaped(what.name) + (what.undo ? "/undrain" : "/drain"), nullptr));
  if (with.options.json) {
    with.terminal.out(answer.dump() + "\n");
    return exit_succeeded;
  }
  if (what.undo) {
    with.terminal.out("node " + printable(what.name) + " takes work again\n");
    return exit_succeeded;
  }
  std::string text = "node " + printable(what.name) + " takes no new work\n";
  if (const auto moving = runs_text(answer, "moving"); !moving.empty())
    text += "continue on other nodes, after a checkpoint: " + moving + "\n";
  if (const auto staying = runs_text(answer, "staying"); !staying.empty())
    text += "end there, because they take no checkpoints: " + staying + "\n";
  with.terminal.out(text + "sluice nodes shows when nothing works on it any more\n");
  return exit_succeeded;
}

result<int> run_verb(session& with, const chosen& what) {
  if (what.action.empty()) return list(with);
  if (what.name.empty())
    return user_error("bad_arguments", "sluice nodes drain needs the name of a node", "sluice nodes lists them");
  return drain(with, what);
}

}  // namespace

command nodes_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes = {.positionals = {{.name = "drain",
                                 .help = "a node takes no new work, and its runs with checkpoints continue elsewhere",
                                 .target = &what->action,
                                 .required = false,
                                 .choices = {"drain"}},
                                {.name = "NAME", .help = "the node", .target = &what->name, .required = false}},
                .options = {{.names = {"--undo"},
                             .value = {},
                             .help = "with drain: the node takes work again",
                             .target = &what->undo}},
                .details = "States: joining, ready, suspect (not heard of for a while), draining, lost.\n"
                           "A node that is drained stays in the cluster; stop it with SIGTERM.\n"},
      .run = [what](session& with) { return run_verb(with, *what); }};
}

}  // namespace sluice::app
