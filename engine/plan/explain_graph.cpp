#include "engine/plan/explain_graph.hpp"

#include "engine/values/markup.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <vector>

namespace sluice {

namespace {

// Of the drawing, in its units.
constexpr int box_width = 200;
constexpr int box_height = 52;
constexpr int gap_across = 70;
constexpr int gap_down = 24;
constexpr int margin = 20;
constexpr std::size_t widest_text = 26;  ///< characters that fit into a box

std::string shortened(std::string_view text) {
  if (text.size() <= widest_text) return std::string(text);
  auto end = widest_text - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
  return std::string(text.substr(0, end)) + "\xe2\x80\xa6";
}

struct place {
  int column = 0;
  int row = 0;
  [[nodiscard]] int x() const { return margin + column * (box_width + gap_across); }
  [[nodiscard]] int y() const { return margin + row * (box_height + gap_down); }
};

/// Pairs of sender and receiver; without edges (not all columns are known) those that `from` names.
std::vector<std::pair<std::size_t, std::size_t>> edges_of(const plan& from) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (const auto& edge : from.edges)
    pairs.emplace_back(static_cast<std::size_t>(edge.from_unit), static_cast<std::size_t>(edge.to_unit));
  if (!pairs.empty()) return pairs;
  for (std::size_t at = 0; at < from.units.size(); ++at)
    for (const auto& name : from.units[at].definition.from)
      if (const auto sender = from.find(name.substr(0, name.find('.')))) pairs.emplace_back(*sender, at);
  return pairs;
}

/// Each unit stands one column behind the furthest of those that it reads, sinks in the last one.
std::vector<place> lay_out(const plan& from, const std::vector<std::pair<std::size_t, std::size_t>>& edges) {
  std::vector<place> places(from.units.size());
  int last = 0;
  for (std::size_t at = 0; at < places.size(); ++at) {
    for (const auto& [sender, receiver] : edges)
      if (receiver == at) places[at].column = std::max(places[at].column, places[sender].column + 1);
    last = std::max(last, places[at].column);
  }
  std::vector<int> rows(static_cast<std::size_t>(last) + 1, 0);
  for (std::size_t at = 0; at < places.size(); ++at) {
    if (from.units[at].definition.role == unit_role::load) places[at].column = last;
    // As far down as what it reads, so that lines run straight where they can.
    int wanted = 0;
    for (const auto& [sender, receiver] : edges)
      if (receiver == at) wanted = std::max(wanted, places[sender].row);
    auto& next = rows[static_cast<std::size_t>(places[at].column)];
    places[at].row = std::max(next, wanted);
    next = places[at].row + 1;
  }
  return places;
}

const char* colour_of(unit_role role) {
  return role == unit_role::extract ? "#dbeafe" : role == unit_role::load ? "#dcfce7" : "#f3f4f6";
}

}  // namespace

std::string explain_graph(const plan& from) {
  const auto edges = edges_of(from);
  const auto places = lay_out(from, edges);
  int width = 0;
  int height = 0;
  for (const auto& one : places) {
    width = std::max(width, one.x() + box_width + margin);
    height = std::max(height, one.y() + box_height + margin);
  }
  auto text = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + std::to_string(width) + "\" height=\"" +
              std::to_string(height) + "\" viewBox=\"0 0 " + std::to_string(width) + " " + std::to_string(height) +
              "\" font-family=\"sans-serif\" role=\"img\">\n<title>" + escaped_markup(from.definition.name) +
              "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  for (const auto& [sender, receiver] : edges) {
    const int x = places[sender].x() + box_width;
    const int y = places[sender].y() + box_height / 2;
    const int to_x = places[receiver].x();
    const int to_y = places[receiver].y() + box_height / 2;
    const int middle = (x + to_x) / 2;
    text += "<path fill=\"none\" stroke=\"#6b7280\" stroke-width=\"1.5\" d=\"M" + std::to_string(x) + " " +
            std::to_string(y) + " C" + std::to_string(middle) + " " + std::to_string(y) + " " + std::to_string(middle) +
            " " + std::to_string(to_y) + " " + std::to_string(to_x - 6) + " " + std::to_string(to_y) +
            "\"/>\n<path fill=\"#6b7280\" d=\"M" + std::to_string(to_x) + " " + std::to_string(to_y) +
            " l-8 -4 v8 z\"/>\n";
  }
  for (std::size_t at = 0; at < from.units.size(); ++at) {
    const auto& unit = from.units[at];
    const auto& where = places[at];
    std::string columns;
    for (const auto& output : unit.outputs)
      for (const auto& field : output.schema->fields())
        columns += (columns.empty() ? "" : ", ") + field->name() + " " + field->type()->ToString();
    text += "<g><title>" +
            escaped_markup(unit.definition.name + ": " + unit.definition.component +
                           (columns.empty() ? "" : "\n" + columns)) +
            "</title><rect x=\"" + std::to_string(where.x()) + "\" y=\"" + std::to_string(where.y()) + "\" width=\"" +
            std::to_string(box_width) + "\" height=\"" + std::to_string(box_height) +
            "\" rx=\"6\" stroke=\"#9ca3af\" fill=\"" + colour_of(unit.definition.role) + "\"/>";
    const auto line = [&](int down, const char* style, const std::string& written) {
      text += "<text x=\"" + std::to_string(where.x() + 10) + "\" y=\"" + std::to_string(where.y() + down) + "\" " +
              style + ">" + escaped_markup(shortened(written)) + "</text>";
    };
    line(22, "font-size=\"14\" font-weight=\"bold\" fill=\"#111827\"", unit.definition.name);
    line(41, "font-size=\"12\" fill=\"#374151\"",
         unit.definition.component + (unit.parallelism > 1 ? " \xc3\x97" + std::to_string(unit.parallelism) : ""));
    text += "</g>\n";
  }
  return text + "</svg>\n";
}

}  // namespace sluice
