#include "app/spec_text.hpp"
#include "app/verbs.hpp"
#include "config/json_schema.hpp"
#include "engine/component/component.hpp"
#include "engine/error/names.hpp"
#include "engine/error/not_yet.hpp"

#include <algorithm>
#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::string name;
  bool schema = false;
};

void list(session& with) {
  auto& terminal = with.terminal;
  if (with.options.json) {
    options all = options::array();
    for (const auto* each : components()) all.push_back(spec_json(each->spec));
    terminal.out(all.dump(2) + "\n");
    return;
  }
  std::size_t width = 0;
  for (const auto* each : components()) width = std::max(width, each->spec.name.size());
  bool first = true;
  for (const auto kind : {component_kind::source, component_kind::transform, component_kind::sink}) {
    terminal.out((first ? "" : "\n") + paint(kind_heading(kind), style::cyan, terminal.color_out()) + "\n");
    first = false;
    for (const auto* each : components())
      if (each->spec.kind == kind)
        terminal.prose("  " + paint(each->spec.name, style::bold, terminal.color_out()) +
                       std::string(width - each->spec.name.size() + 2, ' ') + each->spec.summary + "\n");
  }
  if (terminal.out_is_terminal()) terminal.out("\nFor details: sluice components NAME\n");
}

error unknown_component(const std::string& name) {
  std::vector<std::string> known;
  for (const auto* each : components()) known.push_back(each->spec.name);
  for (const auto kind :
       {component_kind::source, component_kind::transform, component_kind::sink, component_kind::subscriber}) {
    const auto& planned = planned_components(kind);
    if (std::find(planned.begin(), planned.end(), name) != planned.end())
      return not_supported_yet("the " + kind_name(kind) + " " + name, name);
  }
  const auto nearest = nearest_name(name, known);
  return user_error("unknown_component", "there is no component named " + name,
                    nearest.empty() ? "`sluice components` lists all" : "did you mean " + nearest + "?");
}

result<int> show(session& with, const chosen& what) {
  if (what.schema) {
    with.terminal.out(config::json_schema().dump(2) + "\n");
    return exit_succeeded;
  }
  std::vector<const component*> found;
  for (const auto* each : components())
    if (what.name.empty() || each->spec.name == what.name) found.push_back(each);
  if (found.empty()) return unknown_component(what.name);
  if (what.name.empty()) return list(with), exit_succeeded;
  options all = options::array();
  std::string text;
  for (const auto* each : found) {
    all.push_back(spec_json(each->spec));
    text += (text.empty() ? "" : "\n\n") + spec_text(each->spec, with.terminal.color_out(), with.terminal.out_width());
  }
  with.terminal.out(with.options.json ? all.dump(2) + "\n" : text);
  return exit_succeeded;
}

}  // namespace

command components_verb() {
  auto what = std::make_shared<chosen>();
  return {.takes = {.positionals = {{.name = "NAME",
                                     .help = "show all options of this one",
                                     .target = &what->name,
                                     .required = false,
                                     .offers = completes::component}},
                    .options = {{.names = {"--schema"},
                                 .value = {},
                                 .help = "print the JSON Schema of pipelines, for editors",
                                 .target = &what->schema}}},
          .run = [what](session& with) { return show(with, *what); }};
}

}  // namespace sluice::app
