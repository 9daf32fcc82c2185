#include "app/event_help.hpp"
#include "app/verbs.hpp"
#include "engine/error/error_codes.hpp"
#include "engine/error/names.hpp"

#include <memory>

namespace sluice::app {

namespace {

result<int> list_codes(session& with) {
  if (with.options.json) {
    options all = options::array();
    for (const auto& each : error_codes())
      all.push_back({{"code", each.code}, {"meaning", each.meaning}, {"remedy", each.remedy}});
    with.terminal.out(all.dump(2) + "\n");
    return exit_succeeded;
  }
  with.terminal.prose(overview_text(with.terminal.color_out()));
  return exit_succeeded;
}

result<int> explain_code(session& with, const error_code& code) {
  const bool color = with.terminal.color_out();
  if (with.options.json) {
    with.terminal.out(options{{"code", code.code}, {"meaning", code.meaning}, {"remedy", code.remedy}}.dump(2) + "\n");
  } else {
    with.terminal.prose(paint(code.code, style::bold, color) + "\n  " + std::string(code.meaning) + "\n" +
                        paint("  What to do: ", style::cyan, color) + std::string(code.remedy) + "\n");
  }
  return exit_succeeded;
}

result<int> help_for(session& with, const std::string& topic) {
  if (topic.empty()) return list_codes(with);
  if (topic == "events") {
    print_event_help(with);
    return exit_succeeded;
  }
  if (const auto* found = find_verb(topic); found != nullptr && found->make != nullptr) {
    with.terminal.prose(help_text(*found, found->make(), with.terminal.color_out(), with.terminal.out_width()));
    return exit_succeeded;
  }
  std::vector<std::string> known;
  for (const auto& each : error_codes()) {
    if (each.code == topic) return explain_code(with, each);
    known.emplace_back(each.code);
  }
  for (const auto& each : verbs()) known.emplace_back(each.name);
  const auto nearest = nearest_name(topic, known);
  return user_error("unknown_topic", "there is no verb or error code named " + topic,
                    nearest.empty() ? "`sluice help` lists the verbs, `sluice help --json` the codes"
                                    : "did you mean " + nearest + "?");
}

}  // namespace

command help_verb() {
  auto topic = std::make_shared<std::string>();
  return {.takes = {.positionals =
                        {{.name = "CODE",
                          .help = "a verb, an error code (the word in error[...]), or events: what notify can tell of",
                          .target = topic.get(),
                          .required = false,
                          .offers = completes::code}}},
          .run = [topic](session& with) { return help_for(with, *topic); }};
}

}  // namespace sluice::app
