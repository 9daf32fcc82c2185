#include "app/text.hpp"
#include "app/verbs.hpp"

#include <algorithm>

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

/// Two columns: names, and help wrapped to the terminal.
std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows, int width, bool color) {
  std::size_t left = 0;
  for (const auto& row : rows) left = std::max(left, row.first.size());
  const auto indent = left + 4;
  const auto room = static_cast<std::size_t>(std::clamp(width, 60, 110)) - std::min<std::size_t>(indent, 40);
  std::string text;
  for (const auto& [name, help] : rows) {
    text += "  " + paint(name, style::bold, color) + std::string(left - name.size() + 2, ' ');
    std::size_t used = 0;
    std::size_t at = 0;
    while (at < help.size()) {
      const auto end = std::min(help.find(' ', at), help.size());
      if (used > 0 && used + 1 + (end - at) > room) {
        text += "\n" + std::string(indent, ' ');
        used = 0;
      }
      if (used > 0) {
        text += ' ';
        ++used;
      }
      text += help.substr(at, end - at);
      used += end - at;
      at = end + 1;
    }
    text += '\n';
  }
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
  for (const auto& each : global_options(unused, progress, help)) rows.emplace_back(names_of(each), each.help);
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
      "\n"
      "Start with:  sluice init   then   sluice run starter.yaml\n"
      "More:        sluice VERB --help\n";
  return text;
}

}  // namespace sluice::app
