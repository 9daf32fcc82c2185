#include "app/verbs.hpp"
#include "engine/error/names.hpp"
#include "engine/expression/dialects.hpp"
#include "engine/expression/expression.hpp"
#include "engine/expression/functions.hpp"
#include "engine/expression/functions_json.hpp"

#include <algorithm>
#include <map>
#include <memory>

namespace sluice::app {

namespace {

using expression::function_spec;

// Its example is computed over several rows.
bool is_over_rows(const function_spec& of) { return of.kind == "aggregate" || of.kind == "window"; }

void list(session& with) {
  auto& terminal = with.terminal;
  std::vector<std::string> kinds;
  std::map<std::string, std::vector<const function_spec*>> by_kind;
  std::size_t width = 0;
  for (const auto& each : expression::functions()) {
    by_kind[each.kind].push_back(&each);
    width = std::max(width, std::min<std::size_t>(each.signature.size(), 48));
  }
  bool first = true;
  for (const auto& [kind, members] : by_kind) {
    terminal.out((first ? "" : "\n") + paint(kind, style::cyan, terminal.color_out()) + "\n");
    first = false;
    for (const auto* each : members) {
      const auto blanks = each->signature.size() > width ? 2 : width - each->signature.size() + 2;
      const auto open = std::min(each->signature.find('('), each->signature.size());
      terminal.prose("  " + paint(each->signature.substr(0, open), style::bold, terminal.color_out()) +
                     each->signature.substr(open) + std::string(blanks, ' ') + each->summary + "\n");
    }
  }
}

result<int> show(session& with, const std::string& name) {
  const auto& all = expression::functions();
  if (name.empty() && !with.options.json) return list(with), exit_succeeded;
  options found = options::array();
  std::string text;
  std::vector<std::string> known;
  for (const auto& each : all) {
    known.push_back(each.name);
    if (!name.empty() && each.name != name) continue;
    found.push_back(expression::function_json(each));
    text += paint(each.signature, style::bold, with.terminal.color_out()) + "  (" + each.kind + ")\n  " + each.summary +
            "\n";
    const auto over = is_over_rows(each) ? std::string("  (over ") + expression::aggregate_example_rows() + ")" : "";
    if (!each.example.empty())
      text += "  " + each.example + (each.result.empty() ? "" : "  ->  " + each.result) + over + "\n";
  }
  if (found.empty()) {
    const auto nearest = nearest_name(name, known);
    const auto here = expression::other_dialect_hint(name);
    return user_error("unknown_function", "there is no function named " + name,
                      !here.empty()     ? here
                      : nearest.empty() ? "`sluice functions` lists all"
                                        : "did you mean " + nearest + "?");
  }
  if (with.options.json)
    with.terminal.out(found.dump(2) + "\n");
  else
    with.terminal.prose(text);
  return exit_succeeded;
}

}  // namespace

command functions_verb() {
  auto name = std::make_shared<std::string>();
  return {.takes = {.positionals = {{.name = "NAME",
                                     .help = "show all details of this one",
                                     .target = name.get(),
                                     .required = false,
                                     .offers = completes::function}}},
          .run = [name](session& with) { return show(with, *name); }};
}

}  // namespace sluice::app
