#include "app/event_help.hpp"

#include "app/prose.hpp"
#include "engine/notify/condition.hpp"
#include "engine/notify/event_catalogue.hpp"
#include "engine/notify/event_schema.hpp"

namespace sluice::app {

void print_event_help(session& with) {
  using namespace notify;
  if (with.options.json) {
    options types = options::array();
    for (const auto& type : event_types()) {
      options fields = options::array();
      for (const auto& field : type.fields)
        fields.push_back({{"name", field.name}, {"type", field.type}, {"help", field.help}});
      types.push_back({{"type", type.name},
                       {"severity", to_string(type.how_bad)},
                       {"summary", type.summary},
                       {"data", std::move(fields)},
                       {"schema", schema_of(type)},
                       {"example", example_of(type)}});
    }
    options columns = options::array();
    for (const auto& column : condition_columns())
      columns.push_back({{"name", column.name}, {"type", column.type}, {"help", column.help}});
    with.terminal.out(options{{"types", std::move(types)}, {"columns", std::move(columns)}}.dump(2) + "\n");
    return;
  }
  const bool color = with.terminal.color_out();
  const auto width = with.terminal.out_width();
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& type : event_types()) {
    std::string help(type.summary);
    std::string fields;
    for (const auto& field : type.fields) fields += (fields.empty() ? "" : ", ") + std::string(field.name);
    if (!fields.empty()) help += " data: " + fields;
    rows.emplace_back(std::string(type.name) + " [" + std::string(to_string(type.how_bad)) + "]", help);
  }
  auto text = paint("Events", style::cyan, color) + "\n" + two_columns(rows, width, color);
  rows.clear();
  for (const auto& column : condition_columns()) rows.emplace_back(std::string(column.name), std::string(column.help));
  text += "\n" + paint("Columns of `when` in notify", style::cyan, color) + "\n" + two_columns(rows, width, color);
  text += "\nFor example:  when: \"type = 'run.failed' and data.code <> 'cancelled'\"\n";
  with.terminal.prose(text);
}

}  // namespace sluice::app
