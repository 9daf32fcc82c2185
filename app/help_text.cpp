#include "app/prose.hpp"
#include "app/verbs.hpp"

namespace sluice::app {

namespace {

std::string names_of(const option_spec& option) {
  std::string text;
  for (auto name = option.names.rbegin(); name != option.names.rend(); ++name)
    text += (text.empty() ? "" : ", ") + *name;
  if (option.names.size() == 1) text = "    " + text;
  if (!option.value.empty()) text += " " + option.value;
  return text;
}

}  // namespace

std::string help_text(const verb& what, const command& made, bool color, int width) {
  std::string usage = "sluice " + std::string(what.name);
  for (const auto& each : made.takes.positionals) {
    const bool many = std::holds_alternative<std::vector<std::string>*>(each.target);
    const auto name = each.name + (many ? "..." : "");
    usage += each.required ? " " + name : " [" + name + "]";
  }
  if (!made.takes.options.empty()) usage += " [options]";
  std::string text =
      paint("sluice " + std::string(what.name), style::bold, color) + " " + std::string(what.summary) + ".\n\n";
  text += paint("Usage", style::cyan, color) + "\n  " + usage + "\n";
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& each : made.takes.positionals) rows.emplace_back(each.name, each.help);
  if (!rows.empty()) text += "\n" + paint("Arguments", style::cyan, color) + "\n" + two_columns(rows, width, color);
  rows.clear();
  for (const auto& each : made.takes.options) rows.emplace_back(names_of(each), each.help);
  if (!rows.empty()) text += "\n" + paint("Options", style::cyan, color) + "\n" + two_columns(rows, width, color);
  rows.clear();
  settings unused;
  std::string progress;
  bool help = false;
  for (const auto& each : global_options(unused, progress, help))
    if (!has_option(made.takes, each.names.front())) rows.emplace_back(names_of(each), each.help);
  text += "\n" + paint("Everywhere", style::cyan, color) + "\n" + two_columns(rows, width, color);
  if (!made.takes.details.empty()) text += "\n" + made.takes.details;
  return text;
}

std::string overview_text(bool color) {
  std::string text = paint("sluice", style::bold, color) +
                     " extracts, transforms and loads data, in one process or on several nodes.\n";
  std::string_view group;
  for (const auto& each : verbs()) {
    if (each.make == nullptr) continue;
    if (each.group != group) {
      group = each.group;
      text += "\n" + paint(group, style::cyan, color) + "\n";
    }
    text += "  " + paint(each.name, style::bold, color) + std::string(12 - each.name.size(), ' ') +
            std::string(each.summary) + "\n";
  }
  text +=
      "\nStart with:  sluice init   then   sluice run starter.yaml\n"
      "More:        sluice VERB --help, sluice help CODE\n"
      "Version:     sluice version, or sluice --version\n";
  return text;
}

}  // namespace sluice::app
