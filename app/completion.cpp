#include "app/completion.hpp"

#include "app/verbs.hpp"
#include "engine/component/component.hpp"
#include "engine/error/error_codes.hpp"
#include "engine/expression/expression.hpp"

#include <algorithm>
#include <filesystem>

namespace sluice::app {

namespace {

class collector {
 public:
  explicit collector(std::string typed) : typed_(std::move(typed)) {}

  void add(std::string_view word, std::string_view help = {}) {
    if (word.substr(0, typed_.size()) != typed_) return;
    for (const auto& known : found_.words)
      if (known.word == word) return;
    found_.words.push_back({std::string(word), std::string(help)});
  }
  void add_options(const std::vector<option_spec>& options) {
    for (const auto& option : options)
      for (const auto& name : option.names)
        if (name.size() > 2 || typed_ == name) add(name, option.help);
  }
  void add_verbs() {
    for (const auto& each : verbs())
      if (each.make != nullptr) add(each.name, each.summary);
  }
  void add_runs(session& with) {
    add("last", "the newest run");
    if (!with.has_store()) return;
    const auto store = with.open_store();
    if (!store.ok()) return;
    const auto runs = (*store)->runs({});
    if (!runs.ok()) return;
    for (const auto& run : *runs) add(run.pipeline, "its newest run");
    for (const auto& run : *runs) add(run.id, run.pipeline + ", " + store::to_string(run.state));
  }
  void add_remembered(session& with) {
    if (!with.has_store()) return;
    const auto store = with.open_store();
    if (!store.ok()) return;
    const auto names = (*store)->pipelines_with_state();
    if (!names.ok()) return;
    for (const auto& name : *names) add(name);
  }
  void offer(completes what, const std::vector<std::string>& choices, session& with) {
    for (const auto& choice : choices) add(choice);
    switch (what) {
      case completes::nothing:
        break;
      case completes::file:
        found_.files = true;
        break;
      case completes::folder:
        found_.folders = true;
        break;
      case completes::run:
        add_runs(with);
        break;
      case completes::remembered:
        add_remembered(with);
        break;
      case completes::verb:
        add_verbs();
        break;
      case completes::component:
        for (const auto* each : components()) add(each->spec.name, each->spec.summary);
        break;
      case completes::function:
        for (const auto& each : expression::functions()) add(each.name, each.summary);
        break;
      case completes::code:
        add_verbs();
        for (const auto& each : error_codes()) add(each.code, each.meaning);
        break;
      case completes::shell:
        break;
    }
  }
  candidates take() { return std::move(found_); }

 private:
  std::string typed_;
  candidates found_;
};

const option_spec* option_called(const std::vector<option_spec>& options, const std::string& name) {
  for (const auto& option : options)
    if (std::find(option.names.begin(), option.names.end(), name) != option.names.end()) return &option;
  return nullptr;
}

}  // namespace

candidates complete(const std::vector<std::string>& words, session& with) {
  const std::string typed = words.empty() ? "" : words.back();
  collector found(typed);
  settings unused;
  std::string progress;
  bool help = false;
  auto known = global_options(unused, progress, help);
  command made;
  const verb* what = nullptr;
  const option_spec* waiting = nullptr;  // an option whose value comes next
  std::size_t positional = 0;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (waiting != nullptr) {
      waiting = nullptr;
    } else if (!words[i].empty() && words[i][0] == '-') {
      const auto* option = option_called(known, words[i]);
      if (option != nullptr && !option->value.empty()) waiting = option;
    } else if (what == nullptr) {
      what = find_verb(words[i]);
      if (what == nullptr || what->make == nullptr) return {};
      made = what->make();
      known.insert(known.begin(), made.takes.options.begin(), made.takes.options.end());
    } else {
      ++positional;
    }
  }
  if (waiting != nullptr) {
    found.offer(waiting->offers, waiting->choices, with);
  } else if (!typed.empty() && typed[0] == '-') {
    found.add_options(known);
  } else if (what == nullptr) {
    found.add_verbs();
  } else if (!made.takes.positionals.empty()) {
    const auto& last = made.takes.positionals.back();
    const bool repeats = std::holds_alternative<std::vector<std::string>*>(last.target);
    if (positional < made.takes.positionals.size() || repeats) {
      const auto& next = made.takes.positionals[std::min(positional, made.takes.positionals.size() - 1)];
      found.offer(next.offers, next.choices, with);
    }
  }
  return found.take();
}

}  // namespace sluice::app
